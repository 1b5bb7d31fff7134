"""How far annotators agree: kappa and alpha on a grid of time, F1 of matched intervals, confusions, disagreements.

Every pattern is a binary track of its own, so patterns may overlap. None stands for "not defined": a coefficient that
corrects for chance has no value where everybody gave every unit the same answer, and F1 none where nobody marked anything.
"""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, count
from typing import TYPE_CHECKING, TypeVar

from ppi.annotation import moments
from ppi.annotation.moments import Mark
from ppi.errors import AnnotationError
from ppi.records import Annotation, Dropped, Pattern, Span

if TYPE_CHECKING:
    import numpy as np

STEP_S, MIN_STEP_S, MAX_STEP_S = 0.1, 0.02, 10.0
MAX_UNITS = 1_000_000
MAX_ANNOTATORS = 50
NOTHING = ""
Part = TypeVar("Part")


@dataclass(frozen=True)
class PairFigures:
    """Two annotators on one pattern. `matched` counts pairs of intervals; `both_s` is time that both gave the pattern."""

    one: str
    other: str
    kappa: float | None
    f1: float | None
    matched: int
    both_s: float


@dataclass(frozen=True)
class PatternFigures:
    """One pattern. `kappa` and `f1` are means over the pairs for which they are defined; `marks` counts by annotator.

    `between` counts marks so short that no point of the grid lies in them: kappa and alpha do not see them.
    """

    pattern: str
    kappa: float | None
    alpha: float | None
    f1: float | None
    marks: Mapping[str, int]
    pairs: tuple[PairFigures, ...]
    between: int


@dataclass(frozen=True)
class Confusion:
    """What two annotators called the same moments. `counts`: (pattern of one, pattern of the other) -> intervals.

    "" is an interval the other left without a mark that matches it.
    """

    one: str
    other: str
    counts: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class Moment:
    """Marks of one pattern that hang together in time.

    `kind` is "agreed", or why it is not: "missing" (somebody has no mark there), "split" (somebody has several), "bounds"
    (the ends are too far apart). `instead` are marks of other patterns by those who lack this one. `id` is the same as
    long as pattern and marks are.
    """

    id: str
    pattern: str
    span: Span
    kind: str
    marks: tuple[Mark, ...]
    instead: tuple[Mark, ...]

    @property
    def annotators(self) -> tuple[str, ...]:
        return tuple(sorted({mark.annotator for mark in self.marks}, key=moments.by_number))


@dataclass(frozen=True)
class Agreement:
    """The comparison of `annotators` on a grid of `units` points, `step_s` apart; `moments` are in order of time."""

    annotators: tuple[str, ...]
    everybody: tuple[str, ...]
    step_s: float
    units: int
    duration_s: float
    patterns: tuple[PatternFigures, ...]
    confusions: tuple[Confusion, ...]
    moments: tuple[Moment, ...]
    dropped: tuple[Dropped, ...]

    @property
    def disagreements(self) -> tuple[Moment, ...]:
        return tuple(moment for moment in self.moments if moment.kind != "agreed")


