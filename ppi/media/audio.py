"""Sound: the lesson's WAV, and what the recogniser hears."""

from __future__ import annotations

from pathlib import Path

from ppi.media.ffmpeg import Ffmpeg, Limits, Progress
from ppi.records import MediaInfo

# A WAV of more than 4 GiB (6 hours and 45 minutes) is written as RF64.
WAV = {"format": "wav", "c:a": "pcm_s16le", "map_metadata": "-1", "rf64": "auto"}
LESSON_WAV = {**WAV, "ar": 44_100, "ac": 2}
SPEECH_WAV = {**WAV, "ar": 16_000, "ac": 1}
LESSON_BYTES_PER_S = 44_100 * 2 * 2
SPARE_S = 60


def extract(
    ffmpeg: Ffmpeg, source: Path, info: MediaInfo, wav: Path, speech_wav: Path | None, on_progress: Progress
) -> None:
    """Write the first sound track as WAV, 44.1 kHz stereo 16 bit; when asked also 16 kHz mono for speech, in one pass.

    Both begin where the recording begins and are as long as it is, with silence where the track has nothing.
    Raises UnsupportedMedia and ToolFailed; existing files are replaced only by finished ones.
    """
    kinds = {wav: LESSON_WAV}
    if speech_wav is not None:
        kinds[speech_wav] = SPEECH_WAV
    sync = f"{_sync(info.start_s)},apad=whole_dur={info.duration_s:.6f}"
    _convert(ffmpeg, source, kinds, sync, info.duration_s, info.duration_s + SPARE_S, on_progress)


def extract_speech(ffmpeg: Ffmpeg, source: Path, wav: Path, on_progress: Progress) -> None:
    """Write only the 16 kHz mono WAV that recognisers take; `source` may be a sound file."""
    found = ffmpeg.look_into(source, "length")
    # What a file declares may be nothing, so only the settings bound how long it is.
    longest_s = ffmpeg.settings.max_duration_s
    _convert(ffmpeg, source, {wav: SPEECH_WAV}, _sync(found["start_s"]), found["duration_s"], longest_s, on_progress)


def _sync(start_s: float) -> str:
    """Sound that begins after the picture is padded, so that its clock is the picture's; holes become silence."""
    return f"asetpts=PTS-({start_s:.6f})/TB,aresample=async=1:first_pts=0"


def _convert(
    ffmpeg: Ffmpeg,
    source: Path,
    kinds: dict[Path, dict],
    sync: str,
    total_s: float,
    longest_s: float,
    on_progress: Progress,
) -> None:
    def build(recording, files):
        return [
            recording["a:0"].output(file, af=sync, **kind) for file, kind in zip(files, kinds.values(), strict=True)
        ]

    # A sound track with a lie in its time stamps would be filled with hours of silence.
    largest_bytes = int(longest_s * LESSON_BYTES_PER_S)
    ffmpeg.convert(
        source, build, list(kinds), input_options={"copyts": None, "vn": None, "sn": None, "dn": None}, total_s=total_s,
        limits=Limits(wall_s=max(600, longest_s), file_bytes=largest_bytes), on_progress=on_progress,
    )  # fmt: skip
