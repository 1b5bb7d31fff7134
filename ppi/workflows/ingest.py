"""Ingest: a video becomes a lesson with its audio, its parts and a description of what it holds."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ppi.accounts.users import User
from ppi.errors import InputError, NotFound, ToolFailed
from ppi.jobs.ledger import Job
from ppi.jobs.lessons import LessonRow
from ppi.jobs.run import HandOver, Run
from ppi.media import audio, peaks, poster, probe
from ppi.media import parts as media_parts
from ppi.records import AudioTrack, MediaInfo, ObjectInfo, VideoTrack
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows import uploads
from ppi.workflows.scratch import scratch

CONTENT_TYPES = {
    "mp4": "video/mp4", "mov": "video/quicktime", "avi": "video/x-msvideo", "mkv": "video/x-matroska",
    "webm": "video/webm", "ts": "video/mp2t",
}  # fmt: skip
log = logging.getLogger(__name__)
# Of the WAV and of what the waveform is measured on.
SOUND_BYTES_PER_S = 44_100 * 4 + audio.OUTLINE_HZ * 2
# What annotators' browsers load whole, exactly as long as the video.
SOUND = ".sound.mp3"
# A small picture for lists.
POSTER = ".poster.jpg"
# The waveform, measured once: see `media/peaks.py`.
PEAKS = ".peaks.dat"


def ingest_from_storage(services: Services, user: User, *, object_name: str, task_name: str, parts: int = 1) -> Job:
    """Make a lesson of an object that is in the raw bucket already; a lesson's own video is processed again.

    Raises NotFound when there is no such object or it is not the user's, and InputError.
    """
    uploads.check_parts(parts)
    row = services.lessons.of_keys([object_name]).get(object_name)
    if row is not None and row.video_key == object_name and _is_visible(user, row):
        return _again(services, row, parts)
    found = services.store.stat(services.raw, object_name)
    if user.role != "admin" and found.metadata.get(keys.USER_ID) != user.id:
        raise NotFound("There is no such file in storage; it may have been deleted. Reload the page.", object_name=object_name)
    file_name = object_name.rsplit("/", 1)[-1]
    row = uploads.reserve(
        services, user, file_name=file_name, task_name=task_name, size_bytes=found.size_bytes, parts=parts,
        source_key=object_name,
    )  # fmt: skip
    return uploads.submit_ingest(services, row)


def run_ingest(services: Services, job: Job, run: Run) -> dict[str, Any]:
    """The job. Bytes that are no recording are refused before they reach the store, and their slot is freed.

    An upload is checked and stored where its bytes lie; the rest can be done on any machine.
    """
    row = services.lessons.get(job.lesson_id)
    try:
        if row.state != "stored":
            _store_video(services, row, run)
    except (InputError, ToolFailed):
        _refuse(services, row)
        raise
    if job.queue == "receive":
        raise HandOver("media")
    with services.store.as_file(services.raw, row.video_key) as video:
        info = probe.inspect(video, services.ffmpeg)
        with scratch(services, job, int(info.duration_s * SOUND_BYTES_PER_S * 1.1)) as folder:
            has_poster = _derive(services, row, run, video, info, folder)
    return {"has_audio": bool(info.audio), "duration_s": info.duration_s, "has_poster": has_poster}


def _store_video(services: Services, row: LessonRow, run: Run) -> None:
    with _incoming(services, row, run) as path:
        check = run.step("uploading_video", "Checking the video", 0.0, 0.1)
        info = probe.inspect(path, services.ffmpeg, on_progress=check)
        content_type = CONTENT_TYPES.get(info.container, "application/octet-stream")
        on_progress = run.step("uploading_video", "Storing the video", 0.1, 0.4)
        is_upload = path == uploads.part_path(services, row.id)
        if is_upload or row.source_key:
            services.store.put_file(
                services.raw, row.video_key, path, content_type=content_type, metadata=owner_metadata(row),
                move=is_upload, on_progress=on_progress,
            )  # fmt: skip
    uploads.part_path(services, row.id).unlink(missing_ok=True)
    services.lessons.move_on(row.id, "received", "stored")


def _incoming(services: Services, row: LessonRow, run: Run) -> AbstractContextManager[Path]:
    """The bytes to check: the finished upload, the named object, or what an interrupted attempt stored already."""
    if row.source_key:
        run.step("downloading", "Fetching the video from storage", 0.0, 0.1)
        return services.store.as_file(services.raw, row.source_key)
    part = uploads.part_path(services, row.id)
    return nullcontext(part) if part.exists() else services.store.as_file(services.raw, row.video_key)


def _derive(services: Services, row: LessonRow, run: Run, video: Path, info: MediaInfo, folder: Path) -> bool:
    """Make and keep what comes of every recording; answers whether it has a picture for lists."""
    has_parts = row.parts > 1
    on_progress = run.step("extracting_audio", "Extracting the audio", 0.4, 0.7 if has_parts else 0.9)
    wav, sound, outline = folder / "audio.wav", folder / "sound.mp3", folder / "outline.pcm"
    if info.audio:
        audio.extract(services.ffmpeg, video, info, wav, None, on_progress, sound, outline)
        put(services, run, row, wav, keys.derivative_key(row.video_key, ".wav"), "audio/wav")
        put_peaks(services, run, row, outline)
    else:
        audio.small_track(services.ffmpeg, video, info, sound, on_progress)
    put_sound(services, run, row, sound)
    has_poster = _put_poster(services, row, run, video, info, folder / "poster.jpg")
    if has_parts:
        _cut_parts(services, row, run, video, info, folder)
    facts = folder / "info.json"
    facts.write_text(json.dumps(describe(row, info), ensure_ascii=False, indent=1), encoding="utf-8")
    put(services, run, row, facts, keys.derivative_key(row.video_key, ".info.json"), "application/json")
    return has_poster


def _put_poster(services: Services, row: LessonRow, run: Run, video: Path, info: MediaInfo, jpg: Path) -> bool:
    """A list without a picture is no reason to refuse a lesson."""
    try:
        poster.draw(services.ffmpeg, video, info, jpg, lambda fraction: run.check())
    except (InputError, ToolFailed) as error:
        log.warning("lesson %s: no picture for lists (%s)", row.id, error)
        return False
    put(services, run, row, jpg, keys.derivative_key(row.video_key, POSTER), "image/jpeg")
    return True


def _cut_parts(services: Services, row: LessonRow, run: Run, video: Path, info: MediaInfo, folder: Path) -> None:
    on_progress = run.step("extracting_audio", "Cutting the video into {parts} parts", 0.7, 0.9, parts=row.parts)
    made = media_parts.split(
        services.ffmpeg, video, info, row.parts, folder, keys.stem(row.video_key), on_progress
    )  # fmt: skip
    for path in made:
        content_type = CONTENT_TYPES.get(path.suffix[1:], "application/octet-stream")
        put(services, run, row, path, row.prefix + path.name, content_type)


def put(services: Services, run: Run | None, row: LessonRow, path: Path, key: str, content_type: str) -> ObjectInfo:
    """Store a derivative with the owner's metadata, provided this attempt still holds its job; answers what is stored."""
    on_progress: Callable[[float], None] = lambda fraction: None  # noqa: E731
    if run is not None:
        run.check()
        on_progress = lambda fraction: run.check()  # noqa: E731
    return services.store.put_file(
        services.raw, key, path, content_type=content_type, metadata=owner_metadata(row), on_progress=on_progress
    )


