"""The Hugging Face Hub: a dataset folder becomes one commit of a dataset repository, and that commit gets a tag.

The conversation runs in a child process (`hub_child`): the Hub's client waits without limit for a silent server, a child
can be stopped. Only files that the manifest names are sent, and of those only what the repository does not have. Files of an
earlier push that the dataset no longer has are deleted in the same commit, because loaders would load them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppi.errors import AccessDenied, BackendError, DatasetError, InputError, ToolFailed
from ppi.processes import run_in_child
from ppi.settings import HubSettings

MAX_REPO_ID_CHARACTERS = 96
SLOWEST_BYTES_PER_S = 100_000
PATIENCE_S = 300.0
CHILD = "ppi.publishing.hub_child"
ADDED, CHANGED, DELETED = "added", "changed", "deleted"
_REPO_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
_TOKEN = re.compile(r"[!-~]+")


@dataclass(frozen=True)
class FileChange:
    """What a push does to one file of the repository; `size_bytes` is what is sent or, when `deleted`, what lies there."""

    kind: str
    path: str
    size_bytes: int


@dataclass(frozen=True)
class Preview:
    """What a push would do. `is_new` says that it would make the repository, `tag` which tag the version would carry.

    `account` is whose token it is; `unchanged` counts the files that lie on the Hub already.
    """

    url: str
    account: str
    is_new: bool
    is_private: bool
    tag: str
    changes: tuple[FileChange, ...]
    unchanged: int

    @property
    def sent_bytes(self) -> int:
        return sum(change.size_bytes for change in self.changes if change.kind != DELETED)


@dataclass(frozen=True)
class PushResult:
    """`revision` is the hash of the commit that holds exactly this dataset, `tag` its name for good.

    `counts` says how many files were added, changed and deleted: none when this version lay there already.
    """

    url: str
    revision: str
    tag: str
    counts: Mapping[str, int]


def check_repo_id(repo_id: str) -> None:
    """Raises InputError unless `repo_id` is owner/name as the Hub takes it."""
    is_good = (
        _REPO_ID.fullmatch(repo_id)
        and len(repo_id) <= MAX_REPO_ID_CHARACTERS
        and not any(part in repo_id for part in ("--", ".."))
        and not any(part.endswith(("-", ".", ".git")) for part in repo_id.split("/"))
    )
    if not is_good:
        raise InputError(
            "{repo_id} is no name of a repository. Write owner/name with Latin letters, digits, - _ and . only, "
            "such as university/lesson-patterns.",
            repo_id=repr(repo_id[:120]),
        )


def preview(
    folder: Path,
    repo_id: str,
    *,
    settings: HubSettings,
    version: int,
    private: bool = True,
    on_progress: Callable[[float], None] = lambda fraction: None,
    timeout_s: float = PATIENCE_S,
) -> Preview:
    """Find out what `push` would do. Nothing is sent to the Hub but questions; raises what `push` would."""
    given, _ = _given(folder, repo_id, settings, private, version)
    return _talk("look", given, on_progress, timeout_s)


def push(
    folder: Path,
    repo_id: str,
    *,
    settings: HubSettings,
    version: int,
    private: bool = True,
    on_progress: Callable[[float], None] = lambda fraction: None,
    commit_message: str = "Update the dataset",
    timeout_s: float | None = None,
) -> PushResult:
    """Send the dataset in `folder` to `repo_id` in one commit, making the repository when there is none, and tag it.

    The tag is `v<version>`, or `v<version>.1` and so on when that name stands for other files: tags are never moved. What
    a broken push had sent is not sent again. `timeout_s` defaults to five minutes and the time of a slow line (100 kB/s).
    Raises AccessDenied without a token or right, Conflict when an existing repository is not as private as asked or
    holds something else, InputError for a bad name, DatasetError for a bad folder, and BackendError when the Hub is not
    there, silent or failing.
    """
    given, size_bytes = _given(folder, repo_id, settings, private, version)
    limit_s = timeout_s if timeout_s is not None else PATIENCE_S + size_bytes / SLOWEST_BYTES_PER_S
    return _talk("send", {**given, "commit_message": commit_message}, on_progress, limit_s)


def _given(folder: Path, repo_id: str, settings: HubSettings, private: bool, version: int) -> tuple[dict[str, Any], int]:
    """What the child is told, and the size of the dataset in bytes."""
    check_repo_id(repo_id)
    if not _TOKEN.fullmatch(settings.token):
        raise AccessDenied("There is no usable Hugging Face token. Set HF_TOKEN to one that may write, then try again.")
    files, size_bytes = _files(folder)
    given = {
        "folder": str(folder), "files": files, "repo_id": repo_id, "endpoint": settings.endpoint, "token": settings.token,
        "private": private, "version": version,
    }  # fmt: skip
    return given, size_bytes


def _talk(name: str, given: dict[str, Any], on_progress: Callable[[float], None], limit_s: float) -> Any:
    reached = [0.0]

    def on_report(fraction: float) -> None:
        reached[0] = max(reached[0], fraction)

    try:
        found = run_in_child(
            f"{CHILD}:{name}", given, on_report=on_report, on_tick=lambda: on_progress(reached[0]), timeout_s=limit_s
        )
    except ToolFailed as error:
        raise BackendError(
            "The Hub at {endpoint} did not take the dataset in {limit_s} s. Try again later.",
            endpoint=given["endpoint"], limit_s=round(limit_s),
        ) from error  # fmt: skip
    on_progress(1.0)
    return found


def _files(folder: Path) -> tuple[list[str], int]:
    """What the manifest names, and itself; and their size in bytes."""
    try:
        listed = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["files"]
        paths = [*(file["path"] for file in listed), "manifest.json"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError("{folder} has no readable manifest.json. Build the dataset again.", folder=folder.name) from error
    root = folder.resolve()
    for path in paths:
        found = folder / str(path)
        if found.is_symlink() or not found.resolve().is_relative_to(root) or not found.is_file():
            raise DatasetError("{path} is missing from the dataset. Build it again.", path=str(path)[:200])
    return paths, sum((folder / path).stat().st_size for path in paths)
