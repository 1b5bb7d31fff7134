"""The Hugging Face Hub: a dataset folder becomes one commit of a dataset repository.

The sending runs in a child process: the Hub's client waits without limit for a silent server, a child can be
stopped. Only files that the manifest names are sent. Files of an earlier push that the dataset no longer has are
deleted in the same commit, because loaders would load them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppi.errors import AccessDenied, BackendError, Conflict, DatasetError, InputError, PpiError, ToolFailed
from ppi.processes import run_in_child
from ppi.settings import HubSettings

MAX_REPO_ID_CHARACTERS = 96
SLOWEST_BYTES_PER_S = 100_000
PATIENCE_S = 300.0
BATCH_BYTES = 16_000_000
_REPO_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
_TOKEN = re.compile(r"[!-~]+")
_OURS = re.compile(
    r"(images|videos|texts)/pattern_[0-9]+\.(jpg|mp4|txt)|data/(train|validation|test)-[0-9]{5}-of-[0-9]{5}\.parquet"
)
_MADE_BY_THE_HUB = {".gitattributes", "README.md"}


@dataclass(frozen=True)
class PushResult:
    """`revision` is the commit's hash; both are of the commit that holds exactly this dataset."""

    url: str
    revision: str


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


def push(
    folder: Path,
    repo_id: str,
    *,
    settings: HubSettings,
    private: bool = True,
    on_progress: Callable[[float], None] = lambda fraction: None,
    commit_message: str = "Update the dataset",
    timeout_s: float | None = None,
) -> PushResult:
    """Send the dataset in `folder` to `repo_id` in one commit, making the repository when there is none.

    `timeout_s` defaults to five minutes and the time of a slow line (100 kB/s). Raises AccessDenied without a token or
    right, Conflict when an existing repository is not as private as asked or holds something else, InputError for a bad
    name, DatasetError for a bad folder, and BackendError when the Hub is not there, silent or failing.
    """
    check_repo_id(repo_id)
    if not _TOKEN.fullmatch(settings.token):
        raise AccessDenied("There is no usable Hugging Face token. Set HF_TOKEN to one that may write, then try again.")
    files, size_bytes = _files(folder)
    limit_s = timeout_s if timeout_s is not None else PATIENCE_S + size_bytes / SLOWEST_BYTES_PER_S
    reached = [0.0]

    def on_report(fraction: float) -> None:
        reached[0] = max(reached[0], fraction)

    given = {
        "folder": str(folder), "files": files, "repo_id": repo_id, "endpoint": settings.endpoint,
        "token": settings.token, "private": private, "commit_message": commit_message,
    }  # fmt: skip
    try:
        url, revision = run_in_child(
            f"{__name__}:send", given, on_report=on_report, on_tick=lambda: on_progress(reached[0]), timeout_s=limit_s
        )
    except ToolFailed as error:
        raise BackendError(
            "The Hub at {endpoint} did not take the dataset in {limit_s} s. Try again later.",
            endpoint=settings.endpoint, limit_s=round(limit_s),
        ) from error  # fmt: skip
    on_progress(1.0)
    return PushResult(url, revision)


def send(
    report: Callable[[float], None],
    folder: str,
    files: list[str],
    repo_id: str,
    endpoint: str,
    token: str,
    private: bool,
    commit_message: str,
) -> tuple[str, str]:
    """In the child: make the repository, send the files, commit. Answers the commit's address and hash."""
    import huggingface_hub
    from huggingface_hub import constants, utils

    constants.HF_HUB_DISABLE_XET = True  # plain HTTP passes proxies and mirrors that do not know Xet
    utils.disable_progress_bars()
    api = huggingface_hub.HfApi(endpoint=endpoint, token=token)
    try:
        api.create_repo(repo_id, repo_type="dataset", private=private, exist_ok=True)
        stale = _stale_files(api, repo_id, private, files)
        report(0.02)
        operations: list[Any] = [
            huggingface_hub.CommitOperationAdd(path_in_repo=path, path_or_fileobj=str(Path(folder, path))) for path in files
        ]
        _upload(api, repo_id, operations, report)
        operations += [huggingface_hub.CommitOperationDelete(path_in_repo=path) for path in stale]
        commit = api.create_commit(repo_id, operations, repo_type="dataset", commit_message=commit_message)
    except PpiError:
        raise
    except Exception as error:  # whatever the client raises has to become something a reader can act on
        raise _meaning(error, repo_id, endpoint, token) from None
    return f"{endpoint}/datasets/{repo_id}", commit.oid


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


