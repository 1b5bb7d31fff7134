"""Sound: the lesson's WAV, and what the recogniser hears."""

from __future__ import annotations

from pathlib import Path

from ppi.media.ffmpeg import GIB, Ffmpeg, Limits, Progress
from ppi.records import MediaInfo

# Sound that begins after the picture is padded, so that its clock is the picture's.
SYNC = "aresample=async=1:first_pts=0"
WAV = ("-map", "0:a:0", "-af", SYNC, "-c:a", "pcm_s16le", "-f", "wav", "-map_metadata", "-1")
LESSON_WAV = (*WAV, "-ar", "44100", "-ac", "2")
SPEECH_WAV = (*WAV, "-ar", "16000", "-ac", "1")


def extract(
    ffmpeg: Ffmpeg, source: Path, info: MediaInfo, wav: Path, speech_wav: Path | None, on_progress: Progress
) -> None:
    """Write the first sound track as WAV, 44.1 kHz stereo 16 bit, and, when asked, 16 kHz mono for speech in the same pass.

    Raises UnsupportedMedia and ToolFailed; existing files are replaced only by finished ones.
    """
    outputs = [(wav, LESSON_WAV)]
    if speech_wav is not None:
        outputs.append((speech_wav, SPEECH_WAV))
    _convert(ffmpeg, source, outputs, info.duration_s, on_progress)


def extract_speech(ffmpeg: Ffmpeg, source: Path, wav: Path, on_progress: Progress, total_s: float = 0) -> None:
    """Write only the 16 kHz mono WAV that recognisers take; `source` may be a sound file."""
    _convert(ffmpeg, source, [(wav, SPEECH_WAV)], total_s, on_progress)


def _convert(ffmpeg: Ffmpeg, source: Path, outputs: list, total_s: float, on_progress: Progress) -> None:
    ffmpeg.convert(
        source, (), outputs, input_options=("-vn", "-sn", "-dn"), total_s=total_s,
        limits=Limits(wall_s=max(600, total_s), file_bytes=16 * GIB), on_progress=on_progress,
    )  # fmt: skip
