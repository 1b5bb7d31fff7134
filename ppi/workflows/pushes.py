"""What became public of a lesson, and what would: the record of its pushes, and the last dry run. Kept beside the video."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from ppi.errors import DatasetError, NotFound
from ppi.jobs.lessons import LessonRow
from ppi.publishing.hub import FileChange, Preview
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows.ingest import owner_metadata

PUSHES, DRY_RUN = ".pushes.json", ".push-preview.json"


@dataclass(frozen=True)
class Push:
    """One version of a lesson's dataset on the Hub.

    `revision` is the commit's hash, `tag` its name there, `version` the dataset's own number; `pushed_at` is ISO 8601 in
    UTC, `by` the account that asked.
    """

    repo_id: str
    url: str
    revision: str
    tag: str
    version: int
    is_private: bool
    samples: int
    pushed_at: str
    by: str


@dataclass(frozen=True)
class DryRun:
    """What a push would do, found out for the dataset whose manifest has this SHA-256.

    `checks` maps every check to "pass", "warn" or "fail"; `problems` are those that stop a push.
    """

    repo_id: str
    preview: Preview
    version: int
    checks: Mapping[str, str]
    problems: tuple[str, ...]
    warnings: int
    manifest_sha256: str
    made_at: str
    by: str


def now() -> str:
    """This moment as records write it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def pushes(services: Services, row: LessonRow) -> list[Push]:
    """All pushes of the lesson's dataset, the oldest first.

    Raises DatasetError when the record cannot be read: whoever withdraws a lesson must not miss one.
    """
    try:
        return [Push(**push) for push in _read(services, row, PUSHES) or ()]
    except (ValueError, TypeError) as error:
        raise DatasetError(
            "The record of what was published of this lesson cannot be read. Ask the administrator to look at {name}.",
            name=keys.derivative_key(row.video_key, PUSHES),
        ) from error


def keep_push(services: Services, row: LessonRow, push: Push) -> None:
    """Add a push to the record. One that changed nothing on the Hub is recorded once, as it was first."""
    found = pushes(services, row)
    what = {"repo_id": push.repo_id, "revision": push.revision, "tag": push.tag, "version": push.version}
    if any(replace(known, **what) == known for known in found):
        return
    _write(services, row, PUSHES, [asdict(known) for known in (*found, push)])


def dry_run(services: Services, row: LessonRow) -> DryRun | None:
    """The last dry run; None when there was none, or the dataset has been pushed since."""
    try:
        found = _read(services, row, DRY_RUN)
        if not found:
            return None
        shown = found["preview"]
        preview = Preview(**{**shown, "changes": tuple(FileChange(**change) for change in shown["changes"])})
        return DryRun(**{**found, "preview": preview, "problems": tuple(found["problems"])})
    except (ValueError, KeyError, TypeError):  # of another version of PPI: it is made again in a minute
        return None


def keep_dry_run(services: Services, row: LessonRow, made: DryRun) -> None:
    _write(services, row, DRY_RUN, asdict(made))


def forget_dry_run(services: Services, row: LessonRow) -> None:
    services.store.delete(services.raw, keys.derivative_key(row.video_key, DRY_RUN))


def _read(services: Services, row: LessonRow, ending: str) -> Any:
    try:
        return json.loads(b"".join(services.store.read(services.raw, keys.derivative_key(row.video_key, ending))))
    except NotFound:
        return None


def _write(services: Services, row: LessonRow, ending: str, value: Any) -> None:
    data = json.dumps(value, ensure_ascii=False, indent=1).encode()
    services.store.put_bytes(
        services.raw, keys.derivative_key(row.video_key, ending), data, content_type="application/json",
        metadata=owner_metadata(row),
    )  # fmt: skip
