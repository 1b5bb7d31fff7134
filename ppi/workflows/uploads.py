"""Uploads: a slot is reserved, bytes arrive in order and are acknowledged once they are on disk, the last byte commits."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO, Any

from ppi.accounts.users import User
from ppi.errors import Conflict, InputError, UploadTooLarge
from ppi.jobs.ledger import Job
from ppi.jobs.lessons import BINNED, LessonRow
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows import quotas
from ppi.workflows.scratch import check_room

# One buffer per connection, used again and again: memory stays flat however many people upload.
BLOCK_BYTES = 256 * 1024
ACKNOWLEDGE_EVERY_BYTES = 16 * 1024 * 1024
MAX_PARTS = 100
# So much of the disk a video may need while it is taken in, for each of its bytes.
SPARE = 1.2
MOST_UNFINISHED = 1000
# Fifty uploads at once must not be fifty threads that all want a processor: pages would wait behind every one of them.
WRITING = threading.Lock()
# Puts the next bytes into a buffer and answers how many; 0 at the end. `readinto` of files and of request streams is one.
Fill = Callable[[memoryview], int]


@dataclass(frozen=True)
class Room:
    """What one more upload may be: at most `most_bytes` by the settings and `free_bytes` by the disk.

    `lessons_left` is how many lessons the account may still take in, `bytes_left` how much video; None without a limit.
    """

    most_bytes: int
    free_bytes: int
    lessons_left: int | None
    bytes_left: int | None


def room(services: Services, user: User) -> Room:
    """What the user may upload now. It promises nothing: others upload too, and `begin_upload` decides."""
    limits = services.settings.upload
    use = quotas.use(services, user)
    services.uploads_dir.mkdir(parents=True, exist_ok=True)
    free_bytes = shutil.disk_usage(services.uploads_dir).free - _promised_bytes(services)
    return Room(limits.max_upload_bytes, max(0, int(free_bytes / SPARE)), use.lessons_left, use.bytes_left)


def unfinished(services: Services, user: User) -> list[LessonRow]:
    """The user's own uploads whose bytes are not all there, newest first."""
    return [row for row in services.lessons.in_state("uploading") if row.owner_id == user.id][:MOST_UNFINISHED]


def _promised_bytes(services: Services) -> int:
    """What is still to come of uploads that have begun here."""
    rows = services.lessons.in_state("uploading")
    return sum(row.size_bytes - row.offset_bytes for row in rows if _is_here(services, row))


def begin_upload(
    services: Services, user: User, *, file_name: str, task_name: str, size_bytes: int, parts: int = 1
) -> LessonRow:
    """Reserve a slot, a prefix and room on the disk for a video that is about to arrive.

    Raises UploadTooLarge, QuotaExceeded, DiskFull, and InputError for an empty file or a bad number of parts.
    """
    limit_bytes = services.settings.upload.max_upload_bytes
    if size_bytes > limit_bytes:
        raise UploadTooLarge(
            "The file has {size_mb} MB and the limit is {limit_mb} MB. Compress the video or cut it, then try again.",
            size_mb=size_bytes // 1_000_000,
            limit_mb=limit_bytes // 1_000_000,
        )
    if size_bytes <= 0:
        raise InputError("The file is empty. Choose the lesson's video file.")
    services.uploads_dir.mkdir(parents=True, exist_ok=True)
    check_room(services.uploads_dir, int(size_bytes * SPARE) + _promised_bytes(services))
    return reserve(services, user, file_name=file_name, task_name=task_name, size_bytes=size_bytes, parts=parts)


def reserve(
    services: Services,
    user: User,
    *,
    file_name: str,
    task_name: str,
    size_bytes: int,
    parts: int,
    source_key: str = "",
) -> LessonRow:
    """Take the slot and the prefix. Raises QuotaExceeded and InputError."""
    check_parts(parts)
    file_name = keys.clean_name(file_name)
    name = keys.clean_name(task_name.strip() or Path(file_name).stem)

    def layout(serial: int) -> tuple[str, str]:
        prefix = keys.lesson_prefix(user.name, user.role, name, date.today(), serial)
        return prefix, keys.video_key(prefix, file_name)

    quota = quotas.of(services, user)
    return services.lessons.reserve(
        name=name,
        owner_id=user.id,
        owner_name=user.name,
        size_bytes=size_bytes,
        parts=parts,
        max_lessons=quota.max_lessons,
        max_bytes=quota.max_bytes,
        layout=layout,
        expires_s=_expiry(services),
        source_key=source_key,
        place="" if source_key else services.place,
    )


def check_parts(parts: int) -> None:
    """Raises InputError unless a lesson may be cut into that many."""
    if not 1 <= parts <= MAX_PARTS:
        raise InputError("The number of parts must be from 1 to {most}.", most=MAX_PARTS)


