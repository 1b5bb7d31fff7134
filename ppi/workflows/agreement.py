"""Agreement of a stored lesson's annotators: the exports compared, decisions about disagreements, the gold set."""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, Any

from ppi.annotation import agreement, gold, label_studio, patterns
from ppi.annotation.agreement import Agreement, Moment
from ppi.annotation.patterns import Codebook
from ppi.errors import AnnotationError, Conflict, InputError, NotFound, ToolFailed
from ppi.jobs.ledger import Job
from ppi.jobs.lessons import LessonRow
from ppi.processes import run_in_child
from ppi.records import ObjectInfo
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows import build_dataset, lessons
from ppi.workflows.ingest import owner_metadata

MAX_SOURCES = 20
MAX_SOURCES_BYTES = build_dataset.MAX_ANNOTATIONS_BYTES
DECISIONS, GOLD = ".adjudication.json", ".gold.json"
STEP_S = agreement.STEP_S
CHILD_TIMEOUT_S, CHILD_MEMORY_BYTES = 120, 6 * 1024**3
KEPT = 8
_SOURCE = re.compile(r"\.annotations(?:\.(\d+))?\.json")
# Comparisons made last in this process: a look at the next page of disagreements must not cost seconds. The key holds the
# etags of all inputs, so that nothing old is ever shown. One is made at a time, since each takes a child of its own.
_kept: dict[tuple, Agreement] = {}
_one_at_a_time = threading.Lock()
_deciding = threading.Lock()


@dataclass(frozen=True)
class Comparison:
    """A lesson's comparison with the decisions made so far: a moment's id -> one of its choices."""

    found: Agreement
    decisions: Mapping[str, str]
    has_table: bool

    @property
    def undecided(self) -> int:
        return sum(moment.id not in self.decisions for moment in self.found.disagreements)


def sources(shown: lessons.LessonView) -> list[ObjectInfo]:
    """The exports that are compared: what the dataset was built of first, then those that were added."""
    numbered = [(int(match[1] or 0), found) for name, found in shown.files.items() if (match := _SOURCE.fullmatch(name))]
    return [found for _, found in sorted(numbered, key=lambda pair: pair[0])]


def add_source(services: Services, row: LessonRow, file: IO[bytes]) -> None:
    """Add an export to the lesson's comparison. Raises AnnotationError, InputError when it is too large, and Conflict."""
    shown = lessons.view(services, row)
    if not shown.is_ready:
        raise Conflict("The lesson is still being prepared. Compare annotators when that is done.")
    present = sources(shown)
    free_bytes = MAX_SOURCES_BYTES - sum(found.size_bytes for found in present)
    data = file.read(max(free_bytes, 0) + 1)
    if len(data) > free_bytes or len(present) >= MAX_SOURCES:
        raise InputError(
            "A lesson compares at most {count} exports of {limit_mb} MB together. Remove one first.",
            count=MAX_SOURCES, limit_mb=MAX_SOURCES_BYTES // 1_000_000,
        )  # fmt: skip
    label_studio.parse(data, frame_rate=shown.info.video.frame_rate, duration_s=shown.info.duration_s)
    taken = {found.key for found in present}
    names = (f".annotations.{number}.json" for number in range(2, MAX_SOURCES + 3))
    key = next(key for name in names if (key := keys.derivative_key(row.video_key, name)) not in taken)
    _store(services, row, key, data)


def comparison(services: Services, row: LessonRow, *, step_s: float = STEP_S, chosen: Sequence[str] = ()) -> Comparison:
    """Compare the lesson's annotators, or those in `chosen`. Raises AnnotationError and InputError for unusable inputs.

    Raises Conflict when the lesson has no annotations yet.
    """
    shown = lessons.view(services, row)
    given = sources(shown)
    if not given or not shown.is_ready:
        raise Conflict("This lesson has no annotations to compare yet. Add an export from Label Studio first.")
    table = _table(shown)
    rate, duration_s = shown.info.video.frame_rate, shown.info.duration_s
    key = (
        services.settings.data_dir, row.video_key, tuple((found.key, found.etag) for found in (*given, *filter(None, [table]))),
        duration_s, rate, row.id, step_s, tuple(chosen),
    )  # fmt: skip
    found = _kept.get(key)
    if found is None:
        with _one_at_a_time:
            found = _kept.get(key) or _compared(services, given, table, (duration_s, rate, step_s, row.id, tuple(chosen)))
            _kept[key] = found
            for old in list(_kept)[:-KEPT]:
                _kept.pop(old, None)
    return Comparison(found, _decisions(services, row), table is not None)


