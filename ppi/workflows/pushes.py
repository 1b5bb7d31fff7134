"""What became public of a lesson or of a joined dataset, and what would: the record of pushes, and the last dry run.

A lesson's lie beside its video, a joined dataset's below a prefix of their own, and stay there when it is deleted.
"""

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
from ppi.workflows.joined import Joined

PUSHES, DRY_RUN = ".pushes.json", ".push-preview.json"


@dataclass(frozen=True)
class Push:
    """One version of a dataset on the Hub. `lessons` are the ids of those in a joined one.

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
    lessons: tuple[str, ...] = ()


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


def pushes(services: Services, thing: LessonRow | Joined) -> list[Push]:
    """All pushes of the dataset, the oldest first.

    Raises DatasetError when the record cannot be read: whoever withdraws a lesson must not miss one.
    """
    try:
        return [_push(given) for given in _read(services, thing, PUSHES) or ()]
    except (ValueError, TypeError) as error:
        raise _unreadable(_place(services, thing, PUSHES)[1]) from error


def of_lesson(services: Services, row: LessonRow) -> list[tuple[Push, bool]]:
    """Every push that held the lesson, and whether it held nothing else; also those of joined datasets that are deleted.

    Raises DatasetError as `pushes` does.
    """
    found = [(push, True) for push in pushes(services, row)]
    for item in services.store.list(services.final, keys.joined_pushes("")):
        try:
            listed = [_push(given) for given in json.loads(b"".join(services.store.read(services.final, item.key)))]
        except (ValueError, TypeError) as error:
            raise _unreadable(item.key) from error
        found += [(push, push.lessons == (row.id,)) for push in listed if row.id in push.lessons]
    return sorted(found, key=lambda one: one[0].pushed_at)


def keep_push(services: Services, thing: LessonRow | Joined, push: Push) -> None:
    """Add a push to the record. One that changed nothing on the Hub is recorded once, as it was first."""
    found = pushes(services, thing)
    what = {"repo_id": push.repo_id, "revision": push.revision, "tag": push.tag, "version": push.version}
    if any(replace(known, **what) == known for known in found):
        return
    _write(services, thing, PUSHES, [asdict(known) for known in (*found, push)])


def dry_run(services: Services, thing: LessonRow | Joined) -> DryRun | None:
    """The last dry run; None when there was none, or the dataset has been pushed since."""
    try:
        found = _read(services, thing, DRY_RUN)
        if not found:
            return None
        shown = found["preview"]
        preview = Preview(**{**shown, "changes": tuple(FileChange(**change) for change in shown["changes"])})
        return DryRun(**{**found, "preview": preview, "problems": tuple(found["problems"])})
    except (ValueError, KeyError, TypeError):  # of another version of PPI: it is made again in a minute
        return None


def keep_dry_run(services: Services, thing: LessonRow | Joined, made: DryRun) -> None:
    _write(services, thing, DRY_RUN, asdict(made))


def forget_dry_run(services: Services, thing: LessonRow | Joined) -> None:
    bucket, key, _ = _place(services, thing, DRY_RUN)
    services.store.delete(bucket, key)


def _push(given: Mapping[str, Any]) -> Push:
    return Push(**{**given, "lessons": tuple(given.get("lessons", ()))})


def _unreadable(name: str) -> DatasetError:
    return DatasetError(
        "The record of what was published of this lesson cannot be read. Ask the administrator to look at {name}.", name=name
    )


def _place(services: Services, thing: LessonRow | Joined, ending: str) -> tuple[str, str, dict[str, str]]:
    """Bucket, key and metadata of a record."""
    if isinstance(thing, LessonRow):
        return services.raw, keys.derivative_key(thing.video_key, ending), owner_metadata(thing)
    key = keys.joined_pushes(thing.id) if ending == PUSHES else keys.joined_dry_run(thing.id)
    return services.final, key, thing.metadata


def _read(services: Services, thing: LessonRow | Joined, ending: str) -> Any:
    bucket, key, _ = _place(services, thing, ending)
    try:
        return json.loads(b"".join(services.store.read(bucket, key)))
    except NotFound:
        return None


def _write(services: Services, thing: LessonRow | Joined, ending: str, value: Any) -> None:
    bucket, key, metadata = _place(services, thing, ending)
    data = json.dumps(value, ensure_ascii=False, indent=1).encode()
    services.store.put_bytes(bucket, key, data, content_type="application/json", metadata=metadata)
