"""The one child process that holds a Whisper model: of all engines in this process, and of all processes on a data folder.

A model takes gigabytes, so there is one in memory at a time. Whoever wants to hear waits for the lock of the machine, and ends
the idle child of another process before it loads a model of its own.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ppi.processes import TICK_S, WarmChild

_CHILD = WarmChild()


def call(
    target: str, wanted: dict[str, Any], lock_file: Path, *, on_report: Callable[[Any], None], on_tick: Callable[[], None]
) -> Any:
    """Run `target` in the child, when no other call on this machine does; `on_tick` goes on meanwhile and may raise."""
    with _alone(lock_file, on_tick):
        try:
            return _CHILD.call(target, wanted, on_report=on_report, on_tick=on_tick)
        finally:
            _note(lock_file)


def stop() -> None:
    """End the child and free its memory. Harmless when there is none."""
    _CHILD.stop()


@contextlib.contextmanager
def _alone(lock_file: Path, on_tick: Callable[[], None]) -> Iterator[None]:
    """Hold the machine's lock. Without a data folder, as for plain files, nobody else is there to share with."""
    if not lock_file.parent.is_dir():
        yield
        return
    from filelock import FileLock, Timeout

    lock = FileLock(lock_file, thread_local=False)
    while True:
        try:
            lock.acquire(timeout=TICK_S)
            break
        except Timeout:
            on_tick()
    try:
        _end_other(lock_file)
        yield
    finally:
        lock.release()


def _note(lock_file: Path) -> None:
    """Write down which child has a model now: number and start time, since numbers come again."""
    if lock_file.parent.is_dir():
        holder = _CHILD.pid
        _holder_file(lock_file).write_text(f"{holder} {_started_s(holder)}" if holder else "")


def _end_other(lock_file: Path) -> None:
    """End the child of another process that holds a model. It is idle, since its process does not hold the lock."""
    try:
        pid, started_s = _holder_file(lock_file).read_text().split()
    except (OSError, ValueError):
        return
    if int(pid) != _CHILD.pid and _started_s(int(pid)) == float(started_s):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(int(pid), signal.SIGKILL)


def _holder_file(lock_file: Path) -> Path:
    return lock_file.with_suffix(".holder")


def _started_s(pid: int) -> float:
    import psutil

    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return -1.0
