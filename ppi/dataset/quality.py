"""What no loader finds: rows that are sound and still no good data. Every finding names its check, its level and the row."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ppi.dataset import keyframes
from ppi.dataset.findings import CHECKS, FAIL, PASS, WARN, Finding
from ppi.dataset.texts import NO_SPEECH
from ppi.errors import by_count, message, translatable

SAME_S = 0.02  # half a frame at 25 frames a second
SHORT_S = 0.5
MOSTLY = 0.5
FEW_SAMPLES, LARGEST_RATIO = 5, 10
SHOWN_NAMES = 10
DOUBTED = by_count(
    "count", "Of its {count} word the recogniser doubts {doubtful}.", "Of its {count} words the recogniser doubts {doubtful}."
)  # fmt: skip
RARE = by_count(
    "rare", "{rare} of {all} patterns has fewer than {few} samples: {names}.",
    "{rare} of {all} patterns have fewer than {few} samples: {names}.",
)  # fmt: skip
HOURS = by_count(
    "lessons", "The clips last {clips} together and cover {marked} of {lessons} lesson.",
    "The clips last {clips} together and cover {marked} of {lessons} lessons.",
)  # fmt: skip
Row = dict[str, Any]


def examine(
    folder: Path, rows: Sequence[Row], unused: Iterable[str], on_progress: Callable[[float], None] = lambda fraction: None
) -> tuple[Finding, ...]:
    """Look at sound rows and their key frames in `folder`. `unused` are the patterns of the table nobody marked."""
    found = [
        *_spans(rows), *_texts(rows), *_doubts(rows), *_labels(rows, list(unused)), *_balance(rows), *_splits(rows),
        *_hours(rows),
    ]  # fmt: skip
    for number, row in enumerate(rows, start=1):
        found += _key_frame(folder, row)
        on_progress(number / len(rows))
    return tuple(sorted(found, key=lambda finding: CHECKS.index(finding.check)))


def _spans(rows: Sequence[Row]) -> Iterator[Finding]:
    """Rows of one annotator in one lesson, by pattern: the same span twice, and spans that overlap."""
    reached: dict[tuple, Row] = {}
    for row in sorted(rows, key=lambda row: (row["start_time"], -row["end_time"])):
        if row["end_time"] - row["start_time"] < SHORT_S:
            yield Finding("spans", WARN, row["id"], "It is shorter than half a second.")
        place = row["lesson"], row["source_video"], row["annotator"]
        before = {pattern["type"]: reached.get((*place, pattern["type"])) for pattern in row["patterns"]}
        if finding := _clash(row, before):
            yield finding
        for name, other in before.items():
            if other is None or row["end_time"] > other["end_time"]:
                reached[*place, name] = row


def _clash(row: Row, before: dict[str, Row | None]) -> Finding | None:
    for name, other in before.items():
        if other is None or other["end_time"] - row["start_time"] < SAME_S:
            continue
        values = {"other": other["id"], "pattern": name}
        if all(abs(row[key] - other[key]) <= SAME_S for key in ("start_time", "end_time")):
            return Finding(
                "spans", FAIL, row["id"], "It marks the span of {other} with the same pattern again: {pattern}.", values
            )
        return Finding(
            "spans", WARN, row["id"], "It overlaps {other}, which the same annotator gave the same pattern: {pattern}.", values
        )
    return None


def _texts(rows: Sequence[Row]) -> Iterator[Finding]:
    empty = [row["id"] for row in rows if row["text"].strip() in ("", NO_SPEECH)]
    if rows and len(empty) == len(rows):
        yield Finding("texts", WARN, "", "No sample has a text: there was no transcript, or nothing was said.")
    else:
        for name in empty:
            yield Finding("texts", WARN, name, "Nothing was said in it.")


def _doubts(rows: Sequence[Row]) -> Iterator[Finding]:
    """Texts of which the recogniser itself doubts most words."""
    for row in rows:
        count, doubtful = len(row["words"]), sum(word["is_uncertain"] for word in row["words"])
        if doubtful > MOSTLY * count:
            values = {"doubtful": doubtful, "count": count}
            yield Finding("texts", WARN, row["id"], DOUBTED, values)


def _labels(rows: Sequence[Row], unused: list[str]) -> Iterator[Finding]:
    bare = Counter(pattern["type"] for row in rows for pattern in row["patterns"] if not pattern["description"].strip())
    for name, count in bare.most_common():
        yield Finding(
            "labels", WARN, name, "It has no description in the table of patterns. Samples with this label: {count}.",
            {"count": count},
        )  # fmt: skip
    for name in unused:
        yield Finding("labels", WARN, name, "It stands in the table of patterns, but nobody marked it.")


def _key_frame(folder: Path, row: Row) -> Iterator[Finding]:
    if not (folder / row["image_path"]).is_file():
        return  # the check of files names it
    fault = keyframes.fault_of(folder / row["image_path"])
    if fault == "unreadable":
        yield Finding("key_frames", FAIL, row["id"], "The key frame cannot be opened as a JPEG picture.")
    elif fault == "black":
        yield Finding("key_frames", WARN, row["id"], "The key frame is black.")
    elif fault == "plain":
        yield Finding("key_frames", WARN, row["id"], "The key frame shows one colour only.")
    elif fault == "blurred":
        yield Finding("key_frames", WARN, row["id"], "The key frame shows hardly any detail: it may be blurred.")


def _balance(rows: Sequence[Row]) -> Iterator[Finding]:
    counts = Counter(pattern["type"] for row in rows for pattern in row["patterns"])
    if not counts:
        return
    rare = sorted(name for name, count in counts.items() if count < FEW_SAMPLES)
    if rare:
        values = {"rare": len(rare), "all": len(counts), "few": FEW_SAMPLES, "names": _listed(rare)}
        yield Finding("balance", WARN, "", RARE, values)
    (most, many), (least, few) = counts.most_common()[0], counts.most_common()[-1]
    if many > LARGEST_RATIO * few:
        values = {"most": most, "many": many, "least": least, "few": few}
        yield Finding("balance", WARN, "", "{most} has {many} samples, but {least} only {few}.", values)


def _splits(rows: Sequence[Row]) -> Iterator[Finding]:
    """A lesson, or a teacher, on both sides of a split would let a model know its test."""
    for key in ("lesson", "teacher"):
        splits = defaultdict(set)
        for row in rows:
            if row[key]:
                splits[row[key]].add(row["split"])
        for name, found in splits.items():
            if len(found) > 1:
                yield Finding(
                    "splits", FAIL, name, "It is in several splits at once: {splits}.", {"splits": ", ".join(sorted(found))}
                )
    counts = Counter(row["split"] for row in rows)
    shown = ", ".join(f"{split} {counts[split]}" for split in sorted(counts))
    yield Finding("splits", PASS, "", "Samples by split: {splits}.", {"splits": shown or "0"})


def _hours(rows: Sequence[Row]) -> Iterator[Finding]:
    clips_s = sum(row["end_time"] - row["start_time"] for row in rows)
    marked_s = _covered_s(rows)
    yield Finding(
        "hours", PASS, "", HOURS,
        {"clips": _time(clips_s), "marked": _time(marked_s),
         "lessons": len({(row["lesson"], row["source_video"]) for row in rows})},
    )  # fmt: skip


def told_now(report: dict[str, Any]) -> dict[str, Any]:
    """The report of a dataset, with hours as they are told now: earlier versions kept them as numbers in another sentence."""
    findings = report.get("findings", [])
    return report | {"findings": [_hours_now(one) if "clips_h" in one["values"] else one for one in findings]}


def _hours_now(finding: dict[str, Any]) -> dict[str, Any]:
    kept = finding["values"]
    hours = {name: _time(kept[f"{name}_h"] * 3600) for name in ("clips", "marked")}
    return finding | {"template": HOURS, "values": {**hours, "lessons": kept["lessons"]}}


def _time(duration_s: float) -> dict[str, Any]:
    """In the units that people would say it in."""
    whole = round(duration_s)
    if whole < 60:
        return message(translatable("{seconds} s"), {"seconds": round(duration_s, 1)})
    hours, rest = divmod(whole, 3600)
    if hours:
        return message(translatable("{hours} h {minutes} min"), {"hours": hours, "minutes": rest // 60})
    return message(translatable("{minutes} min {seconds} s"), {"minutes": rest // 60, "seconds": rest % 60})


def _covered_s(rows: Sequence[Row]) -> float:
    """How much of the lessons is marked at all, each moment counted once."""
    whole_s, until_s, place = 0.0, 0.0, None
    for row in sorted(rows, key=lambda row: (row["lesson"], row["source_video"], row["start_time"])):
        if place != (row["lesson"], row["source_video"]):
            place, until_s = (row["lesson"], row["source_video"]), 0.0
        whole_s += max(0.0, row["end_time"] - max(until_s, row["start_time"]))
        until_s = max(until_s, row["end_time"])
    return whole_s


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN_NAMES]) + (" …" if len(names) > SHOWN_NAMES else "")
