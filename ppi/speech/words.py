"""Putting an engine's words in order: inside the recording and their segment, never backwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from ppi.records import Segment, Word
from ppi.speech import doubt

# The words of a segment may begin and end so much outside it.
NEAR_S = 0.5


def segments_from(raw: Iterable[dict[str, Any]], duration_s: float) -> tuple[Segment, ...]:
    """Segments of {start, end, text, words: [{word, start, end, probability, interpolated?}], language?} and measures of doubt.

    Times become monotonic, inside the recording, in seconds; a segment spans its words. Segments without any text are left
    out. A segment's language stands there when more than one is spoken.
    """
    found: list[Segment] = []
    now_s, texts = 0.0, []
    spoken = [segment for segment in raw if segment["text"].strip()]
    names_language = len({segment.get("language", "") for segment in spoken}) > 1
    for segment in spoken:
        text = segment["text"].strip()
        start_s = _within(segment["start"], now_s, duration_s)
        words = _words(segment.get("words") or (), start_s, duration_s)
        if words:
            start_s, now_s = words[0].start_s, words[-1].end_s
        else:
            now_s = _within(segment["end"], start_s, duration_s)
        language = segment.get("language", "") if names_language else ""
        found.append(Segment(start_s, now_s, text, words, language=language, flags=doubt.flags(segment, texts[-3:])))
        texts.append(text)
    return tuple(found)


def main_language(raw: Iterable[dict[str, Any]]) -> str:
    """The language of most of the text, "" when nothing was said."""
    letters: dict[str, int] = {}
    for segment in raw:
        language = segment.get("language", "")
        letters[language] = letters.get(language, 0) + len(segment["text"].strip())
    return max(letters, key=lambda language: letters[language]) if any(letters.values()) else ""


def in_segment(words: Sequence[dict[str, Any]], start_s: float, end_s: float) -> list[dict[str, Any]]:
    """The words with times inside their segment, give or take `NEAR_S`, never backwards.

    A model says a segment's borders and shows its words' times in two ways that differ a little. Where a third of the words
    lie far outside, it does not know their times, and they share the segment by their letters.
    """
    low_s, high_s = max(start_s - NEAR_S, 0.0), end_s + NEAR_S
    lost = [word for word in words if not low_s <= (word["start"] + word["end"]) / 2 <= high_s]
    if len(lost) * 3 >= len(words):
        return _shared(words, start_s, end_s)
    now_s, kept = low_s, []
    for word in words:
        begin_s = min(max(word["start"], now_s), high_s)
        now_s = min(max(word["end"], begin_s), high_s)
        kept.append({**word, "start": begin_s, "end": now_s})
    return kept


def _shared(words: Sequence[dict[str, Any]], start_s: float, end_s: float) -> list[dict[str, Any]]:
    ends = [0]
    for word in words:
        ends.append(ends[-1] + len(word["word"].strip()) + 1)
    scale = (end_s - start_s) / ends[-1]
    return [
        {**word, "start": start_s + begin * scale, "end": start_s + end * scale, "interpolated": True}
        for word, (begin, end) in zip(words, pairwise(ends), strict=True)
    ]


def _words(raw: Iterable[dict[str, Any]], start_s: float, duration_s: float) -> tuple[Word, ...]:
    words, now_s = [], start_s
    for word in raw:
        text = word["word"].strip()
        if not text:
            continue
        begin_s = _within(word["start"], now_s, duration_s)
        now_s = _within(word["end"], begin_s, duration_s)
        probability = word.get("probability")
        certain = None if probability is None else round(float(probability), 4)
        words.append(Word(text, begin_s, now_s, certain, word.get("interpolated", False)))
    return tuple(words)


def _within(time_s: float, low_s: float, high_s: float) -> float:
    return round(min(max(float(time_s), low_s), high_s), 3)
