"""Words do not begin or end in a pause: their edges are moved to where the sound is.

A model says when a word is said from what it looks at, and looks at the silence before a sentence and behind it as well. Where
a room is too noisy to tell a pause from speech by its loudness, no edge is moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ppi.speech import wav

Spans = Sequence[tuple[float, float]]
HOP = wav.RATE_HZ // 100
# Less than that is no word.
LEAST_S = 0.1
# Quieter than the loud parts by 30 dB for so long is a pause; shorter is a consonant.
QUIET, LOUD_PART, PAUSE_HOPS = 10 ** (-30 / 20), 0.9, 12
# So is what is hardly louder (4 dB) than the quietest part, the noise of the room, if speech is much louder (14 dB) than that.
QUIET_PART, NOISE, ABOVE_NOISE = 0.1, 10 ** (4 / 20), 10 ** (-14 / 20)


def pauses(sound: np.ndarray) -> list[tuple[float, float]]:
    """[start_s, end_s) of the pauses in `sound` (16 kHz, int16), in order."""
    count = len(sound) // HOP
    if not count:
        return []
    loudness = np.sqrt((sound[: count * HOP].reshape(count, HOP).astype(np.float64) ** 2).mean(axis=1))
    loud, noise = np.quantile(loudness, [LOUD_PART, QUIET_PART]) * [1, NOISE]
    is_quiet = loudness < max(QUIET * loud, noise if noise < ABOVE_NOISE * loud else 0)
    borders = np.flatnonzero(np.diff(np.concatenate([[False], is_quiet, [False]]).astype(int)))
    return [(begin / 100, end / 100) for begin, end in borders.reshape(-1, 2) if end - begin >= PAUSE_HOPS]


def outside(quiet: Spans, start_s: float, end_s: float) -> list[tuple[float, float]]:
    """What lies between `start_s` and `end_s` and in no pause, in order; all of it when that is next to nothing."""
    parts, now_s = [], start_s
    for low_s, high_s in quiet:
        if start_s < high_s and low_s < end_s:
            parts.append((now_s, max(low_s, now_s)))
            now_s = high_s
    parts.append((now_s, max(end_s, now_s)))
    parts = [(begin_s, stop_s) for begin_s, stop_s in parts if stop_s > begin_s]
    return parts if sum(stop_s - begin_s for begin_s, stop_s in parts) >= LEAST_S else [(start_s, end_s)]


def snapped(words: Sequence[dict[str, Any]], quiet: Spans) -> list[dict[str, Any]]:
    """The words with edges outside the pauses `quiet`; a word that lies in a pause as a whole stays."""
    return [{**word, "start": start_s, "end": end_s} for word in words for start_s, end_s in [_snapped(word, quiet)]]


def _snapped(word: dict[str, Any], quiet: Spans) -> tuple[float, float]:
    start_s, end_s = word["start"], word["end"]
    for low_s, high_s in quiet:
        if low_s <= start_s < high_s < end_s:
            start_s = high_s
        if start_s < low_s < end_s <= high_s:
            end_s = low_s
    return start_s, end_s
