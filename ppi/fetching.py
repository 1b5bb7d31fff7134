"""Runs inside child processes: fetches files from the Hub, checks them by hash, and puts them in place all at once.

What came before a fetch was broken off lies in a hidden folder beside its place, and the next one goes on with it.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppi.errors import PpiError, WeightsMissing, message, translatable
from ppi.fetched import SOURCES, SUMS, sha256
from ppi.settings import tell_library

Report = Callable[[tuple[str, Any]], None]
# So much stays free on the disk.
SPARE_BYTES = 200_000_000
# Models are described in it. It comes first, so that a model that is of no use costs no gigabytes.
CONFIG = "config.json"
# Why nothing came.
CONDITIONS = translatable(
    "Its makers give it only to accounts that accepted their conditions: accept them on its page on the Hub, and set HF_TOKEN "
    "to a token of that account."
)
CONDITIONS_NOT_ACCEPTED = translatable(
    "Its makers give it only to accounts that accepted their conditions, and that of HF_TOKEN did not: accept them on its page "
    "on the Hub."
)
NOT_FOUND = translatable(
    "The Hub has no such repository, or it is private: then set HF_TOKEN to a token of an account that may read it."
)
NOT_TO_BE_READ = translatable("The Hub has no such repository that the account of HF_TOKEN may read.")
NO_REVISION = translatable("The Hub has the repository, but no such revision of it.")
NO_ROOM = translatable("There is not enough room for it on the disk. What came so far is kept.")
DAMAGED = translatable("The file {name} came damaged and was thrown away with all others.")
BROKEN_OFF = translatable("The Hub did not give it ({reason}). What came so far is kept, and the next try goes on there.")


@dataclass(frozen=True)
class Source:
    """A repository, and the name here of each file of it that is wanted, "" or None for one that is not."""

    repository: str
    name_here: Callable[[str], str | None]
    revision: str = ""

    @classmethod
    def of(cls, model: str, name_here: Callable[[str], str | None]) -> Source:
        """`model` is owner/name, or owner/name@revision: a branch, a tag or a commit."""
        repository, _, revision = model.partition("@")
        return cls(repository, name_here, revision)


@dataclass(frozen=True)
class Checks:
    """What else a folder has to be. Both may raise; `listed` gets the names that are wanted, `come` a file that is whole."""

    listed: Callable[[Collection[str]], None] = lambda names: None
    come: Callable[[Path], None] = lambda path: None


class _Unfit(ValueError):
    """Says as a message why nothing was fetched."""

    def __init__(self, template: str, **values: Any):
        super().__init__(template)
        self.message = message(template, values)


def fill(
    report: Report, sources: Sequence[Source], folder: Path, hub: str, absent: WeightsMissing, token: str = "",
    checks: Checks = Checks(),
) -> None:  # fmt: skip
    """Put the files of the repositories into `folder`, all at once; reports ("fetched", fraction).

    `token` is shown only to a Hub that gives a repository to nobody without one. Raises `absent` with the reason; nothing
    is kept of files when one does not have the hash that the Hub states.
    """
    tell_library("HF_HUB_DISABLE_TELEMETRY", "1")
    from filelock import FileLock
    from httpx2 import HTTPError  # what the Hub's client speaks HTTP with

    before = _stamp(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{folder.name}.lock")) as lock:
            try:
                if _stamp(folder) == before:  # else another process fetched it meanwhile
                    _fill(report, sources, folder, hub, token, checks)
            finally:
                Path(lock.lock_file).unlink(missing_ok=True)
    except (OSError, ValueError, HTTPError) as error:
        raise _because(absent, error, token) from error


def _fill(report: Report, sources: Sequence[Source], folder: Path, hub: str, token: str, checks: Checks) -> None:
    from huggingface_hub.errors import RepositoryNotFoundError

    fresh = folder.with_name(f".{folder.name}.part")
    fresh.mkdir(exist_ok=True)
    try:
        try:
            _fetch(report, sources, fresh, hub, False, checks)
        except RepositoryNotFoundError:  # so says the Hub of closed ones as well
            if not token:
                raise
            _fetch(report, sources, fresh, hub, token, checks)
    except (_Unfit, PpiError):
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(fresh, folder)


def _fetch(report: Report, sources: Sequence[Source], fresh: Path, hub: str, token: str | bool, checks: Checks) -> None:
    from huggingface_hub import HfApi

    api = HfApi(endpoint=hub, token=token)
    found = {
        source: api.model_info(source.repository, revision=source.revision or None, files_metadata=True) for source in sources
    }
    files = [
        (source, file, name)
        for source, about in found.items()
        for file in about.siblings
        if (name := source.name_here(file.rfilename))
    ]
    checks.listed([name for *_, name in files])
    total, done = sum(file.size or 0 for _, file, _ in files) or 1, 0
    _make_room(fresh, total)
    for source, file, name in sorted(files, key=lambda one: one[2] != CONFIG):
        at = {"repository": source.repository, "name": file.rfilename, "revision": found[source].sha, "hub": hub}
        on_bytes = lambda size_bytes, before=done: report(("fetched", min((before + size_bytes) / total, 1.0)))  # noqa: E731
        _download(at, file, fresh / name, token, on_bytes)
        checks.come(fresh / name)
        done += file.size or 0
    (fresh / SUMS).write_text(json.dumps({name: sha256(fresh / name) for *_, name in files}, indent=1))
    commits = {source.repository: about.sha for source, about in found.items()}
    (fresh / SOURCES).write_text(json.dumps(commits, indent=1))
    for left in {path.name for path in fresh.iterdir()} - {name for *_, name in files} - {SUMS, SOURCES}:
        (fresh / left).unlink()


def _make_room(fresh: Path, total_bytes: int) -> None:
    """Raises OSError when what is still to come does not fit on the disk."""
    needed = total_bytes - sum(path.stat().st_size for path in fresh.iterdir()) + SPARE_BYTES
    free = shutil.disk_usage(fresh).free
    if needed > free:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _download(at: dict[str, str], stated, path: Path, token: str | bool, on_bytes: Callable[[int], None]) -> None:
    """One file, from where an earlier try ended. Raises _Unfit when it is not the file that the Hub states."""
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    if path.is_file() and stated.size is not None and path.stat().st_size > stated.size:
        path.unlink()
    url = hf_hub_url(at["repository"], at["name"], revision=at["revision"], endpoint=at["hub"])
    with path.open("ab") as opened:
        http_get(
            url, opened, resume_size=opened.tell(), headers=build_hf_headers(token=token), expected_size=stated.size,
            tqdm_class=_bar(on_bytes), displayed_filename=path.name,
        )  # fmt: skip
    if not _is_as_stated(path, stated):
        raise _Unfit(DAMAGED, name=path.name)


def _is_as_stated(path: Path, stated) -> bool:
    """Large files are stated by their SHA-256, small ones by git's hash of them."""
    if stated.lfs:
        return sha256(path) == stated.lfs.sha256
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest() == stated.blob_id


