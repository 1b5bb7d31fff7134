"""What became public of a lesson or of a joined dataset, and what would: the record of pushes, and the last dry run.

A lesson's lie beside its video, a joined dataset's below a prefix of their own. Both outlive it: see `push_records`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from ppi.accounts.users import User
from ppi.errors import DatasetError, NotFound, message
from ppi.jobs.lessons import LessonRow
from ppi.publishing.hub import FileChange, Preview
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows import push_records
from ppi.workflows.things import Thing, metadata_of

PUSHES, DRY_RUN = push_records.PUSHES, ".push-preview.json"


@dataclass(frozen=True)
class Push:
    """One version of a dataset on the Hub. `lessons` are the ids of those in a joined one.

    `revision` is the commit's hash, `tag` its name there, `version` the dataset's own number; `pushed_at` is ISO 8601 in
    UTC, `by` the account that asked. `held` are the ids of the samples of each lesson, by its own; pushes of earlier
    versions of PPI do not tell.
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
    held: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Deleted:
    """A lesson that was deleted after something of it had been published."""

    id: str
    name: str
    owner_id: str
    owner_name: str
    deleted_at: str


@dataclass(frozen=True)
class DryRun:
    """What a push would do, found out for the dataset whose manifest has this SHA-256.

    `checks` maps every check to "pass", "warn" or "fail"; `problems` are messages
    about what stops a push.
    """

    repo_id: str
    preview: Preview
    version: int
    checks: Mapping[str, str]
    problems: tuple[Mapping[str, Any], ...]
    warnings: int
    manifest_sha256: str
    made_at: str
    by: str


def now() -> str:
    """This moment as records write it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def pushes(services: Services, thing: Thing) -> list[Push]:
    """All pushes of the dataset, the oldest first.

    Raises DatasetError when the record cannot be read: whoever withdraws a lesson must not miss one.
    """
    bucket, key, _ = _place(services, thing, PUSHES)
    try:
        text = b"".join(services.store.read(bucket, key)).decode("utf-8", "replace")
    except NotFound:
        return []
    return _listed(text, key)


def of_lesson(services: Services, lesson: LessonRow | Deleted) -> list[tuple[Push, bool]]:
    """Every push that held the lesson, and whether it held nothing else; also those of joined datasets that are deleted.

    Raises DatasetError as `pushes` does.
    """
    if isinstance(lesson, LessonRow):
        found = [(push, True) for push in pushes(services, lesson)]
    else:
        texts = [given["pushes"] for given in push_records.of_deleted(services, lesson.id)]
        found = [(push, True) for text in texts if text for push in _listed(text, lesson.name)]
    for key, text in push_records.of_joined(services):
        found += [(push, push.lessons == (lesson.id,)) for push in _listed(text, key) if lesson.id in push.lessons]
    return sorted(found, key=lambda one: one[0].pushed_at)


def deleted_lessons(services: Services, user: User) -> list[Deleted]:
    """The deleted lessons of the user of which something was published, the last one first; an administrator sees all."""
    found = [_deleted(given) for given in push_records.of_deleted(services)]
    seen = [one for one in found if user.role == "admin" or one.owner_id == user.id]
    return sorted(seen, key=lambda one: one.deleted_at, reverse=True)


def deleted_lesson(services: Services, lesson_id: str, user: User | None = None) -> Deleted:
    """What `user` may see of it, or anybody. Raises NotFound alike for "not there", "not yours" and "never published"."""
    found = next(map(_deleted, push_records.of_deleted(services, lesson_id)), None) if lesson_id.isalnum() else None
    if found is None or (user is not None and user.role != "admin" and found.owner_id != user.id):
        raise NotFound("There is no such lesson; it may have been deleted. Look at the list of lessons.", lesson_id=lesson_id)
    return found


def keep_push(services: Services, thing: Thing, push: Push) -> None:
    """Add a push to the record. One that changed nothing on the Hub is recorded once, as it was first."""
    found = pushes(services, thing)
    what = {"repo_id": push.repo_id, "revision": push.revision, "tag": push.tag, "version": push.version}
    if any(replace(known, **what) == known for known in found):
        return
    _write(services, thing, PUSHES, [asdict(known) for known in (*found, push)])


def dry_run(services: Services, thing: Thing) -> DryRun | None:
    """The last dry run; None when there was none, or the dataset has been pushed since."""
    try:
        found = _read(services, thing, DRY_RUN)
        if not found:
            return None
        shown = found["preview"]
        preview = Preview(**{**shown, "changes": tuple(FileChange(**change) for change in shown["changes"])})
        return DryRun(**{**found, "preview": preview, "problems": tuple(map(_message, found["problems"]))})
    except (ValueError, KeyError, TypeError):  # of another version of PPI: it is made again in a minute
        return None


def keep_dry_run(services: Services, thing: Thing, made: DryRun) -> None:
    _write(services, thing, DRY_RUN, asdict(made))


def forget_dry_run(services: Services, thing: Thing) -> None:
    bucket, key, _ = _place(services, thing, DRY_RUN)
    services.store.delete(bucket, key)


def _message(given: Mapping[str, Any]) -> dict[str, Any]:
    return message(given["template"], given["values"])


def _push(given: Mapping[str, Any]) -> Push:
    held = {lesson_id: tuple(samples) for lesson_id, samples in given.get("held", {}).items()}
    return Push(**{**given, "lessons": tuple(given.get("lessons", ())), "held": held})


def _listed(text: str, name: str) -> list[Push]:
    """The pushes of a record. Raises DatasetError, which tells its `name`."""
    try:
        return [_push(given) for given in json.loads(text)]
    except (ValueError, TypeError, AttributeError) as error:
        raise _unreadable(name) from error


def _deleted(given: Mapping[str, Any]) -> Deleted:
    return Deleted(**{name: given[name] for name in ("id", "name", "owner_id", "owner_name", "deleted_at")})


def _unreadable(name: str) -> DatasetError:
    return DatasetError(
        "The record of what was published of this lesson cannot be read. Ask the administrator to look at {name}.", name=name
    )


def _place(services: Services, thing: Thing, ending: str) -> tuple[str, str, dict[str, str]]:
    """Bucket, key and metadata of a record."""
    if isinstance(thing, LessonRow):
        return services.raw, keys.derivative_key(thing.video_key, ending), metadata_of(thing)
    key = keys.joined_pushes(thing.id) if ending == PUSHES else keys.joined_dry_run(thing.id)
    return services.final, key, metadata_of(thing)


def _read(services: Services, thing: Thing, ending: str) -> Any:
    bucket, key, _ = _place(services, thing, ending)
    try:
        return json.loads(b"".join(services.store.read(bucket, key)))
    except NotFound:
        return None


def _write(services: Services, thing: Thing, ending: str, value: Any) -> None:
    bucket, key, metadata = _place(services, thing, ending)
    data = json.dumps(value, ensure_ascii=False, indent=1).encode()
    services.store.put_bytes(bucket, key, data, content_type="application/json", metadata=metadata)