def receive(services: Services, row: LessonRow, from_bytes: int, fill: Fill) -> LessonRow:
    """Append what `fill` gives until that is nothing, starting at offset `from_bytes`.

    Bytes are acknowledged (and survive anything) at least every 16 MiB. A connection that breaks leaves the
    acknowledged offset behind. Raises Conflict when `from_bytes` is not the offset, or the upload is in use.
    """
    _check_place(services, row)
    with services.upload_locks.hold(row.id) as keep, _open_part(services, row.id) as file:
        row = services.lessons.get(row.id)
        if row.state != "uploading" or from_bytes != row.offset_bytes:
            raise Conflict(
                "The upload stands at byte {offset}, not {given}. Ask for the offset and continue there.",
                offset=row.offset_bytes,
                given=from_bytes,
            )
        # Bytes after the acknowledged offset may be garbage of a crash.
        file.truncate(row.offset_bytes)
        file.seek(row.offset_bytes)
        offset = row.offset_bytes
        try:
            for written in _append(file, fill, row.size_bytes - row.offset_bytes, keep):
                offset = _acknowledge(services, row.id, file, offset, written)
        finally:
            services.lessons.set_expiry(row.id, _expiry(services))
    return services.lessons.get(row.id)


def _append(file, fill: Fill, room_bytes: int, keep: Callable[[], None]) -> Iterator[int]:
    """Write blocks; yield the number of bytes to acknowledge, the rest even when reading breaks off."""
    pending, buffer = 0, memoryview(bytearray(BLOCK_BYTES))
    try:
        while got := fill(buffer):
            keep()
            room_bytes -= got
            if room_bytes < 0:
                raise InputError("More bytes arrived than were announced. Start the upload again.")
            with WRITING:
                file.write(buffer[:got])
            pending += got
            if pending >= ACKNOWLEDGE_EVERY_BYTES:
                yield pending
                pending = 0
    except Exception:
        if pending:
            yield pending
        raise
    if pending:
        yield pending


def _acknowledge(services: Services, lesson_id: str, file, offset: int, written: int) -> int:
    file.flush()
    os.fsync(file.fileno())
    services.lessons.advance(lesson_id, offset, offset + written)
    return offset + written


def adopt(services: Services, row: LessonRow, path: str) -> LessonRow:
    """Take a whole file that already lies in the folder of uploads as the upload's bytes."""
    target = part_path(services, row.id)
    os.link(path, target)
    with target.open("rb") as file:
        os.fsync(file.fileno())
    services.lessons.advance(row.id, 0, row.size_bytes)
    return services.lessons.get(row.id)


def commit_upload(services: Services, row: LessonRow) -> Job:
    """All bytes are here: hand the lesson to the ingest job. Repeating it is harmless."""
    if row.offset_bytes != row.size_bytes:
        raise Conflict(
            "The upload is not complete yet: {have} of {all} bytes. Continue it first.",
            have=row.offset_bytes, all=row.size_bytes
        )  # fmt: skip
    services.lessons.move_on(row.id, "uploading", "received")
    return submit_ingest(services, row)


def submit_ingest(services: Services, row: LessonRow) -> Job:
    """Queue the ingest of a lesson whose bytes are all there; harmless when it is queued already."""
    job = services.ledger.submit(**_ingest_of(row))
    services.ring(job)
    return job


def _ingest_of(row: LessonRow) -> dict[str, Any]:
    """Bytes of an upload are received where they lie; what is in the store can be fetched from anywhere."""
    is_stored = row.source_key or row.state == "stored"
    queue, place = ("media", "") if is_stored else ("receive", row.place)
    named = {"kind": "ingest", "owner_id": row.owner_id, "lesson_id": row.id, "input": {}, "job_id": row.id}
    return {**named, "queue": queue, "place": place}


def abort_upload(services: Services, row: LessonRow) -> None:
    """Throw an unfinished upload away and free its slot. Raises Conflict once it was committed."""
    if row.state != "uploading":
        raise Conflict("This upload is complete. Delete the lesson instead.")
    discard(services, row)


def discard(services: Services, row: LessonRow) -> None:
    """Remove the bytes received and the row."""
    part_path(services, row.id).unlink(missing_ok=True)
    services.lessons.remove(row.id)


def sweep_uploads(services: Services) -> None:
    """Throw away uploads of this place that nobody continued in time, and submit what was received but never queued."""
    rows = [row for row in services.lessons.in_state("uploading", "received") if _is_here(services, row)]
    for row in rows:
        if row.state == "uploading" and row.offset_bytes == row.size_bytes:
            services.lessons.move_on(row.id, "uploading", "received")
        elif row.state == "uploading" and row.expires_s < time.time():
            discard(services, row)
        elif row.state == "received":
            services.ledger.submit(**_ingest_of(row))
    binned = {row.id for row in services.lessons.in_state(BINNED)}
    _sweep_files(services, {row.id for row in rows} | binned)


def _sweep_files(services: Services, known: set[str]) -> None:
    """Remove files of uploads that have no row, once nobody can be writing them any more."""
    if not services.uploads_dir.exists():
        return
    oldest_s = time.time() - services.settings.upload.unfinished_expiry_s
    for path in services.uploads_dir.glob("*.part"):
        if path.stem not in known and path.stat().st_mtime < oldest_s:
            path.unlink(missing_ok=True)


def _is_here(services: Services, row: LessonRow) -> bool:
    return row.place in ("", services.place)


def _check_place(services: Services, row: LessonRow) -> None:
    if not _is_here(services, row):
        raise Conflict("This upload began on another server. Cancel it and start again.")


def part_path(services: Services, lesson_id: str) -> Path:
    """Where the bytes of an upload gather."""
    return services.uploads_dir / f"{lesson_id}.part"


def _expiry(services: Services) -> float:
    return time.time() + services.settings.upload.unfinished_expiry_s


@contextmanager
def _open_part(services: Services, lesson_id: str) -> Iterator[IO[bytes]]:
    path = part_path(services, lesson_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        yield file
