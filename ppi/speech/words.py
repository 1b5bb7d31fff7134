"""Putting an engine's words in order: inside the recording and their segment, never backwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import Any

from ppi.records import Segment, Word
from ppi.speech import doubt
from ppi.speech.edges import Spans, outside, snapped

# The words of a segment may begin and end so much outside it.
NEAR_S = 0.5
# People need about twice as long for a letter.
LETTER_S = 0.03
# So far a border between two words whose times are not known is moved to a pause.
PAUSE_NEAR_S = 0.3


def segments_from(raw: Iterable[dict[str, Any]], duration_s: float) -> tuple[Segment, ...]:
    """Segments of {start, end, text, words: [{word, start, end, probability, interpolated?, unaligned?}], language?} and
    measures of doubt.

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


def in_segment(words: Sequence[dict[str, Any]], start_s: float, end_s: float, quiet: Spans = ()) -> list[dict[str, Any]]:
    """The words with times inside their segment, give or take `NEAR_S`, never backwards, their edges outside pauses.

    A model says a segment's borders and shows its words' times in two ways that differ a little. Where a third of the words
    lie far outside, or are faster than anybody speaks, it does not know their times, and they share the segment by letters.
    """
    low_s, high_s = max(start_s - NEAR_S, 0.0), end_s + NEAR_S
    lost = [word for word in words if not low_s <= (word["start"] + word["end"]) / 2 <= high_s or _is_rushed(word)]
    if len(lost) * 3 >= len(words):
        return shared(words, start_s, end_s, quiet)
    now_s, kept = low_s, []
    for word in snapped(words, quiet):
        begin_s = min(max(word["start"], now_s), high_s)
        now_s = min(max(word["end"], begin_s), high_s)
        kept.append({**word, "start": begin_s, "end": now_s})
    return kept


def _is_rushed(word: dict[str, Any]) -> bool:
    return word["end"] - word["start"] < LETTER_S * len(word["word"].strip())


def shared(words: Sequence[dict[str, Any]], start_s: float, end_s: float, quiet: Spans = ()) -> list[dict[str, Any]]:
    """The words with times that share what is no pause of a stretch by their letters, and say so.

    A border of two words that comes near a pause is moved there: people pause between words.
    """
    letters = list(accumulate((len(word["word"].strip()) + 1 for word in words), initial=0))
    parts = outside(quiet, start_s, end_s)
    ends_s = list(accumulate(stop_s - begin_s for begin_s, stop_s in parts))
    borders_s = [count * ends_s[-1] / letters[-1] for count in letters]
    for pause_s in ends_s[:-1]:
        place = min(range(1, len(words)), key=lambda one: abs(borders_s[one] - pause_s), default=0)
        if place and abs(borders_s[place] - pause_s) < PAUSE_NEAR_S and borders_s[place - 1] < pause_s < borders_s[place + 1]:
            borders_s[place] = pause_s
    return [
        {**word, "start": _at(begin_s, parts), "end": _at(stop_s, parts, is_end=True), "interpolated": True}
        for word, (begin_s, stop_s) in zip(words, pairwise(borders_s), strict=True)
    ]


def _at(heard_s: float, parts: Spans, is_end: bool = False) -> float:
    """When so much of the parts is over: where two meet, the end of the first or else the beginning of the second."""
    for begin_s, stop_s in parts:
        left_s = stop_s - begin_s - heard_s
        if left_s > 1e-9 or (is_end and left_s > -1e-9):
            return begin_s + heard_s
        heard_s = -left_s
    return parts[-1][1]


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
        told = {name: True for name in ("interpolated", "unaligned") if word.get(name)}
        words.append(Word(text, begin_s, now_s, certain, **told))
    return tuple(words)


def _within(time_s: float, low_s: float, high_s: float) -> float:
    return round(min(max(float(time_s), low_s), high_s), 3)
