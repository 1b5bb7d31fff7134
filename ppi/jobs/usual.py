"""How long jobs of each kind took lately: what people are told while nothing of their own job can be measured yet."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

from ppi.errors import ServerAway
from ppi.jobs.ledger import Job, Ledger

# The newest jobs that are looked at, of these the newest of each kind, and how long an answer is good enough.
LOOKED_AT, OF_A_KIND, FRESH_S = 300, 20, 60.0
# From so many on, the shortest and the longest say nothing of what is usual.
MANY = 5


class Usual:
    """The shortest and the longest of what was usual lately. One question a minute. Safe to use from several threads."""

    def __init__(self, ledger: Ledger, clock: Callable[[], float] = time.monotonic):
        self._ledger, self._clock = ledger, clock
        self._lock = threading.Lock()
        self._found: dict[str, tuple[float, float]] = {}
        self._next_s = 0.0

    def of(self, kind: str) -> tuple[float, float] | None:
        """Seconds, from and to; None while no job of this kind has ended well lately. A ledger that is away changes nothing."""
        with self._lock:
            if self._clock() >= self._next_s:
                self._next_s = self._clock() + FRESH_S
                with contextlib.suppress(ServerAway):
                    self._found = _ranges(self._ledger.list(limit=LOOKED_AT))
            return self._found.get(kind)


def _ranges(jobs: list[Job]) -> dict[str, tuple[float, float]]:
    """Of jobs that ended well without waiting for a server that was away, newest first."""
    taken_s: dict[str, list[float]] = {}
    for job in jobs:
        of_kind = taken_s.setdefault(job.kind, [])
        if job.status == "completed" and not job.outages and job.started_s and len(of_kind) < OF_A_KIND:
            of_kind.append(job.finished_s - job.started_s)
    return {kind: _middle(sorted(found)) for kind, found in taken_s.items() if found}


def _middle(ordered: list[float]) -> tuple[float, float]:
    middle = ordered[1:-1] if len(ordered) >= MANY else ordered
    return max(middle[0], 0.0), max(middle[-1], 0.0)
