"""The thread runner: claims jobs from the ledger and runs each in a thread of this process.

Any number of processes may have one. The heavy work itself happens in child processes that the rooms start.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil

from ppi.errors import BackendError, LeaseLost, PpiError
from ppi.jobs.ledger import Job
from ppi.jobs.ledger_sqlite import SqliteLedger
from ppi.jobs.run import Run
from ppi.settings import JobSettings

POLL_S = 0.5
SWEEP_EVERY_S = 5.0
log = logging.getLogger(__name__)

Handler = Callable[[Job, Run], Mapping[str, Any]]


class ThreadRunner:
    """Runs jobs by `handlers` (kind -> function) until stopped. `chores` are called about every five seconds."""

    def __init__(
        self,
        ledger: SqliteLedger,
        handlers: Mapping[str, Handler],
        settings: JobSettings,
        chores: Callable[[], None] = lambda: None,
    ):
        self._ledger = ledger
        self._handlers = handlers
        self._limits = {"heavy": settings.heavy, "light": settings.light}
        self._renew_s = settings.renew_s
        self._chores = chores
        self._host = host_name()
        self._name = f"{process_name(os.getpid())}:{secrets.token_hex(3)}"
        self._runs: dict[str, Run] = {}
        self._bell = threading.Event()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to claim jobs. Harmless when started already."""
        if self._threads:
            return
        for target in (self._dispatch, self._renew):
            thread = threading.Thread(target=target, daemon=True, name=f"ppi-{target.__name__.strip('_')}")
            self._threads.append(thread)
            thread.start()

    def ring(self) -> None:
        """Say that there may be new work."""
        self._bell.set()

    def stop(self, timeout_s: float = 10) -> None:
        """Claim nothing more; what still runs loses its lease and is stopped, and will be claimed again later."""
        self._stopping.set()
        self._bell.set()
        for run in list(self._runs.values()):
            run.lose()
        deadline = time.monotonic() + timeout_s
        while self._runs and time.monotonic() < deadline:
            time.sleep(0.05)

    def _dispatch(self) -> None:
        swept_s = -SWEEP_EVERY_S
        while not self._stopping.is_set():
            try:
                if time.monotonic() - swept_s >= SWEEP_EVERY_S:
                    swept_s = time.monotonic()
                    self._sweep()
                self._claim_all()
            except Exception:  # the loop must outlive a full disk or a locked ledger
                log.exception("the job runner could not reach the ledger and will try again")
                time.sleep(1)
            self._bell.wait(POLL_S)
            self._bell.clear()

    def _sweep(self) -> None:
        runners = self._ledger.runners(self._host)
        alive = frozenset(name for name in runners if is_alive(name))
        self._ledger.sweep(self._host, alive)
        self._chores()

    def _claim_all(self) -> None:
        for lane, limit in self._limits.items():
            while not self._stopping.is_set():
                job = self._ledger.claim(self._name, self._host, lane, limit)
                if job is None:
                    break
                run = Run(job, self._ledger)
                self._runs[job.id] = run
                threading.Thread(target=self._work, args=(job, run), daemon=True, name=f"job-{job.id}").start()

    def _renew(self) -> None:
        while not self._stopping.wait(self._renew_s):
            for job_id, run in list(self._runs.items()):
                try:
                    if not self._ledger.renew(job_id, run.job.attempt):
                        run.lose()
                except Exception:  # a lease that cannot be renewed runs out by itself
                    log.exception("job %s: the lease could not be renewed", job_id)

    def _work(self, job: Job, run: Run) -> None:
        log.info(
            "job %s: %s of lesson %s for user %s begins, attempt %d", job.id, job.kind, job.lesson_id, job.owner_id, job.attempt
        )
        try:
            self._record(job, self._handlers[job.kind], run)
        except Exception:  # the row keeps its lease and is claimed again when that runs out
            log.exception("job %s: the outcome could not be written", job.id)
        finally:
            self._runs.pop(job.id, None)
            self._bell.set()

    def _record(self, job: Job, handler: Handler, run: Run) -> None:
        try:
            result = handler(job, run)
        except LeaseLost:
            log.warning("job %s: lease lost in attempt %d", job.id, job.attempt)
        except PpiError as error:
            log.warning("job %s: %s: %s", job.id, error.code, error)
            self._ledger.fail(job.id, job.attempt, error)
        except Exception as error:  # an unforeseen fault is a failed job, not a dead thread
            log.exception("job %s: unexpected fault", job.id)
            self._ledger.fail(job.id, job.attempt, _unexpected(job, error))
        else:
            if self._ledger.finish(job.id, job.attempt, result):
                log.info("job %s: completed", job.id)


def _unexpected(job: Job, error: Exception) -> PpiError:
    return BackendError(
        "Something unexpected went wrong ({kind}). Press Retry; if it fails again, give the administrator the "
        "number {job_id}.",
        kind=type(error).__name__,
        job_id=job.id,
    )


def host_name() -> str:
    """This machine since its last start, seen from this container: names of runners are compared within it only."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    space = Path("/proc/self/ns/pid")
    marks = [socket.gethostname()]
    marks += [boot.read_text().strip()] if boot.exists() else []
    marks += [str(space.stat().st_ino)] if space.exists() else []
    return "/".join(marks)


def process_name(pid: int) -> str:
    """The process by number and start time, so that a number used again is not mistaken for it."""
    return f"{pid}:{psutil.Process(pid).create_time():.2f}"


def is_alive(runner: str) -> bool:
    """Whether the process of this runner still runs."""
    pid, created, _ = runner.split(":")
    try:
        return process_name(int(pid)) == f"{pid}:{created}" and psutil.Process(int(pid)).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
