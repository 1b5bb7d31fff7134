"""Speakers of a transcript: found out after it was made or on request, and named by people.

Both make a new version of the text as it is by then, so corrections stay, and can be undone.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from ppi.errors import InputError, WeightsMissing
from ppi.jobs.ledger import Job
from ppi.jobs.lessons import LessonRow
from ppi.jobs.run import Run
from ppi.media import audio
from ppi.records import Transcript
from ppi.services import Services
from ppi.speech import diarizer, speakers
from ppi.speech.diarizer import Found
from ppi.speech.history import NAMED, TOLD_APART
from ppi.storage import keys
from ppi.workflows import corrections, lessons
from ppi.workflows.corrections import Edited
from ppi.workflows.scratch import scratch

KIND = "speakers"
log = logging.getLogger(__name__)


def request_speakers(services: Services, row: LessonRow, count: int = 0) -> Job:
    """Queue the search for who speaks when, or answer the one that is under way.

    `count` is how many people speak, 0 when that is not known. Raises NotFound without a transcript, InputError when this
    server does not tell speakers apart, and WeightsMissing when it cannot.
    """
    settings = services.settings.speech
    if not settings.speakers.is_on:
        raise InputError("Speakers are not told apart on this server. The administrator can switch it on: PPI_SPEAKERS.")
    diarizer.check(settings)
    diarizer.check_count(count)
    if not lessons.view(services, row).has_audio:
        raise InputError("This lesson has no sound, so nobody can be heard in it.")
    corrections.load(services, row)
    return _submit(services, row, count)


def follow(services: Services, row: LessonRow) -> None:
    """After a transcription: find out who speaks, where that is switched on. What is missing is told by the job."""
    if services.settings.speech.speakers.is_on:
        _submit(services, row, 0)


def follow_in(services: Services, row: LessonRow, run: Run, folder: Path, low: float, high: float) -> None:
    """As `follow`, within a job that goes on with the transcript; what is missing does not stop it."""
    if services.settings.speech.speakers.is_on:
        try:
            tell(services, row, run, folder, 0, low, high)
        except WeightsMissing as error:
            log.warning("lesson %s: speakers are not told apart: %s", row.id, error)


def run_speakers(services: Services, job: Job, run: Run) -> dict[str, Any]:
    """The job: find out who speaks when, and write it into the transcript as it is by then."""
    row = services.lessons.get(job.lesson_id)
    with scratch(services, job) as folder:
        edited = tell(services, row, run, folder, int(job.input.get("count", 0)), 0.0, 0.98)
    return {"speakers": len(speakers.shares(edited.transcript))}


def tell(services: Services, row: LessonRow, run: Run, folder: Path, count: int, low: float, high: float) -> Edited:
    """Find out who speaks when and keep it; fills the progress of `run` from `low` to `high`."""
    diarizer.check(services.settings.speech)
    middle = low + (high - low) * 0.1
    on_progress = run.step("telling_speakers", "Preparing the sound for the recogniser", low, middle)
    speech = folder / "speakers.wav"
    with services.store.as_file(services.raw, keys.derivative_key(row.video_key, ".wav")) as wav:
        audio.extract_speech(services.ffmpeg, wav, speech, on_progress)
    on_progress = run.step("telling_speakers", "Finding out who speaks when", middle, high)
    found = diarizer.find(services.settings.speech, speech, count, on_progress)
    return corrections.change_whole(
        services, row, lambda said: told(said, found), who="", what=TOLD_APART, check=run.check
    )


def told(said: Transcript, found: Found) -> Transcript:
    """The transcript with its speakers, and how they were told apart."""
    named = speakers.tell(said, found.turns)
    return replace(named, hearing={**said.hearing, "speakers": found.about}) if found.turns else named


def give_name(services: Services, row: LessonRow, *, who: str, speaker: str, name: str) -> Edited:
    """Call a speaker otherwise in the whole transcript. Raises InputError and NotFound."""
    return corrections.change_whole(
        services, row, lambda said: speakers.rename(said, speaker, name), who=who, what=NAMED
    )


def shares(said: Transcript) -> dict[str, float]:
    """Seconds of speech by speaker, in the order in which they first appear."""
    return speakers.shares(said)


def _submit(services: Services, row: LessonRow, count: int) -> Job:
    newest = lessons.view(services, row).jobs.get(KIND)
    if newest is not None and newest.is_active:
        return newest
    job = services.ledger.submit(KIND, row.owner_id, row.id, {"count": count})
    services.ring(job)
    return job
