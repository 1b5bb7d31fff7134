"""Locks of uploads: only one request at a time writes the bytes of an upload."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from redis.exceptions import LockError

from ppi.errors import Conflict
from ppi.jobs.hosts import host_name, is_alive, runner_name
from ppi.jobs.redis_db import PREFIX, RedisDatabase

HELD_S, KEEP_EVERY_S = 30, 5


class UploadLocks(Protocol):
    """Where the locks are."""

    def hold(self, upload_id: str) -> AbstractContextManager[Callable[[], None]]:
        """Hold the upload's lock; gives a function to be called while it is held, at least every half minute.

        Raises Conflict when somebody else holds it; so does the function when the lock was lost meanwhile.
        """


class FileLocks:
    """Locks of the operating system on the files of uploads: they go away with the process that holds them."""

    def __init__(self, folder: Path):
        self._folder = folder

    @contextmanager
    def hold(self, upload_id: str) -> Iterator[Callable[[], None]]:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{upload_id}.part"
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise _in_use() from error
            yield lambda: None


class RedisLocks:
    """Locks in Redis, for web processes on several machines. One held by a process that died here is taken over."""

    def __init__(self, database: RedisDatabase):
        self._database = database
        self._host = host_name()

    @contextmanager
    def hold(self, upload_id: str) -> Iterator[Callable[[], None]]:
        name = f"{PREFIX}upload:{upload_id}"
        token = f"{self._host}|{runner_name()}"
        with self._database.faults() as client:
            lock = client.lock(name, timeout=HELD_S, blocking=False, thread_local=False)
            if not lock.acquire(token=token):
                self._release_if_dead(lock, client.get(name) or "")
                if not lock.acquire(token=token):
                    raise _in_use()
        kept_s = time.monotonic()

        def keep() -> None:
            nonlocal kept_s
            if time.monotonic() - kept_s < KEEP_EVERY_S:
                return
            try:
                with self._database.faults():
                    lock.reacquire()
            except LockError as error:
                raise _in_use() from error
            kept_s = time.monotonic()

        try:
            yield keep
        finally:
            with self._database.faults(), suppress(LockError):
                lock.release()

    def _release_if_dead(self, lock, holder: str) -> None:
        host, _, runner = holder.partition("|")
        if host == self._host and not is_alive(runner):
            with suppress(LockError):
                lock.do_release(holder)


def _in_use() -> Conflict:
    return Conflict("Another connection is still sending this upload. Wait a moment, then continue.")
