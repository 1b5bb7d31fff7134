"""Finds running jobs whose runner is gone.

A runner of this host is looked up among the processes. One of another host is judged by its beats: when they stand
still for the whole lease, as this process has seen with its own monotonic clock, the runner is gone. So it does not
matter what any clock shows, and a ledger that was away for an hour costs nobody the lease.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from ppi.jobs.hosts import host_name, is_alive
from ppi.jobs.ledger import Job, Ledger


class LeaseWatch:
    """Keeps in memory what it saw of every running job. One per process; any number may watch the same ledger."""

    def __init__(self, ledger: Ledger, lease_s: float, host: str = "", is_running: Callable[[str], bool] = is_alive):
        self._ledger = ledger
        self._lease_s = lease_s
        self._host = host or host_name()
        self._is_running = is_running
        self._seen: dict[str, tuple[tuple[int, int], float]] = {}

    def sweep(self) -> list[Job]:
        """Free the jobs whose runner is gone; answers them as they are now."""
        now = time.monotonic()
        running = {job.id: job for job in self._ledger.running()}
        self._seen = {job_id: seen for job_id, seen in self._seen.items() if job_id in running}
        freed = [self._ledger.free(job) for job in running.values() if self._is_gone(job, now)]
        return [job for job in freed if job is not None]

    def _is_gone(self, job: Job, now: float) -> bool:
        if job.host == self._host and not self._is_running(job.runner):
            return True
        mark = (job.attempt, job.beats)
        known = self._seen.get(job.id)
        if known is None or known[0] != mark:
            self._seen[job.id] = (mark, now)
            return False
        return now - known[1] >= self._lease_s
