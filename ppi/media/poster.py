"""A small picture of a recording, for lists."""

from __future__ import annotations

from pathlib import Path

from ppi.media.ffmpeg import Ffmpeg, Limits, Progress
from ppi.records import MediaInfo

WIDTH_PX, HEIGHT_PX = 320, 180
# Beginnings are often black or show an empty room.
AT_FRACTION = 0.2


def draw(ffmpeg: Ffmpeg, source: Path, info: MediaInfo, jpg: Path, on_progress: Progress = lambda fraction: None) -> None:
    """Write one frame as a JPEG of at most 320 by 180 pixels, in the recording's own shape.

    Raises UnsupportedMedia and ToolFailed, also for a recording without a picture.
    """

    def build(recording, files):
        fit = f"scale={WIDTH_PX}:{HEIGHT_PX}:force_original_aspect_ratio=decrease:force_divisible_by=2"
        look = {"format": "image2", "c:v": "mjpeg", "q:v": 5, "frames:v": 1, "update": 1, "map_metadata": "-1"}
        return [recording["v:0"].output(files[0], vf=f"{fit},setsar=1,format=yuvj420p", **look)]

    begin = {"ss": f"{info.duration_s * AT_FRACTION:.3f}", "an": None, "sn": None, "dn": None}
    limits = Limits(wall_s=120, file_bytes=1_000_000)
    ffmpeg.convert(source, build, [jpg], input_options=begin, limits=limits, on_progress=on_progress)
