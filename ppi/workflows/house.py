"""Housekeeping: every process announces itself, frees the jobs of runners that are gone, and takes its turn at chores."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from ppi import __version__
from ppi.errors import PpiError
from ppi.jobs.hosts import host_name, runner_name
from ppi.jobs.leases import LeaseWatch
from ppi.jobs.ledger import Process
from ppi.media.guards import sweep_scratch
from ppi.services import Services
from ppi.workflows import lessons, mending, recycle_bin, scratch, uploads

EVERY_S = 5.0
HOURLY_S = 3600.0
# A turn that comes once in the life of a ledger: whoever gets it finds the ledger new, or wiped.
ONCE_S = 1e12
log = logging.getLogger(__name__)


class Housekeeper:
    """A thread that keeps house about every five seconds until stopped. `role` is "web" or "worker"."""

    def __init__(self, services: Services, role: str, queues: tuple[str, ...]):
        self._services = services
        self._process = Process(runner_name(), host_name(), role, queues, __version__, time.time())
        self._watch = LeaseWatch(services.ledger, services.settings.jobs.lease_s)
        self._stopping = threading.Event()
        self._must_restore = False
        self._thread = threading.Thread(target=self._keep, daemon=True, name="ppi-house")

    def start(self) -> None:
        """Fill an empty ledger from the store, then keep house in the background."""
        self._try(self._restore_empty)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def keep_house(self) -> None:
        """One round. A chore that fails does not keep the others from being done."""
        here = self._services
        steps: list[Callable[[], object]] = [
            lambda: here.ledger.hello(self._process), self._free_jobs, self._restore_lost, sweep_scratch,
        ]  # fmt: skip
        if self._has_turn(f"place-{here.place}", EVERY_S - 1):
            steps += [self._mend, lambda: uploads.sweep_uploads(here), lambda: scratch.sweep(here), here.store.sweep]
            steps.append(lambda: recycle_bin.hide_files(here))
        if self._has_turn("cluster", EVERY_S - 1):
            steps += [self._ring_again, lambda: recycle_bin.sweep(here), lambda: lessons.sweep_deleted(here)]
        if self._has_turn("retention", HOURLY_S):
            steps.append(lambda: lessons.expire_lessons(here))
        if self._process.role == "web" and self._has_turn(f"audit-{here.place}", HOURLY_S):
            steps.append(here.audit.prune)
        for step in steps:
            self._try(step)

    def _keep(self) -> None:
        while not self._stopping.is_set():
            self.keep_house()
            self._stopping.wait(EVERY_S)

    def _try(self, step: Callable[[], object]) -> None:
        try:
            step()
        except PpiError as error:
            log.warning("housekeeping: %s", error)
        except Exception:  # the next round tries again
            log.exception("housekeeping failed")

    def _has_turn(self, chore: str, every_s: float) -> bool:
        try:
            return self._services.ledger.take_turn(chore, every_s)
        except PpiError as error:
            log.warning("housekeeping: %s", error)
            return False

    def _free_jobs(self) -> None:
        for job in self._watch.sweep():
            log.warning("job %s: its runner is gone; it is now %s", job.id, job.status)
            if job.is_active:
                self._services.ring(job)

    def _restore_empty(self) -> None:
        self._must_restore = not self._services.lessons.list()
        self._restore_lost()

    def _restore_lost(self) -> None:
        """A ledger that is new, or was wiped while we ran, is filled from the store; if that fails, in the next round."""
        if self._services.ledger.take_turn("born", ONCE_S):
            self._must_restore = True
        if self._must_restore:
            mending.restore_rows(self._services)
            self._must_restore = False

    def _mend(self) -> None:
        if self._services.is_cluster:
            mending.mend(self._services)

    def _ring_again(self) -> None:
        if self._services.is_cluster:
            self._services.bell.ring_again(self._services.ledger)
