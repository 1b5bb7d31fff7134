"""A copy for annotators: H.264 and AAC at a constant frame rate, on the time axis of the recording.

Label Studio counts frames by one fixed rate and stretches a waveform to the length of the video, and browsers play few kinds
of files. A recording that is in the way of that gets a copy; what is marked on the copy means the same second of the recording.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from ppi.errors import ToolFailed
from ppi.media import probe
from ppi.media.audio import on_clock_of, whole
from ppi.media.ffmpeg import Ffmpeg, Limits, Progress
from ppi.records import MediaInfo

# Why a recording is in the way.
VARIABLE_RATE, UNEQUAL_LENGTHS, UNPLAYABLE = "variable_rate", "unequal_lengths", "unplayable"
MOST_APART_S = 0.5
PLAYED_CONTAINERS = ("mp4", "mov", "webm")
PLAYED_VIDEO = ("h264", "vp8", "libvpx", "vp9", "libvpx-vp9", "av1", "libdav1d", "libaom-av1")
PLAYED_AUDIO = ("aac", "mp3", "mp3float", "opus", "libopus", "vorbis", "libvorbis", "flac")
PLAYED_H264 = ("", "yuv420p", "yuvj420p", "nv12")
RATES = tuple(Fraction(rate) for rate in ("24000/1001", "24", "25", "30000/1001", "30", "48", "50", "60000/1001", "60"))
LEAST_RATE = 25
MOST_PX = 1920
VIDEO = {"c:v": "libx264", "preset": "veryfast", "crf": 22, "pix_fmt": "yuv420p", "fps_mode": "cfr"}
SOUND = {"c:a": "aac", "b:a": "128k", "ac": 2, "ar": 48_000}
FILE = {"format": "mp4", "movflags": "+faststart", "map_metadata": -1, "map_chapters": -1}


def reasons(info: MediaInfo) -> tuple[str, ...]:
    """Why annotators should get a copy instead of the recording, in a fixed order; empty when they need none."""
    apart_s = abs(info.picture_s - info.sound_s) if info.picture_s and info.sound_s else 0.0
    found = {
        VARIABLE_RATE: info.video.is_variable_rate, UNEQUAL_LENGTHS: apart_s > MOST_APART_S, UNPLAYABLE: not _is_played(info)
    }  # fmt: skip
    return tuple(reason for reason, is_there in found.items() if is_there)


def rate_of(info: MediaInfo) -> Fraction:
    """The frame rate of the copy: the recording's own where it has one, else a usual one that leaves few frames out."""
    rate = info.video.frame_rate
    if not info.video.is_variable_rate:
        nearest = min(RATES, key=lambda usual: abs(usual - rate))
        own = nearest if abs(nearest - rate) < 0.002 * rate else Fraction(rate).limit_denominator(1001)
        return min(max(own, Fraction(1)), RATES[-1])
    return next((usual for usual in RATES if usual >= max(rate * 0.999, LEAST_RATE)), RATES[-1])


def make(ffmpeg: Ffmpeg, source: Path, info: MediaInfo, mp4: Path, on_progress: Progress) -> None:
    """Write the copy, with every moment of the recording at the same time, and check that.

    Pictures are repeated or left out to keep the rate, held where the picture begins late or ends early, turned as players
    turn them, and scaled down to at most 1920 pixels. Raises UnsupportedMedia and ToolFailed.
    """
    rate = rate_of(info)

    def build(recording, files):
        end_s = f"{info.duration_s:.6f}"
        timed = recording["v:0"].filter("setpts", f"PTS-({info.start_s:.6f})/TB").filter("fps", fps=str(rate), start_time=0)
        held = timed.filter("tpad", stop_mode="clone", stop_duration=end_s).filter("trim", end=end_s)
        sides = f"min({MOST_PX},iw)", f"min({MOST_PX},ih)"
        picture = held.filter("scale", *sides, force_original_aspect_ratio="decrease", force_divisible_by=2)
        sound, options = [], {}
        if info.audio:
            sound, options = [recording["a:0"]], {**SOUND, "af": f"{on_clock_of(info)},{whole(info)}"}
        return [picture.output(*sound, files[0], g=round(rate), **VIDEO, **options, **FILE)]

    ffmpeg.convert(
        source, build, [mp4], input_options={"copyts": None}, total_s=info.duration_s,
        limits=Limits(wall_s=3600 + 10 * info.duration_s), on_progress=on_progress,
    )  # fmt: skip
    _check(probe.inspect(mp4, ffmpeg), info, rate)


def _is_played(info: MediaInfo) -> bool:
    video = info.video
    is_shown = video.codec in PLAYED_VIDEO and (video.codec != "h264" or video.pixel_format in PLAYED_H264)
    return info.container in PLAYED_CONTAINERS and is_shown and all(track.codec in PLAYED_AUDIO for track in info.audio[:1])


def _check(made: MediaInfo, info: MediaInfo, rate: Fraction) -> None:
    is_long_enough = abs(made.duration_s - info.duration_s) <= 1 / rate + 0.03
    if made.video.is_variable_rate or not is_long_enough or abs(made.video.frame_rate - rate) > 0.01 * rate:
        raise ToolFailed(
            "The annotation copy does not fit the recording. Convert the video to MP4 (H.264 and AAC) and upload it."
        )
