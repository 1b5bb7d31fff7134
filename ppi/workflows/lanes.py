"""What every annotator marked in a lesson, side by side, to be drawn under its waveform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ppi.annotation import colours, config, formats, moments
from ppi.annotation.meanings import applied
from ppi.annotation.moments import Mark
from ppi.annotation.patterns import Codebook, folded
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
    """`marks` by annotator, in order of time; `colours` ("#0060c0") by pattern; `left_out` counts marks beyond the limit."""

    marks: Mapping[str, tuple[Mark, ...]]
    colours: Mapping[str, str]
    left_out: int = 0


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
    return Lanes(lanes, _colours(codebook, drawn), len(marks) - len(drawn))


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


def _colours(codebook: Codebook, marks: list[Mark]) -> dict[str, str]:
    """Those that annotators saw in Label Studio; patterns that stand in no table get the ones that follow."""
    known = _label_colours(codebook)
    names = sorted({mark.pattern for mark in marks})
    others = [name for name in names if folded(name) not in known]
    more = colours.colours(len(known) + len(others))[len(known) :]
    return {**{name: known[folded(name)] for name in names if name not in others}, **dict(zip(others, more, strict=True))}


def _label_colours(codebook: Codebook) -> dict[tuple[str, str], str]:
    try:
        return {folded(label.value): label.colour for label in config.labels(codebook.patterns)}
    except AnnotationError:  # no labels can be made of this table, so annotators saw none of it
        return {}
