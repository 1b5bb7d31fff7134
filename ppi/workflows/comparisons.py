"""Comparisons of a lesson's annotators: each is made once, by a job or for a program that waits, and kept beside the video.

It lies at `<stem>.agreement.<inputs>.<asked>.json`. `inputs` is a hash of all that is compared (annotations and table by their
etags, what labels mean, the recording's length and frame rate), so nothing old is ever shown; `asked` is one of the step and
the annotators. `<stem>.agreement.<inputs>.json` holds who annotated, as soon as that is known.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from ppi.annotation import agreement, kept_agreement
from ppi.annotation.agreement import Agreement
from ppi.annotation.patterns import Codebook
from ppi.errors import AnnotationError, Conflict, ToolFailed, TooManyTries, by_count, translatable
from ppi.jobs.ledger import Job
from ppi.jobs.lessons import LessonRow
from ppi.jobs.run import Run
from ppi.processes import run_in_child
from ppi.records import ObjectInfo
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows import derived, lessons, meanings, pattern_tables
from ppi.workflows.lessons import COMPARED, LessonView
from ppi.workflows.plain_agreement import CHILD_MEMORY_BYTES, CHILD_TIMEOUT_S

KIND = "compare"
STEP_S = agreement.STEP_S
# Changes when comparisons are made in another way: what was kept before is shown no more.
MADE_BY = 1
MOST_KEPT = 8  # of a lesson in the store; and in this process, so that the next page of disagreements reads nothing
MOST_UNDER_WAY = 5
TRIES = 3  # when somebody changes the annotations while they are read
TURN_S, POLL_S = CHILD_TIMEOUT_S + 10.0, 0.2
READING_SHARE = 0.2
COMPARING = by_count("count", "Comparing {count} annotator", "Comparing {count} annotators")
CHANGED = translatable("The annotations changed meanwhile. Look at the disagreements again.")
_SOURCE = re.compile(r"(?:\.label-studio)?\.annotations(?:\.(\d+))?(?:\.json|\.eaf|\.TextGrid|\.csv)")
_read: dict[tuple[str, ...], Agreement] = {}

# Gets how many people are compared, and the share that is done.
Tell = Callable[[int, float], None]


@dataclass(frozen=True)
class Asked:
    """What is to be compared, and how, as it lies in the store just now."""

    row: LessonRow
    sources: tuple[ObjectInfo, ...]
    table: ObjectInfo | None
    about: Mapping[str, Any]
    step_s: float
    chosen: tuple[str, ...]

    @property
    def inputs(self) -> str:
        etags = [(found.key, found.etag) for found in (*self.sources, *filter(None, [self.table]))]
        return derived.hash_of([MADE_BY, etags, self.about])

    @property
    def place(self) -> str:
        """What the keys of all comparisons of these inputs begin with."""
        return keys.derivative_key(self.row.video_key, f"{COMPARED}.{self.inputs}.")

    @property
    def key(self) -> str:
        return f"{self.place}{derived.hash_of([self.step_s, self.chosen])}.json"

    @property
    def people_key(self) -> str:
        return f"{self.place}json"


def sources(shown: LessonView) -> list[ObjectInfo]:
    """The files that are compared: of what a dataset was built of and what was fetched the newer, then those added."""
    found = numbered(shown)
    added = sorted(((number, source) for number, source in found if number), key=lambda pair: pair[0])
    own = [source for number, source in found if not number]
    newest = [max(own, key=lambda source: source.last_modified_s)] if own else []
    return [*newest, *(source for _, source in added)]


def numbered(shown: LessonView) -> list[tuple[int, ObjectInfo]]:
    """All files with annotations, those that were added to the comparison with their numbers, the others with 0."""
    found = ((name, _SOURCE.fullmatch(name)) for name in shown.files)
    return [(int(match[1] or 0), shown.files[name]) for name, match in found if match]


def ask(services: Services, shown: LessonView, *, step_s: float = STEP_S, chosen: Sequence[str] = ()) -> Asked:
    """To choose everybody is to choose nobody, as soon as it is known who annotated.

    Raises AnnotationError for a step out of bounds, Conflict when the lesson has no annotations yet.
    """
    agreement.check_step(step_s)
    given, row = sources(shown), shown.row
    if not given or not shown.is_ready:
        raise Conflict("This lesson has no annotations to compare yet. Add a file with annotations first.")
    about = {
        "video_name": row.video_key.removeprefix(row.prefix), "duration_s": shown.info.duration_s,
        "frame_rate": shown.info.video.frame_rate, "lesson_id": row.id, "meanings": meanings.kept(services, row),
    }  # fmt: skip
    asked = Asked(row, tuple(given), pattern_tables.kept(shown), about, step_s, tuple(sorted(set(chosen))))
    return replace(asked, chosen=()) if asked.chosen and set(asked.chosen) == set(people(services, asked)) else asked


def kept(services: Services, asked: Asked) -> Agreement | None:
    """The comparison, if it was made already, in any process."""
    name = (str(services.settings.data_dir), services.raw, asked.key)
    if name not in _read:
        found = derived.kept(services, asked.key, lambda read: kept_agreement.unpacked(read()))
        if found is None:
            return None
        _read[name] = found
        for old in list(_read)[:-MOST_KEPT]:
            _read.pop(old, None)
    return _read.get(name)


def people(services: Services, asked: Asked) -> tuple[str, ...]:
    """Everybody whose work is compared; () while that is not known."""
    return derived.kept(services, asked.people_key, lambda read: tuple(map(str, json.loads(read())["everybody"]))) or ()


def made(
    services: Services, row: LessonRow, *, step_s: float, chosen: Sequence[str], tell: Tell = lambda count, share: None,
    on_tick: Callable[[], None] = lambda: None,
) -> Agreement:  # fmt: skip
    """The comparison of what the lesson holds now, made if it must be; of several who want it at once one makes it.

    Raises what `ask` does, AnnotationError and InputError for unusable annotations, and whatever `on_tick` raises.
    """
    with _turn(services, row, on_tick) as keep_turn:

        def tick() -> None:
            keep_turn()
            on_tick()

        for _ in range(TRIES):
            asked = ask(services, lessons.view(services, row), step_s=step_s, chosen=chosen)
            found = kept(services, asked)
            if found is not None:
                return found
            data = _compared(services, asked, tell, tick)
            now = ask(services, lessons.view(services, row), step_s=step_s, chosen=chosen)
            if now.inputs == asked.inputs:
                _keep(services, now, data)
                return kept_agreement.unpacked(data)
    raise Conflict(CHANGED)


def request(services: Services, asked: Asked) -> Job:
    """The job that compares this: the one under way, the one that failed or was cancelled, or a new one.

    Raises TooManyTries when many others of the lesson wait.
    """
    jobs = services.ledger.list(lesson_id=asked.row.id, kind=KIND)
    last = derived.newest_of(jobs, asked.key)
    if last is not None and last.status != "completed":
        return last
    if sum(job.is_active for job in jobs) >= MOST_UNDER_WAY:
        raise TooManyTries("Several comparisons of this lesson are under way. Wait until they are done, then compare again.")
    wanted = {"key": asked.key, "step_s": asked.step_s, "chosen": list(asked.chosen)}
    return derived.begin(services, KIND, asked.row, wanted, last)


def run_compare(services: Services, job: Job, run: Run) -> dict[str, Any]:
    """The job. It compares what the lesson holds when it runs; if that changed since, the page asks for another one."""
    row = lessons.present(services, job.lesson_id)
    run.step("comparing", "Reading the annotations", 0.0, READING_SHARE)
    told: dict[int, Callable[[float], None]] = {}

    def tell(count: int, share: float) -> None:
        if count not in told:
            told[count] = run.step("comparing", COMPARING, READING_SHARE, 1.0, count=count)
        told[count](share)

    found = made(services, row, step_s=job.input["step_s"], chosen=job.input["chosen"], tell=tell, on_tick=run.check)
    return {"annotators": len(found.annotators), "disagreements": len(found.disagreements)}


@contextmanager
def _turn(services: Services, row: LessonRow, on_tick: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """One comparison of a lesson at a time. Who waits can still be cancelled."""
    deadline_s = time.monotonic() + TURN_S
    with ExitStack() as stack:
        while True:
            try:
                keep_turn = stack.enter_context(services.comparison_locks.hold(row.id, POLL_S))
                break
            except Conflict:
                if time.monotonic() > deadline_s:
                    raise
                on_tick()
        yield keep_turn


def _compared(services: Services, asked: Asked, tell: Tell, on_tick: Callable[[], None]) -> bytes:
    """In a child, so that this process loads none of the libraries; what a child takes too long for is refused."""
    known = False

    def on_report(told: tuple[tuple[str, ...], int, float]) -> None:
        nonlocal known
        everybody, count, share = told
        if not known:
            derived.put(services, asked.row, asked.people_key, json.dumps({"everybody": everybody}).encode())
            known = True
        tell(count, share)

    with ExitStack() as stack:
        files = [(stack.enter_context(services.store.as_file(services.raw, one.key)), one.key) for one in asked.sources]
        codebook = pattern_tables.codebook(services, asked.row, asked.table) if asked.table is not None else Codebook(())
        wanted = {**asked.about, "files": files, "codebook": codebook, "step_s": asked.step_s, "chosen": asked.chosen}
        try:
            return run_in_child(
                "ppi.workflows.plain_agreement:compared_apart", wanted, on_report=on_report, on_tick=on_tick,
                timeout_s=CHILD_TIMEOUT_S, memory_bytes=CHILD_MEMORY_BYTES,
            )  # fmt: skip
        except ToolFailed as error:
            raise AnnotationError(
                "The comparison takes too much time or memory. Compare fewer annotators, or choose a longer step."
            ) from error


def _keep(services: Services, asked: Asked, data: bytes) -> None:
    """In place of those of other inputs, and of the oldest when there are many."""
    derived.put(services, asked.row, asked.key, data)
    all_kept = services.store.list(services.raw, keys.derivative_key(asked.row.video_key, f"{COMPARED}."))
    mine = [found for found in all_kept if found.key.startswith(asked.place) and found.key != asked.people_key]
    oldest = sorted(mine, key=lambda found: found.last_modified_s)[:-MOST_KEPT]
    for found in (*oldest, *(found for found in all_kept if not found.key.startswith(asked.place))):
        services.store.delete(services.raw, found.key)
