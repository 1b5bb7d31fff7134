"""The job ledger's contract: what a job is and what may be done with it.

A job is a row; the queue is only a bell. A runner claims a row with one conditional update, beats while it works, and
writes nothing once it lost the job: the attempt number is the fencing token of every write. No clocks of two machines
are ever compared: a job whose beats stand still is noticed by whoever watches (see leases.py).
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ppi.errors import PpiError, ServerAway, ToolFailed

# What waits together. `receive` is done where the bytes of an upload lie, the others on any machine.
QUEUES = ("receive", "media", "speech", "dataset", "publish")
QUEUE_OF = {
    "ingest": "receive", "transcribe": "speech", "summarize": "speech", "build_dataset": "dataset", "publish": "publish",
    "preview_push": "publish", "send_lesson": "publish", "fetch_annotations": "publish", "kit": "receive",
    "normalize": "dataset", "join": "dataset", "withdraw": "dataset", "speakers": "speech",
    "compare": "media", "understand": "media",
}  # fmt: skip
HEAVY_QUEUES, LIGHT_QUEUES = ("speech", "dataset"), ("receive", "media", "publish")
ACTIVE = ("queued", "running")
RETRY_DELAYS_S = (5, 30)
# A server that is away is waited for about a quarter of an hour; these tries do not count as attempts at the job.
OUTAGE_FIRST_S, OUTAGE_MOST_S, MAX_OUTAGES = 4, 40, 26
# A time to wait for that is further off than any we set can only come from a clock that was set back.
CLOCK_FAULT_S = 300
GAVE_UP = ToolFailed(
    "The job was interrupted {attempts} times and was given up. Press Retry; if it fails again, tell the administrator."
)


@dataclass(frozen=True)
class Job:
    """One background run.

    `status` is queued, running, completed, error or cancelled; `phase` is the word the API shows while it runs.
    `progress` is a whole percentage that never goes back within a run. `stage` and `error` are templates, their values
    beside them. `queue` is where it waits; `place` names the data folder it must run beside, "" for anywhere.
    `attempt` grows with every claim; those since `attempts_base` count towards giving up. `beats` grows while a runner
    works, `outages` with every time a server was away. Times are seconds since the epoch, 0.0 when not yet.
    """

    id: str
    kind: str
    queue: str
    owner_id: str
    lesson_id: str
    input: Mapping[str, Any]
    status: str = "queued"
    place: str = ""
    phase: str = ""
    stage: str = ""
    stage_args: Mapping[str, Any] = field(default_factory=dict)
    progress: int = 0
    attempt: int = 0
    attempts_base: int = 0
    beats: int = 0
    outages: int = 0
    runner: str = ""
    host: str = ""
    not_before_s: float = 0.0
    is_cancel_requested: bool = False
    error_code: str = ""
    error: str = ""
    error_args: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)
    created_s: float = 0.0
    started_s: float = 0.0
    updated_s: float = 0.0
    finished_s: float = 0.0

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE

    @property
    def shown_status(self) -> str:
        """The status as the API names it."""
        return self.phase if self.status == "running" and self.phase else self.status


@dataclass(frozen=True)
class Process:
    """A web or worker process as it announced itself. `seen_s` is when, in the ledger's own time."""

    name: str
    host: str
    role: str
    queues: tuple[str, ...]
    version: str
    started_s: float
    seen_s: float = 0.0


