"""Writes lost rows again: from the object store, which is the truth about files, and from this machine's journal."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, replace

from ppi.errors import NotFound
from ppi.jobs.ledger import Job
from ppi.jobs.lessons import BINNED, DELETING, LessonRow
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows import uploads
from ppi.workflows.build_dataset import dataset_prefix

# A job written again gets attempt numbers no runner of before can hold, so that the fence keeps those out.
ATTEMPTS_APART = 1000
NAMES = ("id", "prefix", "name", "owner_id", "owner_name", "video_key", "parts", "created_s")
log = logging.getLogger(__name__)


def restore_rows(services: Services) -> int:
    """Write the rows of stored lessons again when the ledger was lost; answers how many lessons there are in the store."""
    found, binned = 0, _kept_in_bin(services)
    for stored in services.store.list(services.raw):
        if not stored.key.endswith(".info.json"):
            continue
        lesson = json.loads(b"".join(services.store.read(services.raw, stored.key)))["lesson"]
        size_bytes = services.store.stat(services.raw, lesson["video_key"]).size_bytes
        row = LessonRow(
            **{name: lesson[name] for name in NAMES}, size_bytes=size_bytes, offset_bytes=size_bytes, state="stored",
            source_key="", expires_s=0.0,
        )  # fmt: skip
        services.lessons.restore(binned.get(row.id, row))
        _restore_results(services, row, stored.last_modified_s)
        found += 1
    return found


def _kept_in_bin(services: Services) -> dict[str, LessonRow]:
    """What was deleted just before a ledger was lost stays deleted, as far as this machine's journal knows."""
    kept = services.journal.kept("lesson") if services.is_cluster else {}
    return {row_id: LessonRow(**body) for row_id, body in kept.items() if body["state"] == BINNED}


def _restore_results(services: Services, row: LessonRow, made_s: float) -> None:
    """Lists show what was made of a lesson by its jobs: what lies in the store was made by a job that completed."""
    found = {"ingest": True}
    found["transcribe"] = _is_stored(services, services.raw, keys.derivative_key(row.video_key, ".transcript.json"))
    found["summarize"] = _is_stored(services, services.raw, keys.derivative_key(row.video_key, ".summary.docx"))
    found["build_dataset"] = _is_stored(services, services.final, dataset_prefix(row) + "manifest.json")
    known = {job.kind for job in services.ledger.list(lesson_id=row.id)}
    for kind in (kind for kind, is_made in found.items() if is_made and kind not in known):
        job_id = row.id if kind == "ingest" else f"{row.id}-{kind}"
        # Without a beginning: such a job says nothing of how long its kind takes.
        times = {"created_s": made_s, "updated_s": made_s, "finished_s": made_s}
        services.ledger.restore(Job(job_id, kind, "media", row.owner_id, row.id, {}, "completed", progress=100, **times))


def mend(services: Services) -> int:
    """Write again what the journal of this machine kept and the ledger forgot; answers how many rows that were.

    Lessons that are nowhere any more were deleted meanwhile: the journal forgets them too.
    """
    return _mend_lessons(services) + _mend_jobs(services) + _mend_links(services)


def _mend_lessons(services: Services) -> int:
    kept = {row_id: LessonRow(**body) for row_id, body in services.journal.kept("lesson").items()}
    gone = services.lessons.missing(list(kept))
    restored = 0
    for row in kept.values():
        if row.id in gone and _has_bytes(services, row):
            log.warning("lesson %s: its row was lost and is written again", row.id)
            services.lessons.restore(row)
            restored += 1
        elif row.id in gone:
            services.journal.forget("lesson", row.id)
        elif row.state not in ("uploading", "stored"):
            services.journal.keep("lesson", row.id, asdict(services.lessons.get(row.id)))
    return restored


def _has_bytes(services: Services, row: LessonRow) -> bool:
    if row.state == "uploading" and row.offset_bytes == 0:
        return True
    if row.source_key and row.state == "received":
        return _is_stored(services, services.raw, row.source_key)
    return uploads.part_path(services, row.id).exists() or _is_stored(services, services.raw, row.video_key)


def _mend_jobs(services: Services) -> int:
    kept = {row_id: Job(**body) for row_id, body in services.journal.kept("job").items()}
    gone = services.ledger.missing(list(kept))
    orphans = services.lessons.missing([job.lesson_id for job in kept.values()])
    deleting = {row.id for row in services.lessons.in_state(DELETING)}
    restored = 0
    for job in kept.values():
        if job.lesson_id in orphans:
            services.journal.forget("job", job.id)
        elif job.id in gone and job.lesson_id not in deleting:
            log.warning("job %s: its row was lost and is written again", job.id)
            attempt = job.attempt + ATTEMPTS_APART
            again = replace(job, attempt=attempt, attempts_base=attempt)
            services.journal.keep("job", job.id, asdict(again))
            services.ledger.restore(again)
            services.ring(again)
            restored += 1
        elif job.is_active and job.id not in gone:
            _keep_outcome(services, job)
    return restored


def _keep_outcome(services: Services, job: Job) -> None:
    """Once a job has ended its outcome is kept, so that it is not done again after a loss."""
    now = services.ledger.get(job.id)
    if not now.is_active:
        services.journal.keep("job", job.id, asdict(now))


def _mend_links(services: Services) -> int:
    kept = services.journal.kept("link")
    gone = services.links.missing(list(kept))
    orphans = services.lessons.missing([link["lesson_id"] for link in kept.values()])
    restored = 0
    for token, link in kept.items():
        if link["lesson_id"] in orphans or services.links.is_revoked(token):
            services.journal.forget("link", token)
        elif token in gone:
            services.links.restore(token, link)
            restored += 1
    return restored


def _is_stored(services: Services, bucket: str, key: str) -> bool:
    try:
        services.store.stat(bucket, key)
    except NotFound:
        return False
    return True
