"""What a build would hold, before anything is built: the marks and the table as they were understood, and odd labels."""

from __future__ import annotations

import io
import tempfile
import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ppi.annotation.meanings import marks_of
from ppi.annotation.patterns import Codebook
from ppi.dataset import plan
from ppi.errors import Conflict, InputError
from ppi.jobs.lessons import LessonRow
from ppi.records import Export, ObjectInfo, Pattern
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows import annotate, lessons, meanings, pattern_tables, plain_dataset
from ppi.workflows import annotations as given
from ppi.workflows.ingest import put
from ppi.workflows.lessons import LessonView

KEPT = 4
WAIT_S = 10.0  # for somebody else who is choosing meanings
# What was read last in this process, by the etags of the files, and what was understood of it, by what labels mean besides: the
# next page of a long preview must not cost seconds.
_kept: dict[tuple, tuple[Export, Codebook]] = {}
_kept_plans: dict[tuple, tuple[plan.Plan, tuple[Label, ...]]] = {}
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Label:
    """A label that the table lacks, or that somebody chose a meaning for; `meaning` is None while nobody did.

    `is_lost` says that the table does not hold its meaning any more. `near` are names of the table that look like it.
    """

    name: str
    marks: int
    meaning: str | None
    is_lost: bool
    near: tuple[str, ...]


@dataclass(frozen=True)
class Understood:
    """`marks` is the file that a build takes now; `other` the newest of the other origin. Without a table `patterns` is
    empty, and then no label is odd."""

    marks: ObjectInfo
    other: ObjectInfo | None
    table: ObjectInfo | None
    patterns: tuple[Pattern, ...]
    plan: plan.Plan
    labels: tuple[Label, ...]

    @property
    def is_fetched(self) -> bool:
        """Whether the marks were fetched from a running Label Studio, not brought as a file."""
        return self.marks.key.endswith(annotate.FETCHED)

    @property
    def undecided(self) -> int:
        """How many labels the table lacks and nobody chose a meaning for."""
        return sum(label.meaning is None or label.is_lost for label in self.labels)


def keep(
    services: Services, row: LessonRow, *, annotations: IO[bytes] | None = None, annotations_name: str = "",
    table: IO[bytes] | None = None, table_name: str = "", kept_as: str = "", is_for_build: bool = False,
) -> str:  # fmt: skip
    """Keep annotations, a pattern table or both with the lesson, for the preview and the next build; answers the table's
    suffix, "" while there is none.

    The annotations replace those brought before, unless `kept_as` gives them an ending of their own. What cannot be read,
    or holds nothing to build of, is not kept, and what was there stays: raises InputError, AnnotationError, DatasetError,
    and Conflict before the lesson is ready or while a dataset is being built. With `is_for_build` both must be there.
    """
    shown = free(services, row)
    with ExitStack() as stack:
        path, suffix = None, ""
        if table is not None or is_for_build or pattern_tables.kept_suffix(shown):
            path, suffix = stack.enter_context(pattern_tables.given_or_kept(services, shown, table, table_name))
        if annotations is None and not is_for_build:
            if table is None:
                raise InputError("Choose a file first: annotations, or a table of patterns.")
            plain_dataset.read_table(path)
        else:
            marks = _given_or_kept(services, stack, shown, annotations, annotations_name)
            read = plain_dataset.read_inputs(marks, path, shown.info, video_name(row))
            chosen = meanings.kept(services, row) if is_for_build else {}
            plain_dataset.planned(*read, shown.info, row.name, video_name(row), row.id, "", chosen).require_samples()
            _store(services, shown, marks, kept_as)
        if table is not None:
            pattern_tables.keep(services, shown, path, suffix)
    return suffix


def use_fetched(services: Services, row: LessonRow) -> None:
    """Take the annotations fetched from Label Studio though others were brought later. Raises what `keep` does."""
    keep(services, row, annotations=io.BytesIO(annotate.fetched_annotations(services, row)), annotations_name="fetched.json")


def understood(services: Services, shown: LessonView) -> Understood | None:
    """How the lesson's annotations and table are read; None before there are annotations. Raises AnnotationError."""
    found = given.origins(shown, annotate.FETCHED)
    if not found or not shown.is_ready:
        return None
    table = pattern_tables.kept(shown)
    export, codebook = _read(services, shown, found[0], table)
    made, labels = _planned(services, shown, _key(services, shown, found[0], table), export, codebook)
    return Understood(found[0], next(iter(found[1:]), None), table, codebook.patterns, made, labels)


