"""Normalise on request: a recording that is in annotators' way gets a copy that Label Studio and browsers work with."""

from __future__ import annotations

from typing import Any

from ppi.errors import Conflict, InputError
from ppi.jobs.ledger import Job
from ppi.jobs.lessons import LessonRow
from ppi.jobs.run import Run
from ppi.media import annotation_copy
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows import lessons
from ppi.workflows.ingest import media_info, put
from ppi.workflows.lessons import LessonView
from ppi.workflows.scratch import scratch

COPY = ".copy.mp4"


def reasons(shown: LessonView) -> tuple[str, ...]:
    """Why annotators should get a copy of this lesson: "variable_rate", "unequal_lengths", "unplayable"."""
    return annotation_copy.reasons(shown.info) if shown.info else ()


def copy_rate(shown: LessonView) -> float:
    """The frame rate of the lesson's annotation copy; 0.0 when there is none."""
    return float(annotation_copy.rate_of(shown.info)) if shown.info and COPY in shown.files else 0.0


def request_copy(services: Services, row: LessonRow) -> Job:
    """Queue a copy, or answer the job that is under way.

    Raises Conflict before ingest is done, InputError when the lesson needs no copy.
    """
    shown = lessons.view(services, row)
    if not shown.is_ready:
        raise Conflict("The lesson is still being prepared. Make the annotation copy when that is done.")
    if not reasons(shown):
        raise InputError("This recording can be annotated as it is: it needs no copy.")
    newest = shown.jobs.get("normalize")
    if newest is not None and newest.is_active:
        return newest
    job = services.ledger.submit("normalize", row.owner_id, row.id, {})
    services.ring(job)
    return job


def run_normalize(services: Services, job: Job, run: Run) -> dict[str, Any]:
    """The job."""
    row = services.lessons.get(job.lesson_id)
    info = media_info(lessons.facts(services, row))
    on_progress = run.step("converting", "Making the annotation copy", 0.0, 0.95)
    with scratch(services, job, info.size_bytes) as folder, services.store.as_file(services.raw, row.video_key) as video:
        mp4 = folder / "copy.mp4"
        annotation_copy.make(services.ffmpeg, video, info, mp4, on_progress)
        put(services, run, row, mp4, keys.derivative_key(row.video_key, COPY), "video/mp4")
    return {"frame_rate": float(annotation_copy.rate_of(info))}
