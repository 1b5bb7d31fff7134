"""Does claimed jobs: beats while they run, and writes down how they ended."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from ppi.errors import DiskFull, LeaseLost, PpiError, ServerAway, Unexpected, of_full_disk
from ppi.jobs.hosts import host_name, runner_name
from ppi.jobs.ledger import Job, Ledger
from ppi.jobs.run import HandOver, Run

# How long an outcome waits for a ledger that is away.
WRITE_FOR_S = 900
log = logging.getLogger(__name__)

Handler = Callable[[Job, Run], Mapping[str, Any]]


class Worker:
    """Does jobs by `handlers` (kind -> function), each in the thread that brings it. One per process.

    `ring(job)` is called with jobs that wait again.
    """

    def __init__(self, ledger: Ledger, handlers: Mapping[str, Handler], renew_s: float, ring: Callable[[Job], None]):
        self._ledger = ledger
        self._handlers = handlers
        self._renew_s = renew_s
        self._ring = ring
        self._runs: dict[str, Run] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._beating: threading.Thread | None = None
        self.host, self.name = host_name(), runner_name()

    @property
    def is_stopping(self) -> bool:
        return self._stopping.is_set()

    def do(self, job: Job) -> None:
        """Do the job and write its outcome. Never raises: what cannot be written is claimed again later."""
        log.info(
            "job %s: %s of lesson %s for user %s begins, attempt %d", job.id, job.kind, job.lesson_id, job.owner_id, job.attempt
        )
        run = Run(job, self._ledger)
        with self._lock:
            self._runs[job.id] = run
            self._beat()
        try:
            self._record(job, run)
        except Exception:  # the job's beats stop, and it is claimed again
            log.exception("job %s: the outcome could not be written", job.id)
        finally:
            self._runs.pop(job.id, None)

    def stop(self, timeout_s: float = 10) -> None:
        """Stop what runs and queue it again, at once and without counting the attempt."""
        self._stopping.set()
        for run in list(self._runs.values()):
            run.lose()
        deadline = time.monotonic() + timeout_s
        while self._runs and time.monotonic() < deadline:
            time.sleep(0.05)

    def _beat(self) -> None:
        if self._beating is None or not self._beating.is_alive():
            self._beating = threading.Thread(target=self._renew, daemon=True, name="ppi-beats")
            self._beating.start()

    def _renew(self) -> None:
        while not self._stopping.wait(self._renew_s):
            for job_id, run in list(self._runs.items()):
                try:
                    if not self._ledger.renew(job_id, run.job.attempt):
                        run.lose()
                except Exception:  # a job whose beats cannot be written is taken over when that lasts
                    log.warning("job %s: the beat could not be written", job_id, exc_info=True)

    def _record(self, job: Job, run: Run) -> None:
        try:
            result = self._handlers[job.kind](job, run)
        except HandOver as over:
            self._write(partial(self._ledger.hand_over, job.id, job.attempt, over.queue))
            self._again(job)
        except LeaseLost:
            self._lost(job)
        except PpiError as error:
            log.warning("job %s: %s: %s", job.id, error.code, error)
            self._write(partial(self._ledger.fail, job.id, job.attempt, error))
        except Exception as error:  # an unforeseen fault is a failed job, not a dead thread
            log.exception("job %s: unexpected fault", job.id)
            known = of_full_disk(error) if isinstance(error, OSError) else None
            self._write(partial(self._ledger.fail, job.id, job.attempt, known or _unexpected(job, error)))
        else:
            if self._write(partial(self._ledger.finish, job.id, job.attempt, result)):
                log.info("job %s: completed", job.id)

    def _lost(self, job: Job) -> None:
        log.warning("job %s: stopped in attempt %d", job.id, job.attempt)
        if self._stopping.is_set() and self._ledger.release(job.id, job.attempt):
            self._again(job)

    def _again(self, job: Job) -> None:
        self._ring(self._ledger.get(job.id))

    def _write(self, write: Callable[[], bool]) -> bool:
        """An hour of work is not thrown away because the ledger is away for a minute."""
        retrying = Retrying(
            retry=retry_if_exception_type((ServerAway, DiskFull)), wait=wait_random_exponential(max=10),
            stop=stop_after_delay(WRITE_FOR_S), reraise=True,
        )  # fmt: skip
        return retrying(write)


def _unexpected(job: Job, error: Exception) -> PpiError:
    return Unexpected(
        "Something unexpected went wrong ({kind}). Press Retry; if it fails again, give the administrator the "
        "number {job_id}.",
        kind=type(error).__name__,
        job_id=job.id,
    )