def decide(services: Services, row: LessonRow, compared: Comparison, given: Mapping[str, str]) -> None:
    """Keep decisions with the lesson; "" takes one back. Raises Conflict when the marks changed meanwhile, InputError."""
    known = {moment.id: moment for moment in compared.found.disagreements}
    for moment_id, choice in given.items():
        if moment_id not in known:
            raise Conflict("The annotations changed meanwhile. Look at the disagreements again.")
        if choice and choice not in gold.choices(known[moment_id]):
            raise InputError("A disagreement cannot be decided like this. Choose one of the answers on the page.")
    with _deciding:
        kept = _decisions(services, row) | given
        told = {"decisions": {moment_id: choice for moment_id, choice in sorted(kept.items()) if choice}}
        _store(services, row, keys.derivative_key(row.video_key, DECISIONS), json.dumps(told, ensure_ascii=False).encode())


def choices(moment: Moment) -> list[str]:
    """See `gold.choices`: "keep:4", "all", "none"."""
    return gold.choices(moment)


def gold_set(compared: Comparison, task: str) -> str:
    """The gold set as an export of Label Studio; `task` is the lesson's task for Label Studio."""
    return gold.export(gold.gold_spans(compared.found, compared.decisions), task, compared.found.duration_s)


def gold_size(compared: Comparison) -> int:
    """How many intervals the gold set holds."""
    return len(gold.gold_spans(compared.found, compared.decisions))


def request_gold_build(services: Services, row: LessonRow, compared: Comparison, task: str) -> Job:
    """Keep the gold set with the lesson and queue a build of it with the table of the last build.

    The exports stay as they are. Raises Conflict when there is no table yet; see `build_dataset.request_build`.
    """
    table = _table(lessons.view(services, row))
    if table is None:
        raise Conflict("There is no table of patterns yet. Build a dataset of the annotations first, then of the gold set.")
    with services.store.as_file(services.raw, table.key) as path, path.open("rb") as file:
        return build_dataset.request_build(
            services, row, annotations=io.BytesIO(gold_set(compared, task).encode()), table=file, table_name=table.key,
            kept_as=GOLD,
        )  # fmt: skip


def _compared(services: Services, given: list[ObjectInfo], table: ObjectInfo | None, rest: tuple) -> Agreement:
    """In a child, so that this process loads none of the libraries; what a child takes too long for is refused."""
    duration_s, rate, step_s, lesson_id, chosen = rest
    with ExitStack() as stack:
        paths = [stack.enter_context(services.store.as_file(services.raw, found.key)) for found in given]
        codebook = Codebook(())
        if table is not None:
            codebook = patterns.read(stack.enter_context(services.store.as_file(services.raw, table.key)))
        wanted: dict[str, Any] = {
            "paths": paths, "codebook": codebook, "duration_s": duration_s, "frame_rate": rate, "step_s": step_s,
            "lesson_id": lesson_id, "chosen": chosen,
        }  # fmt: skip
        try:
            return run_in_child(
                "ppi.workflows.plain_agreement:compared", wanted, timeout_s=CHILD_TIMEOUT_S, memory_bytes=CHILD_MEMORY_BYTES
            )
        except ToolFailed as error:
            raise AnnotationError(
                "The comparison takes too much time or memory. Compare fewer annotators, or choose a longer step."
            ) from error


def _table(shown: lessons.LessonView) -> ObjectInfo | None:
    """The pattern table of the last build."""
    names = [f".patterns{suffix}" for suffix in build_dataset.TABLE_SUFFIXES]
    found = [shown.files[name] for name in names if name in shown.files]
    return max(found, key=lambda table: table.last_modified_s, default=None)


def _decisions(services: Services, row: LessonRow) -> dict[str, str]:
    try:
        kept = b"".join(services.store.read(services.raw, keys.derivative_key(row.video_key, DECISIONS)))
    except NotFound:  # nothing was decided yet
        return {}
    return json.loads(kept)["decisions"]


def _store(services: Services, row: LessonRow, key: str, data: bytes) -> None:
    services.store.put_bytes(services.raw, key, data, content_type="application/json", metadata=owner_metadata(row))
