"""The thread runner: claims jobs from the ledger and does each in a thread of this process.

Any number of processes may have one. The heavy work itself happens in child processes that the rooms start.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from ppi.jobs.ledger import Job, Ledger
from ppi.jobs.work import Worker

POLL_S = 0.5
log = logging.getLogger(__name__)

# Queues that share a limit: how many of their jobs run at a time on one machine.
Lane = tuple[Sequence[str], int]


class ThreadRunner:
    """Does the jobs of `lanes` with `worker` until stopped. `place` names the data folder it works beside."""

    def __init__(self, ledger: Ledger, worker: Worker, lanes: Sequence[Lane], place: str = ""):
        self._ledger = ledger
        self._worker = worker
        self._lanes = lanes
        self._place = place
        self._bell = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to claim jobs. Harmless when started already."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._dispatch, daemon=True, name="ppi-dispatch")
            self._thread.start()

    def ring(self) -> None:
        """Say that there may be new work."""
        self._bell.set()

    def stop(self, timeout_s: float = 10) -> None:
        """Claim nothing more; what still runs is stopped and queued again."""
        self._worker.stop(timeout_s)
        self._bell.set()

    def _dispatch(self) -> None:
        while not self._worker.is_stopping:
            try:
                self._claim_all()
            except Exception as error:  # the loop must outlive a full disk or a ledger that is away
                log.warning("the job runner could not reach the ledger and will try again: %s", error)
                self._bell.wait(1)
            self._bell.wait(POLL_S)
            self._bell.clear()

    def _claim_all(self) -> None:
        for queues, limit in self._lanes:
            while not self._worker.is_stopping:
                job = self._ledger.claim(self._worker.name, self._worker.host, queues, limit, self._place)
                if job is None:
                    break
                threading.Thread(target=self._do, args=(job,), daemon=True, name=f"job-{job.id}").start()

    def _do(self, job: Job) -> None:
        self._worker.do(job)
        self._bell.set()
