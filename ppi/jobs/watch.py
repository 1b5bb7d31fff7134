"""One look at the ledger for all who watch: however many pages are open, what is under way is read about once a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ppi.errors import ServerAway
from ppi.jobs.ledger import Job, Ledger

EVERY_S = 1.0
# A read that takes long is repeated so seldom that at most a tenth of the time goes into reading.
REST = 9
Seen = tuple[tuple[Job, int], ...]


class Watch:
    """Waiting and running jobs with their places in line, oldest first. Safe to use from several threads."""

    def __init__(self, ledger: Ledger, clock: Callable[[], float] = time.monotonic):
        self._ledger, self._clock = ledger, clock
        self._lock = threading.Lock()
        self._seen: Seen = ()
        self._fault: ServerAway | None = None
        self._next_s = 0.0

    def look(self) -> Seen:
        """What was read last, read anew when that is older than a second; the same object while nothing was read anew.

        Raises ServerAway, for a second without asking again: those who watch must not queue up before a ledger that is away.
        """
        with self._lock:
            if self._clock() >= self._next_s:
                self._read()
            if self._fault is not None:
                raise ServerAway(self._fault.template, **self._fault.ids)
            return self._seen

    def forget(self) -> None:
        """Read anew at the next look: there is something new."""
        self._next_s = 0.0

    def _read(self) -> None:
        began_s = self._clock()
        try:
            self._seen, self._fault = tuple(self._ledger.at_work()), None
        except ServerAway as fault:
            self._fault = fault
        ended_s = self._clock()
        self._next_s = ended_s + max(EVERY_S, REST * (ended_s - began_s))
