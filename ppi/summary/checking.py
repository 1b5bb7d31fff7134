"""Whether the words of a point were said where the point says it comes from.

A check of words, not of meaning: it finds what was made up, and cannot find that a "not" was lost. Both languages, without a
model. A point passes when at least THRESHOLD of its stems, stop words aside, are among those of the cited stretches and
the lines right before and after them, and every number in it is. Paraphrases in words of their own fail: marked points
are for people to look at, they are not lies.
"""

from __future__ import annotations

import re
from dataclasses import replace

from ppi.records import KeyPoint, Segment, Span, Transcript
from ppi.summary import ranking

THRESHOLD = 0.5
# How many lines around the cited ones are looked at: recognisers cut sentences where people breathe.
AROUND = 1
NUMBER = re.compile(r"\d+")


class Checker:
    """Checks points against one transcript."""

    def __init__(self, transcript: Transcript):
        self._segments = transcript.segments

    def checked(self, point: KeyPoint) -> KeyPoint:
        return replace(point, is_verified=self.is_said(point.text, point.cites))

    def is_said(self, text: str, cites: tuple[Span, ...]) -> bool:
        # Who spoke was told to the model and may stand in a point.
        there = " ".join(f"{segment.speaker} {segment.text}" for segment in self._near(cites))
        if not set(NUMBER.findall(text)) <= set(NUMBER.findall(there)):
            return False
        wanted, found = word_stems(text), word_stems(there)
        if not wanted:  # nothing but stop words: then these must be there
            wanted, found = _tokens(text), _tokens(there)
        return bool(wanted) and len(wanted & found) >= THRESHOLD * len(wanted)

    def _near(self, cites: tuple[Span, ...]) -> list[Segment]:
        near: set[int] = set()
        for cite in cites:
            inside = [number for number, segment in enumerate(self._segments) if _touches(segment, cite)]
            near |= {number + step for number in inside for step in range(-AROUND, AROUND + 1)}
        return [segment for number, segment in enumerate(self._segments) if number in near]


def word_stems(text: str) -> set[str]:
    """The stems of the words that count, each by the rules of its own alphabet."""
    return {stem for token in _tokens(text) for stem in ranking.stems(token)}


def _tokens(text: str) -> set[str]:
    return set(ranking.TOKEN.findall(text.lower()))


def _touches(segment: Segment, span: Span) -> bool:
    return segment.start_s < max(span.end_s, span.start_s + 0.001) and segment.end_s > span.start_s
