"""What jobs work out of a lesson's files while somebody looks at a page, kept beside the video under a hash of those files.

It can be made again from what it was made of: so a kept one that cannot be read is no fault, and a job that makes one keeps
nobody from deleting the lesson (`lessons.BY_LOOKING`).
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from ppi.errors import NotFound
from ppi.jobs.ledger import Job
from ppi.jobs.lessons import LessonRow
from ppi.services import Services
from ppi.workflows.ingest import owner_metadata

T = TypeVar("T")
log = logging.getLogger(__name__)


def hash_of(values: Sequence[Any]) -> str:
    """A name for these values, which are anything that JSON holds."""
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]


def kept(services: Services, key: str, read: Callable[[Callable[..., bytes]], T]) -> T | None:
    """What `read` makes of the object, given a function that reads it or a part of it; None when there is nothing to read.

    `read` raises ValueError, KeyError or TypeError for an object that is not as it should be.
    """

    def part(offset: int = 0, length: int | None = None) -> bytes:
        return b"".join(services.store.read(services.raw, key, offset=offset, length=length))

    try:
        return read(part)
    except NotFound:
        return None
    except (ValueError, KeyError, TypeError) as error:
        log.warning("%s cannot be read: %s", key, type(error).__name__)
        return None


def put(services: Services, row: LessonRow, key: str, data: bytes) -> None:
    services.store.put_bytes(services.raw, key, data, content_type="application/json", metadata=owner_metadata(row))


def newest_of(jobs: Sequence[Job], key: str) -> Job | None:
    """Of a lesson's jobs of one kind, newest first, the one that was asked for what lies under this key."""
    return next((job for job in jobs if job.input["key"] == key), None)


def begin(services: Services, kind: str, row: LessonRow, wanted: Mapping[str, Any], last: Job | None) -> Job:
    """The job for what lies under `wanted["key"]`, after the `last` one for it.

    However many begin it at once, in any process, it is the same.
    """
    while True:
        name = hash_of([wanted["key"], last.id if last else ""])
        last = services.ledger.submit(kind, row.owner_id, row.id, dict(wanted), job_id=name)
        if last.status != "completed":  # else there were so many jobs since that it was not among those listed
            services.ring(last)
            return last
