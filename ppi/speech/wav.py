"""Reading the 16 kHz mono WAV that recognisers take, in flat memory."""

from __future__ import annotations

import contextlib
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ppi.errors import InputError

RATE_HZ = 16_000
# 16-bit samples below this are quieter than any microphone in a room.
SILENCE_PEAK = 16
# Recordings are heard in stretches of about a minute, so that little is lost when the machine goes down.
STRETCH_S = 60.0
# Where they are cut: in the quietest half second of the last part that still fits.
CUT_S, HOP_S, SEARCHED_S = 0.5, 0.1, 15.0


def duration_s(path: Path) -> float:
    """Raises InputError when the file is not 16 kHz mono 16 bit."""
    with _open(path) as file:
        return file.getnframes() / RATE_HZ


def is_silent(path: Path) -> bool:
    """Whether nothing at all can be heard."""
    return all(is_quiet(block) for block in blocks(path))


def is_quiet(samples: np.ndarray) -> bool:
    """Whether no sample (int16) is loud enough to be sound."""
    return int(np.abs(samples.astype(np.int32)).max(initial=0)) < SILENCE_PEAK


def stretches(path: Path, longest_s: float = STRETCH_S, from_s: float = 0.0) -> Iterator[tuple[float, np.ndarray]]:
    """(start_s, int16 samples) of stretches that follow each other without a gap, cut where the recording is quiet.

    Where one ends depends on nothing before it: beginning at the end of one gives the same ones that followed it.
    """
    longest, start = int(longest_s * RATE_HZ), round(from_s * RATE_HZ)
    kept = np.zeros(0, np.int16)
    for block in blocks(path, from_s=from_s):
        kept = np.concatenate([kept, block])
        while len(kept) > longest:
            cut = quiet_place(kept[:longest])
            yield start / RATE_HZ, kept[:cut]
            kept, start = kept[cut:], start + cut
    if len(kept):
        yield start / RATE_HZ, kept


def as_float(samples: np.ndarray) -> np.ndarray:
    """float32, -1..1, as recognisers want it."""
    return samples.astype(np.float32) / 32768.0


def read(path: Path, start: int, count: int) -> np.ndarray:
    """At most `count` samples (int16) from the sample `start` on."""
    with _open(path) as file:
        file.setpos(min(start, file.getnframes()))
        return np.frombuffer(file.readframes(count), dtype="<i2")


def blocks(path: Path, block_s: float = 10.0, from_s: float = 0.0) -> Iterator[np.ndarray]:
    """int16 arrays of at most `block_s` seconds."""
    with _open(path) as file:
        file.setpos(min(round(from_s * RATE_HZ), file.getnframes()))
        while data := file.readframes(int(block_s * RATE_HZ)):
            yield np.frombuffer(data, dtype="<i2")


def quiet_place(samples: np.ndarray) -> int:
    """The middle of the quietest half second near the end, as an index; the latest when several are alike."""
    hop, window = int(HOP_S * RATE_HZ), round(CUT_S / HOP_S)
    searched = min(int(SEARCHED_S * RATE_HZ), len(samples) // 2) // hop
    tail = samples[len(samples) - searched * hop :].astype(np.float64)
    energy = (tail.reshape(searched, hop) ** 2).sum(axis=1)
    sums = np.convolve(energy, np.ones(window), "valid")
    latest = len(sums) - 1 - int(np.argmin(sums[::-1]))
    return len(samples) - len(tail) + latest * hop + window * hop // 2


@contextlib.contextmanager
def _open(path: Path) -> Iterator[wave.Wave_read]:
    try:
        with wave.open(str(path), "rb") as file:
            if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (RATE_HZ, 1, 2):
                raise wave.Error("another kind of WAV")
            yield file
    except (wave.Error, EOFError) as error:
        raise InputError("The sound for the recogniser must be a WAV of 16 kHz, mono, 16 bit.") from error