def compare(
    sources: Sequence[Sequence[Annotation]],
    match: Callable[[str], Pattern | None] = lambda label: None,
    *,
    duration_s: float,
    step_s: float = STEP_S,
    names: Iterable[str] = (),
    chosen: Iterable[str] = (),
    on_progress: Callable[[Sequence[str], int, float], None] = lambda everybody, compared, share: None,
) -> Agreement:
    """Compare the annotators of one recording, or only those in `chosen` who are there, when they are two or more.

    A source is one export's annotations; see `moments.collect` for who is who. `names` are patterns that stand in the
    result even when nobody marked them. Point i of the grid lies at (i + 0.5) * `step_s`; a unit has the pattern when
    its point lies in a span of it. With fewer than two annotators there are no figures. `on_progress` gets everybody, how
    many of them are compared, and the share that is done. Raises AnnotationError.
    """
    check_step(step_s)
    units = max(1, math.floor(duration_s / step_s + 0.5))
    if units > MAX_UNITS:
        raise AnnotationError("The grid would have more than {limit} points. Choose a longer step.", limit=MAX_UNITS)
    everybody, marks, dropped = moments.collect(sources, match)
    wanted = [name for name in everybody if name in set(chosen)]
    people = wanted if len(wanted) > 1 else everybody
    on_progress(everybody, len(people), 0.0)
    if len(people) > MAX_ANNOTATORS:
        raise AnnotationError("More than {limit} annotators cannot be compared at once. Choose fewer.", limit=MAX_ANNOTATORS)
    marks = [mark for mark in marks if mark.annotator in set(people)]
    tracks = {**{name: [] for name in names}, **moments.by_pattern(marks)} if len(people) > 1 else {}
    pairs, done = list(combinations(people, 2)), count()

    def counted(part: Part) -> Part:
        on_progress(everybody, len(people), (next(done) + 1) / (len(tracks) + len(pairs)))
        return part

    return Agreement(
        tuple(people), tuple(everybody), step_s, units, duration_s,
        tuple(counted(_figures(name, tracks[name], people, step_s, units)) for name in sorted(tracks)),
        tuple(counted(_confusion(one, other, marks)) for one, other in pairs),
        tuple(sorted(_moments(tracks, people, marks), key=lambda moment: (moment.span, moment.pattern))), tuple(dropped),
    )  # fmt: skip


def check_step(step_s: float) -> None:
    """Raises AnnotationError for a step of the grid that is out of bounds."""
    if not (MIN_STEP_S <= step_s <= MAX_STEP_S):
        raise AnnotationError("The step of the grid must be {low} to {high} seconds.", low=MIN_STEP_S, high=MAX_STEP_S)


def cohen_kappa(neither: int, only_other: int, only_one: int, both: int) -> float | None:
    """Cohen's kappa of two annotators of units that have a pattern or not, of the four counts of units.

    J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20 (1960). None
    when both gave every unit the same single answer: agreement by chance is then 1, and the quotient 0/0.
    """
    if (neither + only_one + only_other) == 0 or (both + only_one + only_other) == 0:
        return None
    from sklearn.metrics import cohen_kappa_score

    counts = [neither, only_other, only_one, both]
    return float(cohen_kappa_score([0, 0, 1, 1], [0, 1, 0, 1], sample_weight=counts))


def nominal_alpha(value_counts: np.ndarray) -> float | None:
    """Krippendorff's alpha for nominal data; `value_counts` has a row for each unit and a column for each value.

    K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011). None when all values are the same one, or no
    unit has two of them.
    """
    pairable = value_counts[value_counts.sum(axis=1) > 1]
    if (pairable.sum(axis=0) > 0).sum() < 2:
        return None
    import krippendorff

    return float(krippendorff.alpha(value_counts=pairable, level_of_measurement="nominal"))


def _figures(name: str, marks: list[Mark], people: list[str], step_s: float, units: int) -> PatternFigures:
    import numpy as np

    on_grid = np.zeros((len(people), units), dtype=bool)
    between = 0
    for mark in marks:
        first, stop = _points(mark.span, step_s, units)
        on_grid[people.index(mark.annotator), first:stop] = True
        between += first == stop
    ones = on_grid.sum(axis=0, dtype=np.int64)
    alpha = nominal_alpha(np.column_stack((len(people) - ones, ones)))
    common = np.rint(on_grid.astype(np.float32) @ on_grid.T.astype(np.float32)).astype(np.int64)  # whole up to 2**24
    own = {person: [mark for mark in marks if mark.annotator == person] for person in people}
    pairs = tuple(
        _pair(own[people[i]], own[people[j]], (people[i], people[j]), common[[i, i, j], [i, j, j]], units, step_s)
        for i, j in combinations(range(len(people)), 2)
    )
    return PatternFigures(
        name, _mean(pair.kappa for pair in pairs), alpha, _mean(pair.f1 for pair in pairs),
        {person: len(given) for person, given in own.items()}, pairs, between,
    )  # fmt: skip


