"""Locks by name: only one request at a time writes the bytes of an upload, or what it has read and changed as a whole."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO, Protocol

from redis.exceptions import LockError

from ppi.errors import Conflict
from ppi.jobs.hosts import host_name, is_alive, runner_name
from ppi.jobs.redis_db import PREFIX, RedisDatabase

HELD_S, KEEP_EVERY_S, POLL_S = 30, 5, 0.05
UPLOADS, TRANSCRIPTS, DECISIONS, COMPARISONS = "upload", "transcript", "decisions", "comparison"
WORD_LISTS = "word-lists"
_FILES = {
    UPLOADS: "{}.part", TRANSCRIPTS: "{}.transcript", DECISIONS: "{}.decisions", COMPARISONS: "{}.comparison",
    WORD_LISTS: "{}.word-lists",
}  # fmt: skip


class Locks(Protocol):
    """Where the locks of one kind are: UPLOADS, TRANSCRIPTS, DECISIONS, COMPARISONS or WORD_LISTS."""

    def hold(self, name: str, wait_s: float = 0.0) -> AbstractContextManager[Callable[[], None]]:
        """Hold the lock; gives a function to be called while it is held, at least every half minute.

        Raises Conflict when somebody else still holds it after `wait_s`; so does the function when the lock was lost meanwhile.
        """

    def forget(self, name: str) -> None:
        """What the lock was for is gone for good: leave nothing of it behind."""


class FileLocks:
    """Locks of the operating system on files: they go away with the process that holds them."""

    def __init__(self, folder: Path, kind: str = UPLOADS):
        self._folder, self._kind = folder, kind

    @contextmanager
    def hold(self, name: str, wait_s: float = 0.0) -> Iterator[Callable[[], None]]:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / _FILES[self._kind].format(name)
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            deadline_s = time.monotonic() + wait_s
            while not _is_locked(file):
                if time.monotonic() >= deadline_s:
                    raise _in_use(self._kind)
                time.sleep(POLL_S)
            yield lambda: None

    def forget(self, name: str) -> None:
        (self._folder / _FILES[self._kind].format(name)).unlink(missing_ok=True)


class RedisLocks:
    """Locks in Redis, for web processes on several machines. One held by a process that died here is taken over."""

    def __init__(self, database: RedisDatabase, kind: str = UPLOADS):
        self._database, self._kind = database, kind
        self._host = host_name()

    @contextmanager
    def hold(self, name: str, wait_s: float = 0.0) -> Iterator[Callable[[], None]]:
        name = f"{PREFIX}{self._kind}:{name}"
        token = f"{self._host}|{runner_name()}"
        with self._database.faults() as client:
            lock = client.lock(name, timeout=HELD_S, sleep=POLL_S, blocking=False, thread_local=False)
            if not lock.acquire(token=token):
                self._release_if_dead(lock, client.get(name) or "")
                if not lock.acquire(token=token, blocking=wait_s > 0, blocking_timeout=wait_s or None):
                    raise _in_use(self._kind)
        kept_s = time.monotonic()

        def keep() -> None:
            nonlocal kept_s
            if time.monotonic() - kept_s < KEEP_EVERY_S:
                return
            try:
                with self._database.faults():
                    lock.reacquire()
            except LockError as error:
                raise _in_use(self._kind) from error
            kept_s = time.monotonic()

        try:
            yield keep
        finally:
            with self._database.faults(), suppress(LockError):
                lock.release()

    def forget(self, name: str) -> None:
        """Its row in Redis ends by itself."""

    def _release_if_dead(self, lock, holder: str) -> None:
        host, _, runner = holder.partition("|")
        if host == self._host and not is_alive(runner):
            with suppress(LockError):
                lock.do_release(holder)


def _is_locked(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _in_use(kind: str) -> Conflict:
    if kind == TRANSCRIPTS:
        return Conflict("Somebody else is saving this transcript just now. Try again in a moment.")
    if kind == DECISIONS:
        return Conflict("Somebody else is saving decisions just now. Try again in a moment.")
    if kind == COMPARISONS:
        return Conflict("The annotators of this lesson are being compared already. Try again in a moment.")
    if kind == WORD_LISTS:
        return Conflict("Your lists of words are being saved elsewhere just now. Try again in a moment.")
    return Conflict("Another connection is still sending this upload. Wait a moment, then continue.")
