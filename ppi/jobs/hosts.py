"""Names of machines and processes, such that a process that is gone is known by its name."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

import psutil


def host_name() -> str:
    """This machine since its last start, seen from this container: names of runners are compared within it only."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    space = Path("/proc/self/ns/pid")
    marks = [socket.gethostname()]
    marks += [boot.read_text().strip()] if boot.exists() else []
    marks += [str(space.stat().st_ino)] if space.exists() else []
    return "/".join(marks)


def process_name(pid: int) -> str:
    """The process by number and start time, so that a number used again is not mistaken for it."""
    return f"{pid}:{_started(pid)}"


def runner_name() -> str:
    """A fresh name for a runner of this process."""
    return f"{process_name(os.getpid())}:{secrets.token_hex(3)}"


def is_alive(runner: str) -> bool:
    """Whether the process of this runner, on this host, still runs."""
    pid, created, _ = runner.split(":")
    try:
        return _started(int(pid)) == created and psutil.Process(int(pid)).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _started(pid: int) -> str:
    """In ticks since the machine's start where the system tells: seconds since the epoch move with the clock."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rsplit(")", 1)[1].split()[19]
    except FileNotFoundError:
        return f"{psutil.Process(pid).create_time():.2f}"
