"""Probing: is it a recording, and what does it hold? Everything that cannot be used is refused here, in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ppi.errors import UnsupportedMedia
from ppi.media.ffmpeg import Ffmpeg
from ppi.media.guards import CODECS
from ppi.records import AudioTrack, MediaInfo, VideoTrack

CONTAINERS = ("mp4", "mov", "mkv", "webm", "avi", "ts")
SOUND_ONLY = ("wav", "w64", "mp3", "flac", "ogg", "aac", "aiff")
# Longer than any pause of a camera that saves frames of a still picture; a gap of hours is a trap or damage.
LARGEST_GAP_S = 60.0
MAX_STREAMS = 16
MAX_RATE = 300.0
MISSING_S, MISSING_SHARE = 2.0, 0.02


def inspect(
    path: Path,
    ffmpeg: Ffmpeg,
    *,
    needs_video: bool = True,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> MediaInfo:
    """What the file holds, found by its content, never by its name.

    `needs_video` False lets sound files pass (for transcription of plain files). `on_progress` is called while the
    file is read and may raise. Raises UnsupportedMedia with the reason, and NotFound.
    """
    if path.is_file() and path.stat().st_size == 0:
        raise UnsupportedMedia("The file is empty. Choose the lesson's video file.")
    found = ffmpeg.look_into(path, "about", on_progress)
    container = _container(found)
    video = found.get("video")
    if needs_video and container not in CONTAINERS:
        raise UnsupportedMedia("This is not a video. PPI takes MP4, MOV, MKV, WebM, AVI and MTS.")
    if needs_video and video is None:
        raise UnsupportedMedia("There is no picture in this file. Choose the lesson's video file.")
    if video is None and not found["audio"]:
        raise UnsupportedMedia("There is neither picture nor sound in this file. Choose a recording.")
    if video is not None:
        _check_picture(video, found, ffmpeg.settings.max_pixels)
    _check_codecs([track["codec"] for track in (video, *found["audio"][:1]) if track])
    info = MediaInfo(
        container=container, duration_s=_duration_s(found), start_s=found["start_s"], size_bytes=path.stat().st_size,
        video=_track(video, found) if video else None,
        audio=tuple(AudioTrack(track["codec"], track["rate"], track["channels"]) for track in found["audio"]),
        picture_s=_reach_s(found, max(found["video_end_s"], found["last_s"] + found["usual_gap_s"])) if video else 0.0,
        sound_s=_reach_s(found, found["sound_end_s"]) if found["audio"] else 0.0,
    )  # fmt: skip
    _check_length(info, found, ffmpeg.settings.max_duration_s)
    on_progress(1.0)
    return info


def frame_times(
    path: Path, ffmpeg: Ffmpeg, info: MediaInfo, on_progress: Callable[[float], None] = lambda fraction: None
) -> np.ndarray:
    """Presentation times of all frames in seconds as a player shows them, sorted; float64, shape (frames,).

    Packets of AVI carry no presentation time, so there the whole video is decoded.
    """
    if info.container == "avi":
        found = ffmpeg.decoded_times(path, info.duration_s, on_progress)
    else:
        found = ffmpeg.look_into(path, "times", on_progress)
    return np.asarray(found, dtype=np.float64) - info.start_s


def _container(found: dict[str, Any]) -> str:
    name = found["format"].split(",")[0]
    if name == "mov":
        return "mov" if found["brand"].startswith("qt") else "mp4"
    if name == "matroska":
        return "webm" if found["is_webm"] else "mkv"
    return "ts" if name == "mpegts" else name


def _duration_s(found: dict[str, Any]) -> float:
    """From the first time stamp to the end of the last packet.

    What files declare is of no use: recordings of browsers declare nothing, and Matroska counts from zero even when its
    first time stamp is later.
    """
    last_s = found["last_s"] + found["usual_gap_s"] if found["frames"] else 0.0
    return round(max(found["reach_s"], last_s) - found["start_s"], 6)


def _reach_s(found: dict[str, Any], end_s: float) -> float:
    return round(max(end_s - found["start_s"], 0.0), 6)


def _check_picture(video: dict[str, Any], found: dict[str, Any], max_pixels: int) -> None:
    width, height = video["width"], video["height"]
    if width * height > max_pixels:
        raise UnsupportedMedia(
            "The picture is {width}x{height} pixels, more than PPI takes. Scale it down and try again.",
            width=width, height=height,
        )  # fmt: skip
    if width <= 0 or height <= 0 or not found["frames"]:
        raise UnsupportedMedia("The picture of this file cannot be read; it may be damaged. Export the video again.")
    if _rate(found) > MAX_RATE:
        raise UnsupportedMedia("The file has too many frames per second. Convert it to an ordinary MP4.")
    # Sound may begin long before the picture, so the way to the first frame counts as a gap too.
    gap_s = max(found["largest_gap_s"], found["first_s"] - found["start_s"])
    if gap_s > LARGEST_GAP_S:
        raise UnsupportedMedia(
            "There is a gap of {gap_s} seconds in the picture: the time stamps are damaged. Convert the video and try "
            "again.",
            gap_s=int(gap_s),
        )  # fmt: skip
    _check_whole(video["declared_s"], found["video_end_s"] - found["first_s"])


def _check_codecs(names: list[str]) -> None:
    for name in names:
        if name not in CODECS.split(","):
            raise UnsupportedMedia(
                "PPI does not read recordings of the kind {codec}. Convert the file to MP4 (H.264 and AAC).",
                codec=name,
            )  # fmt: skip


def _check_length(info: MediaInfo, found: dict[str, Any], max_duration_s: float) -> None:
    if found["streams"] > MAX_STREAMS:
        raise UnsupportedMedia("The file has too many tracks. Convert it to an ordinary MP4.")
    if info.duration_s > max_duration_s:
        raise UnsupportedMedia(
            "The recording lasts {hours} hours, more than PPI takes. Cut it into parts first.",
            hours=round(info.duration_s / 3600, 1),
        )
    _check_whole(found["duration_s"], max(found["reach_s"], found["reach_s"] - found["start_s"]))


def _check_whole(declared_s: float, present_s: float) -> None:
    """A file that was cut off declares more than its packets hold."""
    if declared_s - present_s > max(MISSING_S, MISSING_SHARE * declared_s):
        raise UnsupportedMedia(
            "The file is cut short: {present_s} of {declared_s} seconds are there. Copy or export the video again.",
            present_s=max(0, int(present_s)), declared_s=int(declared_s),
        )  # fmt: skip


def _track(video: dict[str, Any], found: dict[str, Any]) -> VideoTrack:
    return VideoTrack(
        codec=video["codec"], width_px=video["width"], height_px=video["height"], frame_rate=_rate(found),
        is_variable_rate=found["odd_gaps"] > max(2, 0.005 * found["frames"]), rotation_deg=video["rotation_deg"],
        pixel_format=video["pixel_format"],
    )  # fmt: skip


def _rate(found: dict[str, Any]) -> float:
    """Mean frames per second."""
    span_s = found["last_s"] - found["first_s"]
    return round((found["frames"] - 1) / span_s, 4) if span_s > 0 else 0.0
