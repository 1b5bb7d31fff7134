"""Sentences of a transcript with their times."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ppi.records import Segment, Span, Transcript

MAX_WORDS = 45
# pysbd's rules are slow on huge lines.
MAX_CHARS = 4000


@dataclass(frozen=True)
class Sentence:
    """One sentence; the span is where its words were spoken."""

    text: str
    span: Span


def sentences_of(transcript: Transcript) -> list[Sentence]:
    """All sentences in order. Speech without punctuation is cut at segment borders and after 45 words."""
    found: list[Sentence] = []
    for segment in transcript.segments:
        for text, span in _timed(segment):
            found.append(Sentence(text, span))
    return found


def is_russian(text: str) -> bool:
    """Whether Cyrillic letters outnumber Latin ones."""
    return len(re.findall("[а-яё]", text, re.IGNORECASE)) > len(re.findall("[a-z]", text, re.IGNORECASE))


def split(text: str) -> list[str]:
    """Sentences by the kept library of the text's language."""
    parts = []
    for start in range(0, len(text), MAX_CHARS):
        chunk = text[start : start + MAX_CHARS]
        if is_russian(chunk):
            from razdel import sentenize

            parts += [found.text for found in sentenize(chunk)]
        else:
            import pysbd

            parts += pysbd.Segmenter(language="en", clean=False).segment(chunk)
    return [part.strip() for part in parts if part.strip()]


def _timed(segment: Segment) -> Iterator[tuple[str, Span]]:
    """Each sentence gets the share of the segment's time that its letters are of the text."""
    whole = max(len(segment.text), 1)
    length_s = segment.end_s - segment.start_s
    place = 0
    for sentence in split(segment.text):
        words = sentence.split()
        for first in range(0, len(words), MAX_WORDS):
            text = " ".join(words[first : first + MAX_WORDS])
            start_s = segment.start_s + length_s * place / whole
            place = min(place + len(text) + 1, whole)
            yield text, Span(round(start_s, 3), round(segment.start_s + length_s * place / whole, 3))
