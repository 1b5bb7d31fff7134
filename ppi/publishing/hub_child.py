"""The conversation with the Hub, in a child process: what lies there, what differs, the commit and its tag."""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppi.errors import Conflict, PpiError
from ppi.publishing.hub import ADDED, CHANGED, DELETED, FileChange, Preview, PushResult
from ppi.publishing.hub_errors import may_not_write, meaning, status_of

BATCH_BYTES, BATCH_FILES = 16_000_000, 100
READ_BYTES = 1 << 20
TRIES_OF_A_TAG = 5
_OURS = re.compile(
    r"(images|videos|texts)/pattern_[0-9]+\.(jpg|mp4|txt)|data/(train|validation|test)-[0-9]{5}-of-[0-9]{5}\.parquet"
)
_MADE_BY_THE_HUB = {".gitattributes", "README.md"}
NOT_THERE, TAKEN = 404, 409
Report = Callable[[float], None]


@dataclass(frozen=True)
class _Target:
    """The repository as it is. `files` maps paths to the client's records of them, `tags` names to commits."""

    revision: str
    files: Mapping[str, Any]
    tags: Mapping[str, str]


def look(
    report: Report, folder: str, files: list[str], repo_id: str, endpoint: str, token: str, private: bool, version: int
) -> Preview:
    """What `send` would do, by questions only."""
    api = _client(endpoint, token)
    try:
        account = _account(api, repo_id)
        report(0.1)
        target = _target(api, repo_id, private)
        changes = _differences(Path(folder), files, target)
    except PpiError:
        raise
    except Exception as error:  # whatever the client raises has to become something a reader can act on
        raise meaning(error, repo_id, endpoint, token) from None
    tag, _ = tag_for(version, target.tags, "" if changes else target.revision)
    unchanged = len(files) - sum(change.kind != DELETED for change in changes)
    return Preview(f"{endpoint}/datasets/{repo_id}", account, not target.revision, private, tag, tuple(changes), unchanged)


def send(
    report: Report,
    folder: str,
    files: list[str],
    repo_id: str,
    endpoint: str,
    token: str,
    private: bool,
    version: int,
    commit_message: str,
) -> PushResult:
    """Make the repository when it is not there, send what differs in one commit, and give that its tag."""
    api = _client(endpoint, token)
    try:
        api.create_repo(repo_id, repo_type="dataset", private=private, exist_ok=True)
        target = _target(api, repo_id, private)
        report(0.02)
        changes = _differences(Path(folder), files, target)
        revision = target.revision
        if changes:
            revision = _commit(api, repo_id, Path(folder), changes, target.revision, commit_message, report)
        tag = _tagged(api, repo_id, version, revision)
    except PpiError:
        raise
    except Exception as error:  # as above
        raise meaning(error, repo_id, endpoint, token) from None
    counts = Counter(change.kind for change in changes)
    return PushResult(f"{endpoint}/datasets/{repo_id}", revision, tag, dict(counts))


def tag_for(version: int, tags: Mapping[str, str], revision: str) -> tuple[str, bool]:
    """The tag of this version for the commit `revision` ("" for one to come), and whether it has to be made.

    `tags` maps names to commits. A name that stands for another commit is never moved: the next free one of `v3`, `v3.1`,
    `v3.2` ... is taken.
    """
    names = [f"v{version}", *(f"v{version}.{number}" for number in range(1, len(tags) + 2))]
    kept = [name for name in names if revision and tags.get(name) == revision]
    return (kept[-1], False) if kept else (next(name for name in names if name not in tags), True)


def _client(endpoint: str, token: str) -> Any:
    import huggingface_hub
    from huggingface_hub import constants, utils

    constants.HF_HUB_DISABLE_XET = True  # plain HTTP passes proxies and mirrors that do not know Xet
    utils.disable_progress_bars()
    return huggingface_hub.HfApi(endpoint=endpoint, token=token)


def _account(api: Any, repo_id: str) -> str:
    """Whose token it is. Raises AccessDenied when the Hub says that it may not write there."""
    found = api.whoami()
    owners = {found.get("name"), *(owner.get("name") for owner in found.get("orgs") or ())}
    role = ((found.get("auth") or {}).get("accessToken") or {}).get("role")
    if role == "read" or repo_id.partition("/")[0] not in owners:
        raise may_not_write(repo_id)
    return str(found.get("name"))


def _target(api: Any, repo_id: str, private: bool) -> _Target:
    """The repository; an empty one when there is none. Raises Conflict when this dataset may not go there."""
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        info = api.dataset_info(repo_id, files_metadata=True)
    except RepositoryNotFoundError as error:
        if status_of(error) != NOT_THERE:
            raise
        return _Target("", {}, {})
    _check_fits(info, repo_id, private)
    there = {sibling.rfilename: sibling for sibling in info.siblings or ()}
    return _Target(info.sha, there, _tags(api, repo_id))


def _tags(api: Any, repo_id: str) -> dict[str, str]:
    return {tag.name: tag.target_commit for tag in api.list_repo_refs(repo_id, repo_type="dataset").tags}


