"""Summarise: the transcript becomes a summary as DOCX and TXT."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ppi.errors import Conflict
from ppi.jobs.ledger import Job
from ppi.jobs.lessons import LessonRow
from ppi.jobs.run import Run
from ppi.records import LessonFacts
from ppi.services import Services
from ppi.storage import keys
from ppi.summary import engine
from ppi.workflows import lessons, plain
from ppi.workflows.ingest import put
from ppi.workflows.scratch import scratch
from ppi.workflows.transcribe import stored_transcript

DOCUMENT_TYPES = {
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".txt": "text/plain; charset=utf-8",
}


def request_summary(services: Services, row: LessonRow) -> Job:
    """Queue a summary, or answer the one that is under way. Raises Conflict when there is no transcript yet."""
    shown = lessons.view(services, row)
    if not shown.has_transcript:
        raise Conflict("There is no transcript yet. Transcribe the lesson first.")
    newest = shown.jobs.get("summarize")
    if newest is not None and newest.is_active:
        return newest
    job = services.ledger.submit("summarize", row.owner_id, row.id, {})
    services.ring(job)
    return job


def run_summarize(services: Services, job: Job, run: Run) -> dict[str, Any]:
    """The job."""
    row = services.lessons.get(job.lesson_id)
    transcript = stored_transcript(services, row)
    on_progress = run.step("summarizing", "Summarising the transcript", 0.05, 0.9)
    summary = engine.summarize(transcript, services.settings.summary, on_progress)
    facts = LessonFacts(
        name=row.name,
        source_video=row.video_key.removeprefix(row.prefix),
        duration_s=transcript.duration_s,
        recorded_on=datetime.fromtimestamp(row.created_s, UTC).date().isoformat(),
    )
    with scratch(services, job) as folder:
        for path in plain.write_summary(folder, keys.stem(row.video_key), facts, summary, transcript):
            put(services, run, row, path, row.prefix + path.name, DOCUMENT_TYPES[path.suffix])
    return {"engine": summary.engine, "model": summary.model, "points": len(summary.key_points)}
