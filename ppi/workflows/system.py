"""How the system is: what an administrator looks at when something seems wrong, and what monitoring reads."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ppi.errors import PpiError
from ppi.jobs.ledger import QUEUES, Job, Process
from ppi.services import Services

# Processes announce themselves every five seconds.
SEEN_WITHIN_S = 30
LAST_ERRORS = 10
LITTLE_BYTES = 5_000_000_000


@dataclass(frozen=True)
class QueueView:
    """One queue: how many jobs wait and run, and whether a process serves it."""

    name: str
    waiting: int
    running: int
    is_served: bool


@dataclass(frozen=True)
class SystemView:
    """`faults` holds what does not answer: the part's name ("store", "ledger", "ffmpeg") and the error.

    `free_bytes` and `total_bytes` are of the disk with the data folder of this machine.
    """

    processes: list[Process] = field(default_factory=list)
    queues: list[QueueView] = field(default_factory=list)
    running: list[Job] = field(default_factory=list)
    failed: list[Job] = field(default_factory=list)
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    faults: dict[str, PpiError] = field(default_factory=dict)
    ffmpeg_version: str = ""
    is_ffmpeg_patched: bool = True
    free_bytes: int = 0
    total_bytes: int = 0
    now_s: float = 0.0

    @property
    def is_disk_low(self) -> bool:
        return self.free_bytes < LITTLE_BYTES


def look(services: Services) -> SystemView:
    """Look at everything; what does not answer is in `faults`, the rest is shown."""
    faults: dict[str, PpiError] = {}

    def ask(part: str, question: Callable, instead):
        try:
            return question()
        except PpiError as error:
            faults[part] = error
            return instead

    ledger = services.ledger
    ask("store", services.store.check, None)
    processes = ask("ledger", lambda: ledger.processes(SEEN_WITHIN_S), [])
    counts = ask("ledger", ledger.counts, {})
    running = ask("ledger", ledger.running, [])
    failed = ask("ledger", lambda: [job for job in ledger.list(limit=500) if job.status == "error"], [])
    version = ask("ffmpeg", services.ffmpeg.version, "")
    disk = shutil.disk_usage(services.settings.data_dir)
    return SystemView(
        processes, _queues(counts, processes), sorted(running, key=lambda job: job.started_s), failed[:LAST_ERRORS], counts,
        faults, version, not version or services.ffmpeg.is_patched(version), disk.free, disk.total, time.time(),
    )  # fmt: skip


def readiness(services: Services) -> dict[str, str]:
    """The parts a request needs: "ok", or the kind of the fault."""
    found = {}
    for name, check in {"store": services.store.check, "ledger": lambda: services.ledger.list(limit=1)}.items():
        try:
            check()
            found[name] = "ok"
        except (PpiError, OSError) as error:
            found[name] = type(error).__name__
    return found


def _queues(counts: dict[tuple[str, str], int], processes: list[Process]) -> list[QueueView]:
    served = {queue for process in processes for queue in process.queues}
    return [
        QueueView(name, counts.get((name, "queued"), 0), counts.get((name, "running"), 0), name in served) for name in QUEUES
    ]
