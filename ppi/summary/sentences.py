"""Sentences of a transcript with their times."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from ppi.records import Segment, Span, Transcript

# Speech without punctuation is cut after so many words, and where the speaker pauses longer than this.
LONGEST_WORDS, PAUSE_S = 45, 2.0
# Text is split in portions of at most so many words: pysbd's rules are slow on huge lines.
PORTION_WORDS = 400
ENDS = re.compile(r"[.!?…][\"'»”)\]]*$")


@dataclass(frozen=True)
class Sentence:
    """One sentence; the span is where its words were spoken."""

    text: str
    span: Span


@dataclass(frozen=True)
class _Token:
    text: str
    span: Span


def sentences_of(transcript: Transcript) -> list[Sentence]:
    """All sentences in order. A recogniser's segments may end in mid-sentence: such are joined before splitting."""
    return [sentence for portion in _portions(transcript) for sentence in _sentences(portion)]


def is_russian(text: str) -> bool:
    """Whether Cyrillic letters outnumber Latin ones."""
    return len(re.findall("[а-яё]", text, re.IGNORECASE)) > len(re.findall("[a-z]", text, re.IGNORECASE))


def split(text: str) -> list[str]:
    """Sentences by the kept library of the text's language."""
    if is_russian(text):
        from razdel import sentenize

        return [found.text for found in sentenize(text)]
    return [part.strip() for part in _english().segment(text) if part.strip()]


def _portions(transcript: Transcript) -> Iterator[list[_Token]]:
    """Words of segments that belong together: up to the end of a sentence, a pause, or the largest portion.

    Where the recogniser writes no punctuation at all, each segment stands for itself.
    """
    is_punctuated = any(ENDS.search(segment.text.rstrip()) for segment in transcript.segments)
    portion: list[_Token] = []
    for segment in transcript.segments:
        tokens = _tokens(segment)
        if portion and tokens and tokens[0].span.start_s - portion[-1].span.end_s > PAUSE_S:
            yield portion
            portion = []
        portion += tokens
        while len(portion) >= PORTION_WORDS:
            yield portion[:PORTION_WORDS]
            portion = portion[PORTION_WORDS:]
        if portion and (not is_punctuated or ENDS.search(portion[-1].text)):
            yield portion
            portion = []
    if portion:
        yield portion


def _tokens(segment: Segment) -> list[_Token]:
    """The segment's text at its blanks, with the times of its words where these are as many, else spread evenly."""
    texts = segment.text.split()
    if len(texts) == len(segment.words):
        return [
            _Token(text, Span(word.start_s, word.end_s)) for text, word in zip(texts, segment.words, strict=True)
        ]  # fmt: skip
    step_s = (segment.end_s - segment.start_s) / max(len(texts), 1)
    starts = [round(segment.start_s + step_s * number, 3) for number in range(len(texts) + 1)]
    return [_Token(text, Span(*starts[number : number + 2])) for number, text in enumerate(texts)]


def _sentences(tokens: list[_Token]) -> Iterator[Sentence]:
    text = " ".join(token.text for token in tokens)
    places = [0, *accumulate(len(token.text) + 1 for token in tokens)][:-1]
    place = 0
    for part in split(text):
        place = max(text.find(part, place), place)
        first, after = bisect_right(places, place) - 1, bisect_right(places, place + len(part) - 1)
        place += len(part)
        for start in range(first, after, LONGEST_WORDS):
            chosen = tokens[start : min(start + LONGEST_WORDS, after)]
            span = Span(chosen[0].span.start_s, chosen[-1].span.end_s)
            is_whole = after - first <= LONGEST_WORDS
            yield Sentence(part if is_whole else " ".join(token.text for token in chosen), span)


@lru_cache(maxsize=1)
def _english():
    import pysbd

    return pysbd.Segmenter(language="en", clean=False)
