"""Marks of several annotators brought side by side: who marked what, which marks mean the same, which moments they make."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from ppi.annotation.patterns import folded
from ppi.errors import AnnotationError
from ppi.records import Annotation, Dropped, Pattern, Span

MATCHING_IOU = 0.5
MAX_MARKS = 50_000
MAX_CELLS = 4_000_000  # of one matrix of overlaps, 8 bytes each
MAX_NAME_CHARACTERS = 200
UNKNOWN = "?"


@dataclass(frozen=True, order=True)
class Mark:
    """One span that one annotator gave one pattern."""

    span: Span
    pattern: str
    annotator: str


def collect(
    sources: Sequence[Sequence[Annotation]], match: Callable[[str], Pattern | None]
) -> tuple[list[str], list[Mark], list[Dropped]]:
    """The annotators, their marks in order of time, and annotations that stand in two sources and count once.

    A source is one export. Two exports may come from two servers, so the same number in two of them is taken for two
    people, "1:4" and "2:4"; otherwise the number stands alone. Labels that `match` does not know are patterns of their
    own name. Spans of one annotator and pattern that overlap are joined. Raises AnnotationError for too many marks.
    """
    dropped: list[Dropped] = []
    people = _named(sources, dropped)
    if sum(len(region.labels) for _, annotation in people for region in annotation.regions) > MAX_MARKS:
        raise AnnotationError("There are more than {limit} marks. Compare fewer annotators at a time.", limit=MAX_MARKS)
    name_of = _namer(match)
    spans: dict[tuple[str, str], list[Span]] = {}
    for annotator, annotation in people:
        for region in annotation.regions:
            for name in {name_of(label) for label in region.labels}:
                spans.setdefault((annotator, name), []).append(region.span)
    marks = [Mark(span, name, annotator) for (annotator, name), given in spans.items() for span in joined(given)]
    return sorted({annotator for annotator, _ in people}, key=by_number), sorted(marks), dropped


def joined(spans: Iterable[Span]) -> list[Span]:
    """The spans in order, those that overlap as one. Spans that only touch stay two."""
    made: list[Span] = []
    for span in sorted(spans):
        if made and span.start_s < made[-1].end_s:
            made[-1] = Span(made[-1].start_s, max(made[-1].end_s, span.end_s))
        else:
            made.append(span)
    return made


def clusters(marks: Iterable[Mark]) -> Iterator[list[Mark]]:
    """Marks that hang together in time: each overlaps another of its cluster, and none of another cluster."""
    found: list[Mark] = []
    end_s = float("-inf")
    for mark in sorted(marks):
        if found and mark.span.start_s >= end_s:
            yield found
            found = []
        found.append(mark)
        end_s = mark.span.end_s if len(found) == 1 else max(end_s, mark.span.end_s)
    if found:
        yield found


def iou(one: Span, other: Span) -> float:
    """Temporal intersection over union, 0..1."""
    common_s = min(one.end_s, other.end_s) - max(one.start_s, other.start_s)
    return max(common_s, 0.0) / (one.duration_s + other.duration_s - max(common_s, 0.0))


def is_match(one: Span, other: Span) -> bool:
    """Whether two spans mean the same moment: temporal IoU of at least 0.5, the bound itself included."""
    return iou(one, other) >= MATCHING_IOU - 1e-9


def matched(ones: Sequence[Mark], others: Sequence[Mark]) -> list[tuple[Mark, Mark]]:
    """The best one-to-one matching of two annotators' marks: most pairs first, then most overlap in all.

    Patterns are not looked at. Raises AnnotationError when more marks hang together than memory is lent for.
    """
    pairs: list[tuple[Mark, Mark]] = []
    mine = set(ones)
    for cluster in clusters([*ones, *others]):
        here = [mark for mark in cluster if mark in mine]
        there = [mark for mark in cluster if mark not in mine]
        if here and there:
            pairs += _assigned(here, there)
    return pairs


def _assigned(ones: list[Mark], others: list[Mark]) -> list[tuple[Mark, Mark]]:
    if len(ones) == len(others) == 1:
        return [(ones[0], others[0])] if is_match(ones[0].span, others[0].span) else []
    if len(ones) * len(others) > MAX_CELLS:
        raise AnnotationError("Too many marks lie over each other to be compared. Compare fewer annotators at a time.")
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    starts, ends = (
        [np.array([getattr(mark.span, side) for mark in marks]) for marks in (ones, others)] for side in ("start_s", "end_s")
    )
    common = np.maximum(np.minimum.outer(ends[0], ends[1]) - np.maximum.outer(starts[0], starts[1]), 0.0)
    overlap = common / (np.add.outer(ends[0] - starts[0], ends[1] - starts[1]) - common)
    overlap[overlap < MATCHING_IOU - 1e-9] = 0.0
    # One more pair is worth more than all overlap together.
    worth = np.where(overlap > 0, overlap + len(ones) + len(others), 0.0)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    return [(ones[i], others[j]) for i, j in zip(rows, columns, strict=True) if overlap[i, j] > 0]


def _named(sources: Sequence[Sequence[Annotation]], dropped: list[Dropped]) -> list[tuple[str, Annotation]]:
    """Every annotation that counts, with its annotator's name among all sources."""
    seen: dict[tuple[str, str, str], tuple] = {}
    kept: list[tuple[int, Annotation]] = []
    for number, source in enumerate(sources, start=1):
        known = dict(seen)
        for annotation in source:
            key = annotation.task_id, annotation.id, annotation.annotator
            if key in known and known[key] == annotation.regions:
                where = f"file {number}, task {annotation.task_id}, annotation {annotation.id}"
                dropped.append(Dropped(where, "duplicate_annotation", "another file holds the same annotation"))
                continue
            seen[key] = annotation.regions
            kept.append((number, annotation))
    files: dict[str, set[int]] = {}
    for number, annotation in kept:
        files.setdefault(annotation.annotator, set()).add(number)

    def name(number: int, annotator: str) -> str:
        return f"{number}:{annotator or UNKNOWN}" if len(files[annotator]) > 1 else annotator or UNKNOWN

    return [(name(number, annotation.annotator), annotation) for number, annotation in kept]


def _namer(match: Callable[[str], Pattern | None]) -> Callable[[str], str]:
    """The pattern's name for a label; labels of no pattern that differ in emoji or case only are one."""
    names: dict[str, str] = {}
    folds: dict[tuple[str, str], str] = {}

    def name(label: str) -> str:
        if label not in names:
            pattern = match(label)
            own = " ".join(label.split())[:MAX_NAME_CHARACTERS]
            names[label] = pattern.type if pattern is not None else folds.setdefault(folded(label), own)
        return names[label]

    return name


def by_number(name: str) -> list[tuple[int, int | str]]:
    """Numbers in order of size, before other names."""
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in name.split(":")]


def by_pattern(marks: Iterable[Mark]) -> dict[str, list[Mark]]:
    """The marks of each pattern, patterns by name."""
    ordered = sorted(marks, key=lambda mark: mark.pattern)
    return {name: list(given) for name, given in groupby(ordered, key=lambda mark: mark.pattern)}
