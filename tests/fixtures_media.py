"""Tiny recordings of every kind, whose frames carry their numbers and whose sound never repeats, and the sample lesson.

Every frame shows its number as sixteen black and white blocks along the lower edge, least significant first; the sound
sweeps upwards, so that a piece of it fits at one place only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest

from ppi.media.ffmpeg import Ffmpeg
from ppi.settings import Settings

DATA = Path(__file__).parent / "data"
WIDTH, HEIGHT, RATE, SECONDS = 160, 96, 25, 6
SOUND_HZ = 44_100
BITS, BAR = 16, 16

X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "18", "-pix_fmt", "yuv420p")
B_FRAMES = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p", "-bf", "3", "-g", "100")
AAC = ("-c:a", "aac", "-b:a", "96k")
MISSING = "select=not(eq(mod(n\\,7)\\,3))*not(between(n\\,63\\,75))"
# name: (extension, frames per second, options before the inputs of ffmpeg, options of the output)
KINDS: dict[str, tuple[str, str, tuple[str, ...], tuple[str, ...]]] = {
    "mp4": ("mp4", "25", (), (*B_FRAMES, *AAC, "-movflags", "+faststart")),
    "mp4_moov_last": ("mp4", "25", (), (*B_FRAMES, *AAC)),
    "ntsc": ("mp4", "30000/1001", (), (*B_FRAMES, *AAC)),
    "variable": ("mp4", "25", (), (*B_FRAMES, *AAC, "-vf", MISSING, "-fps_mode", "vfr")),
    "silent": ("mp4", "25", (), (*B_FRAMES, "-an")),
    "mov": ("mov", "25", (), (*B_FRAMES, "-c:a", "pcm_s16be")),
    "mkv": ("mkv", "25", (), (*B_FRAMES, "-c:a", "flac")),
    "late_start": ("mkv", "25", (), (*B_FRAMES, *AAC, "-output_ts_offset", "7.3")),
    "webm": ("webm", "25", (), ("-c:v", "libvpx", "-deadline", "realtime", "-b:v", "1M", "-c:a", "libopus")),
    "avi": ("avi", "25", (), ("-c:v", "mpeg4", "-q:v", "3", "-bf", "2", "-c:a", "libmp3lame")),
    "avi_h264": ("avi", "25", (), (*B_FRAMES, "-c:a", "pcm_s16le")),
    "camera": ("avi", "25", (), ("-c:v", "mjpeg", "-q:v", "3", "-pix_fmt", "yuvj420p", "-c:a", "adpcm_ima_wav")),
    "hevc": ("mp4", "25", (), ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", *AAC)),
    "odd_size": ("mkv", "25", (), (*X264, "-vf", "pad=161:97:0:0", "-pix_fmt", "yuv444p", *AAC)),
    "late_sound": ("mp4", "25", ("-itsoffset", "1.5"), (*B_FRAMES, *AAC)),
    "camcorder": ("mts", "25", (), (*B_FRAMES, "-c:a", "ac3", "-f", "mpegts")),
    "wav": ("wav", "", (), ("-vn",)),
    "mp3": ("mp3", "", (), ("-vn", "-c:a", "libmp3lame")),
    "flac": ("flac", "", (), ("-vn",)),
    "ogg": ("ogg", "", (), ("-vn", "-c:a", "libvorbis")),
    "m4a": ("m4a", "", (), ("-vn", *AAC)),
    "adts": ("aac", "", (), ("-vn", *AAC)),
}


@dataclass(frozen=True)
class SampleLesson:
    """The files of tests/data that show PPI off; `sentences` has text, start_s, end_s, speaker, language."""

    video: Path
    sentences: Path
    annotations: Path
    patterns: Path


@pytest.fixture(scope="session")
def sample_lesson() -> SampleLesson:
    return SampleLesson(
        DATA / "sample_lesson.mp4", DATA / "sample_lesson.json", DATA / "sample_annotations.json",
        DATA / "sample_patterns.xlsx",
    )  # fmt: skip


@pytest.fixture(scope="session")
def ffmpeg_program() -> str:
    found = shutil.which("ffmpeg")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("ffmpeg is needed and CI must have it")
        pytest.skip("ffmpeg is not on this machine; make test says how to install it")
    return found


@pytest.fixture(scope="session")
def ffmpeg(ffmpeg_program: str) -> Ffmpeg:
    return Ffmpeg(Settings.from_env({}).media)


@pytest.fixture(scope="session")
def bare_ffmpeg(ffmpeg_program: str) -> Callable[..., None]:
    """`bare_ffmpeg("-i", ...)` runs ffmpeg without any guard, to make test files."""

    def run(*arguments: object) -> None:
        words = [ffmpeg_program, "-nostdin", "-loglevel", "error", "-y", *map(str, arguments)]
        subprocess.run(words, check=True, timeout=120)

    return run


@pytest.fixture(scope="session")
def recording(bare_ffmpeg: Callable[..., None], once: Callable) -> Callable[[str], Path]:
    """`recording("webm")` is the file of that kind (see KINDS), six seconds, made once. Do not change it."""
    source = once("drawn", _draw_and_sing)

    def make(kind: str) -> Path:
        extension, rate, early, options = KINDS[kind]
        raw = ("-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{WIDTH}x{HEIGHT}")
        picture = (*raw, "-r", rate, "-i", source / "frames.gray")
        sound = (*early, "-i", source / "sound.wav")
        words = (*(picture if rate else ()), *sound, *options, "-t", SECONDS + (1.5 if early else 0))
        name = f"{kind}.{extension}"
        return once(f"recording-{kind}", lambda folder: bare_ffmpeg(*words, folder / name)) / name

    return make


@pytest.fixture(scope="session")
def rotated(recording: Callable, bare_ffmpeg: Callable, once: Callable) -> Path:
    """As a phone films upright: the picture is stored lying, with a matrix that says so."""
    words = ("-i", recording("mp4"), "-c", "copy", "-metadata:s:v", "rotate=90")
    return once("rotated", lambda folder: bare_ffmpeg(*words, folder / "rotated.mp4")) / "rotated.mp4"


def numbers_of(path: Path) -> tuple[list[float], list[int]]:
    """The presentation times and the numbers of all frames, as a decoder shows them."""
    times, numbers = [], []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            times.append(frame.time)
            numbers.append(number_in(frame.to_ndarray(format="gray")))
    return times, numbers


def number_in(picture: np.ndarray) -> int:
    """The number that the blocks along the lower edge spell."""
    height, width = picture.shape
    block = width / BITS
    row = picture[height - BAR // 2]
    return sum(1 << bit for bit in range(BITS) if row[int((bit + 0.5) * block)] > 127)


def samples_of(wav: Path) -> np.ndarray:
    """The first channel of a 16-bit WAV as float64, -1..1."""
    with wave.open(str(wav)) as file:
        found = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, file.getnchannels())
    return found[:, 0].astype(np.float64) / 32768


def sweep(times_s: np.ndarray) -> np.ndarray:
    """The sound of every recording at the given times: a tone from 300 to 3300 Hz; silence before zero."""
    return np.where(times_s >= 0, 0.5 * np.sin(2 * np.pi * (300 * times_s + 250 * times_s**2)), 0.0)


def lag_s(heard: np.ndarray, wanted: np.ndarray, rate_hz: int) -> float:
    """How much later `heard` is than `wanted`, by the peak of their correlation; asserts that they are alike at all."""
    length = min(len(heard), len(wanted))
    heard, wanted = heard[:length], wanted[:length]
    size = 1 << (2 * length).bit_length()
    together = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(wanted, size)))
    peak = int(np.argmax(together))
    likeness = together[peak] / (np.linalg.norm(heard) * np.linalg.norm(wanted))
    assert likeness > 0.8, f"the sounds differ ({likeness:.2f})"
    return (peak if peak < size / 2 else peak - size) / rate_hz


def _draw_and_sing(folder: Path) -> None:
    _draw(folder / "frames.gray")
    _sing(folder / "sound.wav")


def _draw(path: Path) -> None:
    across, down = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    with path.open("wb") as file:
        for number in range(round(SECONDS * 30)):
            picture = ((across * 2 + down + number * 3) % 256).astype(np.uint8)
            bits = [255 if number >> bit & 1 else 0 for bit in range(BITS)]
            picture[HEIGHT - BAR :] = np.repeat(np.array(bits, np.uint8), WIDTH // BITS)
            file.write(picture.tobytes())


def _sing(path: Path) -> None:
    sound = sweep(np.arange(SECONDS * SOUND_HZ) / SOUND_HZ)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SOUND_HZ)
        file.writeframes((sound * 32767).astype(np.int16).tobytes())
