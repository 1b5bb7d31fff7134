"""Builds a dataset folder of one lesson: clips are cut by the plan, and everything else is put together around them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ppi import palette
from ppi.dataset import charts, layout, refresh, reuse, splits
from ppi.dataset.assemble import Contents, Origin, Progress, assemble, before
from ppi.dataset.card import CardFacts, Recording
from ppi.dataset.plan import Plan
from ppi.dataset.reuse import Bring, Kept, Recipe, Wanted
from ppi.dataset.texts import UNCERTAIN_BELOW, said
from ppi.errors import DatasetError
from ppi.records import Clip, Consent, Dropped, Sample, Transcript, model_name

Cut = Callable[[Sequence[Wanted], Progress], Sequence[Clip]]


@dataclass(frozen=True)
class BuildReport:
    """What was built. `dropped` and `unmatched` as in the plan; `warnings` are of the final check.

    Of the clips `kept` were taken over from the build before and the others cut; `unchanged` are the files that lie in the
    build before under the same name, byte for byte.
    """

    folder: Path
    samples: int
    dropped: tuple[Dropped, ...]
    unmatched: tuple[str, ...]
    warnings: tuple[str, ...]
    kept: int = 0
    unchanged: frozenset[str] = frozenset()

    @property
    def cut(self) -> int:
        return self.samples - self.kept


def build(
    folder: Path,
    plan: Plan,
    cut: Cut,
    transcript: Transcript | None,
    *,
    inputs: Mapping[str, str] | None = None,
    tools: Mapping[str, str] | None = None,
    consent: Consent = Consent(),
    pretty_name: str = "",
    own_text: str = "",
    card_language: str = "en",
    agreement: Mapping[str, Any] | None = None,
    clips: str = "strict",
    previous: Path | None = None,
    bring: Bring | None = None,
    cuts_all: bool = False,
    is_illustrated: bool = False,
    on_progress: Progress = lambda fraction: None,
) -> BuildReport:
    """Write `<folder>.incomplete`, check it, and rename it to `folder`; see `assemble`.

    `cut` gets (span, clip, key frame) per sample and makes both files. `inputs` are SHA-256 sums by role, `tools`
    versions by name, and `clips` the way clips are cut, for the manifest. `previous` is the build before, when it lies
    elsewhere, and `bring` fetches its media then. Its clips that are still right are kept (see `reuse`), unless
    `cuts_all`. Raises DatasetError when the plan holds no sample or the check fails, and Conflict when `folder` holds
    something PPI did not build: that is never touched.
    """
    plan.require_samples()
    facts = replace(
        _facts(plan, transcript, pretty_name), consent=consent, own_text=own_text, language=card_language, agreement=agreement
    )  # fmt: skip
    origin = Origin(inputs or {}, _settings(plan, facts, clips), _tools(tools, transcript), previous)
    recipe = Recipe(origin.inputs.get("video", ""), clips, tools or {})
    kept = Kept()

    def fill(made: Path, report: Progress) -> Contents:
        nonlocal kept
        wanted = [
            (sample.span, made / layout.video_path(sample.id), made / layout.image_path(sample.id))
            for sample in plan.samples
        ]
        kept = Kept() if cuts_all else reuse.keep(before(folder.absolute(), origin), wanted, recipe, bring)
        return _contents(plan, _cut(wanted, kept, cut, report), transcript)

    warnings = assemble(folder, fill, facts, origin, is_illustrated=is_illustrated, on_progress=on_progress)
    return BuildReport(
        folder.absolute(), len(plan.samples), plan.dropped, plan.unmatched, warnings, len(kept.clips), kept.unchanged
    )


def _cut(wanted: Sequence[Wanted], kept: Kept, cut: Cut, report: Progress) -> list[Clip]:
    """All clips in order: those that were kept, and the others fresh from the cutter."""
    missing = [number for number in range(len(wanted)) if number not in kept.clips]
    made = cut([wanted[number] for number in missing], report) if missing else []
    if len(made) != len(missing):
        raise DatasetError(
            "Of {wanted} clips only {made} were cut. Build again; if it happens again, tell the administrator.",
            wanted=len(missing), made=len(made)
        )  # fmt: skip
    clips = {**kept.clips, **dict(zip(missing, made, strict=True))}
    return [clips[number] for number in range(len(wanted))]


def _contents(plan: Plan, clips: Sequence[Clip], transcript: Transcript | None) -> Contents:
    rows = [layout.row(sample, said(transcript, sample.span)) for sample in plan.samples]
    chosen = {
        row["image_path"]: {"time_s": round(clip.key_frame_s, 6), **clip.key_frame}
        for row, clip in zip(rows, clips, strict=True)
    }
    return Contents(rows, _report(plan, clips, rows), plan.unused, chosen)


def _facts(plan: Plan, transcript: Transcript | None, pretty_name: str) -> CardFacts:
    language = transcript.language if transcript else ""
    engine = f"{transcript.engine} ({model_name(transcript.model)})" if transcript and transcript.model else ""
    engine = engine or (transcript.engine if transcript else "")
    return CardFacts(
        pretty_name=pretty_name or plan.lesson,
        recordings=(Recording(plan.lesson, plan.source_video, plan.duration_s, plan.frame_rate, language),),
        speech_engines=(engine,) if engine else (), notes=transcript.notes if transcript else (), unmatched=plan.unmatched,
        dropped=len(plan.dropped), meanings=plan.meanings,
        has_empty_split=bool(splits.note({plan.lesson: "train"}, splits.Shares())),
        corrected_segments=transcript.edited_segments if transcript and transcript.edited else None,
    )  # fmt: skip


def _settings(plan: Plan, facts: CardFacts, clips: str) -> dict[str, Any]:
    return {
        "lesson": plan.lesson, "source_video": plan.source_video, "duration_s": plan.duration_s,
        "frame_rate": plan.frame_rate, "language": facts.recordings[0].language, "clips": clips,
        "uncertain_below": UNCERTAIN_BELOW, **refresh.settings_of(facts.consent, facts.language),
        **({"meanings": {given.label: given.pattern for given in plan.meanings}} if plan.meanings else {}),
    }  # fmt: skip


def _tools(tools: Mapping[str, str] | None, transcript: Transcript | None) -> dict[str, str]:
    return {**(tools or {}), **({transcript.engine: model_name(transcript.model)} if transcript else {})}


def _report(plan: Plan, clips: Sequence[Clip], rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "samples": len(plan.samples),
        "lesson": plan.lesson,
        "source_video": plan.source_video,
        "duration_s": plan.duration_s,
        "annotators": sorted({sample.annotator for sample in plan.samples}),
        "patterns": pattern_counts(rows),
        charts.COLOURS: list(palette.numbers(plan.table, sorted(charts.by_pattern(rows)[0]))),
        "unmatched": list(plan.unmatched),
        "unused": list(plan.unused),
        "meanings": [asdict(given) for given in plan.meanings],
        "text_origins": dict(Counter(row["text_origin"] for row in rows)),
        "splits": splits.report(rows, {splits.group_of(row): row["split"] for row in rows}, splits.Shares()),
        "dropped": [{"where": item.where, "reason": item.reason, "detail": item.detail} for item in plan.dropped],
        "hides_pictures": any(clip.mode == "copied" for clip in clips),
        "clips": [_about_clip(sample, clip) for sample, clip in zip(plan.samples, clips, strict=True)],
    }


def _about_clip(sample: Sample, clip: Clip) -> dict[str, Any]:
    """How a clip was made and what its check found; times are those of the lesson."""
    offset_s = clip.sound_offset_s
    return {
        "id": sample.id, "regions": list(sample.region_ids), "span": [clip.span.start_s, clip.span.end_s],
        "mode": clip.mode, "reason": clip.reason,
        "frame_count": clip.frame_count, "first_frame_s": round(clip.first_frame_s, 6),
        "last_frame_s": round(clip.last_frame_s, 6), "sound_offset_s": None if offset_s is None else round(offset_s, 6),
        "key_frame_s": round(clip.key_frame_s, 6), "key_frame": dict(clip.key_frame),
    }  # fmt: skip


def pattern_counts(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """How many samples a pattern has and how long they are together, the most frequent first."""
    counts: dict[str, dict[str, Any]] = {}
    for row in rows:
        for pattern in row["patterns"]:
            entry = counts.setdefault(pattern["type"], {"type": pattern["type"], "samples": 0, "duration_s": 0.0})
            entry["samples"] += 1
            entry["duration_s"] = round(entry["duration_s"] + row["end_time"] - row["start_time"], 6)
    return sorted(counts.values(), key=lambda entry: (-entry["samples"], entry["type"]))