def _because(absent: WeightsMissing, error: Exception, token: str) -> WeightsMissing:
    return WeightsMissing("{what} {why}", what=absent.as_message(), why=_reason(error, token), **absent.ids)


def _reason(error: Exception, token: str) -> dict[str, Any]:
    """Why nothing came, as a message."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    if isinstance(error, _Unfit):
        return error.message
    if isinstance(error, GatedRepoError):
        return message(CONDITIONS_NOT_ACCEPTED if token else CONDITIONS, {})
    if isinstance(error, RepositoryNotFoundError):
        return message(NOT_TO_BE_READ if token else NOT_FOUND, {})
    if isinstance(error, RevisionNotFoundError):
        return message(NO_REVISION, {})
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return message(NO_ROOM, {})
    return message(BROKEN_OFF, {"reason": (str(error) or type(error).__name__).splitlines()[0][:200]})


def _stamp(folder: Path) -> float:
    """When it was fetched; 0 when it was not."""
    file = folder / SUMS
    return file.stat().st_mtime if file.is_file() else 0.0


def _bar(on_bytes: Callable[[int], None]) -> type:
    """The Hub's client tells its progress only to a tqdm bar, so it gets one that passes it on."""
    import io

    from tqdm import tqdm

    # A lock between processes, tqdm's default, is never given back when the child is killed.
    tqdm.set_lock(threading.RLock())

    class Bar(tqdm):
        def __init__(self, *args, **kwargs):
            kwargs.pop("name", None)
            super().__init__(*args, **{**kwargs, "file": io.StringIO(), "disable": False})

        def update(self, amount: float | None = 1) -> bool | None:
            shown = super().update(amount)
            on_bytes(int(self.n))
            return shown

    return Bar
