"""Several datasets of lessons become one: samples numbered anew, lessons shared out to the splits as wholes."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ppi.dataset import card, consent, layout, manifest, refresh, splits, verify
from ppi.dataset.assemble import Contents, Origin, Progress, assemble
from ppi.dataset.build import pattern_counts
from ppi.dataset.card import CardFacts, Recording
from ppi.dataset.splits import Shares
from ppi.errors import InputError
from ppi.records import Consent, Meaning

Row = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """One dataset that goes into the whole."""

    folder: Path
    rows: list[Row]
    manifest: dict[str, Any]
    report: dict[str, Any]


@dataclass(frozen=True)
class JoinReport:
    """`groups` maps each group of lessons to its split; `note` says why a split is empty, or is ""."""

    folder: Path
    samples: int
    groups: Mapping[str, str]
    note: str


def join(
    folders: Sequence[Path], out: Path, shares: Shares, *, pretty_name: str = "", tools: Mapping[str, str] | None = None,
    previous: Path | None = None, labels: Sequence[str] = (), language: str = "en", own_text: str = "",
    is_illustrated: bool = False, on_progress: Progress = lambda fraction: None,
) -> JoinReport:  # fmt: skip
    """Copy the samples of `folders` into one checked dataset in `out`, whose card is written in `language` and holds
    `own_text`, Markdown of the makers.

    `previous` is the folder of the build before, when it lies elsewhere. The order of the folders does not matter. What
    holds for the strictest part holds for the whole: consent, embargo, and a licence only where all have the same. `labels`
    are what the lessons of the folders are called in the whole; without them those of the same name are told apart by
    the beginning of their recordings' checksums. Raises InputError for a part given twice, DatasetError for a bad one.
    """
    splits.check(shares)
    read = [_read(folder) for folder in folders]
    named = [_called(part, label) for part, label in zip(read, labels, strict=True)] if labels else _told_apart(read)
    parts = sorted(named, key=lambda part: part.rows[0]["lesson"])
    _refuse_doubles(parts)
    rows = [row for part in parts for row in part.rows]
    groups = splits.assign(rows, shares)

    def fill(made: Path, report: Progress) -> Contents:
        copied = _copied(made, parts, groups, shares.by, report)
        told = _report(parts, copied, splits.report(copied, groups, shares))
        return Contents(copied, told, _unused(parts, copied), _chosen(parts, copied))

    inputs = {f"dataset {part.rows[0]['lesson']}": manifest.sha256(part.folder / layout.MANIFEST) for part in parts}
    origin = Origin(inputs, _settings(parts, shares, language), tools or {}, previous)
    note = splits.note(groups, shares)
    facts = replace(_facts(parts, pretty_name, bool(note)), language=language, own_text=own_text)
    assemble(out, fill, facts, origin, is_illustrated=is_illustrated, on_progress=on_progress)
    return JoinReport(out, len(rows), groups, note)


def _read(folder: Path) -> Part:
    verify.require_sound(folder)
    report = json.loads((folder / layout.REPORT).read_text(encoding="utf-8"))
    return Part(folder, verify.sound_rows(folder), manifest.read(folder), report)


def _told_apart(parts: Sequence[Part]) -> list[Part]:
    """The parts, those of one lesson marked where another part has a lesson of that name but of another recording."""
    recordings: dict[str, set[str]] = {}
    for part in parts:
        for lesson in {row["lesson"] for row in part.rows}:
            recordings.setdefault(lesson, set()).add(_recording(part))
    return [
        _called(part, layout.marked(name, _recording(part)))
        if len(recordings[name := part.rows[0]["lesson"]]) > 1 and _recording(part)
        else part
        for part in parts
    ]


def _recording(part: Part) -> str:
    """The checksum of the recording of a part of one lesson, "" of one that was joined before."""
    return str(part.manifest["inputs"].get("video", ""))


def _called(part: Part, label: str) -> Part:
    """The part of one lesson under another name."""
    if len({row["lesson"] for row in part.rows}) > 1 or label == part.rows[0]["lesson"]:
        return part
    settings = {**part.manifest["settings"], "lesson": label}
    rows = [{**row, "lesson": label} for row in part.rows]
    return replace(part, rows=rows, manifest={**part.manifest, "settings": settings})


def _refuse_doubles(parts: Sequence[Part]) -> None:
    """Refuse a lesson that comes twice: its samples would stand in the whole twice."""
    seen: dict[str, Path] = {}
    for part in parts:
        for lesson in sorted({row["lesson"] for row in part.rows}):
            if lesson in seen:
                raise InputError(
                    "{one} and {other} both hold the lesson {lesson}. Give one of them, or build it under another name.",
                    one=str(seen[lesson]), other=str(part.folder), lesson=lesson,
                )  # fmt: skip
            seen[lesson] = part.folder


def _copied(made: Path, parts: Sequence[Part], groups: Mapping[str, str], by: str, report: Progress) -> list[Row]:
    whole = sum(len(part.rows) for part in parts)
    copied: list[Row] = []
    for part in parts:
        for row in part.rows:
            name = f"pattern_{len(copied) + 1}"
            paths = {
                "video_path": layout.video_path(name), "image_path": layout.image_path(name),
                "text_path": layout.text_path(name),
            }  # fmt: skip
            for key in ("video_path", "image_path"):
                shutil.copyfile(part.folder / row[key], made / paths[key])
            split = groups[splits.group_of(row, by)]
            copied.append({**row, **paths, "file_name": paths["video_path"], "id": name, "split": split})
            report(len(copied) / whole)
    return copied


def _chosen(parts: Sequence[Part], copied: Sequence[Row]) -> dict[str, Mapping[str, Any]]:
    """By path here, what the manifests of the parts say of why their key frames were chosen; earlier ones say nothing."""
    known = [{file["path"]: file.get("key_frame") for file in part.manifest["files"]} for part in parts]
    before = [told.get(row["image_path"]) for part, told in zip(parts, known, strict=True) for row in part.rows]
    return {row["image_path"]: why for row, why in zip(copied, before, strict=True) if why is not None}


def _settings(parts: Sequence[Part], shares: Shares, language: str) -> dict[str, Any]:
    agreed = _consent(parts)
    return {
        "lessons": [part.manifest["settings"] for part in parts], **refresh.settings_of(agreed, language), "seed": shares.seed,
        "by": shares.by,
        "shares": {split: getattr(shares, split) for split in layout.SPLITS},
    }  # fmt: skip


def lessons_of(settings: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The settings of every lesson, also of a dataset that was joined before."""
    inner = settings.get("lessons")
    return [lesson for part in inner for lesson in lessons_of(part)] if isinstance(inner, list) else [settings]


