"""The room a program that reads foreign bytes is shut in: no network, and of all files only those it was given.

Bubblewrap makes it, where it is installed and the kernel lets it. A program inside sees the system's programs and
libraries, read-only, the one file it reads and the folders it writes; no process but its own, no /proc, no /etc with
accounts, no home. Limits and an empty environment hold with and without it (launch.py, ffmpeg.py).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

NAME = "bwrap"
# Folders of programs, not all of /usr: whoever keeps data in /usr/local/ppi keeps it out of sight.
SYSTEM = ("/usr/bin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libx32", "/usr/local/bin", "/usr/local/lib")
# On today's systems these are links into /usr.
SHORT = ("/bin", "/lib", "/lib32", "/lib64", "/libx32")
# The list of libraries, and Debian's choice among those that do the same.
LIBRARIES = ("/etc/ld.so.cache", "/etc/alternatives")
DEVICES = ("/dev/null", "/dev/urandom")
FENCE = (
    "--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--die-with-parent",
    "--cap-drop", "ALL",
)  # fmt: skip


@dataclass(frozen=True)
class Sandbox:
    """`program` is the path of bwrap; "" means that only limits hold, for the `reason`."""

    program: str
    reason: str = ""

    def __str__(self) -> str:
        return "bubblewrap" if self.program else "limits only"

    def command(
        self, *, programs: Sequence[Path] = (), reads: Mapping[Path, Path] | None = None, writes: Sequence[Path] = ()
    ) -> list[str]:
        """The words to put before a program; none where there is no bubblewrap.

        `programs` are files and folders it is made of, `reads` maps a path inside to the file that stands there, and
        `writes` are folders, at the same path inside.
        """
        if not self.program:
            return []
        words = [self.program, *FENCE, *_system()]
        # Root may read what belongs to others, as it may outside; there is nothing else inside that it could reach.
        if os.getuid() == 0:
            words += ["--cap-add", "CAP_DAC_OVERRIDE"]
        for path in programs:
            words += ["--ro-bind", str(path), str(path)]
        for inside, path in (reads or {}).items():
            words += ["--ro-bind", str(path), str(inside)]
        for folder in writes:
            words += ["--bind", str(folder), str(folder)]
        # The rest is a file system in memory, which nobody shall fill.
        return [*words, "--remount-ro", "/", "--"]


def parts_of_python(script: Path) -> list[Path]:
    """What this Python needs to run a script of PPI with the packages installed here."""
    return list(dict.fromkeys(Path(path) for path in (sys.base_prefix, sys.prefix, script) if path not in ("/", "/usr")))


def parts_of(binary: str) -> list[Path]:
    """The program's file, and the libraries a program outside the system may bring in the folder beside its own."""
    path = Path(binary)
    if str(path.parent) in SYSTEM:
        return []
    libraries = path.parent.parent / "lib"
    return [path, libraries] if path.parent.name == "bin" and libraries.is_dir() else [path]


def _system() -> list[str]:
    words: list[str] = []
    for name in SHORT:
        if os.path.islink(name):
            words += ["--symlink", os.readlink(name), name]
        else:
            words += ["--ro-bind-try", name, name]
    for name in (*SYSTEM, *LIBRARIES):
        words += ["--ro-bind-try", name, name]
    for name in DEVICES:
        words += ["--dev-bind", name, name]
    return words
