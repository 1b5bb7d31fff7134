"""Pushes of dataset folders to the Hub, and what they would do. The jobs of stored datasets call the same functions."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

from ppi.dataset import changes, manifest
from ppi.dataset import consent as consents
from ppi.dataset.findings import CheckReport
from ppi.errors import InputError
from ppi.publishing import hub
from ppi.publishing.hub import Preview, PushResult
from ppi.settings import Settings
from ppi.workflows.plain import Progress, quiet
from ppi.workflows.plain_dataset import check_folder

CHECK_SHARE = 0.5


@dataclass(frozen=True)
class FolderPush:
    """A push that was done: `version` and `samples` are the dataset's own."""

    result: PushResult
    version: int
    samples: int


@dataclass(frozen=True)
class FolderPreview:
    """What a push would do, and what the check says: with `check.failures` it would be refused."""

    preview: Preview
    check: CheckReport
    version: int
    manifest_sha256: str


def push_folder(
    folder: Path, repo_id: str, settings: Settings | None = None, *, is_private: bool = True, on_progress: Progress = quiet
) -> FolderPush:
    """Check a dataset folder and push it to the Hub under the tag of its version.

    Raises InputError when the check finds problems, and AccessDenied when its consent does not allow that.
    """
    settings = settings or Settings.from_env()
    check = check_folder(folder, settings)
    if check.failures:
        problem = check.failures[0].as_message()
        raise InputError("The dataset does not pass its check: {problem} Build it again.", problem=problem)
    version = _pushable(folder, is_private)
    pushed = hub.push(
        folder, repo_id, settings=settings.hub, version=version, private=is_private, on_progress=on_progress
    )  # fmt: skip
    return FolderPush(pushed, version, check.rows)


def preview_folder(
    folder: Path, repo_id: str, settings: Settings | None = None, *, is_private: bool = True, on_progress: Progress = quiet
) -> FolderPreview:
    """What `push_folder` would do. The Hub is only asked; a dataset that fails its check is no error here."""
    settings = settings or Settings.from_env()
    hub.check_repo_id(repo_id)
    check = check_folder(folder, settings)
    on_progress(CHECK_SHARE)
    version = _pushable(folder, is_private)
    seen = hub.preview(
        folder, repo_id, settings=settings.hub, version=version, private=is_private,
        on_progress=lambda fraction: on_progress(CHECK_SHARE + (1 - CHECK_SHARE) * fraction),
    )  # fmt: skip
    return FolderPreview(seen, check, version, manifest.sha256(folder / "manifest.json"))


def _pushable(folder: Path, is_private: bool) -> int:
    """The version of the dataset. Raises AccessDenied when its consent does not allow the push."""
    consents.check_push(consents.of_settings(manifest.read(folder)["settings"]), is_private, datetime.date.today())
    return changes.read(folder)[-1]["version"]
