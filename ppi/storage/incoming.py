"""Files on their way into the local store. Each process has a folder of its own, which it keeps locked while it lives.

The kernel ends the lock with the process, however that ended: a folder that can be locked belongs to nobody.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import threading
import time
from pathlib import Path

# A folder is locked an instant after it was made, under a name that says so.
YOUNG = "new-"
STALE_AFTER_S = 3600


class Incoming:
    """Making one touches nothing; the folder comes with the first file, and anew after a fork."""

    def __init__(self, root: Path):
        self._root = root
        self._guard = threading.Lock()
        self._folder = root
        self._pid = 0

    def fresh(self) -> Path:
        """A path that nothing lies at, in this process's folder. Raises OSError when that cannot be made."""
        with self._guard:
            if self._pid != os.getpid() or not self._folder.is_dir():
                self._folder = self._locked()
                self._pid = os.getpid()
            return self._folder / secrets.token_hex(12)

    def sweep(self) -> None:
        """Remove what processes that are gone left behind."""
        if not self._root.is_dir():
            return
        for path in self._root.iterdir():
            try:
                _sweep(path)
            except FileNotFoundError:  # renamed, or swept by somebody else
                continue

    def _locked(self) -> Path:
        name = secrets.token_hex(8)
        young = self._root / f"{YOUNG}{name}"
        young.mkdir(parents=True)
        # Never closed: it is open as long as the process lives.
        fcntl.flock(os.open(young, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), fcntl.LOCK_EX)
        return young.rename(self._root / name)


def _sweep(path: Path) -> None:
    if not path.is_dir() or path.name.startswith(YOUNG):
        if path.stat().st_mtime < time.time() - STALE_AFTER_S:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(path)
    except BlockingIOError:  # its process lives
        return
    finally:
        os.close(folder)
