"""Starts a program with limits: `python -I -S launch.py '{"parent": pid, ...}' PROGRAM ARGS`.

A script of its own, because setting limits between fork and exec is not safe in a process with threads. The program
it becomes dies with the process that started it (Linux).
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
    if os.getppid() != wanted["parent"]:
        os._exit(1)
    for name, kind in LIMITS.items():
        if wanted.get(name) is not None:
            resource.setrlimit(kind, (wanted[name], wanted[name]))
    os.execv(sys.argv[2], sys.argv[2:])


main()
