"""A run: what a workflow sees of its job. It reports progress and learns here that it must stop."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from ppi.errors import Cancelled, LeaseLost, ServerAway
from ppi.jobs.ledger import Job, Ledger

REPORT_EVERY_S = 0.5
log = logging.getLogger(__name__)


class HandOver(Exception):
    """Raised by a workflow whose part is done: the job goes on in another queue, perhaps on another machine."""

    def __init__(self, queue: str):
        super().__init__(queue)
        self.queue = queue


class Run:
    """One attempt at a job. Safe to use from several threads of the same workflow."""

    def __init__(self, job: Job, ledger: Ledger):
        self.job = job
        self._ledger = ledger
        self._lock = threading.Lock()
        self._phase, self._stage, self._args = "running", "", {}
        self._progress = 0
        self._reported_s = 0.0
        self._is_lost = False

    def step(self, phase: str, stage: str, low: float, high: float, **args: Any) -> Callable[[float], None]:
        """Begin a stage that fills the progress from `low` to `high` (0..1); answers its `on_progress`.

        `phase` is the API's status word, `stage` the sentence people see. `on_progress` raises Cancelled or LeaseLost.
        """
        with self._lock:
            self._phase, self._stage, self._args = phase, stage, args
            self._reported_s = 0.0
        self._report(low)
        return lambda fraction: self._report(low + (high - low) * min(max(fraction, 0.0), 1.0))

    def check(self) -> None:
        """Raises Cancelled or LeaseLost when this attempt must stop; asks the ledger at most twice a second.

        A ledger that does not answer stops nothing: whether the job is still ours shows when it is back.
        """
        self._report(0.0)

    def lose(self) -> None:
        """Called by the runner when the job was lost, or when the runner stops."""
        self._is_lost = True

    def _ask(self) -> str:
        try:
            return self._ledger.report(
                self.job.id, self.job.attempt, self._phase, self._stage, self._args, self._progress
            )
        except ServerAway as error:
            log.warning("job %s: progress could not be written: %s", self.job.id, error)
            return "ok"

    def _report(self, fraction: float) -> None:
        if self._is_lost:
            raise LeaseLost("Another runner took this job over. There is nothing to do: it goes on there.", job_id=self.job.id)
        with self._lock:
            self._progress = max(self._progress, min(int(fraction * 100), 99))
            now = time.monotonic()
            if now - self._reported_s < REPORT_EVERY_S:
                return
            self._reported_s = now
            answer = self._ask()
        if answer == "cancel":
            raise Cancelled("The job was cancelled.", job_id=self.job.id)
        if answer == "lost":
            self._is_lost = True
            raise LeaseLost("Another runner took this job over. There is nothing to do: it goes on there.", job_id=self.job.id)