def _points(span: Span, step_s: float, units: int) -> tuple[int, int]:
    """The first point of the grid in [start, end) and the first behind it. Rounded: 0.15 / 0.1 is a hair above 1.5."""
    first, stop = (math.ceil(round(time_s / step_s - 0.5, 6)) for time_s in (span.start_s, span.end_s))
    return min(max(first, 0), units), min(max(stop, 0), units)


def _pair(
    ones: list[Mark], others: list[Mark], names: tuple[str, str], common: np.ndarray, units: int, step_s: float
) -> PairFigures:
    """`common` counts units: of the one, of both, of the other."""
    has_one, both, has_other = map(int, common)
    kappa = cohen_kappa(units - has_one - has_other + both, has_other - both, has_one - both, both)
    pairs = len(moments.matched(ones, others))
    f1 = 2 * pairs / (len(ones) + len(others)) if ones or others else None
    return PairFigures(*names, kappa, f1, pairs, round(both * step_s, 6))


def _mean(values: Iterable[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return sum(defined) / len(defined) if defined else None


def _confusion(one: str, other: str, marks: list[Mark]) -> Confusion:
    """Marks are matched within their pattern first, as for F1; of those that are left, across patterns."""
    counts: Counter[tuple[str, str]] = Counter()
    left: list[list[Mark]] = [[], []]
    for given in moments.by_pattern(mark for mark in marks if mark.annotator in (one, other)).values():
        ones, others = ([mark for mark in given if mark.annotator == person] for person in (one, other))
        _settle(moments.matched(ones, others), ones, others, counts, left)
    rest: list[list[Mark]] = [[], []]
    _settle(moments.matched(*left), *left, counts, rest)
    counts.update((mark.pattern, NOTHING) for mark in rest[0])
    counts.update((NOTHING, mark.pattern) for mark in rest[1])
    return Confusion(one, other, tuple(sorted((*names, count) for names, count in counts.items())))


def _settle(
    pairs: list[tuple[Mark, Mark]], ones: list[Mark], others: list[Mark], counts: Counter, left: list[list[Mark]]
) -> None:
    """Count the pairs; what is in none goes to `left`."""
    counts.update((mine.pattern, theirs.pattern) for mine, theirs in pairs)
    taken = {mark for pair in pairs for mark in pair}
    for rest, given in zip(left, (ones, others), strict=True):
        rest += [mark for mark in given if mark not in taken]


def _moments(tracks: Mapping[str, list[Mark]], people: list[str], marks: list[Mark]) -> Iterable[Moment]:
    starts = [mark.span.start_s for mark in marks]
    for name, given in tracks.items():
        for cluster in moments.clusters(given):
            span = Span(cluster[0].span.start_s, max(mark.span.end_s for mark in cluster))
            kind = _kind(cluster, people)
            missing = set(people) - {mark.annotator for mark in cluster}
            # What matches one of these marks begins at most the mark's own length before it.
            near = marks[bisect_left(starts, span.start_s - span.duration_s - 1e-6) : bisect_left(starts, span.end_s)]
            instead = tuple(mark for mark in near if mark.annotator in missing and _fits(mark, cluster))
            yield Moment(_id_of(name, cluster), name, span, kind, tuple(cluster), instead)


def _kind(cluster: list[Mark], people: list[str]) -> str:
    counts = Counter(mark.annotator for mark in cluster)
    if len(counts) < len(people):
        return "missing"
    if max(counts.values()) > 1:
        return "split"
    is_agreed = all(moments.is_match(one.span, other.span) for one, other in combinations(cluster, 2))
    return "agreed" if is_agreed else "bounds"


def _fits(mark: Mark, cluster: list[Mark]) -> bool:
    return any(moments.is_match(mark.span, own.span) for own in cluster)


def _id_of(name: str, cluster: list[Mark]) -> str:
    told = "|".join(f"{mark.annotator} {mark.span.start_s:.3f} {mark.span.end_s:.3f}" for mark in cluster)
    return hashlib.sha256(f"{name}|{told}".encode()).hexdigest()[:12]