def _check_fits(info: Any, repo_id: str, private: bool) -> None:
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


def _differences(folder: Path, files: list[str], target: _Target) -> list[FileChange]:
    """What has to be done so that the repository holds these files; files of others stay."""
    changes = []
    for path in files:
        size_bytes = (folder / path).stat().st_size
        there = target.files.get(path)
        if there is None:
            changes.append(FileChange(ADDED, path, size_bytes))
        elif not _is_same(folder / path, size_bytes, there):
            changes.append(FileChange(CHANGED, path, size_bytes))
    gone = sorted(path for path in set(target.files) - set(files) if _OURS.fullmatch(path))
    return changes + [FileChange(DELETED, path, target.files[path].size or 0) for path in gone]


def _is_same(path: Path, size_bytes: int, there: Any) -> bool:
    """Whether the Hub holds these bytes: it knows large files by their SHA-256, small ones by the name git gives them."""
    if there.size != size_bytes:
        return False
    with path.open("rb") as file:
        if there.lfs is not None:
            return hashlib.file_digest(file, "sha256").hexdigest() == there.lfs.sha256
        named = hashlib.sha1(b"blob %d\0" % size_bytes, usedforsecurity=False)
        while piece := file.read(READ_BYTES):
            named.update(piece)
        return named.hexdigest() == there.blob_id


def _commit(
    api: Any, repo_id: str, folder: Path, changes: list[FileChange], parent: str, message: str, report: Report
) -> str:
    """Send the files, then commit on top of `parent`; answers the commit's hash. The Hub refuses when that is no longer the
    newest one, so nobody else's work is undone.
    """
    import huggingface_hub

    sending = _Sending(sum(change.size_bytes for change in changes if change.kind != DELETED), report)
    operations: list[Any] = [
        huggingface_hub.CommitOperationAdd(path_in_repo=change.path, path_or_fileobj=sending.open(folder / change.path))
        for change in changes
        if change.kind != DELETED
    ]
    for batch in _batches(operations):
        with sending.batch(sum(operation.upload_info.size for operation in batch)):
            api.preupload_lfs_files(repo_id, batch, repo_type="dataset", gitignore_content="")
    operations += [
        huggingface_hub.CommitOperationDelete(path_in_repo=change.path) for change in changes if change.kind == DELETED
    ]
    done = api.create_commit(
        repo_id, operations, repo_type="dataset", commit_message=message, parent_commit=parent or None
    )
    return done.oid


def _tagged(api: Any, repo_id: str, version: int, revision: str) -> str:
    """Give the commit the tag of this version, unless it has it."""
    from huggingface_hub.errors import HfHubHTTPError

    for _ in range(TRIES_OF_A_TAG):
        tag, is_new = tag_for(version, _tags(api, repo_id), revision)
        if not is_new:
            return tag
        try:
            api.create_tag(repo_id, repo_type="dataset", tag=tag, revision=revision)
            return tag
        except HfHubHTTPError as error:
            if status_of(error) != TAKEN:  # somebody else took the name: the next one then
                raise
    raise Conflict("{repo_id} was changed by somebody else meanwhile. Try again.", repo_id=repo_id)


class _Sending:
    """How much of the whole was sent, told while it is sent. The client reads files in several threads."""

    def __init__(self, whole_bytes: int, report: Report):
        self._whole_bytes, self._report = max(1, whole_bytes), report
        self._done_bytes = self._batch_bytes = self._read_bytes = 0
        self._lock = threading.Lock()

    def open(self, path: Path) -> str | io.BufferedReader:
        """What the client gets: large files are counted while they are read, of small ones the name is enough."""
        return str(path) if path.stat().st_size < BATCH_BYTES else _Counted(path, self._on_read)

    @contextlib.contextmanager
    def batch(self, size_bytes: int) -> Iterator[None]:
        self._batch_bytes, self._read_bytes = size_bytes, 0
        yield
        self._done_bytes, self._batch_bytes = self._done_bytes + size_bytes, 0
        self._on_read(0)

    def _on_read(self, size_bytes: int) -> None:
        with self._lock:
            self._read_bytes += size_bytes
            reached = self._done_bytes + min(self._read_bytes, self._batch_bytes)
            self._report(0.02 + 0.93 * reached / self._whole_bytes)


class _Counted(io.BufferedReader):
    def __init__(self, path: Path, on_read: Callable[[int], None]):
        super().__init__(io.FileIO(path))
        self._on_read = on_read

    def read(self, size: int | None = -1) -> bytes:
        piece = super().read(size)
        self._on_read(len(piece))
        return piece


def _batches(operations: list[Any]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    size_bytes = 0
    for operation in operations:
        batch.append(operation)
        size_bytes += operation.upload_info.size
        if size_bytes >= BATCH_BYTES or len(batch) >= BATCH_FILES:
            yield batch
            batch, size_bytes = [], 0
    if batch:
        yield batch