def put_sound(services: Services, run: Run, row: LessonRow, mp3: Path) -> None:
    """Store the small sound track."""
    put(services, run, row, mp3, keys.derivative_key(row.video_key, SOUND), "audio/mpeg")


def put_peaks(services: Services, run: Run, row: LessonRow, outline: Path) -> None:
    """Measure the waveform on what `audio.outline` wrote, and store it."""
    measured = outline.with_name("peaks.dat")
    peaks.measure(outline, measured)
    put(services, run, row, measured, keys.derivative_key(row.video_key, PEAKS), "application/octet-stream")


def _refuse(services: Services, row: LessonRow) -> None:
    if row.state == "received":
        services.store.delete(services.raw, row.video_key)
        uploads.discard(services, row)


def _again(services: Services, row: LessonRow, parts: int) -> Job:
    services.lessons.set_parts(row.id, parts)
    job = services.ledger.get(row.id) if _has_job(services, row.id) else None
    if job is not None and not job.is_active:
        job = services.ledger.submit("ingest", row.owner_id, row.id, {}, queue="media")
        services.ring(job)
    return job or uploads.submit_ingest(services, row)


def _has_job(services: Services, job_id: str) -> bool:
    try:
        services.ledger.get(job_id)
    except NotFound:
        return False
    return True


def _is_visible(user: User, row: LessonRow) -> bool:
    return user.role == "admin" or row.owner_id == user.id


def owner_metadata(row: LessonRow) -> dict[str, str]:
    """What every object of the lesson carries."""
    return {keys.USER_ID: row.owner_id, keys.USER_NAME: row.owner_name, keys.LESSON_ID: row.id}


def describe(row: LessonRow, info: MediaInfo) -> dict[str, Any]:
    """The content of `<stem>.info.json`: enough to write the lesson's row again, and what the video holds."""
    lesson = {name: getattr(row, name) for name in ("id", "prefix", "name", "owner_id", "owner_name", "video_key", "parts")}
    lesson["created_s"] = row.created_s
    lesson["ingested_at"] = datetime.now(UTC).isoformat(timespec="seconds")
    return {"lesson": lesson, "media": asdict(info)}


def media_info(described: dict[str, Any]) -> MediaInfo:
    """The MediaInfo inside the content of `<stem>.info.json`."""
    media = dict(described["media"])
    video = media.pop("video")
    tracks = media.pop("audio")
    return MediaInfo(
        **media, video=VideoTrack(**video) if video else None, audio=tuple(AudioTrack(**track) for track in tracks)
    )
