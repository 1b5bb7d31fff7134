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

from ppi.annotation import agreement, formats, gold
from ppi.annotation.agreement import Agreement, Moment
from ppi.annotation.patterns import Codebook
from ppi.errors import AnnotationError, Conflict, InputError, NotFound, ToolFailed
from ppi.jobs.ledger import Job
from ppi.jobs.lessons import LessonRow
from ppi.processes import run_in_child
from ppi.records import ObjectInfo
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows import annotations, build_dataset, lessons, meanings, pattern_tables
from ppi.workflows.ingest import owner_metadata
from ppi.workflows.plain_agreement import CHILD_MEMORY_BYTES, CHILD_TIMEOUT_S

MAX_SOURCES = 20
MAX_SOURCES_BYTES = annotations.MAX_BYTES
DECISIONS, GOLD = ".adjudication.json", ".gold.json"
STEP_S = agreement.STEP_S
KEPT = 8
WAIT_S = 10.0  # for somebody else who is saving decisions
_SOURCE = re.compile(r"(?:\.label-studio)?\.annotations(?:\.(\d+))?(?:\.json|\.eaf|\.TextGrid|\.csv)")
# Comparisons made last in this process: a look at the next page of disagreements must not cost seconds. The key holds the
# etags of all inputs, so that nothing old is ever shown. One is made at a time, since each takes a child of its own.
_kept: dict[tuple, Agreement] = {}
_one_at_a_time = threading.Lock()


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
    """The files that are compared: of what a dataset was built of and what was fetched the newer, then those added."""
    found = {name: (int(match[1] or 0), shown.files[name]) for name in shown.files if (match := _SOURCE.fullmatch(name))}
    added = sorted(((number, source) for number, source in found.values() if number), key=lambda pair: pair[0])
    own = [source for number, source in found.values() if not number]
    newest = [max(own, key=lambda source: source.last_modified_s)] if own else []
    return [*newest, *(source for _, source in added)]


def add_source(services: Services, row: LessonRow, file: IO[bytes], name: str) -> None:
    """Add annotations in any format that PPI reads, in a file called `name`, to the lesson's comparison.

    Raises AnnotationError, InputError when there are too many, and Conflict before the lesson is ready.
    """
    shown = lessons.view(services, row)
    if not shown.is_ready:
        raise Conflict("The lesson is still being prepared. Compare annotators when that is done.")
    present = sources(shown)
    free_bytes = MAX_SOURCES_BYTES - sum(found.size_bytes for found in present)
    data = file.read(max(free_bytes, 0) + 1)
    if len(data) > free_bytes or len(present) >= MAX_SOURCES:
        raise InputError(
            "A lesson compares at most {count} files of {limit_mb} MB together. Remove one first.",
            count=MAX_SOURCES, limit_mb=MAX_SOURCES_BYTES // 1_000_000,
        )  # fmt: skip
    suffix, video = formats.recognise(data, name), row.video_key.removeprefix(row.prefix)
    rate, duration_s = shown.info.video.frame_rate, shown.info.duration_s
    formats.read_apart(data, f"given{suffix}", frame_rate=rate, duration_s=duration_s, video_name=video)
    numbers = [int(match[1]) for held in shown.files if (match := _SOURCE.fullmatch(held)) and match[1]]
    key = keys.derivative_key(row.video_key, f".annotations.{max(numbers, default=1) + 1}{suffix}")
    _store(services, row, key, data, annotations.CONTENT_TYPES[suffix])


