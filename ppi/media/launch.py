"""Starts a program with limits: `python -I -S launch.py '{"parent": pid, ...}' PROGRAM ARGS`.

A script of its own, because setting limits between fork and exec is not safe in a process with threads. The program
it becomes yields to others, and dies with the process that started it (Linux). Exit code 127 means that PROGRAM cannot
be started.
"""

import ctypes
import json
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1
LIMITS = {
    "memory_bytes": resource.RLIMIT_AS,
    "cpu_s": resource.RLIMIT_CPU,
    "file_bytes": resource.RLIMIT_FSIZE,
    "core_bytes": resource.RLIMIT_CORE,
}


def main() -> None:
    wanted = json.loads(sys.argv[1])
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have died before the line above.
    if os.getppid() != wanted["parent"]:
        os._exit(1)
    os.nice(wanted["niceness"])
    for name, kind in LIMITS.items():
        if wanted.get(name) is not None:
            _lower(kind, wanted[name])
    # Python ignores these, and what is ignored stays so in the program.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execv(sys.argv[2], sys.argv[2:])
    except OSError as error:
        print(error.strerror, file=sys.stderr)
        sys.exit(127)


def _lower(kind: int, value: int) -> None:
    """Only root may raise a hard limit, so one that is lower already stays."""
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))


main()
