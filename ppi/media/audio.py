"""Sound: the lesson's WAV, what the recogniser hears, and the small track that annotators' browsers load whole."""

from __future__ import annotations

import tempfile
import wave
from pathlib import Path

from ppi.media.ffmpeg import Ffmpeg, Limits, Progress
from ppi.records import MediaInfo

# A WAV of more than 4 GiB (6 hours and 45 minutes) is written as RF64.
WAV = {"format": "wav", "c:a": "pcm_s16le", "map_metadata": "-1", "rf64": "auto"}
LESSON_WAV = {**WAV, "ar": 44_100, "ac": 2}
SPEECH_WAV = {**WAV, "ar": 16_000, "ac": 1}
# 18 MB an hour. MP3, because every browser reads it and its head says how many samples to leave out at both ends: what is
# decoded is as long as what was given. The rate keeps the decoded waveform of a lesson small in the browser.
SMALL_HZ = 24_000
SMALL_MP3 = {"format": "mp3", "c:a": "libmp3lame", "b:a": "40k", "ar": SMALL_HZ, "ac": 1, "map_metadata": "-1"}
# What the waveform is measured on: plain samples without a head.
OUTLINE_HZ = 8_000
OUTLINE_PCM = {"format": "s16le", "c:a": "pcm_s16le", "ar": OUTLINE_HZ, "ac": 1}
LESSON_BYTES_PER_S = 44_100 * 2 * 2
SPARE_S = 60


def extract(
    ffmpeg: Ffmpeg,
    source: Path,
    info: MediaInfo,
    wav: Path,
    speech_wav: Path | None,
    on_progress: Progress,
    small_mp3: Path | None = None,
    outline_pcm: Path | None = None,
) -> None:
    """Write the first sound track as WAV, 44.1 kHz stereo 16 bit, and what else is asked for, in one pass.

    `speech_wav` is 16 kHz mono, `small_mp3` what `small_track` writes, `outline_pcm` what `peaks.measure` reads. All begin
    where the recording begins and are as long as it is, with silence where the track has nothing. Raises UnsupportedMedia
    and ToolFailed; existing files are replaced only by finished ones.
    """
    asked = {wav: LESSON_WAV, speech_wav: SPEECH_WAV, small_mp3: SMALL_MP3, outline_pcm: OUTLINE_PCM}
    kinds = {path: kind for path, kind in asked.items() if path is not None}
    sync = f"{on_clock_of(info)},{whole(info)}"
    _convert(ffmpeg, source, kinds, sync, info.duration_s, info.duration_s + SPARE_S, on_progress)


def small_track(ffmpeg: Ffmpeg, source: Path, info: MediaInfo, mp3: Path, on_progress: Progress) -> None:
    """Write the recording's sound as a small mono MP3 that is exactly as long as the recording, silence included.

    Label Studio loads the whole sound of a task and stretches its waveform to the length of the video. A recording
    without sound gets silence. Raises what `extract` raises.
    """
    if info.audio:
        sync = f"{on_clock_of(info)},{whole(info)}"
        _convert(ffmpeg, source, {mp3: SMALL_MP3}, sync, info.duration_s, info.duration_s + SPARE_S, on_progress)
        return
    with tempfile.TemporaryDirectory(prefix="ppi-silence-") as folder:
        moment = Path(folder) / "silence.wav"
        with wave.open(str(moment), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(SMALL_HZ)
            file.writeframes(bytes(2 * SMALL_HZ // 10))
        _convert(ffmpeg, moment, {mp3: SMALL_MP3}, whole(info), info.duration_s, info.duration_s + SPARE_S, on_progress)


def outline(ffmpeg: Ffmpeg, sound: Path, info: MediaInfo, pcm: Path, on_progress: Progress) -> None:
    """Write what `peaks.measure` reads of a sound track that `extract` or `small_track` made of the recording."""
    # The first sample is at zero: the time stamps of an MP3 begin after what its encoder put before it.
    sync = f"asetpts=N/SR/TB,{whole(info)}"
    _convert(ffmpeg, sound, {pcm: OUTLINE_PCM}, sync, info.duration_s, info.duration_s + SPARE_S, on_progress)


def on_clock_of(info: MediaInfo) -> str:
    """The filters that put a sound track on the clock of its recording, which begins with zero."""
    return _sync(info.start_s)


def whole(info: MediaInfo) -> str:
    """The filters that make sound exactly as long as the recording, by silence at the end or by cutting there."""
    return f"apad=whole_dur={info.duration_s:.6f},atrim=end={info.duration_s:.6f}"


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
