"""A dataset folder is written beside, then renamed: after a failure or a kill the last good one is still there."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import shutil
from collections.abc import Iterator
from pathlib import Path

from ppi.dataset import manifest
from ppi.dataset.layout import MARK
from ppi.errors import Conflict, DiskFull


def settle(folder: Path) -> None:
    """Finish what a killed build left half renamed, and refuse to replace what is not ours."""
    previous = _previous(folder)
    if previous.exists():
        if not manifest.is_ours(previous):
            _refuse(previous)
        if folder.exists():
            shutil.rmtree(previous)
        else:
            previous.rename(folder)
    if folder.is_symlink() or (folder.exists() and not _is_replaceable(folder)):
        _refuse(folder)


def _refuse(folder: Path) -> None:
    raise Conflict(
        "{folder} holds something that is not a dataset of PPI. Choose another folder, or move it away.",
        folder=str(folder),
    )


def _is_replaceable(folder: Path) -> bool:
    return folder.is_dir() and (not any(folder.iterdir()) or manifest.is_ours(folder))


def _previous(folder: Path) -> Path:
    return folder.with_name(folder.name + ".previous")


@contextlib.contextmanager
def unfinished(folder: Path) -> Iterator[Path]:
    """`<folder>.incomplete`, empty, locked by its mark against a second build, and gone when the build fails."""
    made = folder.with_name(folder.name + ".incomplete")
    if made.exists() and any(made.iterdir()) and not (made / MARK).is_file() and not manifest.is_ours(made):
        _refuse(made)
    made.mkdir(parents=True, exist_ok=True)
    with (made / MARK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict("{folder} is being built already. Wait for it to end.", folder=str(folder)) from error
        try:
            _empty(made)
            yield made
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise


def _empty(made: Path) -> None:
    for path in made.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != MARK:
            path.unlink()


def swap(made: Path, folder: Path) -> None:
    """Put `made` in the place of `folder`. Between the two renames `settle` of the next build knows what to do."""
    (made / MARK).unlink()
    previous = _previous(folder)
    if folder.exists():
        folder.rename(previous)
    try:
        made.rename(folder)
    except OSError:
        if previous.exists():
            previous.rename(folder)
        raise
    if previous.exists():
        shutil.rmtree(previous)


@contextlib.contextmanager
def disk_errors() -> Iterator[None]:
    """A full disk is told as DiskFull."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull("There is no room left on the disk for the dataset. Free some and try again.") from error
        raise