def choose(services: Services, row: LessonRow, chosen: Mapping[str, str | None]) -> dict[str, str]:
    """Keep what labels mean: a pattern's name, "" to leave them out, None to read them as they are written. Answers all
    that is kept. Raises InputError without a table and for a pattern that it lacks, Conflict while one builds.
    """
    shown = free(services, row)
    table = pattern_tables.kept(shown)
    if table is None:
        raise InputError("Give a table of patterns first: labels get their meaning from it.")
    codebook = pattern_tables.codebook(services, table)
    with services.decision_locks.hold(row.id, WAIT_S):
        return meanings.keep(services, row, chosen, codebook)


def choose_nothing(services: Services, row: LessonRow) -> None:
    """Take every choice back. Raises Conflict while a dataset is being built."""
    free(services, row)
    with services.decision_locks.hold(row.id, WAIT_S):
        meanings.forget(services, row)


def free(services: Services, row: LessonRow) -> LessonView:
    """The lesson, ready and not being built. Raises Conflict."""
    shown = lessons.view(services, row)
    if not shown.is_ready:
        raise Conflict("The lesson is still being prepared. Build the dataset when that is done.")
    if (newest := shown.jobs.get("build_dataset")) is not None and newest.is_active:
        raise Conflict("A dataset of this lesson is being built already. Wait for it, or cancel it first.")
    return shown


def video_name(row: LessonRow) -> str:
    return row.video_key.removeprefix(row.prefix)


def _given_or_kept(
    services: Services, stack: ExitStack, shown: LessonView, annotations: IO[bytes] | None, name: str
) -> Path:  # fmt: skip
    """The annotations that are brought, else those that a build would take, as a file."""
    if annotations is None:
        found = given.origins(shown, annotate.FETCHED)
        if not found:
            raise InputError(
                "No annotations were fetched for this lesson yet. Fetch them from Label Studio, or give the exported file."
            )
        name, annotations = found[0].key, io.BytesIO(b"".join(services.store.read(services.raw, found[0].key)))
    services.work_dir.mkdir(parents=True, exist_ok=True)
    folder = stack.enter_context(tempfile.TemporaryDirectory(dir=services.work_dir, prefix=f"request-{shown.id}-"))
    marks = Path(folder) / "annotations.given"
    pattern_tables.save(annotations, marks, given.MAX_BYTES)
    return given.named(marks, name)


def _store(services: Services, shown: LessonView, marks: Path, kept_as: str) -> None:
    if kept_as:
        key = keys.derivative_key(shown.row.video_key, kept_as)
        put(services, None, shown.row, marks, key, given.CONTENT_TYPES[marks.suffix])
    else:
        given.keep(services, shown.row, marks)


def _planned(
    services: Services, shown: LessonView, key: tuple[Any, ...], export: Export, codebook: Codebook
) -> tuple[plan.Plan, tuple[Label, ...]]:  # fmt: skip
    row, chosen = shown.row, meanings.kept(services, shown.row)
    key = (*key, row.id, row.name, *chosen.items())
    found = _kept_plans.get(key)
    if found is None:
        made = plain_dataset.planned(export, codebook, shown.info, row.name, video_name(row), row.id, "", chosen)
        mine = marks_of(plan.of_lesson(list(export.annotations), row.id, []))
        labels = _labels(mine, codebook, chosen) if pattern_tables.kept(shown) is not None else ()
        found = _kept_plans[key] = made, labels
        for old in list(_kept_plans)[:-KEPT]:
            _kept_plans.pop(old, None)
    return found


def _key(services: Services, shown: LessonView, marks: ObjectInfo, table: ObjectInfo | None) -> tuple[Any, ...]:
    inputs = tuple((found.key, found.etag) for found in (marks, table) if found)
    return services.settings.data_dir, inputs, shown.info.duration_s, shown.info.video.frame_rate


def _read(services: Services, shown: LessonView, marks: ObjectInfo, table: ObjectInfo | None) -> tuple[Export, Codebook]:
    key = _key(services, shown, marks, table)
    found = _kept.get(key)
    if found is None:
        with _one_at_a_time, services.store.as_file(services.raw, marks.key) as path:
            export, empty = plain_dataset.read_inputs(path, None, shown.info, video_name(shown.row))
            found = _kept[key] = export, pattern_tables.codebook(services, table) if table is not None else empty
            for old in list(_kept)[:-KEPT]:
                del _kept[old]
    return found


def _labels(marks: Counter[str], codebook: Codebook, chosen: Mapping[str, str]) -> tuple[Label, ...]:
    """By the number of their marks; a choice moves none of them, so that nobody loses their place."""
    odd = [
        Label(
            name, count, chosen.get(name), bool(chosen.get(name)) and codebook.match(chosen[name]) is None,
            tuple(codebook.suggest(name)),
        )
        for name, count in marks.items() if name in chosen or codebook.match(name) is None
    ]  # fmt: skip
    return tuple(sorted(odd, key=lambda label: -label.marks))
