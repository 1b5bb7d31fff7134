"""Figures of a dataset as numbers, for whoever draws them: bars by pattern, lengths of samples, lanes of a timeline.

The card's own pictures are drawn by `figures`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ppi import palette

SHOWN_PATTERNS, SHOWN_LANES, COLOURED = 30, 12, 8
REST = 0  # the colour of all other patterns
COLOURS = "colours"  # of the report: patterns in the order of their colours
# A lane is cut into so many columns of equal time, each of one colour: a drawing stays small however much was marked.
COLUMNS = 300
# Upper ends of the classes of lengths, in seconds; what is longer goes into one more.
LENGTHS_S = (1, 2, 3, 5, 8, 12, 20, 30, 60, 120)
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Bar:
    """`value` as a number and as `share` of the largest one; `place` is its pattern's colour, from 1, or REST."""

    name: str
    value: float
    share: float
    place: int = REST


@dataclass(frozen=True)
class Lane:
    """What one annotator marked in one lesson. `marks` are (first column, columns) by colour, from 1, or REST."""

    lesson: str
    annotator: str
    samples: int
    marked_s: float
    marks: Mapping[int, Sequence[tuple[int, int]]]


@dataclass(frozen=True)
class Timeline:
    """`colours` are the most frequent patterns, each with its colour; `left_out` lanes are too many to show."""

    lanes: tuple[Lane, ...]
    colours: tuple[tuple[str, int], ...]
    length_s: float
    left_out: int

    @property
    def has_rest(self) -> bool:
        """Whether anything is drawn in the colour of the rest."""
        return any(REST in lane.marks for lane in self.lanes)


def bars(values: Mapping[str, float], places: Mapping[str, int]) -> list[Bar]:
    """All of them, the largest first, in the colours of `places`."""
    most = max(values.values(), default=0) or 1
    ordered = sorted(values.items(), key=lambda item: (-item[1], item[0]))
    return [Bar(name, value, value / most, places.get(name, REST)) for name, value in ordered]


def places(rows: Sequence[Row], report: Mapping[str, Any]) -> dict[str, int]:
    """The colours of all patterns, the most frequent first: those have one of their own, and the others REST.

    Which one the dataset's report says; in one that does not, patterns go by how often they occur.
    """
    counts, _ = by_pattern(rows)
    ordered = sorted(counts, key=lambda name: (-counts[name], name))
    numbers = palette.numbers(report.get(COLOURS, ()), ordered)
    return {name: palette.place(numbers[name]) if rank < COLOURED else REST for rank, name in enumerate(ordered)}


def by_pattern(rows: Sequence[Row]) -> tuple[dict[str, int], dict[str, float]]:
    """How many samples each pattern has, and for how many seconds, overlaps counted."""
    counts: dict[str, int] = {}
    times_s: dict[str, float] = {}
    for row in rows:
        for pattern in row["patterns"]:
            name = pattern["type"]
            counts[name] = counts.get(name, 0) + 1
            times_s[name] = times_s.get(name, 0.0) + row["end_time"] - row["start_time"]
    return counts, times_s


def lengths(rows: Sequence[Row]) -> list[tuple[float, float | None, int]]:
    """(from, to, samples) by length in seconds, `to` not included and None for "and more"; empty ends are left out."""
    ends = (*LENGTHS_S, None)
    starts = (0, *LENGTHS_S)
    counts = [0] * len(ends)
    for row in rows:
        length_s = row["end_time"] - row["start_time"]
        counts[next((place for place, end in enumerate(LENGTHS_S) if length_s < end), len(LENGTHS_S))] += 1
    filled = [place for place, count in enumerate(counts) if count]
    if not filled:
        return []
    return [(starts[place], ends[place], counts[place]) for place in range(filled[0], filled[-1] + 1)]


def timeline(rows: Sequence[Row], length_s: float, places: Mapping[str, int]) -> Timeline:
    """A lane for each annotator of each lesson. `length_s` is that of the longest lesson."""
    length_s = max([length_s, *(row["end_time"] for row in rows)], default=0) or 1
    of_lane: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        of_lane.setdefault((row["lesson"], row["annotator"]), []).append(row)
    names = sorted(of_lane)
    lanes = tuple(_lane(*name, of_lane[name], length_s, places) for name in names[:SHOWN_LANES])
    colours = tuple((name, place) for name, place in places.items() if place)
    return Timeline(lanes, colours, length_s, max(0, len(names) - SHOWN_LANES))


def _lane(lesson: str, annotator: str, rows: Sequence[Row], length_s: float, places: Mapping[str, int]) -> Lane:
    """Where marks lie over each other the shorter one is seen."""
    marked_s = sum(row["end_time"] - row["start_time"] for row in rows)
    columns: list[int | None] = [None] * COLUMNS
    for row in sorted(rows, key=lambda row: row["start_time"] - row["end_time"]):
        start = min(int(row["start_time"] / length_s * COLUMNS), COLUMNS - 1)
        end = min(max(start + 1, round(row["end_time"] / length_s * COLUMNS)), COLUMNS)
        columns[start:end] = [_colour(row, places)] * (end - start)
    return Lane(lesson, annotator, len(rows), marked_s, _runs(columns))


def _runs(columns: Sequence[int | None]) -> dict[int, list[tuple[int, int]]]:
    """Neighbouring columns of one colour as (first, how many)."""
    found: dict[int, list[tuple[int, int]]] = {}
    place = 0
    for colour, run in groupby(columns):
        count = len(list(run))
        if colour is not None:
            found.setdefault(colour, []).append((place, count))
        place += count
    return found


def _colour(row: Row, places: Mapping[str, int]) -> int:
    """That of the row's most frequent pattern."""
    names = {pattern["type"] for pattern in row["patterns"]}
    return next((place for name, place in places.items() if place and name in names), REST)
