"""The annotation kit: the labelling configuration made of the pattern table, and the tasks that point at the lesson."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

from ppi.annotation import config, label_studio, patterns
from ppi.annotation.config import Label
from ppi.errors import Conflict, NotFound
from ppi.jobs.ledger import Job
from ppi.jobs.lessons import LessonRow
from ppi.jobs.run import Run
from ppi.media import audio
from ppi.records import Dropped, ObjectInfo
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows import label_studio_files as local_files
from ppi.workflows import lessons, normalize, pattern_tables
from ppi.workflows.ingest import SOUND, put_sound
from ppi.workflows.lessons import LessonView
from ppi.workflows.scratch import scratch

VARIANTS = config.VARIANTS
CONFIG_NAME, TASKS_NAME = "labelling-config.xml", "tasks.json"


@dataclass(frozen=True)
class Kit:
    """What annotators get. `problems` are rows of the table that were left out; `config` is XML."""

    variant: str
    labels: tuple[Label, ...]
    problems: tuple[Dropped, ...]
    config: str


def keep_table(services: Services, row: LessonRow, *, table: IO[bytes], table_name: str, variant: str) -> Kit:
    """Keep a pattern table with the lesson, in place of an earlier one; answers what becomes of it.

    Raises InputError and AnnotationError when no kit can be made of it, Conflict before ingest is done or while a dataset
    is being built.
    """
    shown = lessons.view(services, row)
    if not shown.is_ready:
        raise Conflict("The lesson is still being prepared. Make the annotation kit when that is done.")
    with pattern_tables.given_or_kept(services, shown, table, table_name) as (path, suffix):
        kit = _kit(patterns.read(path), variant)
        pattern_tables.keep(services, shown, path, suffix)
    return kit


def kit_of(services: Services, shown: LessonView, variant: str) -> Kit:
    """The kit of the table that is kept with the lesson. Raises NotFound when there is none, InputError, AnnotationError."""
    table = pattern_tables.kept(shown)
    if table is None:
        raise NotFound("This lesson has no pattern table yet. Give one to make its annotation kit.")
    return _kit(pattern_tables.codebook(services, shown.row, table), variant)


def tasks(services: Services, shown: LessonView, absolute: Callable[[str], str]) -> str:
    """The tasks to import, as JSON: one, with the lesson's number, its frame rate and its length."""
    video, sound, frame_rate = playable(services, shown, absolute)
    return label_studio.task_json(video, sound, frame_rate, shown.info.duration_s, shown.id)


def playable(services: Services, shown: LessonView, absolute: Callable[[str], str]) -> tuple[str, str, float]:
    """Where Label Studio's pages play the video and its sound, and the frame rate of that video.

    Where there is an annotation copy it stands for the video, with its own frame rate; seconds are the same in both. Media
    are stable links, which `absolute` gives the server's address; or, once they lie in the folder of a Label Studio on this
    machine, addresses of Label Studio itself.
    """
    media = _media(shown)
    if local_files.is_placed(services, shown.id, media):
        video, sound = (local_files.address(shown.id, name) for name in media)
    else:
        video, sound = (absolute(lessons.link_to(services, shown.row, found.key)) for found in media.values())
    return video, sound, normalize.copy_rate(shown) or shown.info.video.frame_rate


def is_prepared(services: Services, shown: LessonView) -> bool:
    """Whether nothing is left to prepare: the small sound track is there, and the media lie where Label Studio is near."""
    is_near = local_files.is_used(services)
    return SOUND in shown.files and (not is_near or local_files.is_placed(services, shown.id, _media(shown)))


def request_preparation(services: Services, row: LessonRow) -> Job:
    """Queue "Prepare for Label Studio", or answer the job that is under way. Raises Conflict before ingest is done."""
    shown = lessons.view(services, row)
    if not shown.is_ready:
        raise Conflict("The lesson is still being prepared. Make the annotation kit when that is done.")
    newest = shown.jobs.get("kit")
    if newest is not None and newest.is_active:
        return newest
    # LABEL_STUDIO_DATA_DIR is a folder of this machine; without it any machine will do.
    queue, place = ("receive", services.place) if local_files.is_used(services) else ("media", "")
    job = services.ledger.submit("kit", row.owner_id, row.id, {}, queue=queue, place=place)
    services.ring(job)
    return job


def run_kit(services: Services, job: Job, run: Run) -> dict[str, Any]:
    """The job: make the small sound track where an older lesson has none, and place the media for Label Studio."""
    row = services.lessons.get(job.lesson_id)
    shown = lessons.view(services, row)
    if SOUND not in shown.files:
        on_progress = run.step("extracting_audio", "Making the small sound track", 0.0, 0.8)
        with scratch(services, job) as folder, services.store.as_file(services.raw, row.video_key) as video:
            mp3 = folder / "sound.mp3"
            audio.small_track(services.ffmpeg, video, shown.info, mp3, on_progress)
            put_sound(services, run, row, mp3)
        shown = lessons.view(services, row)
    if local_files.is_used(services):
        run.step("preparing", "Placing the media for Label Studio", 0.8, 1.0)
        local_files.place(services, row.id, _media(shown))
    return {"is_local": local_files.is_used(services)}


def _kit(codebook: patterns.Codebook, variant: str) -> Kit:
    text = config.labelling_config(codebook.patterns, variant)
    return Kit(variant, config.labels(codebook.patterns), codebook.problems, text)


def _media(shown: LessonView) -> dict[str, ObjectInfo]:
    """The picture, which is the annotation copy's where there is one, then the sound, under names that tell nothing.

    A lesson of before has no small track until it is prepared: its WAV stands in, or the video.
    """
    video = shown.files.get(normalize.COPY) or shown.files[""]
    sound = next((shown.files[suffix] for suffix in (SOUND, ".wav") if suffix in shown.files), video)
    return {f"lesson.{_ending(video)}": video, f"sound.{_ending(sound)}": sound}


def _ending(found: ObjectInfo) -> str:
    ending = keys.extension(found.key)
    return ending if ending.isascii() and ending.isalnum() else "mp4"
