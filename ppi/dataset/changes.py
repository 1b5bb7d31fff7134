"""What changed between two datasets: samples added, removed, moved, relabelled, edited; and the history of a dataset."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppi.dataset import layout
from ppi.errors import DatasetError, InputError, fill, translatable

KINDS = ("added", "removed", "moved", "relabelled", "edited")
SAME_S = 0.02  # half a frame at 25 frames a second
LIKE_ENOUGH = 0.5
# So many of the newest versions tell their changes one by one, older ones only how many there were: a history stays small.
TOLD_VERSIONS = 20
SAMPLE = translatable("{start:.3f}-{end:.3f} s, {patterns}, annotator {annotator}")
MOVED = translatable("{before:.3f}-{until:.3f} s -> {start:.3f}-{end:.3f} s")
EDITABLE = ("text", "speakers", "text_origin", "choices", "comments", "teacher")
Row = dict[str, Any]
Pair = tuple[Row, Row]


@dataclass(frozen=True)
class Change:
    """`before` and `after` are ids, "" where the sample is not; `template` and `values` say what was and what is."""

    kind: str
    before: str
    after: str
    template: str
    values: Mapping[str, Any]

    @property
    def detail(self) -> str:
        return fill(self.template, self.values)

    def as_json(self) -> dict[str, str]:
        return {"kind": self.kind, "before": self.before, "after": self.after, "detail": self.detail}

    def __str__(self) -> str:
        names = " -> ".join(dict.fromkeys(name for name in (self.before, self.after) if name))
        return f"{self.kind} {names}: {self.detail}"


def compare(before: Sequence[Row], after: Sequence[Row]) -> list[Change]:
    """Numbers of samples change with every insertion, so samples are known again by other things.

    They are the same when they come from the same region of Label Studio; else when annotator and span are equal; else
    when annotator and patterns are, and the spans overlap by half of both together. Of one sample there may be several
    changes.
    """
    if len({row.get("lesson") for row in [*before, *after]}) == 2 and all(map(_is_one_lesson, (before, after))):
        before = [{**row, "lesson": after[0].get("lesson")} for row in before]  # one lesson that was renamed
    before = _under_new_marks(before, after)
    pairs, gone, new = _pairs(list(before), list(after))
    found = [Change("added", "", row["id"], SAMPLE, _described(row)) for row in new]
    found += [Change("removed", row["id"], "", SAMPLE, _described(row)) for row in gone]
    for one, other in pairs:
        found += _changes(one, other)
    return sorted(found, key=lambda change: KINDS.index(change.kind))


def compare_folders(before: Path, after: Path) -> list[Change]:
    """The same for two dataset folders. Raises InputError when one is none."""
    return compare(rows_of(before), rows_of(after))


def rows_of(folder: Path) -> list[Row]:
    """The rows of metadata.jsonl, also of earlier formats. Raises InputError when there are none to read."""
    try:
        lines = (folder / layout.METADATA).read_text(encoding="utf-8").split("\n")
        rows = [json.loads(line) for line in lines if line]
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            "{folder} is no dataset: its metadata.jsonl cannot be read. Give the folder of a dataset.", folder=str(folder)
        ) from error  # fmt: skip
    if not all(isinstance(row, dict) and _is_comparable(row) for row in rows):
        raise InputError(
            "{folder} is no dataset: its metadata.jsonl lacks ids, spans or patterns. Give the folder of a dataset.",
            folder=str(folder)
        )  # fmt: skip
    return rows


def history(previous: Path | None, rows: Sequence[Row], inputs: Mapping[str, str]) -> list[dict[str, Any]]:
    """The versions of a dataset, the newest last. Nothing new means no new version: the history stays as it was.

    `previous` is the folder of the build before, or None. The newest TOLD_VERSIONS tell their changes one by one.
    """
    first = {"version": 1, "samples": len(rows), "inputs": [], "counts": {}, "changes": []}
    if previous is None:
        return [first]
    try:
        versions, given = read(previous), _inputs_of(previous)
        changes = compare(rows_of(previous), rows)
    except (InputError, DatasetError):  # what cannot be read tells nothing about what was before
        return [first]
    renewed = sorted(role for role in {*given, *inputs} if given.get(role) != inputs.get(role))
    if not changes and not renewed:
        return versions
    newest = {
        "version": versions[-1]["version"] + 1, "samples": len(rows), "inputs": renewed,
        "counts": {kind: count for kind, count in Counter(change.kind for change in changes).items()},
        "changes": [change.as_json() for change in changes],
    }  # fmt: skip
    told = versions[1 - TOLD_VERSIONS :]
    return [*({**version, "changes": []} for version in versions[: -len(told)]), *told, newest]


def read(folder: Path) -> list[dict[str, Any]]:
    """The versions in changes.json. Raises DatasetError when it is missing or broken."""
    try:
        versions = json.loads((folder / layout.CHANGES).read_text(encoding="utf-8"))["versions"]
        if not all(isinstance(one["version"], int) and isinstance(one["counts"], dict) for one in versions) or not versions:
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DatasetError("{folder} has no readable changes.json. Build it again.", folder=folder.name) from error
    return versions


def _under_new_marks(before: Sequence[Row], after: Sequence[Row]) -> Sequence[Row]:
    """The rows of `before`, their lessons called as in `after`: a mark comes or goes with another lesson of the same name."""
    old, new = ({row.get("lesson", "") for row in rows} for rows in (before, after))
    pairs = [(one, other) for one in old - new for other in new - old if layout.unmarked(one) == layout.unmarked(other)]
    pairs.sort(key=lambda pair: (-_alike(_keys_of(before, pair[0]), _keys_of(after, pair[1])), pair))
    names: dict[str, str] = {}
    for one, other in pairs:
        if one not in names and other not in names.values():
            names[one] = other
    return [{**row, "lesson": names.get(row.get("lesson", ""), row.get("lesson", ""))} for row in before] if names else before


def _alike(one: set, other: set) -> float:
    """How much of both together is in both."""
    return len(one & other) / max(len(one | other), 1)


def _keys_of(rows: Sequence[Row], lesson: str) -> set[tuple]:
    """What tells the samples of a lesson apart from those of another."""
    return {(row.get("annotator"), _span(row), row.get("text", "")) for row in rows if row.get("lesson") == lesson}


def _inputs_of(folder: Path) -> dict[str, str]:
    try:
        given = json.loads((folder / layout.MANIFEST).read_text(encoding="utf-8"))["inputs"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError("The manifest.json of {folder} cannot be read. Build it again.", folder=folder.name) from error
    return given if isinstance(given, dict) else {}


def _pairs(before: list[Row], after: list[Row]) -> tuple[list[Pair], list[Row], list[Row]]:
    pairs: list[Pair] = []
    for keys in (_region_keys, _span_keys):
        waiting: dict[Any, list[Row]] = {}
        for row in after:
            for key in keys(row):
                waiting.setdefault(key, []).append(row)
        taken: set[int] = set()
        left = []
        for row in before:
            near = (other for key in keys(row) for other in waiting.get(key, ()) if id(other) not in taken)
            twin = next((other for other in near if keys is _region_keys or _is_same_span(row, other)), None)
            if twin is None:
                left.append(row)
            else:
                taken.add(id(twin))
                pairs.append((row, twin))
        before, after = left, [row for row in after if id(row) not in taken]
    return _add_likest(pairs, before, after)


def _add_likest(pairs: list[Pair], before: list[Row], after: list[Row]) -> tuple[list[Pair], list[Row], list[Row]]:
    near = [
        (-likeness, number, other_number)
        for number, row in enumerate(before)
        for other_number, other in enumerate(after)
        if _who(row) == _who(other) and _types(row) == _types(other) and (likeness := _likeness(row, other)) >= LIKE_ENOUGH
    ]
    gone, new = set(range(len(before))), set(range(len(after)))
    for _, number, other_number in sorted(near):
        if number in gone and other_number in new:
            gone.discard(number)
            new.discard(other_number)
            pairs.append((before[number], after[other_number]))
    return pairs, [before[number] for number in sorted(gone)], [after[number] for number in sorted(new)]


def _region_keys(row: Row) -> Iterator[tuple]:
    return ((_who(row), region) for region in row.get("regions") or ())


def _span_keys(row: Row) -> Iterator[tuple]:
    """Boxes of a tenth of a second and their neighbours, so that spans that differ by a hair meet."""
    start = int(row["start_time"] * 10)
    return ((_who(row), start + step) for step in (0, -1, 1))


def _changes(one: Row, other: Row) -> Iterator[Change]:
    names = one["id"], other["id"]
    if not _is_same_span(one, other):
        yield Change("moved", *names, MOVED, {"before": one["start_time"], "until": one["end_time"], **_times(other)})
    if _types(one) != _types(other):
        types = {"before": ", ".join(_types(one)), "after": ", ".join(_types(other))}
        yield Change("relabelled", *names, "{before} -> {after}", types)
    if edited := [key for key in EDITABLE if one.get(key, other.get(key)) != other.get(key)]:
        yield Change("edited", *names, "{fields}", {"fields": ", ".join(edited)})


def _is_one_lesson(rows: Sequence[Row]) -> bool:
    return len({row.get("lesson") for row in rows}) == 1


def _who(row: Row) -> tuple:
    return row.get("lesson"), row.get("annotator")


def _types(row: Row) -> list[str]:
    return sorted(pattern["type"] for pattern in row["patterns"])


def _is_same_span(one: Row, other: Row) -> bool:
    return all(abs(one[key] - other[key]) <= SAME_S for key in ("start_time", "end_time"))


def _likeness(one: Row, other: Row) -> float:
    """Length of what both cover, divided by the length of what either covers."""
    both_s = min(one["end_time"], other["end_time"]) - max(one["start_time"], other["start_time"])
    either_s = max(one["end_time"], other["end_time"]) - min(one["start_time"], other["start_time"])
    return both_s / either_s if either_s > 0 else 0.0


def _span(row: Row) -> str:
    return f"{row['start_time']:.3f}-{row['end_time']:.3f} s"


def _times(row: Row) -> dict[str, float]:
    return {"start": row["start_time"], "end": row["end_time"]}


def _described(row: Row) -> dict[str, Any]:
    return {**_times(row), "patterns": ", ".join(_types(row)), "annotator": str(row.get("annotator", ""))}


def _is_comparable(row: Row) -> bool:
    times = (row.get("start_time"), row.get("end_time"))
    patterns = row.get("patterns")
    return (
        isinstance(row.get("id"), str)
        and all(isinstance(time, (int, float)) for time in times)
        and isinstance(patterns, list)
        and all(isinstance(pattern, dict) and isinstance(pattern.get("type"), str) for pattern in patterns)
        and all(isinstance(row.get(key, ""), str) for key in ("lesson", "annotator"))
        and isinstance(row.get("regions", []), list)
        and all(isinstance(region, str) for region in row.get("regions", []))
    )
