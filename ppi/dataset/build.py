"""Builds a dataset folder: written beside, checked, then renamed. A failed build leaves the last good state."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppi.dataset import card, layout, manifest, parquet, quality, verify
from ppi.dataset.card import CardFacts
from ppi.dataset.layout import MARK
from ppi.dataset.plan import Plan
from ppi.dataset.quality import Finding
from ppi.dataset.texts import text_of
from ppi.errors import Conflict, DatasetError, DiskFull
from ppi.records import Clip, Dropped, MediaInfo, Sample, Span, Transcript

Progress = Callable[[float], None]
Cut = Callable[[Sequence[tuple[Span, Path, Path]], Progress], Sequence[Clip]]
CUT_SHARE, MANIFEST_SHARE = 0.85, 0.93


@dataclass(frozen=True)
class BuildReport:
    """What was built. `dropped` and `unmatched` as in the plan; `warnings` are of the final check."""

    folder: Path
    samples: int
    dropped: tuple[Dropped, ...]
    unmatched: tuple[str, ...]
    warnings: tuple[str, ...]


def build(
    folder: Path,
    plan: Plan,
    cut: Cut,
    transcript: Transcript | None,
    *,
    inputs: Mapping[str, str] | None = None,
    tools: Mapping[str, str] | None = None,
    inspect: Callable[[Path], MediaInfo] | None = None,
    license: str = "other",
    pretty_name: str = "",
    clips: str = "strict",
    on_progress: Progress = lambda fraction: None,
) -> BuildReport:
    """Write `<folder>.incomplete`, check it, and rename it to `folder`.

    `cut` gets (span, clip, key frame) per sample and makes both files. `inputs` are SHA-256 sums by role, `tools`
    versions by name, and `clips` the way clips are cut, for the manifest. Raises DatasetError when the plan holds no
    sample or the check fails, and Conflict when `folder` holds something PPI did not build: that is never touched.
    """
    plan.require_samples()
    folder = folder.absolute()
    _settle(folder)
    facts = _facts(plan, transcript, license, pretty_name)
    with _unfinished(folder) as made, _disk_errors():
        _write(made, plan, cut, transcript, facts, on_progress)
        manifest.write(
            made, inputs=inputs or {}, settings=_settings(plan, facts, clips), tools=_tools(tools, transcript),
            on_progress=_between(on_progress, CUT_SHARE, MANIFEST_SHARE),
        )  # fmt: skip
        found = verify.check(made, inspect, _between(on_progress, MANIFEST_SHARE, 1.0))
        if found.problems:
            raise DatasetError(
                "The dataset did not pass its check ({count} problems). The first: {problem}",
                count=len(found.problems), problem=found.problems[0],
            )  # fmt: skip
        _swap(made, folder)
    on_progress(1.0)
    return BuildReport(folder, len(plan.samples), plan.dropped, plan.unmatched, found.warnings)


def _write(made: Path, plan: Plan, cut: Cut, transcript: Transcript | None, facts: CardFacts, on_progress: Progress) -> None:
    layout.make_folders(made)
    wanted = [
        (sample.span, made / layout.video_path(sample.id), made / layout.image_path(sample.id)) for sample in plan.samples
    ]
    clips = cut(wanted, _between(on_progress, 0.0, CUT_SHARE))
    if len(clips) != len(wanted):
        raise DatasetError("Of {wanted} clips only {made} were cut.", wanted=len(wanted), made=len(clips))
    rows = [layout.row(sample, text_of(transcript, sample.span)) for sample in plan.samples]
    layout.write(made, rows)
    parquet.write(made, rows)
    findings = quality.examine(made, rows, plan.unused)
    layout.write_json(made / layout.REPORT, _report(plan, clips, findings))
    (made / layout.CARD).write_text(card.render(plan.samples, facts), encoding="utf-8", newline="\n")


def _facts(plan: Plan, transcript: Transcript | None, license: str, pretty_name: str) -> CardFacts:
    engine = f"{transcript.engine} ({transcript.model})" if transcript and transcript.model else ""
    return CardFacts(
        pretty_name=pretty_name or plan.lesson, source_video=plan.source_video, duration_s=plan.duration_s,
        frame_rate=plan.frame_rate, language=transcript.language if transcript else "", license=license,
        speech_engine=engine or (transcript.engine if transcript else ""),
        notes=transcript.notes if transcript else (), unmatched=plan.unmatched, dropped=len(plan.dropped),
    )  # fmt: skip


def _settings(plan: Plan, facts: CardFacts, clips: str) -> dict[str, Any]:
    return {
        "lesson": plan.lesson, "source_video": plan.source_video, "duration_s": plan.duration_s,
        "frame_rate": plan.frame_rate, "language": facts.language, "license": facts.license,
        "clips": clips,
    }  # fmt: skip


def _tools(tools: Mapping[str, str] | None, transcript: Transcript | None) -> dict[str, str]:
    return {**(tools or {}), **({transcript.engine: transcript.model} if transcript else {})}


def _report(plan: Plan, clips: Sequence[Clip], findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "samples": len(plan.samples),
        "lesson": plan.lesson,
        "source_video": plan.source_video,
        "duration_s": plan.duration_s,
        "annotators": sorted({sample.annotator for sample in plan.samples}),
        "patterns": _pattern_counts(plan.samples),
        "unmatched": list(plan.unmatched),
        "unused": list(plan.unused),
        "checks": {check: quality.level_of(findings, check) for check in quality.CHECKS},
        "findings": [finding.as_json() for finding in findings],
        "dropped": [{"where": item.where, "reason": item.reason, "detail": item.detail} for item in plan.dropped],
        "clips": [_about_clip(sample, clip) for sample, clip in zip(plan.samples, clips, strict=True)],
    }


def _about_clip(sample: Sample, clip: Clip) -> dict[str, Any]:
    """How a clip was made and what its check found; times are those of the lesson."""
    offset_s = clip.sound_offset_s
    return {
        "id": sample.id, "regions": list(sample.region_ids), "mode": clip.mode, "reason": clip.reason,
        "frame_count": clip.frame_count, "first_frame_s": round(clip.first_frame_s, 6),
        "last_frame_s": round(clip.last_frame_s, 6), "sound_offset_s": None if offset_s is None else round(offset_s, 6),
        "key_frame_s": round(clip.key_frame_s, 6), "key_frame": dict(clip.key_frame),
    }  # fmt: skip


def _pattern_counts(samples: Sequence[Sample]) -> list[dict[str, Any]]:
    counts: dict[str, dict[str, Any]] = {}
    for sample in samples:
        for pattern in sample.patterns:
            entry = counts.setdefault(pattern.type, {"type": pattern.type, "samples": 0, "duration_s": 0.0})
            entry["samples"] += 1
            entry["duration_s"] = round(entry["duration_s"] + sample.span.duration_s, 6)
    return sorted(counts.values(), key=lambda entry: (-entry["samples"], entry["type"]))


def _settle(folder: Path) -> None:
    """Finish what a killed build left half renamed, and refuse to replace what is not ours."""
    previous = _previous(folder)
    if previous.exists():
        if not manifest.is_ours(previous):
            _refuse(previous)
        if folder.exists():
            shutil.rmtree(previous)
        else:
            previous.rename(folder)
    if folder.is_symlink() or (folder.exists() and not _is_replaceable(folder)):
        _refuse(folder)


def _refuse(folder: Path) -> None:
    raise Conflict(
        "{folder} holds something that is not a dataset of PPI. Choose another folder, or move it away.",
        folder=str(folder),
    )


def _is_replaceable(folder: Path) -> bool:
    return folder.is_dir() and (not any(folder.iterdir()) or manifest.is_ours(folder))


def _previous(folder: Path) -> Path:
    return folder.with_name(folder.name + ".previous")


@contextlib.contextmanager
def _unfinished(folder: Path) -> Iterator[Path]:
    """`<folder>.incomplete`, empty, locked by its mark against a second build, and gone when the build fails."""
    made = folder.with_name(folder.name + ".incomplete")
    if made.exists() and any(made.iterdir()) and not (made / MARK).is_file() and not manifest.is_ours(made):
        _refuse(made)
    made.mkdir(parents=True, exist_ok=True)
    with (made / MARK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict("{folder} is being built already. Wait for it to end.", folder=str(folder)) from error
        try:
            _empty(made)
            yield made
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise


def _empty(made: Path) -> None:
    for path in made.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != MARK:
            path.unlink()


def _swap(made: Path, folder: Path) -> None:
    """Put `made` in the place of `folder`. Between the two renames `_settle` of the next build knows what to do."""
    (made / MARK).unlink()
    previous = _previous(folder)
    if folder.exists():
        folder.rename(previous)
    try:
        made.rename(folder)
    except OSError:
        if previous.exists():
            previous.rename(folder)
        raise
    if previous.exists():
        shutil.rmtree(previous)


@contextlib.contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull("There is no room left on the disk for the dataset. Free some and try again.") from error
        raise


def _between(on_progress: Progress, low: float, high: float) -> Progress:
    return lambda fraction: on_progress(low + (high - low) * fraction)
