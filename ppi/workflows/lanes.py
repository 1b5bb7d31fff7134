"""What every annotator marked in a lesson, side by side, to be drawn under its waveform."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ppi import palette
from ppi.annotation import config, formats, moments
from ppi.annotation.meanings import applied
from ppi.annotation.moments import Mark
from ppi.annotation.patterns import Codebook
from ppi.dataset import plan
from ppi.errors import AnnotationError
from ppi.jobs.lessons import LessonRow
from ppi.records import Annotation, ObjectInfo
from ppi.services import Services
from ppi.workflows import comparisons, lessons, meanings, pattern_tables
from ppi.workflows.lessons import LessonView

# More would be a grey bar; the rest stands in the annotations that can be downloaded.
MOST_MARKS = 5_000
KEPT = 8
# What was read last in this process. The key holds the etags of all inputs, so that nothing old is ever shown.
_kept: dict[tuple, Lanes] = {}


@dataclass(frozen=True)
class Lanes:
    """`marks` by annotator, in order of time; `numbers` of the patterns' colours; `left_out` counts marks beyond the limit."""

    marks: Mapping[str, tuple[Mark, ...]]
    numbers: Mapping[str, int]
    left_out: int = 0

    @property
    def colours(self) -> dict[str, str]:
        """By pattern, as in Label Studio ("#45399b")."""
        return {name: palette.colour(number) for name, number in self.numbers.items()}

    @property
    def places(self) -> dict[str, int]:
        """By pattern, among the colours that pages have in each theme."""
        return {name: palette.place(number) for name, number in self.numbers.items()}


def of_lesson(services: Services, row: LessonRow) -> Lanes:
    """All annotators' marks, named as in the comparison of annotators. Without annotations there are no lanes.

    Marks of one annotator and pattern that overlap count as one. Raises AnnotationError for files that cannot be read.
    """
    shown = lessons.view(services, row)
    given = comparisons.sources(shown)
    if not given or not shown.is_ready:
        return Lanes({}, {})
    table = pattern_tables.kept(shown)
    chosen = shown.files.get(meanings.NAME)
    inputs = tuple((found.key, found.etag) for found in (*given, *filter(None, [table, chosen])))
    key = (services.settings.data_dir, row.id, inputs)
    found = _kept.get(key) or _read(services, shown, table)
    _kept[key] = found
    for old in list(_kept)[:-KEPT]:
        _kept.pop(old, None)
    return found


def _read(services: Services, shown: LessonView, table: ObjectInfo | None) -> Lanes:
    codebook = codebook_of(services, shown.row, table)
    annotators, marks, _ = moments.collect(_annotations(services, shown, codebook), codebook.match)
    drawn = marks[:MOST_MARKS]
    lanes = {name: tuple(mark for mark in drawn if mark.annotator == name) for name in annotators}
    found = numbers(codebook, (mark.pattern for mark in drawn))
    return Lanes(lanes, found, len(marks) - len(drawn))


def _annotations(services: Services, shown: LessonView, codebook: Codebook) -> list[tuple[Annotation, ...]]:
    """Of every file the annotations of this lesson, with the meanings that people gave to labels."""
    read, chosen = [], meanings.kept(services, shown.row)
    for found in comparisons.sources(shown):
        data = b"".join(services.store.read(services.raw, found.key))
        export = formats.read_apart(
            data, found.key, frame_rate=shown.info.video.frame_rate, duration_s=shown.info.duration_s,
            video_name=shown.row.video_key.removeprefix(shown.row.prefix),
        )  # fmt: skip
        read.append(applied(plan.of_lesson(list(export.annotations), shown.id, []), chosen, codebook).annotations)
    return read


def codebook_of(services: Services, row: LessonRow, table: ObjectInfo | None) -> Codebook:
    """A table that is not there or cannot be read names no patterns: labels then stand for themselves."""
    if table is None:
        return Codebook(())
    try:
        return pattern_tables.codebook(services, row, table)
    except AnnotationError:
        return Codebook(())


def numbers(codebook: Codebook, names: Iterable[str]) -> dict[str, int]:
    """The numbers of these patterns' colours: those that annotators saw in Label Studio; what stands in no table follows."""
    used = set(names)
    known = palette.numbers((pattern.type for pattern in config.in_order(codebook.patterns)), sorted(used))
    return {name: number for name, number in known.items() if name in used}
