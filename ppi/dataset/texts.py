"""What was said during a sample: the text, its words with what the recogniser thought of them, and who spoke."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ppi.records import Segment, Span, Transcript, Word

# A word that its recogniser gives a lower probability is marked, unless a person has found it right. Stands in the manifest of
# every dataset.
UNCERTAIN_BELOW = 0.5
NO_SPEECH = "[no speech]"
# Where a text comes from: nobody listened, a program did, or a person corrected what the program heard.
NONE, RECOGNIZED, CORRECTED = ORIGINS = ("none", "recognized", "corrected")
_BEFORE_PUNCTUATION = re.compile(r"\s+([,.;:!?…%)\]}»”])")


@dataclass(frozen=True)
class Said:
    """`words` and `text` as rows hold them; `flags` say why the text is doubtful, as the recogniser's segments do."""

    text: str = ""
    words: tuple[dict[str, Any], ...] = ()
    speakers: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    origin: str = NONE


def said(transcript: Transcript | None, span: Span) -> Said:
    """What the transcript holds for `span`: the words whose midpoint lies in it.

    `text` is `NO_SPEECH` when nothing was said, and "" only where there is no transcript.
    """
    if transcript is None:
        return Said()
    found = [(word, segment) for word, segment in _spoken(transcript) if span.holds(word.midpoint_s)]
    return Said(
        _joined(found) or NO_SPEECH,
        tuple(_as_row(word, segment) for word, segment in found),
        tuple(dict.fromkeys(segment.speaker for _, segment in found if segment.speaker)),
        tuple(dict.fromkeys(flag for _, segment in found for flag in segment.flags)),
        CORRECTED if transcript.edited else RECOGNIZED,
    )


def _spoken(transcript: Transcript) -> Iterator[tuple[Word, Segment]]:
    """Every word with its segment. A segment without words, as other programs write them, counts as one word."""
    for segment in transcript.segments:
        words = segment.words
        if not words and segment.text.strip():
            words = (Word(f" {segment.text.strip()}", segment.start_s, segment.end_s),)
        for word in words:
            yield word, segment


def _as_row(word: Word, segment: Segment) -> dict[str, Any]:
    """Times as in the row: seconds from the start of the recording."""
    probability = word.probability
    return {
        "text": word.text.strip(), "start_time": round(word.start_s, 6), "end_time": round(word.end_s, 6),
        "probability": None if probability is None else round(probability, 6),
        "is_uncertain": probability is not None and probability < UNCERTAIN_BELOW and not word.checked,
        "is_interpolated": word.interpolated, "speaker": segment.speaker,
    }  # fmt: skip


def _joined(found: list[tuple[Word, Segment]]) -> str:
    """Segments apart, the words of each as its engine has it: where spaces stand before words, a part without one belongs to
    the word before. One transcript may hold segments of both kinds, since people correct and add some.
    """
    told = []
    for _, pairs in groupby(found, key=lambda pair: id(pair[1])):
        words, (segment, *_) = zip(*pairs, strict=True)
        keeps_spaces = any(word.text[:1].isspace() for word in segment.words)
        told.append(("" if keeps_spaces else " ").join(word.text for word in words))
    return _BEFORE_PUNCTUATION.sub(r"\1", " ".join(" ".join(told).split()))
