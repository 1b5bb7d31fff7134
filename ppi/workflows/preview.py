"""What a build would hold, before anything is built: files are kept with the lesson, and odd labels get a meaning."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO

from ppi.annotation import patterns
from ppi.annotation.patterns import Codebook
from ppi.errors import Conflict, InputError, NotFound
from ppi.jobs.ledger import Job
from ppi.jobs.lessons import LessonRow
from ppi.records import ObjectInfo, Pattern
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows import annotate, lessons, meanings, pattern_tables, plain_understood, understood
from ppi.workflows import annotations as given
from ppi.workflows.ingest import put
from ppi.workflows.lessons import LessonView
from ppi.workflows.understood import Asked, Found

ANNOTATIONS, PATTERNS = "annotations", "patterns"
WAIT_S = 10.0  # for somebody else who is choosing meanings, or giving files


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
class Look:
    """What can be shown at once: what was understood, or else the job that works it out.

    Then `before` is what was understood of the same files before the last choice: the same labels stand in it.
    """

    asked: Asked
    found: Found | None
    job: Job | None = None
    before: Found | None = None

    @property
    def is_fetched(self) -> bool:
        """Whether the marks were fetched from a running Label Studio, not brought as a file."""
        return self.asked.marks.key.endswith(annotate.FETCHED)

    @property
    def labels(self) -> Sequence[tuple[str, int]]:
        """Odd labels with the numbers of their marks, see `understood.Found`; () while nobody knows."""
        known = self.found or self.before
        return known.labels if known else ()

    @property
    def table(self) -> Sequence[str]:
        """The names of the table's patterns; () while nobody knows."""
        known = self.found or self.before
        return known.table if known else ()

    @cached_property
    def _codebook(self) -> Codebook:
        return Codebook(tuple(Pattern(name, "") for name in self.table[:]))

    def described(self, labels: Sequence[tuple[str, int]]) -> list[Label]:
        """Those of the labels with what they mean now, and what they may mean."""
        chosen = self.asked.chosen
        return [
            Label(
                name, marks, chosen.get(name), plain_understood.is_lost(chosen.get(name, ""), self._codebook),
                tuple(self._codebook.suggest(name)),
            )
            for name, marks in labels
        ]  # fmt: skip


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
        if annotations is None and not is_for_build and table is None:
            raise InputError("Choose a file first: annotations, or a table of patterns.")
        codebook, chosen = _codebook(services, shown, path if table is not None else None), meanings.kept(services, row)
        marks, data = None, b""
        if annotations is not None or is_for_build:
            marks = _given_or_kept(services, stack, shown, annotations, annotations_name)
            data = plain_understood.worked_out(
                marks, marks.name, codebook=codebook, required=chosen if is_for_build else {},
                **understood.about(row, shown.info, chosen),
            )  # fmt: skip
        with services.decision_locks.hold(row.id, WAIT_S):  # of two who give files one comes after the other
            stored = _store(services, shown, marks, kept_as) if marks is not None else None
            read = pattern_tables.keep(services, shown, path, suffix) if table is not None else pattern_tables.kept(shown)
            if stored is not None:
                understood.remember(services, row, (stored, read), chosen, data)
    return suffix


def use_fetched(services: Services, row: LessonRow) -> None:
    """Take the annotations fetched from Label Studio though others were brought later. Raises what `keep` does."""
    keep(services, row, annotations=io.BytesIO(annotate.fetched_annotations(services, row)), annotations_name="fetched.json")


def look(services: Services, shown: LessonView) -> Look | None:
    """How the lesson's annotations and table are understood, as far as nobody has to wait for it; None before there are
    annotations. Raises AnnotationError.
    """
    asked = understood.ask(services, shown)
    if asked is None:
        return None
    found = understood.at_once(services, asked)
    if found is not None:
        return Look(*found)
    return Look(asked, None, understood.request(services, asked), understood.before(services, asked))


def waited_for(services: Services, row: LessonRow) -> Look | None:
    """`look` for a program that waits until all is worked out. Raises AnnotationError."""
    found = understood.waited_for(services, row)
    return Look(*found) if found else None


def choose(services: Services, row: LessonRow, chosen: Mapping[str, str | None]) -> dict[str, str]:
    """Keep what labels mean: a pattern's name, "" to leave them out, None to read them as they are written. Answers all
    that is kept. Raises InputError without a table and for a pattern that it lacks, Conflict while one builds.
    """
    shown = free(services, row)
    table = pattern_tables.kept(shown)
    if table is None:
        raise InputError("Give a table of patterns first: labels get their meaning from it.")
    codebook = pattern_tables.codebook(services, row, table)
    with services.decision_locks.hold(row.id, WAIT_S):
        return meanings.keep(services, row, chosen, codebook)


def choose_nothing(services: Services, row: LessonRow) -> None:
    """Take every choice back. Raises Conflict while a dataset is being built."""
    free(services, row)
    with services.decision_locks.hold(row.id, WAIT_S):
        meanings.forget(services, row)


def take_back(services: Services, row: LessonRow, kind: str) -> None:
    """Put the annotations, or the patterns, that were replaced last in the place of those of now, which are kept in turn.

    Raises NotFound when there are none, and what `keep` does.
    """
    found = lessons.view(services, row).before(kind)
    if found is None:
        raise NotFound("There is no file of before any more. Give the file again.")
    data, name = io.BytesIO(b"".join(services.store.read(services.raw, found.key))), found.key.rsplit("/", 1)[-1]
    if kind == ANNOTATIONS:
        keep(services, row, annotations=data, annotations_name=name)
    else:
        keep(services, row, table=data, table_name=name)


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


def _codebook(services: Services, shown: LessonView, given_table: Path | None) -> Codebook:
    """Of the table that is brought, else of the one that is kept; without patterns where there is none."""
    if given_table is not None:
        return patterns.read(given_table)
    table = pattern_tables.kept(shown)
    return pattern_tables.codebook(services, shown.row, table) if table is not None else Codebook(())


def _store(services: Services, shown: LessonView, marks: Path, kept_as: str) -> ObjectInfo:
    if not kept_as:
        return given.keep(services, shown.row, marks)
    key = keys.derivative_key(shown.row.video_key, kept_as)
    return put(services, None, shown.row, marks, key, given.CONTENT_TYPES[marks.suffix])
