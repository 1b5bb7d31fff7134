"""Words do not begin or end in a pause: their edges are moved to where the sound is.

A model says when a word is said from what it looks at, and looks at the silence before a sentence and behind it as well. Where
a room is too noisy to tell a pause from speech by its loudness, no edge is moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ppi.speech import wav

HOP = wav.RATE_HZ // 100
# Quieter than the loud parts by 30 dB for so long is a pause; shorter is a consonant.
QUIET, LOUD_PART, PAUSE_HOPS = 10 ** (-30 / 20), 0.9, 12


def pauses(sound: np.ndarray) -> list[tuple[float, float]]:
    """[start_s, end_s) of the pauses in `sound` (16 kHz, int16), in order."""
    count = len(sound) // HOP
    if not count:
        return []
    loudness = np.sqrt((sound[: count * HOP].reshape(count, HOP).astype(np.float64) ** 2).mean(axis=1))
    is_quiet = loudness < QUIET * np.quantile(loudness, LOUD_PART)
    borders = np.flatnonzero(np.diff(np.concatenate([[False], is_quiet, [False]]).astype(int)))
    return [(begin / 100, end / 100) for begin, end in borders.reshape(-1, 2) if end - begin >= PAUSE_HOPS]


def snapped(words: Sequence[dict[str, Any]], quiet: Sequence[tuple[float, float]]) -> list[dict[str, Any]]:
    """The words with edges outside the pauses `quiet`; a word that lies in a pause as a whole stays."""
    return [{**word, "start": start_s, "end": end_s} for word in words for start_s, end_s in [_snapped(word, quiet)]]


def _snapped(word: dict[str, Any], quiet: Sequence[tuple[float, float]]) -> tuple[float, float]:
    start_s, end_s = word["start"], word["end"]
    for low_s, high_s in quiet:
        if low_s <= start_s < high_s < end_s:
            start_s = high_s
        if start_s < low_s < end_s <= high_s:
            end_s = low_s
    return start_s, end_s
