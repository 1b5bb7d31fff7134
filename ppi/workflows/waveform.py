"""A lesson's waveform: measured when the lesson is taken in, and once more on request for lessons that have none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ppi.errors import Conflict
from ppi.jobs.ledger import Job
from ppi.jobs.lessons import LessonRow
from ppi.jobs.run import Run
from ppi.media import audio, peaks
from ppi.records import ObjectInfo
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows import lessons
from ppi.workflows.ingest import PEAKS, SOUND, put_peaks, put_sound
from ppi.workflows.lessons import LessonView
from ppi.workflows.scratch import scratch

KIND = "peaks"


def stored(services: Services, row: LessonRow) -> ObjectInfo:
    """The object with the lesson's waveform. Raises NotFound."""
    return services.store.stat(services.raw, keys.derivative_key(row.video_key, PEAKS))


def overview(services: Services, found: ObjectInfo, most: int) -> bytes:
    """The stored waveform with at most `most` stretches: enough for a look at the whole lesson."""
    return peaks.coarser(b"".join(services.store.read(found.bucket, found.key)), most)


def request_peaks(services: Services, row: LessonRow) -> Job:
    """Queue the measuring, or answer the job that is under way. Raises Conflict before ingest is done, or without sound."""
    shown = lessons.view(services, row)
    if not shown.is_ready:
        raise Conflict("The lesson is still being prepared. Its waveform comes with it.")
    if not shown.has_audio:
        raise Conflict("This recording has no sound, so there is no waveform.")
    newest = shown.jobs.get(KIND)
    if newest is not None and newest.is_active:
        return newest
    job = services.ledger.submit(KIND, row.owner_id, row.id, {}, queue="media")
    services.ring(job)
    return job


def run_peaks(services: Services, job: Job, run: Run) -> dict[str, Any]:
    """The job. It reads the small sound track, which is made first where an older lesson has none."""
    row = services.lessons.get(job.lesson_id)
    shown = lessons.view(services, row)
    on_progress = run.step("extracting_audio", "Drawing the waveform", 0.0, 0.95)
    with scratch(services, job, int(shown.info.duration_s * audio.OUTLINE_HZ * 2)) as folder:
        if SOUND not in shown.files:
            _make_sound(services, shown, run, folder / "sound.mp3")
        outline = folder / "outline.pcm"
        with services.store.as_file(services.raw, keys.derivative_key(row.video_key, SOUND)) as sound:
            audio.outline(services.ffmpeg, sound, shown.info, outline, on_progress)
        put_peaks(services, run, row, outline)
    return {}


def _make_sound(services: Services, shown: LessonView, run: Run, mp3: Path) -> None:
    with services.store.as_file(services.raw, shown.row.video_key) as video:
        audio.small_track(services.ffmpeg, video, shown.info, mp3, lambda fraction: run.check())
    put_sound(services, run, shown.row, mp3)