def _consent(parts: Sequence[Part]) -> Consent:
    return consent.strictest([consent.of_settings(part.manifest["settings"]) for part in parts])


def _facts(parts: Sequence[Part], pretty_name: str, has_empty_split: bool) -> CardFacts:
    lessons = [lesson for part in parts for lesson in lessons_of(part.manifest["settings"])]
    engines = {engine for part in parts for engine in part.report["card"]["speech_engines"]}
    return CardFacts(
        pretty_name=pretty_name or ", ".join(str(lesson.get("lesson", "")) for lesson in lessons)[:200],
        recordings=tuple(
            Recording(
                str(lesson["lesson"]), str(lesson["source_video"]), lesson["duration_s"], lesson["frame_rate"],
                str(lesson.get("language", "")),
            )
            for lesson in lessons
        ),
        consent=_consent(parts), speech_engines=tuple(sorted(engines)), corrected_segments=_corrected_segments(parts),
        unmatched=tuple(sorted({label for part in parts for label in part.report.get("unmatched", ())})),
        dropped=sum(len(part.report.get("dropped", ())) for part in parts), has_empty_split=has_empty_split,
        agreement=_agreement(parts), meanings=_meanings(parts),
    )  # fmt: skip


def _agreement(parts: Sequence[Part]) -> dict[str, Any] | None:
    """The figures of every lesson that has them, each for itself; None when there are none."""
    told: list[dict[str, Any]] = []
    for part in parts:
        found = part.report["card"].get("agreement")
        if found:
            told += found["lessons"] if "lessons" in found else [{"lesson": part.rows[0]["lesson"], **found}]
    return {"lessons": told} if told else None


def _meanings(parts: Sequence[Part]) -> tuple[Meaning, ...]:
    """What labels were read as in all lessons together. The same label may mean different things in two of them."""
    marks: Counter[tuple[str, str]] = Counter()
    for given in (given for part in parts for given in card.meanings_of(part.report)):
        marks[given.label, given.pattern] += given.marks
    return tuple(Meaning(label, pattern, count) for (label, pattern), count in sorted(marks.items()))


def _corrected_segments(parts: Sequence[Part]) -> int | None:
    """How many segments people corrected in all lessons together; None when nobody did in any."""
    counts = [part.report["card"]["corrected_segments"] for part in parts]
    return sum(count or 0 for count in counts) if any(count is not None for count in counts) else None


def _unused(parts: Sequence[Part], rows: Sequence[Row]) -> list[str]:
    """Patterns of some table that nobody marked in any lesson."""
    used = {pattern["type"] for row in rows for pattern in row["patterns"]}
    return sorted({name for part in parts for name in part.report.get("unused", ())} - used)


def _report(parts: Sequence[Part], rows: Sequence[Row], shared_out: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "samples": len(rows),
        "lessons": sorted({row["lesson"] for row in rows}),
        "annotators": sorted({row["annotator"] for row in rows}),
        "patterns": pattern_counts(rows),
        "unmatched": sorted({label for part in parts for label in part.report.get("unmatched", ())}),
        "unused": _unused(parts, rows),
        "meanings": [asdict(given) for given in _meanings(parts)],
        "splits": dict(shared_out),
        "hides_pictures": any(part.report.get("hides_pictures") for part in parts),
        "dropped": [
            {**item, "where": f"{part.rows[0]['lesson']}: {item['where']}"}
            for part in parts
            for item in part.report.get("dropped", ())
        ],
    }
