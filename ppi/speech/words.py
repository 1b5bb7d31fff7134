"""Putting an engine's words in order: inside the recording, never backwards."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ppi.records import Segment, Word


def segments_from(raw: Iterable[dict[str, Any]], duration_s: float) -> tuple[Segment, ...]:
    """Segments of {start, end, text, words: [{word, start, end, probability}]} with times made monotonic, in seconds.

    Segments without any text are left out.
    """
    found, now_s = [], 0.0
    for segment in raw:
        text = segment["text"].strip()
        if not text:
            continue
        start_s = _within(segment["start"], now_s, duration_s)
        words = _words(segment.get("words") or (), start_s, duration_s)
        if words:
            start_s, now_s = words[0].start_s, words[-1].end_s
        else:
            now_s = _within(segment["end"], start_s, duration_s)
        found.append(Segment(start_s, now_s, text, words))
    return tuple(found)


def _words(raw: Iterable[dict[str, Any]], start_s: float, duration_s: float) -> tuple[Word, ...]:
    words, now_s = [], start_s
    for word in raw:
        text = word["word"].strip()
        if not text:
            continue
        begin_s = _within(word["start"], now_s, duration_s)
        now_s = _within(word["end"], begin_s, duration_s)
        probability = word.get("probability")
        words.append(Word(text, begin_s, now_s, None if probability is None else round(float(probability), 4)))
    return tuple(words)


def _within(time_s: float, low_s: float, high_s: float) -> float:
    return round(min(max(float(time_s), low_s), high_s), 3)
