"""Transcribe: the lesson's audio becomes a transcript in four formats."""

from __future__ import annotations

import dataclasses
import secrets
import time
from pathlib import Path
from typing import Any

from ppi.errors import Conflict, InputError
from ppi.jobs.ledger import Job
from ppi.jobs.lessons import LessonRow
from ppi.jobs.run import Run
from ppi.media import audio
from ppi.records import Transcript
from ppi.services import Services
from ppi.speech import recognizer, weights
from ppi.storage import keys
from ppi.workflows import corrections, lessons, speakers, word_lists
from ppi.workflows.pace import Pace
from ppi.workflows.partial import Partial
from ppi.workflows.scratch import scratch
from ppi.workflows.word_lists import WordList


def request_transcript(
    services: Services, row: LessonRow, *, engine: str = "", model: str = "", language: str = "", phrases: str = "",
    words: WordList | None = None, replace: bool = False,
) -> Job:  # fmt: skip
    """Queue a transcription, or answer the one that is under way.

    `phrases` are names and subject words of this lesson, by commas, and `words` a list of them that somebody keeps. Raises
    InputError when the lesson has no sound, the engine or model is unknown, or the phrases are too many; Conflict before ingest
    is done, and when a person has corrected the transcript, unless `replace`: it stays in the history then.
    """
    shown = lessons.view(services, row)
    if not shown.is_ready:
        raise Conflict("The lesson is still being prepared. Transcribe it when that is done.")
    if not shown.has_audio:
        raise InputError("This lesson has no sound, so there is nothing to transcribe.")
    phrases = word_lists.tidy(f"{words.words}, {phrases}") if words else phrases
    recognizer.create(services.settings.speech, engine, model, phrases)
    newest = shown.jobs.get("transcribe")
    if newest is not None and newest.is_active:
        return newest
    if not replace:
        corrections.ask_first(services, row)
    wanted = {"engine": engine, "model": model, "language": language, "phrases": phrases}
    wanted |= {"word_list": words.name} if words else {}
    job = services.ledger.submit("transcribe", row.owner_id, row.id, wanted)
    services.ring(job)
    return job


def usual_engine(services: Services) -> str:
    """The engine that hears when none is chosen."""
    return services.settings.speech.engine or recognizer.default_engine(services.settings.speech)


def is_at_hand(services: Services) -> bool:
    """Whether the usual engine can begin at once. Where other machines do the work nobody here knows, and it counts as so."""
    speech, engine = services.settings.speech, usual_engine(services)
    if engine == "pocketsphinx" or services.is_cluster:
        return True
    return weights.is_complete(engine, weights.place(speech, engine, speech.model))


def run_transcribe(services: Services, job: Job, run: Run) -> dict[str, Any]:
    """The job: hear the lesson once and store the transcript."""
    row = services.lessons.get(job.lesson_id)
    with scratch(services, job) as folder:
        transcript = hear(services, row, job, run, folder, 0.0, 0.95)
    speakers.follow(services, row)
    return result_of(transcript)


def result_of(transcript: Transcript) -> dict[str, Any]:
    """What the row of the job tells pages and programs."""
    return {
        "engine": transcript.engine, "model": transcript.model, "language": transcript.language,
        "words": len(transcript.words), "notes": list(transcript.notes),
    }  # fmt: skip


def count_as_transcribed(services: Services, row: LessonRow, transcript: Transcript) -> None:
    """Note a transcript that no job of its own made: pages, lists and the history tell by jobs how far a lesson is.

    That job has no beginning: it says nothing of how long a transcription takes.
    """
    now_s = time.time()
    times = {"created_s": now_s, "updated_s": now_s, "finished_s": now_s}
    job_id = f"{row.id}-given-{secrets.token_hex(4)}"
    services.ledger.restore(
        Job(
            job_id, "transcribe", "media", row.owner_id, row.id, {}, "completed", progress=100,
            result=result_of(transcript), **times,
        )
    )  # fmt: skip


def hear(services: Services, row: LessonRow, job: Job, run: Run, folder: Path, low: float, high: float) -> Transcript:
    """Transcribe and store; fills the progress of `run` from `low` to `high`."""
    wanted = job.input
    hearer = recognizer.create(
        services.settings.speech, wanted.get("engine", ""), wanted.get("model", ""), wanted.get("phrases", "")
    )
    on_progress = run.step("transcribing", "Preparing the sound for the recogniser", low, low + 0.03)
    speech = folder / "speech.wav"
    with services.store.as_file(services.raw, keys.derivative_key(row.video_key, ".wav")) as wav:
        audio.extract_speech(services.ffmpeg, wav, speech, on_progress)
    pace = Pace(run, low + 0.03, high, engine=hearer.engine, model=hearer.model)
    language = wanted.get("language") or services.settings.speech.language
    kept = Partial(services, row, hearer, language)

    def on_tick(fraction: float) -> None:
        pace.at(fraction)
        kept.write_due()

    transcript = hearer.transcribe(speech, language, on_tick, kept.load(), kept.keep, pace.fetched)
    if wanted.get("word_list") and transcript.hearing.get("phrases"):
        transcript = dataclasses.replace(transcript, hearing={**transcript.hearing, "word_list": wanted["word_list"]})
    corrections.keep_new(services, row, transcript, check=run.check)
    kept.remove()
    return transcript


def stored_transcript(services: Services, row: LessonRow) -> Transcript:
    """As people corrected it. Raises NotFound when the lesson has none yet."""
    return corrections.load(services, row).transcript
