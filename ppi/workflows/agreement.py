"""Agreement of a stored lesson's annotators: the exports compared, decisions about disagreements, the gold set."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from ppi.annotation import formats, gold
from ppi.annotation.agreement import Agreement, Moment
from ppi.errors import Conflict, InputError, NotFound
from ppi.jobs.ledger import Job
from ppi.jobs.lessons import LessonRow
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows import annotations, build_dataset, comparisons, lessons
from ppi.workflows.ingest import owner_metadata

MAX_SOURCES = 20
MAX_SOURCES_BYTES = annotations.MAX_BYTES
DECISIONS, GOLD = ".adjudication.json", ".gold.json"
STEP_S = comparisons.STEP_S
WAIT_S = 10.0  # for somebody else who is saving decisions
# Of those who wait for a comparison in this process: each takes a child of its own.
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


@dataclass(frozen=True)
class Look:
    """What can be shown at once: the comparison, or else the job that makes it. `everybody` is () while nobody knows."""

    compared: Comparison | None
    job: Job | None
    everybody: tuple[str, ...]


def add_source(services: Services, row: LessonRow, file: IO[bytes], name: str) -> None:
    """Add annotations in any format that PPI reads, in a file called `name`, to the lesson's comparison.

    Raises AnnotationError, InputError when there are too many, and Conflict before the lesson is ready.
    """
    shown = lessons.view(services, row)
    if not shown.is_ready:
        raise Conflict("The lesson is still being prepared. Compare annotators when that is done.")
    present = comparisons.sources(shown)
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
    number = max([1, *(number for number, _ in comparisons.numbered(shown))]) + 1
    key = keys.derivative_key(row.video_key, f".annotations.{number}{suffix}")
    _store(services, row, key, data, annotations.CONTENT_TYPES[suffix])


def comparison(services: Services, row: LessonRow, *, step_s: float = STEP_S, chosen: Sequence[str] = ()) -> Comparison:
    """Compare the lesson's annotators, or those in `chosen`, and wait for it. Raises what `comparisons.made` does.

    Raises Conflict when the lesson has no annotations yet.
    """
    asked = comparisons.ask(services, lessons.view(services, row), step_s=step_s, chosen=chosen)
    found = comparisons.kept(services, asked)
    if found is None:
        with _one_at_a_time:
            found = comparisons.made(services, row, step_s=step_s, chosen=chosen)
    return Comparison(found, _decisions(services, row), asked.table is not None)


def look(services: Services, shown: lessons.LessonView, *, step_s: float = STEP_S, chosen: Sequence[str] = ()) -> Look:
    """The comparison if it was made already, else the job that makes it: nothing is waited for.

    Raises what `comparisons.ask` and `comparisons.request` do.
    """
    asked = comparisons.ask(services, shown, step_s=step_s, chosen=chosen)
    found = comparisons.kept(services, asked)
    if found is not None:
        return Look(Comparison(found, _decisions(services, shown.row), asked.table is not None), None, found.everybody)
    return Look(None, comparisons.request(services, asked), comparisons.people(services, asked))


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
            raise Conflict(comparisons.CHANGED)
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


def _decisions(services: Services, row: LessonRow) -> dict[str, str]:
    try:
        kept = b"".join(services.store.read(services.raw, keys.derivative_key(row.video_key, DECISIONS)))
    except NotFound:  # nothing was decided yet
        return {}
    return json.loads(kept)["decisions"]


def _store(services: Services, row: LessonRow, key: str, data: bytes, content_type: str = "application/json") -> None:
    services.store.put_bytes(services.raw, key, data, content_type=content_type, metadata=owner_metadata(row))
