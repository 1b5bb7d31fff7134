"""What is understood of a lesson's annotations and table: worked out once, by a job where it takes time, and kept.

It lies beside the video at `<stem>.understood.<files>.<meanings>.json`. `files` is a hash of all that is read (annotations and
table by their etags, the recording's length and frame rate), `meanings` one of what people chose that labels mean, so nothing
old is ever shown.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ppi.annotation.patterns import Codebook
from ppi.errors import Conflict, NotFound, translatable
from ppi.jobs.ledger import Job
from ppi.jobs.lessons import LessonRow
from ppi.jobs.run import Run
from ppi.records import Dropped, MediaInfo, ObjectInfo, Span
from ppi.services import Services
from ppi.storage import keys, rows
from ppi.workflows import annotate, annotations, derived, lessons, meanings, pattern_tables, plain_understood
from ppi.workflows.lessons import UNDERSTOOD, LessonView

KIND = "understand"
# Changes when annotations are understood in another way, or kept in another form: what was kept before is shown no more.
MADE_BY = 1
MOST_KEPT = 4  # of the same files, after other choices
# What takes a job takes seconds, so the page that begins it is painted first: both want all of a small machine.
PAINTED_S = 0.3
TRIES = 3  # when somebody gives other files while these are read
CHANGED = translatable("The annotations were replaced meanwhile. Load the page again.")
# Of those who wait for it in this process: each takes a child of its own.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Asked:
    """What is to be understood, as it lies in the store just now; `other` are the newest annotations of the other origin."""

    row: LessonRow
    info: MediaInfo
    marks: ObjectInfo
    other: ObjectInfo | None
    table: ObjectInfo | None
    chosen: Mapping[str, str]

    @property
    def files(self) -> tuple[tuple[str, str], ...]:
        """Name and etag of what is read."""
        return _named(self.marks, self.table)

    @property
    def place(self) -> str:
        """What the keys of all that was understood of these files begin with."""
        told = [MADE_BY, self.files, self.info.duration_s, self.info.video.frame_rate, self.row.id, self.row.video_key]
        return keys.derivative_key(self.row.video_key, f"{UNDERSTOOD}.{derived.hash_of(told)}.")

    @property
    def key(self) -> str:
        return f"{self.place}{derived.hash_of(sorted(self.chosen.items()))}.json"


@dataclass(frozen=True)
class Segment:
    """A sample as it will be: the names of its patterns, and those of them that the table does not have."""

    span: Span
    annotator: str
    patterns: tuple[str, ...]
    odd: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """What was understood. The lists are read where they are sliced.

    `labels` are names and numbers of marks of the labels that the table lacks or that somebody chose a meaning for, the most
    frequent first; none without a table. `table` are the names of its patterns, `unused` those that nobody marked. `marked_s`
    is the time that is marked, `annotators` and `patterns` are numbers, `undecided` counts labels without a meaning that holds.
    """

    marked_s: float
    annotators: int
    patterns: int
    undecided: int
    segments: Sequence[Segment]
    labels: Sequence[tuple[str, int]]
    dropped: Sequence[Dropped]
    unused: Sequence[str]
    table: Sequence[str]


def ask(services: Services, shown: LessonView) -> Asked | None:
    """None before there are annotations, or before the lesson is ready."""
    found = annotations.origins(shown, annotate.FETCHED)
    if not found or not shown.is_ready:
        return None
    other = next(iter(found[1:]), None)
    chosen = meanings.kept(services, shown.row)
    return Asked(shown.row, shown.info, found[0], other, pattern_tables.kept(shown), chosen)


def about(row: LessonRow, info: MediaInfo, chosen: Mapping[str, str]) -> dict[str, Any]:
    """What `plain_understood.packed` needs besides the files."""
    return {
        "info": info, "lesson": row.name, "lesson_id": row.id, "source_video": row.video_key.removeprefix(row.prefix),
        "meanings": chosen,
    }  # fmt: skip


def kept(services: Services, asked: Asked) -> Found | None:
    """What was understood already, in any process."""
    return _opened(services, asked.key)


def before(services: Services, asked: Asked) -> Found | None:
    """What was understood last of the same files, before somebody chose other meanings."""
    found = services.store.list(services.raw, asked.place)
    newest = max(found, key=lambda item: item.last_modified_s, default=None)
    return _opened(services, newest.key) if newest else None


def at_once(services: Services, asked: Asked) -> tuple[Asked, Found] | None:
    """What was understood already, or is in a fraction of a second; None where that takes longer. Raises AnnotationError."""
    if (found := kept(services, asked)) is not None:
        return asked, found
    is_quick = plain_understood.is_quick(asked.marks.size_bytes, asked.marks.key)
    is_read = asked.table is None or pattern_tables.read_before(services, asked.row, asked.table) is not None
    return made(services, asked.row) if is_quick and is_read else None


def made(
    services: Services, row: LessonRow, *, on_report: Callable[[float], None] = lambda share: None,
    on_tick: Callable[[], None] = lambda: None,
) -> tuple[Asked, Found] | None:  # fmt: skip
    """What is understood of what the lesson holds now, worked out if it must be; None where there is nothing.

    Raises AnnotationError, Conflict when the files change all the time, and whatever `on_tick` raises.
    """
    for _ in range(TRIES):
        asked = ask(services, lessons.view(services, row))
        if asked is None:
            return None
        if (found := kept(services, asked)) is not None:
            return asked, found
        try:
            data = _worked_out(services, asked, on_report, on_tick)
        except NotFound:  # it was taken away while it was read
            continue
        now = ask(services, lessons.view(services, row))
        if now is not None and now.files == asked.files:
            keep(services, asked, data)
            if (found := kept(services, asked)) is not None:
                return asked, found
    raise Conflict(CHANGED)


def waited_for(services: Services, row: LessonRow) -> tuple[Asked, Found] | None:
    """`made` for a program that waits."""
    with _one_at_a_time:
        return made(services, row)


def remember(
    services: Services, row: LessonRow, files: Sequence[ObjectInfo | None], chosen: Mapping[str, str], data: bytes
) -> None:  # fmt: skip
    """Keep what was worked out of these annotations and this table, if they are what the lesson holds now."""
    asked = ask(services, lessons.view(services, row))
    if asked is not None and asked.files == _named(*files) and asked.chosen == chosen:
        keep(services, asked, data)


def keep(services: Services, asked: Asked, data: bytes) -> None:
    """In place of what was understood of other files, and of the oldest when there is much."""
    derived.put(services, asked.row, asked.key, data)
    all_kept = services.store.list(services.raw, keys.derivative_key(asked.row.video_key, f"{UNDERSTOOD}."))
    mine = sorted((found for found in all_kept if found.key.startswith(asked.place)), key=lambda found: found.last_modified_s)
    oldest = [found for found in mine[:-MOST_KEPT] if found.key != asked.key]
    for found in (*oldest, *(found for found in all_kept if not found.key.startswith(asked.place))):
        services.store.delete(services.raw, found.key)


def request(services: Services, asked: Asked) -> Job:
    """The job that works it out: one that waits or runs, the one that failed or was cancelled, or a new one."""
    return _request(services, asked.row, asked.key)


def request_table(services: Services, shown: LessonView) -> Job | None:
    """Such a job for the table alone; None where there is none, or where it was read before."""
    table = pattern_tables.kept(shown)
    if table is None or pattern_tables.read_before(services, shown.row, table) is not None:
        return None
    return _request(services, shown.row, pattern_tables.read_key(shown.row, table))


def run_understand(services: Services, job: Job, run: Run) -> dict[str, Any]:
    """The job. If something changes while it works, the page asks for another one."""
    row = lessons.present(services, job.lesson_id)
    on_report = run.step("reading", "Reading annotations and table", 0.0, 1.0)
    time.sleep(PAINTED_S)
    run.check()
    table = pattern_tables.kept(lessons.view(services, row))
    if table is not None:  # also where there are no annotations yet
        pattern_tables.codebook(services, row, table)
    found = made(services, row, on_report=on_report, on_tick=run.check)
    return {"segments": len(found[1].segments), "dropped": len(found[1].dropped)} if found else {}


def _request(services: Services, row: LessonRow, key: str) -> Job:
    """A job takes what the lesson holds when it begins, so whatever is asked for meanwhile, one waiting job is enough."""
    jobs = services.ledger.list(lesson_id=row.id, kind=KIND)
    last = derived.newest_of(jobs, key)
    if last is not None and last.status != "completed":
        return last
    waiting = next((job for job in jobs if job.status == "queued"), None)
    return waiting or derived.begin(services, KIND, row, {"key": key}, last)


def _worked_out(
    services: Services, asked: Asked, on_report: Callable[[float], None], on_tick: Callable[[], None]
) -> bytes:  # fmt: skip
    codebook = pattern_tables.codebook(services, asked.row, asked.table) if asked.table is not None else Codebook(())
    with services.store.as_file(services.raw, asked.marks.key) as path:
        return plain_understood.worked_out(
            path, asked.marks.key, codebook=codebook, on_report=on_report, on_tick=on_tick,
            **about(asked.row, asked.info, asked.chosen),
        )  # fmt: skip


def _named(*files: ObjectInfo | None) -> tuple[tuple[str, str], ...]:
    return tuple((found.key, found.etag) for found in files if found)


def _opened(services: Services, key: str) -> Found | None:
    def read(part: Callable[..., bytes]) -> Found:
        facts, lists = rows.opened(part, {
            "segments": _segment, "labels": tuple, "dropped": lambda row: Dropped(*row), "unused": str, "table": str,
        })  # fmt: skip
        return Found(**facts, **lists)

    return derived.kept(services, key, read)


def _segment(row: list[Any]) -> Segment:
    start_s, end_s, annotator, patterns, odd = row
    return Segment(Span(start_s, end_s), annotator, tuple(patterns), tuple(odd))
