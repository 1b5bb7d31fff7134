"""Working folders of jobs: one per attempt, removed whatever happens; leftovers of dead runners are swept."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ppi.errors import DiskFull
from ppi.jobs.ledger import Job
from ppi.services import Services

STALE_AFTER_S = 3600
# Folders of attempts; others are of requests that are being answered.
ATTEMPT = re.compile(r"[0-9a-f-]+[a-z_]*\.[0-9]+")


@contextmanager
def scratch(services: Services, job: Job, needed_bytes: int = 0) -> Iterator[Path]:
    """An empty folder for this attempt. Raises DiskFull when less than `needed_bytes` are free beside it."""
    folder = services.work_dir / f"{job.id}.{job.attempt}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    check_room(folder, needed_bytes)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_room(folder: Path, needed_bytes: int) -> None:
    """Raises DiskFull when the disk of `folder` has less than `needed_bytes` free."""
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        raise DiskFull(
            "The server's disk has {free_mb} MB left and this needs {needed_mb} MB. Delete lessons that are not "
            "needed any more, or ask the administrator for room.",
            free_mb=free_bytes // 1_000_000,
            needed_mb=needed_bytes // 1_000_000,
        )


def sweep(services: Services) -> None:
    """Remove the folders of attempts that are over, and what requests of an hour ago left behind."""
    if not services.work_dir.exists():
        return
    running = {f"{job.id}.{job.attempt}" for job in services.ledger.running()}
    for folder in services.work_dir.iterdir():
        is_attempt = ATTEMPT.fullmatch(folder.name) is not None
        with suppress(FileNotFoundError):  # gone meanwhile: its attempt ended
            age_s = time.time() - folder.stat().st_mtime
            if folder.name not in running and (is_attempt or age_s > STALE_AFTER_S):
                shutil.rmtree(folder, ignore_errors=True)
