"""Synthetic speech whose words have known times: espeak-ng's own events, read through its library."""

from __future__ import annotations

import ctypes
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from ctypes.util import find_library
from dataclasses import dataclass
from functools import cache

import numpy as np

RATE_HZ = 16_000
SYNCHRONOUS, UTF8, RATE, PITCH, WORD = 2, 1, 1, 3, 1


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h."""

    _fields_ = [
        ("type", ctypes.c_int), ("unique", ctypes.c_uint), ("text_position", ctypes.c_int), ("length", ctypes.c_int),
        ("audio_position_ms", ctypes.c_int), ("sample", ctypes.c_int), ("user_data", ctypes.c_void_p), ("id", _Id),
    ]  # fmt: skip


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@dataclass(frozen=True)
class Spoken:
    """int16 samples at 16 kHz, and (word as written, moment it begins in seconds)."""

    sound: np.ndarray
    words: tuple[tuple[str, float], ...]


def is_here() -> bool:
    return bool(_name())


def anew(say: Callable, *given):
    """`say(*given)` in a process of its own: espeak-ng says a sentence a little differently after others."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(say, *given).result()


def all_spoken(texts: list[str], voice: str) -> list[Spoken]:
    return [spoken(text, voice) for text in texts]


def spoken(text: str, voice: str, *, words_a_minute: int = 145, pitch: int = 50) -> Spoken:
    """The sentence, spoken. `voice` is one of espeak-ng's, such as "en-us" or "ru"."""
    library, rate_hz = _library()
    parts, begins = [], []

    @_CALLBACK
    def keep(samples, count, events):
        if samples and count:
            parts.append(np.ctypeslib.as_array(samples, (count,)).copy())
        for number in range(1000):
            if not events[number].type:
                break
            if events[number].type == WORD:
                begins.append((events[number].text_position - 1, events[number].audio_position_ms / 1000))
        return 0

    library.espeak_SetSynthCallback(keep)
    library.espeak_SetVoiceByName(voice.encode())
    library.espeak_SetParameter(RATE, words_a_minute, 0)
    library.espeak_SetParameter(PITCH, pitch, 0)
    data = text.encode()
    library.espeak_Synth(data, len(data) + 1, 0, 1, 0, UTF8, None, None)
    library.espeak_Synchronize()
    sound = np.concatenate(parts).astype(np.float64)
    length = int(len(sound) * RATE_HZ / rate_hz)
    resampled = np.interp(np.linspace(0, len(sound) - 1, length), np.arange(len(sound)), sound).astype(np.int16)
    return Spoken(resampled, tuple(_words(text, dict(begins))))


def _words(text: str, begins: dict[int, float]):
    """espeak-ng counts letters from the start of the text; words it says in one breath with the one before have no event."""
    place, now_s = 0, 0.0
    for word in text.split():
        now_s = begins.get(text.index(word, place), now_s)
        yield word, now_s
        place = text.index(word, place) + len(word)


def _name() -> str:
    return find_library("espeak-ng") or ""


@cache
def _library():
    """The library and its rate in Hz. It can be started once in a process."""
    library = ctypes.CDLL(_name())
    return library, library.espeak_Initialize(SYNCHRONOUS, 0, None, 0)
