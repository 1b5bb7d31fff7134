"""Probing: is it a recording, and what does it hold? Everything that cannot be used is refused here, in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ppi.errors import UnsupportedMedia
from ppi.media.ffmpeg import Ffmpeg, Limits
from ppi.media.ffmpeg import inspect as look_into
from ppi.records import AudioTrack, MediaInfo, VideoTrack

CONTAINERS = ("mp4", "mov", "mkv", "webm", "avi")
SOUND_ONLY = ("wav", "w64", "mp3", "flac", "ogg", "aac", "aiff")
LARGEST_GAP_S = 60.0
MAX_STREAMS = 16
MAX_RATE = 300.0


def inspect(
    path: Path, ffmpeg: Ffmpeg, *, needs_video: bool = True, on_progress: Callable[[float], None] = lambda fraction: None
) -> MediaInfo:
    """What the file holds, found by its content, never by its name.

    `needs_video` False lets sound files pass (for transcription of plain files). `on_progress` is called while the
    file is read and may raise. Raises UnsupportedMedia with the reason.
    """
    if path.stat().st_size == 0:
        raise UnsupportedMedia("The file is empty. Choose the lesson's video file.")
    found = look_into(path, "about", ffmpeg.settings, on_tick=lambda: on_progress(0.0))
    container = _container(found)
    if needs_video and container not in CONTAINERS:
        raise UnsupportedMedia("This is not a video. PPI takes MP4, MOV, MKV, WebM and AVI.")
    video = found.get("video")
    if video is None and needs_video:
        raise UnsupportedMedia("There is no picture in this file. Choose the lesson's video file.")
    if video is not None:
        _check_picture(video, found, ffmpeg)
    info = MediaInfo(
        container=container, duration_s=_duration_s(found), start_s=found["start_s"], size_bytes=path.stat().st_size,
        video=_track(video) if video else None,
        audio=tuple(AudioTrack(track["codec"], track["rate"], track["channels"]) for track in found["audio"]),
    )  # fmt: skip
    _check_length(info, ffmpeg)
    return info


def frame_times(path: Path, ffmpeg: Ffmpeg, info: MediaInfo) -> np.ndarray:
    """Presentation times of all frames in seconds as a player shows them, sorted; float64, shape (frames,).

    Packets of AVI carry no presentation time, so there the whole video is decoded.
    """
    if info.container == "avi":
        found = ffmpeg.decoded_times(path, Limits(wall_s=600 + 5 * info.duration_s))
        return np.asarray(found, dtype=np.float64) - info.start_s
    return np.asarray(look_into(path, "times", ffmpeg.settings), dtype=np.float64) - info.start_s


def _container(found: dict[str, Any]) -> str:
    name = found["format"].split(",")[0]
    if name == "mov":
        return "mov" if found["brand"].startswith("qt") else "mp4"
    if name == "matroska":
        return "webm" if found["doctype"] == "webm" else "mkv"
    if name in (*CONTAINERS, *SOUND_ONLY):
        return name
    raise UnsupportedMedia("This kind of file ({kind}) is not taken. PPI takes MP4, MOV, MKV, WebM and AVI.", kind=name)


def _duration_s(found: dict[str, Any]) -> float:
    video = found.get("video")
    if video is None or not video["frames"]:
        return found["duration_s"]
    shown_s = video["last_s"] + video["usual_gap_s"] - found["start_s"]
    return round(max(found["duration_s"], shown_s), 6)


def _check_picture(video: dict[str, Any], found: dict[str, Any], ffmpeg: Ffmpeg) -> None:
    width, height = video["width"], video["height"]
    if width <= 0 or height <= 0 or not video["frames"]:
        raise UnsupportedMedia("The picture of this file cannot be read; it may be damaged. Export the video again.")
    if width * height > ffmpeg.settings.max_pixels:
        raise UnsupportedMedia(
            "The picture is {width}x{height} pixels, more than PPI takes. Scale it down and try again.", width=width, height=height
        )
    if found["streams"] > MAX_STREAMS or _rate(video) > MAX_RATE:
        raise UnsupportedMedia("The file has too many tracks or frames per second. Convert it to an ordinary MP4.")
    if video["largest_gap_s"] > LARGEST_GAP_S:
        raise UnsupportedMedia(
            "There is a gap of {gap_s} seconds in the picture: the time stamps are damaged. Convert the video and try again.",
            gap_s=int(video["largest_gap_s"]),
        )
    declared_s = max(video["declared_s"], 0.0 if found["audio"] else found["duration_s"])
    present_s = video["last_s"] - video["first_s"] + video["usual_gap_s"]
    if declared_s - present_s > max(2.0, 0.02 * declared_s):
        raise UnsupportedMedia(
            "The file is cut short: {present_s} of {declared_s} seconds are there. Copy or export the video again.",
            present_s=int(present_s), declared_s=int(declared_s),
        )  # fmt: skip
    if found["duration_s"] - present_s > max(60.0, 0.5 * found["duration_s"]):
        raise UnsupportedMedia(
            "The file is cut short: {present_s} of {declared_s} seconds are there. Copy or export the video again.",
            present_s=int(present_s), declared_s=int(found["duration_s"]),
        )  # fmt: skip


def _check_length(info: MediaInfo, ffmpeg: Ffmpeg) -> None:
    if info.video is None and not info.audio:
        raise UnsupportedMedia("There is neither picture nor sound in this file.")
    if info.duration_s > ffmpeg.settings.max_duration_s:
        raise UnsupportedMedia(
            "The recording lasts {hours} hours, more than PPI takes. Cut it into parts first.",
            hours=round(info.duration_s / 3600, 1),
        )


def _track(video: dict[str, Any]) -> VideoTrack:
    return VideoTrack(
        codec=video["codec"], width_px=video["width"], height_px=video["height"], frame_rate=_rate(video),
        is_variable_rate=video["odd_gaps"] > max(2, 0.005 * video["frames"]), rotation_deg=video["rotation"],
        pixel_format=video["pixel_format"],
    )  # fmt: skip


def _rate(video: dict[str, Any]) -> float:
    """Mean frames per second."""
    span_s = video["last_s"] - video["first_s"]
    return round((video["frames"] - 1) / span_s, 4) if span_s > 0 else 0.0
