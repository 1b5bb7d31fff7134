"""The plan of a dataset: annotators' regions in, samples out. Pure, and nothing disappears without its reason."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from ppi.errors import DatasetError
from ppi.records import Annotation, Dropped, Meaning, Pattern, Region, Sample, Span

MAX_TYPE_CHARACTERS = 300
SHOWN_REASONS = 5


@dataclass(frozen=True)
class Plan:
    """What a dataset will hold. `unmatched` are the labels that the pattern table lacks, in order of first use.

    `table` holds the names of the pattern table, when it is known; `meanings` are those by which labels were replaced.
    """

    samples: tuple[Sample, ...]
    dropped: tuple[Dropped, ...]
    unmatched: tuple[str, ...]
    lesson: str
    source_video: str
    duration_s: float
    frame_rate: float
    table: tuple[str, ...] = ()
    meanings: tuple[Meaning, ...] = ()

    @property
    def unused(self) -> tuple[str, ...]:
        """The patterns of the table that no sample has."""
        used = {pattern.type for sample in self.samples for pattern in sample.patterns}
        return tuple(name for name in self.table if name not in used)

    def with_dropped(self, dropped: Iterable[Dropped]) -> Plan:
        """The same plan with what was left out before it was made."""
        return replace(self, dropped=(*dropped, *self.dropped))

    def require_samples(self) -> Plan:
        """The plan itself. Raises DatasetError with the reasons when it holds no sample."""
        if self.samples:
            return self
        counts: dict[str, int] = {}
        for dropped in self.dropped:
            counts[dropped.reason] = counts.get(dropped.reason, 0) + 1
        most = sorted(counts.items(), key=lambda item: -item[1])[:SHOWN_REASONS]
        if not most:
            raise DatasetError("The annotations hold no marked region. Mark patterns in Label Studio and export again.")
        raise DatasetError(
            "No sample is left to build a dataset of. Left out: {reasons}. Correct the annotations and export again.",
            reasons=", ".join(f"{reason} ({count})" for reason, count in most),
        )


@dataclass
class _Draft:
    """Regions of one annotator over one span, on their way to a sample."""

    span: Span
    annotator: str
    regions: list[Region]


def plan(
    annotations: Iterable[Annotation],
    match: Callable[[str], Pattern | None],
    *,
    duration_s: float,
    lesson: str,
    source_video: str,
    frame_rate: float,
    include_unmatched: bool = True,
    lesson_id: str = "",
    teacher: str = "",
) -> Plan:
    """Regions of one annotator over the same span (within half a frame) become one sample with several patterns.

    Samples are numbered in order of time, then annotator. A label that `match` does not know becomes a pattern of its
    own name without a description, or is left out when `include_unmatched` is false; it is reported either way.
    Regions shorter than a frame are dropped. When some annotations carry `lesson_id`, those of others are too.
    """
    dropped: list[Dropped] = []
    drafts: dict[tuple[str, int, int], _Draft] = {}
    for annotation in of_lesson(list(annotations), lesson_id, dropped):
        for region in annotation.regions:
            span = _usable(region, annotation, duration_s, frame_rate, dropped)
            if span is not None:
                _join(drafts, span, annotation.annotator, region, 0.5 / frame_rate)
    unmatched: dict[str, None] = {}
    samples: list[Sample] = []
    for draft in sorted(drafts.values(), key=lambda draft: (draft.span, draft.annotator)):
        patterns = _patterns(draft, match, include_unmatched, unmatched, dropped)
        if patterns:
            samples.append(
                Sample(
                    id=f"pattern_{len(samples) + 1}", span=draft.span, patterns=patterns, annotator=draft.annotator,
                    lesson=lesson, source_video=source_video, split="train",
                    region_ids=tuple(region.id for region in draft.regions), teacher=teacher,
                    choices=_answers(region.choices for region in draft.regions),
                    comments=_answers(region.texts for region in draft.regions),
                )
            )  # fmt: skip
    return Plan(tuple(samples), tuple(dropped), tuple(unmatched), lesson, source_video, duration_s, frame_rate)


def of_lesson(annotations: list[Annotation], lesson_id: str, dropped: list[Dropped]) -> list[Annotation]:
    """The annotations of one lesson; those of others go to `dropped`.

    Exports hold whole projects. A lesson uploaded anew has a new id, so ids count only where one is the lesson's.
    """
    if not lesson_id or all(annotation.lesson_id != lesson_id for annotation in annotations):
        return annotations
    kept = [annotation for annotation in annotations if annotation.lesson_id in ("", lesson_id)]
    for annotation in annotations:
        if annotation.lesson_id not in ("", lesson_id):
            dropped.append(Dropped(_where(annotation), "other_lesson", annotation.lesson_id))
    return kept


def _where(annotation: Annotation) -> str:
    return f"task {annotation.task_id}, annotation {annotation.id}"


def _usable(
    region: Region, annotation: Annotation, duration_s: float, frame_rate: float, dropped: list[Dropped]
) -> Span | None:
    span = Span(max(0.0, region.span.start_s), min(region.span.end_s, duration_s))
    frame_s = 1 / frame_rate
    where = f"{_where(annotation)}, region {region.id}"
    detail = f"{region.span.start_s:.3f} to {region.span.end_s:.3f} s"
    if region.span.start_s >= duration_s:
        dropped.append(Dropped(where, "outside_recording", detail))
    elif span.duration_s < frame_s * 0.999:  # a range of one whole frame may come out a hair shorter
        dropped.append(Dropped(where, "shorter_than_a_frame", detail))
    else:
        return span
    return None


def _join(drafts: dict[tuple[str, int, int], _Draft], span: Span, annotator: str, region: Region, half_s: float) -> None:
    """Add to the draft whose ends lie within half a frame. Ends are sorted into boxes of half a frame to find it."""
    start, end = math.floor(span.start_s / half_s), math.floor(span.end_s / half_s)
    near = ((annotator, start + i, end + j) for i in (0, -1, 1) for j in (0, -1, 1))
    for key in near:
        draft = drafts.get(key)
        if draft is not None and _is_same(draft.span, span, half_s):
            draft.regions.append(region)
            return
    drafts[annotator, start, end] = _Draft(span, annotator, [region])


def _is_same(one: Span, other: Span, half_s: float) -> bool:
    slack_s = half_s * (1 + 1e-9)
    return abs(one.start_s - other.start_s) <= slack_s and abs(one.end_s - other.end_s) <= slack_s


def _patterns(
    draft: _Draft,
    match: Callable[[str], Pattern | None],
    include_unmatched: bool,
    unmatched: dict[str, None],
    dropped: list[Dropped],
) -> tuple[Pattern, ...]:
    found: dict[str, Pattern] = {}
    for region in draft.regions:
        for label in region.labels:
            pattern = match(label)
            if pattern is None:
                unmatched.setdefault(label)
                if not include_unmatched:
                    dropped.append(Dropped(f"region {region.id}", "not_in_pattern_table", label[:80]))
                    continue
                pattern = Pattern(_cleaned(label), "")
            found.setdefault(pattern.type, pattern)
    return tuple(found.values())


def _answers(given: Iterable[Mapping[str, tuple[str, ...]]]) -> dict[str, tuple[str, ...]]:
    """What was answered about all regions of a sample: every answer once, in order."""
    found: dict[str, dict[str, None]] = {}
    for answers in given:
        for name, values in answers.items():
            found.setdefault(name, {}).update(dict.fromkeys(values))
    return {name: tuple(values) for name, values in found.items()}


def _cleaned(label: str) -> str:
    """The label without control characters, invisible marks and doubled spaces."""
    text = unicodedata.normalize("NFC", label[:MAX_TYPE_CHARACTERS])
    shown = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    return " ".join(shown.split()) or "?"
