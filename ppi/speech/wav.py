"""Reading the 16 kHz mono WAV that recognisers take."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ppi.errors import InputError

RATE_HZ = 16_000
# 16-bit samples below this are quieter than any microphone in a room.
SILENCE_PEAK = 16


def duration_s(path: Path) -> float:
    """Raises InputError when the file is not 16 kHz mono 16 bit."""
    with _open(path) as file:
        return file.getnframes() / RATE_HZ


def is_silent(path: Path) -> bool:
    """Whether nothing at all can be heard; reads in flat memory."""
    return all(int(np.abs(block.astype(np.int32)).max(initial=0)) < SILENCE_PEAK for block in blocks(path))


def samples(path: Path) -> np.ndarray:
    """float32, shape (samples,), 16 kHz, -1..1."""
    found = list(blocks(path))
    joined = np.concatenate(found) if found else np.zeros(0, np.int16)
    return joined.astype(np.float32) / 32768.0


def blocks(path: Path, block_s: float = 10.0) -> Iterator[np.ndarray]:
    """int16 arrays of at most `block_s` seconds."""
    with _open(path) as file:
        while data := file.readframes(int(block_s * RATE_HZ)):
            yield np.frombuffer(data, dtype="<i2")


def _open(path: Path) -> wave.Wave_read:
    try:
        file = wave.open(str(path), "rb")
    except (wave.Error, EOFError) as error:
        raise InputError("The sound for the recogniser must be a WAV of 16 kHz, mono, 16 bit.") from error
    if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (RATE_HZ, 1, 2):
        file.close()
        raise InputError("The sound for the recogniser must be a WAV of 16 kHz, mono, 16 bit.")
    return file
