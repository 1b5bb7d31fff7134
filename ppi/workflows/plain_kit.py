"""The annotation kit of plain files: for the command line and notebooks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from ppi.annotation import config, label_studio
from ppi.annotation import patterns as tables
from ppi.annotation.config import Label
from ppi.errors import InputError
from ppi.media import audio, probe
from ppi.media.ffmpeg import Ffmpeg
from ppi.records import Dropped
from ppi.settings import Settings
from ppi.workflows.ingest import SOUND
from ppi.workflows.kit import CONFIG_NAME, TASKS_NAME
from ppi.workflows.plain import Progress, check_file, quiet


@dataclass(frozen=True)
class PlainKit:
    """What was written, in order, and what was made of the table."""

    labels: tuple[Label, ...]
    problems: tuple[Dropped, ...]
    paths: tuple[Path, ...]


def kit_from_files(
    *,
    patterns: Path,
    out: Path,
    variant: str = config.VARIANTS[0],
    video: Path | None = None,
    media_url: str = "",
    frame_rate: float | None = None,
    settings: Settings | None = None,
    on_progress: Progress = quiet,
) -> PlainKit:
    """Write `labelling-config.xml` into `out`; with `video` also `<stem>.sound.mp3` and `tasks.json`.

    `media_url` is the address of the folder in which browsers will find the video and the sound. The lesson's number in
    the task is the video's name without its ending. Without `frame_rate` the configuration takes that of each task.
    Raises InputError, AnnotationError and UnsupportedMedia.
    """
    check_file(patterns)
    if video is not None:
        check_file(video)
        if urlsplit(media_url).scheme not in ("http", "https") and not media_url.startswith("/"):
            raise InputError("Say where browsers find the video: --media-url with an address such as https://example.org/lessons/.")
    codebook = tables.read(patterns)
    text = config.labelling_config(codebook.patterns, variant, frame_rate)
    out.mkdir(parents=True, exist_ok=True)
    written = [out / CONFIG_NAME]
    written[0].write_text(text, encoding="utf-8")
    if video is not None:
        written += _tasks(video, out, media_url, settings or Settings.from_env(), on_progress)
    on_progress(1.0)
    return PlainKit(config.labels(codebook.patterns), codebook.problems, tuple(written))


def _tasks(video: Path, out: Path, media_url: str, settings: Settings, on_progress: Progress) -> list[Path]:
    ffmpeg = Ffmpeg(settings.media)
    info = probe.inspect(video, ffmpeg, on_progress=lambda fraction: on_progress(fraction * 0.2))
    sound, tasks = out / f"{video.stem}{SOUND}", out / TASKS_NAME
    audio.small_track(ffmpeg, video, info, sound, lambda fraction: on_progress(0.2 + fraction * 0.8))
    links = (media_url + quote(path.name) for path in (video, sound))
    task = label_studio.task_json(*links, info.video.frame_rate, info.duration_s, video.stem)
    tasks.write_text(task + "\n", encoding="utf-8")
    return [sound, tasks]
