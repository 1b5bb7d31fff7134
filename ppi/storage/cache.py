"""Copies of remote objects on this machine: fetched once, kept within a limit, never taken from a reader.

A copy lies under a hash; `<hash>.name` tells of which object, so that copies of deleted objects can be found.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

NAME, LOCK = ".name", ".lock"


class FileCache:
    """Files by (bucket, key, etag) in one folder shared by all processes of the machine."""

    def __init__(self, folder: Path, limit_bytes: int):
        self._folder = folder
        self._limit_bytes = limit_bytes

    @contextmanager
    def open(self, bucket: str, key: str, etag: str, fetch: Callable[[Path], None]) -> Iterator[Path]:
        """The cached file, made by `fetch(path)` when it is not there; it stays while the context is open."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / hashlib.sha256(f"{bucket}\0{key}\0{etag}".encode()).hexdigest()
        with FileLock(path.with_suffix(LOCK)):
            if not path.exists():
                path.with_suffix(NAME).write_text(json.dumps([bucket, key, etag]))
                self._fetch(path, fetch)
            reader = path.open("rb")
            fcntl.flock(reader, fcntl.LOCK_SH)
            os.utime(path)
        try:
            self._make_room()
            yield path
        finally:
            reader.close()

    def sweep(self, etags_in: Callable[[str, str], dict[str, str]]) -> None:
        """Remove the copies of objects that are no more, or are others by now; what is being read waits for the next time.

        `etags_in(bucket, folder)` answers the etags of all objects below a folder by key; it is asked once a folder.
        """
        folders: dict[tuple[str, str], dict[str, str]] = {}
        for path in self._files():
            bucket, key, etag = self._named(path)
            folder = bucket, key.rpartition("/")[0]
            if bucket and folder not in folders:
                folders[folder] = etags_in(*folder)
            if not bucket or folders[folder].get(key) != etag:
                with suppress(Timeout), FileLock(path.with_suffix(LOCK), timeout=0):
                    self._remove_unused(path)
        for path in self._files(is_whole=False):  # whoever fetches holds the lock; who was killed does not
            with suppress(Timeout), FileLock(path.with_suffix(LOCK), timeout=0):
                path.unlink(missing_ok=True)

    def _named(self, path: Path) -> tuple[str, str, str]:
        """Bucket, key and etag of a copy; empty for one of which nobody knows any more."""
        with suppress(OSError, ValueError):
            bucket, key, etag = json.loads(path.with_suffix(NAME).read_text())
            return bucket, key, etag
        return "", "", ""

    def _files(self, *, is_whole: bool = True) -> list[Path]:
        """The copies, or those that were begun to be fetched."""
        found = list(self._folder.iterdir()) if self._folder.is_dir() else []
        return [path for path in found if path.suffix not in (NAME, LOCK) and (not path.suffix) == is_whole]

    def _fetch(self, path: Path, fetch: Callable[[Path], None]) -> None:
        fresh = path.with_suffix(f".{secrets.token_hex(4)}")
        try:
            fetch(fresh)
            os.replace(fresh, path)
        finally:
            fresh.unlink(missing_ok=True)

    def _make_room(self) -> None:
        """Remove what was not used for longest until the limit holds, passing over what is being read."""
        found = []
        for path in self._files():
            with suppress(FileNotFoundError):  # another process removed it just now
                found.append((path.stat().st_mtime, path.stat().st_size, path))
        found.sort()
        used_bytes = sum(size for _, size, _ in found)
        for _, size, path in found:
            if used_bytes <= self._limit_bytes:
                return
            if self._remove_unused(path):
                used_bytes -= size

    def _remove_unused(self, path: Path) -> bool:
        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
        except (BlockingIOError, FileNotFoundError):
            return False
        path.with_suffix(NAME).unlink(missing_ok=True)
        return True
