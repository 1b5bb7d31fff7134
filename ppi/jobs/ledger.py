"""The job ledger's contract: what a job is and what may be done with it.

A job is a row; the queue is only a bell. A runner claims a row with one conditional update, renews its lease
while it works, and writes nothing once its lease is lost: the attempt number is the fencing token of every write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ppi.errors import PpiError

HEAVY_KINDS = ("transcribe", "summarize", "build_dataset")
LIGHT_KINDS = ("ingest", "publish")
LANES = {**dict.fromkeys(HEAVY_KINDS, "heavy"), **dict.fromkeys(LIGHT_KINDS, "light")}
ACTIVE = ("queued", "running")


@dataclass(frozen=True)
class Job:
    """One background run.

    `status` is queued, running, completed, error or cancelled; `phase` is the word the API shows while it runs.
    `progress` is a whole percentage that never goes back within a run. `stage` and `error` are templates, their values
    beside them.
    Times are seconds since the epoch, 0.0 when not yet.
    """

    id: str
    kind: str
    owner_id: str
    lesson_id: str
    input: Mapping[str, Any]
    status: str
    phase: str
    stage: str
    stage_args: Mapping[str, Any]
    progress: int
    attempt: int
    runner: str
    is_cancel_requested: bool
    error_code: str
    error: str
    error_args: Mapping[str, Any]
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
        return self.phase if self.status == "running" else self.status


class Ledger(Protocol):
    """Where jobs are written down. All methods are safe to call from several processes."""

    def submit(self, kind: str, owner_id: str, lesson_id: str, input: Mapping[str, Any], job_id: str = "") -> Job:
        """Write a queued job. With a `job_id` that exists already the existing job is returned unchanged."""

    def get(self, job_id: str) -> Job:
        """Raises NotFound."""

    def list(self, *, owner_id: str = "", lesson_id: str = "", kind: str = "", limit: int = 200) -> list[Job]:
        """Newest first."""

    def claim(self, runner: str, host: str, lane: str, limit: int) -> Job | None:
        """Take the oldest job of the lane that waits or whose lease ran out, unless `limit` run on this host."""

    def renew(self, job_id: str, attempt: int) -> bool:
        """Prolong the lease; False when it was lost."""

    def report(self, job_id: str, attempt: int, phase: str, stage: str, args: Mapping, progress: int) -> str:
        """Write progress; answers "ok", "cancel" (the user asked to stop) or "lost"."""

    def finish(self, job_id: str, attempt: int, result: Mapping[str, Any]) -> bool:
        """Write the result; False when the lease was lost and the result must be thrown away."""

    def fail(self, job_id: str, attempt: int, error: PpiError) -> bool:
        """Write the failure, or queue the job again when the error is retryable and attempts are left."""

    def cancel(self, job_id: str) -> Job:
        """Stop a waiting job at once and ask a running one to stop. Raises Conflict when it has ended."""

    def retry(self, job_id: str) -> Job:
        """Queue an ended job again with fresh attempts. Raises Conflict when it is active or completed."""

    def position(self, job: Job) -> int:
        """How many waiting jobs of the lane go before this one, plus one; 0 when it does not wait."""

    def sweep(self, host: str, alive: frozenset[str]) -> int:
        """Free the leases of this host's dead runners and end jobs that used up their attempts."""