def comparison(services: Services, row: LessonRow, *, step_s: float = STEP_S, chosen: Sequence[str] = ()) -> Comparison:
    """Compare the lesson's annotators, or those in `chosen`. Raises AnnotationError and InputError for unusable inputs.

    Raises Conflict when the lesson has no annotations yet.
    """
    agreement.check_step(step_s)
    shown = lessons.view(services, row)
    given = sources(shown)
    if not given or not shown.is_ready:
        raise Conflict("This lesson has no annotations to compare yet. Add a file with annotations first.")
    table = pattern_tables.kept(shown)
    wanted = {
        "video_name": row.video_key.removeprefix(row.prefix), "duration_s": shown.info.duration_s,
        "frame_rate": shown.info.video.frame_rate, "step_s": step_s, "lesson_id": row.id, "chosen": tuple(chosen),
        "meanings": tuple(meanings.kept(services, row).items()),
    }  # fmt: skip
    inputs = tuple((found.key, found.etag) for found in (*given, *filter(None, [table])))
    key = (services.settings.data_dir, inputs, *wanted.values())
    found = _kept.get(key)
    if found is None:
        with _one_at_a_time:
            found = _kept.get(key) or _compared(services, given, table, wanted)
            _kept[key] = found
            for old in list(_kept)[:-KEPT]:
                _kept.pop(old, None)
    return Comparison(found, _decisions(services, row), table is not None)


def decide(
    services: Services, row: LessonRow, compared: Comparison, given: Mapping[str, str], seen: Mapping[str, str] | None = None
) -> None:
    """Keep decisions with the lesson; "" takes one back. `seen` holds what was decided when they were made.

    Raises Conflict when the marks changed meanwhile, or when somebody else decided one of the same moments: theirs stay, the
    other decisions are kept. Raises InputError.
    """
    known, seen = {moment.id: moment for moment in compared.found.disagreements}, seen or {}
    for moment_id, choice in given.items():
        if moment_id not in known:
            raise Conflict("The annotations changed meanwhile. Look at the disagreements again.")
        if choice and choice not in gold.choices(known[moment_id]):
            raise InputError("A disagreement cannot be decided like this. Choose one of the answers on the page.")
    with services.decision_locks.hold(row.id, WAIT_S):
        kept = _decisions(services, row)
        changed = {moment_id: choice for moment_id, choice in given.items() if choice != seen.get(moment_id)}
        taken = {name for name in changed if kept.get(name, "") not in (seen.get(name, kept.get(name, "")), changed[name])}
        kept |= {moment_id: choice for moment_id, choice in changed.items() if moment_id not in taken}
        told = {"decisions": {moment_id: choice for moment_id, choice in sorted(kept.items()) if choice}}
        _store(services, row, keys.derivative_key(row.video_key, DECISIONS), json.dumps(told, ensure_ascii=False).encode())
    if taken:
        raise Conflict(
            "Somebody else decided {count} of these moments meanwhile. Theirs were kept, your other decisions are saved. Look "
            "at the disagreements again.", count=len(taken),
        )  # fmt: skip


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
    if not compared.has_table:
        raise Conflict("There is no table of patterns yet. Give one on step 2, then build from the gold set.")
    made = io.BytesIO(gold_set(compared, task).encode())
    return build_dataset.request_build(services, row, annotations=made, annotations_name=GOLD, kept_as=GOLD)


def _compared(services: Services, given: list[ObjectInfo], table: ObjectInfo | None, wanted: dict[str, Any]) -> Agreement:
    """In a child, so that this process loads none of the libraries; what a child takes too long for is refused."""
    with ExitStack() as stack:
        files = [(stack.enter_context(services.store.as_file(services.raw, found.key)), found.key) for found in given]
        codebook = pattern_tables.codebook(services, table) if table is not None else Codebook(())
        wanted = {**wanted, "files": files, "codebook": codebook, "meanings": dict(wanted["meanings"])}
        try:
            return run_in_child(
                "ppi.workflows.plain_agreement:compared", wanted, timeout_s=CHILD_TIMEOUT_S,
                memory_bytes=CHILD_MEMORY_BYTES,
            )
        except ToolFailed as error:
            raise AnnotationError(
                "The comparison takes too much time or memory. Compare fewer annotators, or choose a longer step."
            ) from error


def _decisions(services: Services, row: LessonRow) -> dict[str, str]:
    try:
        kept = b"".join(services.store.read(services.raw, keys.derivative_key(row.video_key, DECISIONS)))
    except NotFound:  # nothing was decided yet
        return {}
    return json.loads(kept)["decisions"]


def _store(services: Services, row: LessonRow, key: str, data: bytes, content_type: str = "application/json") -> None:
    services.store.put_bytes(services.raw, key, data, content_type=content_type, metadata=owner_metadata(row))
