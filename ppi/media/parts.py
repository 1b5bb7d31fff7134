"""Parts: a long lesson cut at key frames, without re-encoding, for annotators who share it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ppi.errors import InputError
from ppi.media.ffmpeg import Ffmpeg, Limits, Progress
from ppi.records import MediaInfo

MAX_PARTS = 100
MP4_VIDEO, MP4_AUDIO = ("h264", "hevc", "mpeg4", "av1"), ("aac", "mp3", "mp3float", "ac3", "alac")


def split(
    ffmpeg: Ffmpeg, source: Path, info: MediaInfo, parts: int, folder: Path, stem: str, on_progress: Progress
) -> list[Path]:
    """Cut into consecutive parts `<stem>_part1.mp4` ... of about equal length, each beginning with a key frame.

    There are fewer when the video has too few key frames. Codecs MP4 cannot hold go into MKV. Where frames shown before
    a key frame are coded after it (open GOP), a player may leave out those few at the beginning of a part.
    Raises InputError unless 1 <= parts <= 100.
    """
    if not 1 <= parts <= MAX_PARTS:
        raise InputError("The number of parts must be from 1 to {most}.", most=MAX_PARTS)
    extension = "mp4" if _fits_mp4(info) else "mkv"
    with tempfile.TemporaryDirectory(dir=folder, prefix=".parts-") as inner:
        # Packets of AVI carry no presentation time, which MP4 and MKV need.
        options = {"fflags": "+genpts"} if info.container == "avi" else {}
        ffmpeg.convert(
            source, lambda recording, files: [_output(recording, info, parts, Path(inner), extension)], [],
            input_options=options, total_s=info.duration_s, limits=Limits(wall_s=max(600, info.duration_s)),
            on_progress=on_progress, into=Path(inner),
        )  # fmt: skip
        return _collect(Path(inner), folder, stem, extension)


def _output(recording, info: MediaInfo, parts: int, inner: Path, extension: str):
    """The segment muxer names its files by counting (so a % in the folder's name is doubled)."""
    marks = ",".join(f"{info.duration_s * number / parts:.3f}" for number in range(1, parts))
    kind = {"segment_format": "matroska"}
    if extension == "mp4":
        kind = {"segment_format": "mp4", "segment_format_options": "movflags=+faststart"}
    pattern = f"file:{str(inner).replace('%', '%%')}/%03d.{extension}"
    # Without marks the muxer would cut every two seconds.
    when = {"segment_times": marks} if marks else {"segment_time": info.duration_s + 3600}
    sound = [recording["a?"]] if info.audio else []
    return recording["v:0"].output(
        *sound, pattern, format="segment", c="copy", map_metadata="-1", reset_timestamps="1", **kind, **when
    )


def _collect(inner: Path, folder: Path, stem: str, extension: str) -> list[Path]:
    made = []
    for number, path in enumerate(sorted(inner.iterdir()), start=1):
        target = folder / f"{stem}_part{number}.{extension}"
        with path.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(path, target)
        made.append(target)
    return made


def _fits_mp4(info: MediaInfo) -> bool:
    return info.video.codec in MP4_VIDEO and all(track.codec in MP4_AUDIO for track in info.audio)
