"""Deleted lessons can be brought back for ten minutes. Nobody sees them meanwhile: pages, lists, files and links are as if they
were gone, and their slots are free.

A lesson goes into the bin, and comes out of it, by one change of its row. So whatever is killed leaves it in one of the two
places; what is to be done beside (files in Label Studio's folder) is done again by the housekeeping.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from contextlib import suppress

from ppi.accounts.users import User
from ppi.errors import Conflict, NotFound
from ppi.jobs.lessons import BINNED, DELETING, HIDDEN, LessonRow
from ppi.services import Services
from ppi.workflows import kit, label_studio_files, lessons, quotas, uploads

UNDO_S = 600.0
# The ledger says the same when it is asked to forget a lesson that is worked on.
BUSY = "A job of this lesson is still running. Cancel it first, then delete."
log = logging.getLogger(__name__)


def put_in(services: Services, row: LessonRow) -> None:
    """Delete a lesson so that it can be brought back. An unfinished upload goes at once: nothing was made of it.

    Raises Conflict while one of its jobs is active.
    """
    if row.state == "uploading":
        uploads.abort_upload(services, row)
        return
    # Marked before the jobs are looked at: from here on nobody can ask for one.
    if not services.lessons.move_on(row.id, row.state, BINNED, expires_s=time.time() + UNDO_S):
        if services.lessons.get(row.id).state in HIDDEN:
            return
        raise Conflict(BUSY)
    if lessons.is_busy(services, row):
        services.lessons.move_on(row.id, BINNED, row.state, expires_s=0.0)
        raise Conflict(BUSY)
    lessons.stop_looking(services, row)
    label_studio_files.remove(services, row.id)


def delete_file(services: Services, user: User, object_name: str, *, is_undoable: bool) -> LessonRow | None:
    """Delete one object for good; with its video goes the lesson, and is answered when it went into the bin.

    Raises NotFound (also for the files of others) and Conflict while a job uses the lesson.
    """
    row = services.lessons.of_keys([object_name]).get(object_name)
    if row is None or (user.role != "admin" and row.owner_id != user.id):
        if user.role != "admin":
            raise NotFound(
                "There is no such file in storage; it may have been deleted. Reload the page.", object_name=object_name
            )  # fmt: skip
        services.store.stat(services.raw, object_name)
        services.store.delete(services.raw, object_name)
        return None
    if row.state in HIDDEN:
        raise NotFound("There is no such file in storage; it may have been deleted. Reload the page.", object_name=object_name)
    if object_name == row.video_key and is_undoable:
        put_in(services, row)
        return row
    if object_name == row.video_key:
        lessons.delete_lesson(services, row)
        return None
    if lessons.is_busy(services, row):
        raise Conflict(BUSY)
    services.store.stat(services.raw, object_name)
    services.store.delete(services.raw, object_name)
    return None


def look(services: Services, user: User) -> list[LessonRow]:
    """The deleted lessons that the user may still bring back, the latest first."""
    found = [row for row in services.lessons.in_state(BINNED) if _is_visible(user, row) and not _is_due(row)]
    return sorted(found, key=lambda row: -row.expires_s)


def chosen(services: Services, user: User, lesson_ids: Iterable[str]) -> list[LessonRow]:
    """Those of these lessons that the user may bring back."""
    wanted = set(lesson_ids)
    return [row for row in look(services, user) if row.id in wanted]


def owned(services: Services, user: User, lesson_id: str) -> LessonRow:
    """The deleted lesson, if the user may bring it back. Raises NotFound alike for "too late" and "not yours"."""
    row = services.lessons.get(lesson_id)
    if row.state != BINNED or not _is_visible(user, row) or _is_due(row):
        raise NotFound("This lesson cannot be brought back any more. Upload its video again.", lesson_id=lesson_id)
    return row


def bring_back(services: Services, row: LessonRow) -> None:
    """Everything is as it was before the deletion, its links too.

    Raises QuotaExceeded when its owner holds as much as allowed without it, and NotFound when it is too late.
    """
    quota = quotas.of_owner(services, row.owner_id)
    was = _state_before(services, row)
    if not services.lessons.bring_back(row.id, was, max_lessons=quota.max_lessons, max_bytes=quota.max_bytes):
        raise NotFound("This lesson cannot be brought back any more. Upload its video again.", lesson_id=row.id)
    if label_studio_files.is_used(services) and services.ledger.list(lesson_id=row.id, kind="kit", limit=1):
        with suppress(Conflict):  # it was never prepared as a whole
            kit.request_preparation(services, row)


def empty(services: Services, row: LessonRow) -> bool:
    """Delete a lesson of the bin for good, now; False when somebody else did. Raises Conflict while a job is active."""
    if not services.lessons.move_on(row.id, BINNED, DELETING):
        return False
    lessons.finish_deletion(services, row, BINNED)
    return True


def sweep(services: Services) -> None:
    """Delete for good what can be brought back no more. Of several that try, one moves the row on and does it."""
    for row in services.lessons.in_state(BINNED):
        with suppress(Conflict):  # it has an active job, and waits for its end
            if _is_due(row) and empty(services, row):
                log.info("lesson %s of user %s: deleted for good", row.id, row.owner_id)
                services.audit.record("delete for good", object=row.id)


def hide_files(services: Services) -> None:
    """Take the files of deleted lessons out of this machine's folder of Label Studio, should a deletion have been cut short."""
    if label_studio_files.is_used(services):
        for row in services.lessons.in_state(*HIDDEN):
            label_studio_files.remove(services, row.id)


def _state_before(services: Services, row: LessonRow) -> str:
    """A lesson whose video never reached the store was deleted while it was `received`."""
    try:
        services.store.stat(services.raw, row.video_key)
    except NotFound:
        return "received"
    return "stored"


def _is_visible(user: User, row: LessonRow) -> bool:
    return user.role == "admin" or row.owner_id == user.id


def _is_due(row: LessonRow) -> bool:
    """An end that is further off than any we set can only come from a clock that was set back."""
    now = time.time()
    return not now < row.expires_s <= now + UNDO_S