class Ledger(Protocol):
    """Where jobs are written down. All methods are safe to call from several processes.

    All raise ServerAway when the ledger cannot be reached; nothing is half written then.
    """

    def submit(
        self, kind: str, owner_id: str, lesson_id: str, input: Mapping[str, Any], *, job_id: str = "", queue: str = "",
        place: str = "",
    ) -> Job:  # fmt: skip
        """Write a queued job. With a `job_id` that exists already the existing job is returned unchanged."""

    def restore(self, job: Job) -> None:
        """Write a lost job again as it is given; an existing one is kept."""

    def get(self, job_id: str) -> Job:
        """Raises NotFound."""

    def missing(self, job_ids: Sequence[str]) -> set[str]:
        """Those of the ids that the ledger does not know."""

    def list(self, *, owner_id: str = "", lesson_id: str = "", kind: str = "", limit: int = 200) -> list[Job]:
        """Newest first."""

    def of_lessons(self, lesson_ids: Sequence[str]) -> list[Job]:
        """All jobs of these lessons, newest first, in one or two questions however many lessons there are."""

    def lessons_at_work(self) -> set[str]:
        """The lessons that have a waiting or running job."""

    def running(self) -> list[Job]:
        """All running jobs."""

    def due(self) -> list[Job]:
        """All waiting jobs that may begin now, oldest first."""

    def at_work(self) -> list[tuple[Job, int]]:
        """All waiting and running jobs, oldest first, each with its `position`, in a constant number of questions."""

    def claim(self, runner: str, host: str, queues: Sequence[str], limit: int, place: str = "") -> Job | None:
        """Take the oldest waiting job of the queues, unless `limit` of them run on this host already (0: no limit).

        In the fair queues owners take turns: see fair.py.
        """

    def renew(self, job_id: str, attempt: int) -> bool:
        """Beat; False when the job was lost."""

    def report(self, job_id: str, attempt: int, phase: str, stage: str, args: Mapping, progress: int) -> str:
        """Write progress; answers "ok", "cancel" (the user asked to stop) or "lost"."""

    def hand_over(self, job_id: str, attempt: int, queue: str) -> bool:
        """Queue the job for its next part, in another queue and at any place; its progress stays."""

    def release(self, job_id: str, attempt: int) -> bool:
        """Queue the job again because its runner stops; this does not count as an attempt."""

    def finish(self, job_id: str, attempt: int, result: Mapping[str, Any]) -> bool:
        """Write the result; False when the job was lost and the result must be thrown away."""

    def fail(self, job_id: str, attempt: int, error: PpiError) -> bool:
        """Write the failure, or queue the job again when the error is retryable and tries are left."""

    def free(self, job: Job) -> Job | None:
        """Take a running job from a runner that is gone: queue it again, cancel it if that was asked, or give it up.

        None when it beat or changed hands since `job` was read.
        """

    def cancel(self, job_id: str) -> Job:
        """Stop a waiting job at once and ask a running one to stop. Raises Conflict when it has ended."""

    def retry(self, job_id: str) -> Job:
        """Queue an ended job again with fresh attempts. Raises Conflict when it is active or completed."""

    def position(self, job: Job) -> int:
        """How many waiting jobs of the queue go before this one, plus one; 0 when it does not wait."""

    def remove_lesson(self, lesson_id: str) -> None:
        """Forget the ended jobs of a deleted lesson. Raises Conflict while one is active."""

    def counts(self) -> dict[tuple[str, str], int]:
        """Number of jobs by (queue, status)."""

    def take_turn(self, chore: str, every_s: float) -> bool:
        """True for one caller of the whole cluster in `every_s` seconds."""

    def hello(self, process: Process) -> None:
        """Announce a process; repeated every few seconds."""

    def processes(self, within_s: float) -> list[Process]:
        """Those that announced themselves in the last `within_s` seconds."""


def new_job(
    kind: str, owner_id: str, lesson_id: str, input: Mapping[str, Any], *, job_id: str, queue: str, place: str
) -> Job:
    """A job about to be queued; without an id it gets a fresh one, without a queue that of its kind."""
    now = time.time()
    return Job(
        job_id or secrets.token_hex(8), kind, queue or QUEUE_OF[kind], owner_id, lesson_id, dict(input), place=place,
        created_s=now, updated_s=now,
    )  # fmt: skip


def after_failure(job: Job, error: PpiError, max_attempts: int, now_s: float) -> dict[str, Any]:
    """What to write when an attempt failed: fields of Job and their new values."""
    if error.retryable and not job.is_cancel_requested:
        if isinstance(error, ServerAway) and job.outages < MAX_OUTAGES:
            delay_s = min(OUTAGE_FIRST_S * 2**job.outages, OUTAGE_MOST_S) * random.uniform(0.8, 1.2)
            again = {"outages": job.outages + 1, "attempts_base": job.attempts_base + 1}
            return {"status": "queued", "not_before_s": now_s + delay_s, **again}
        used = job.attempt - job.attempts_base
        if not isinstance(error, ServerAway) and used < max_attempts:
            return {"status": "queued", "not_before_s": now_s + RETRY_DELAYS_S[min(used, len(RETRY_DELAYS_S)) - 1]}
    status = "cancelled" if error.code == "cancelled" else "error"
    told = {"error_code": error.code, "error": error.template, "error_args": dict(error.ids)}
    return {"status": status, "finished_s": now_s, "updated_s": now_s, **told}


def after_loss(job: Job, max_attempts: int, now_s: float) -> dict[str, Any]:
    """What to write when the runner of a job is gone."""
    ended = {"finished_s": now_s, "updated_s": now_s}
    if job.is_cancel_requested:
        return {"status": "cancelled", **ended}
    if job.attempt - job.attempts_base >= max_attempts:
        told = {"error_code": GAVE_UP.code, "error": GAVE_UP.template, "error_args": {"attempts": max_attempts}}
        return {"status": "error", **ended, **told}
    return {"status": "queued", "updated_s": now_s}


RETRIED = {
    "status": "queued", "phase": "", "stage": "", "progress": 0, "outages": 0, "is_cancel_requested": False,
    "error_code": "", "error": "", "error_args": {}, "not_before_s": 0.0, "started_s": 0.0, "finished_s": 0.0,
}  # fmt: skip
