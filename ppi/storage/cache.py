"""Copies of remote objects on this machine: fetched once, kept within a limit, never taken from a reader."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock


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
        with FileLock(f"{path}.lock"):
            if not path.exists():
                self._fetch(path, fetch)
            reader = path.open("rb")
            fcntl.flock(reader, fcntl.LOCK_SH)
            os.utime(path)
        try:
            self._make_room()
            yield path
        finally:
            reader.close()

    def _fetch(self, path: Path, fetch: Callable[[Path], None]) -> None:
        fresh = path.with_suffix(f".{secrets.token_hex(4)}")
        try:
            fetch(fresh)
            os.replace(fresh, path)
        finally:
            fresh.unlink(missing_ok=True)

    def _make_room(self) -> None:
        """Remove what was not used for longest until the limit holds, passing over what is being read."""
        files = [path for path in self._folder.iterdir() if not path.suffix]
        found = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in files)
        used_bytes = sum(size for _, size, _ in found)
        for _, size, path in found:
            if used_bytes <= self._limit_bytes:
                return
            if _remove_unused(path):
                used_bytes -= size


def _remove_unused(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    except (BlockingIOError, FileNotFoundError):
        return False
    return True