def _stale_files(api: Any, repo_id: str, private: bool, files: list[str]) -> list[str]:
    """What an earlier push left. Raises Conflict when the repository is not one this dataset may replace."""
    info = api.dataset_info(repo_id)
    if private and not info.private:
        raise Conflict(
            "{repo_id} is public, but a private dataset was asked for. Make it private on the Hub, or choose another name.",
            repo_id=repo_id,
        )
    if info.private and not private:
        raise Conflict(
            "{repo_id} is private, but a public dataset was asked for. Make it public on the Hub, or push it as private.",
            repo_id=repo_id,
        )
    there = {sibling.rfilename for sibling in info.siblings or ()}
    if there - _MADE_BY_THE_HUB and "manifest.json" not in there:
        raise Conflict("{repo_id} holds other files. Choose another name, so that they are not mixed.", repo_id=repo_id)
    return sorted(path for path in there - set(files) if _OURS.fullmatch(path))


def _upload(api: Any, repo_id: str, operations: list[Any], report: Callable[[float], None]) -> None:
    """Send the large files ahead of the commit, a batch at a time, so that progress can be told."""
    whole = sum(operation.upload_info.size for operation in operations) or 1
    sent = 0
    for batch in _batches(operations):
        size = sum(operation.upload_info.size for operation in batch)
        api.preupload_lfs_files(repo_id, batch, repo_type="dataset", gitignore_content="")
        sent += size
        report(0.02 + 0.93 * sent / whole)


def _batches(operations: list[Any]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    size = 0
    for operation in operations:
        batch.append(operation)
        size += operation.upload_info.size
        if size >= BATCH_BYTES or len(batch) >= 100:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _meaning(error: Exception, repo_id: str, endpoint: str, token: str) -> PpiError:
    """What the client's error means for the reader. The token is in no message."""
    status = _status(error)
    if status == 401:
        return AccessDenied("The Hub does not accept the token. Make a new one that may write and set HF_TOKEN to it.")
    if status == 403:
        return AccessDenied(
            "The token may not write to {repo_id}. Use a name of your own account or organisation, or a token that may.",
            repo_id=repo_id,
        )
    if status == 404:
        return InputError("The Hub does not find {repo_id}. Check the owner and the name.", repo_id=repo_id)
    if status in (409, 412):
        return Conflict("{repo_id} was changed by somebody else meanwhile. Try again.", repo_id=repo_id)
    if status == 429:
        return BackendError("The Hub takes no more requests for now. Try again in some minutes.")
    if status is not None and status >= 500:
        return BackendError("The Hub is failing (status {status}). Try again later; nothing is lost.", status=status)
    reason = " ".join(f"{type(error).__name__}: {error}".replace(token, "***").split())[:300]
    if status is not None or isinstance(error, ValueError):
        return InputError("The Hub refuses the dataset: {reason}", reason=reason)
    return BackendError(
        "The Hub at {endpoint} cannot be reached ({reason}). Check the network and HF_ENDPOINT, then try again.",
        endpoint=endpoint, reason=reason,
    )  # fmt: skip


def _status(error: BaseException | None) -> int | None:
    """The HTTP status behind an error; failed uploads keep it in their cause."""
    for _ in range(10):
        if error is None:
            return None
        status = getattr(getattr(error, "response", None), "status_code", None)
        if isinstance(status, int):
            return status
        error = error.__cause__ or error.__context__
    return None
