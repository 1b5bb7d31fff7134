"""What every annotator marked in a lesson, side by side, to be drawn under its waveform."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from ppi import palette
from ppi.annotation import config
from ppi.annotation.moments import Mark
from ppi.annotation.patterns import Codebook
from ppi.errors import AnnotationError, ToolFailed
from ppi.jobs.lessons import LessonRow
from ppi.records import ObjectInfo
from ppi.services import Services
from ppi.workflows import comparisons, lessons, meanings, pattern_tables, plain_lanes
from ppi.workflows.lessons import LessonView

# More would be a grey bar; the rest stands in the annotations that can be downloaded.
MOST_MARKS = 5_000
KEPT = 8
# What was read or refused last in this process. The key holds the etags of all inputs, so that nothing old is ever shown.
_kept: dict[tuple, Lanes | AnnotationError] = {}


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
    found = _kept.get(key) or _read_or_refused(services, shown, given, table)
    _kept[key] = found
    for old in list(_kept)[:-KEPT]:
        _kept.pop(old, None)
    if isinstance(found, AnnotationError):
        raise found.with_traceback(None)
    return found


def _read_or_refused(
    services: Services, shown: LessonView, given: Sequence[ObjectInfo], table: ObjectInfo | None
) -> Lanes | AnnotationError:  # fmt: skip
    """A refusal holds as long as the files do, but not one for want of time or memory, which raises AnnotationError."""
    try:
        return _read(services, shown, given, table)
    except AnnotationError as error:
        if isinstance(error.__cause__, ToolFailed):
            raise
        return error


def _read(services: Services, shown: LessonView, given: Sequence[ObjectInfo], table: ObjectInfo | None) -> Lanes:
    row, codebook = shown.row, codebook_of(services, shown.row, table)
    with ExitStack() as stack:
        files = [(stack.enter_context(services.store.as_file(services.raw, found.key)), found.key) for found in given]
        annotators, marks, left_out = plain_lanes.worked_out(
            files, codebook=codebook, meanings=meanings.kept(services, row), lesson_id=row.id, most=MOST_MARKS,
            frame_rate=shown.info.video.frame_rate, duration_s=shown.info.duration_s,
            video_name=row.video_key.removeprefix(row.prefix),
        )  # fmt: skip
    lanes = {name: tuple(mark for mark in marks if mark.annotator == name) for name in annotators}
    return Lanes(lanes, numbers(codebook, (mark.pattern for mark in marks)), left_out)


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
