"""Doctor: what PPI needs, examined one by one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ppi.errors import PpiError
from ppi.services import Services
from ppi.speech import diarizer, recognizer
from ppi.workflows.system import LITTLE_BYTES


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    what: str
    is_ok: bool
    detail: str


def examine(services: Services) -> Iterator[Finding]:
    """Examine each thing; a failure of one does not hide the next."""
    checks: dict[str, Callable[[Services], str]] = {
        "ffmpeg": lambda here: here.ffmpeg.check(),
        "sandbox": _sandbox,
        "object store": _store,
        "job ledger": _ledger,
        "accounts": _accounts,
        "speech": lambda here: recognizer.check(here.settings.speech),
        "speakers": _speakers,
        "disk": _disk,
    }
    for what, check in checks.items():
        try:
            yield Finding(what, True, check(services))
        except (PpiError, OSError) as error:
            yield Finding(what, False, str(error))


def _sandbox(services: Services) -> str:
    """Advice, not a fault: limits hold without it, and in many containers it cannot be had."""
    found = services.ffmpeg.sandbox
    return str(found) if found.program else f"{found}: {found.reason}"


def _store(services: Services) -> str:
    services.store.check()
    where = services.settings.storage.endpoint or str(services.settings.data_dir / "store")
    return f"{where} answers"


def _ledger(services: Services) -> str:
    where = "SQLite"
    if services.is_cluster:
        where = f"Redis at {services.settings.redis.host}:{services.settings.redis.port}"
    return f"{where}, {sum(services.ledger.counts().values())} jobs"


def _accounts(services: Services) -> str:
    admins = [user for user in services.users.all() if user.role == "admin" and not user.is_disabled]
    if not admins:
        raise PpiError("no administrator yet. Make one: python -m ppi users add admin --role admin")
    return f"{len(services.users.all())} in {services.settings.users_file}"


def _speakers(services: Services) -> str:
    settings = services.settings.speech
    return diarizer.check(settings) if settings.speakers.is_on else "not told apart (PPI_SPEAKERS)"


def _disk(services: Services) -> str:
    folder = services.settings.data_dir
    folder.mkdir(parents=True, exist_ok=True)
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < LITTLE_BYTES:
        raise PpiError("{free_gb:.1f} GB free; a lesson needs about three times its video's size", free_gb=free_bytes / 1e9)
    return f"{free_bytes / 1e9:.0f} GB free in {folder}"
