"""Captions: a transcript in pieces that can be read from the screen."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from ppi.records import Segment, Transcript

LINE_CHARS, CUE_LINES = 42, 2
# A caption ends after this long, or where the speaker pauses.
LONGEST_S, PAUSE_S = 7.0, 1.0
# A single quick word stays so long, if nothing follows.
SHORTEST_S = 1.0


@dataclass(frozen=True)
class Cue:
    """One caption: at most two lines of 42 characters, none of them empty."""

    start_s: float
    end_s: float
    lines: tuple[str, ...]


@dataclass(frozen=True)
class _Piece:
    """One word with what separates it from the word before: a blank, or nothing in scripts without blanks."""

    before: str
    text: str
    start_s: float
    end_s: float


def cues_of(transcript: Transcript) -> list[Cue]:
    """Captions in order of time that never overlap, in whole milliseconds."""
    groups = [group for segment in transcript.segments for group in _groups(_pieces(segment))]
    cues: list[Cue] = []
    for group, following in zip_longest(groups, groups[1:]):
        start_s = round(max(group[0].start_s, cues[-1].end_s if cues else 0.0), 3)
        free_s = following[0].start_s if following else transcript.duration_s
        end_s = round(max(group[-1].end_s, min(start_s + SHORTEST_S, free_s), start_s + 0.001), 3)
        cues.append(Cue(start_s, end_s, tuple(_lines(group))))
    return cues


def _groups(pieces: list[_Piece]) -> Iterator[list[_Piece]]:
    """The pieces in runs that fit a caption."""
    group: list[_Piece] = []
    for piece in pieces:
        if group and _is_next(group, piece):
            yield group
            group = []
        group.append(piece)
    if group:
        yield group


def _is_next(group: list[_Piece], piece: _Piece) -> bool:
    """Whether the piece begins a new caption."""
    is_long = piece.end_s - group[0].start_s > LONGEST_S or piece.start_s - group[-1].end_s > PAUSE_S
    return is_long or len(_lines([*group, piece])) > CUE_LINES


def _lines(group: list[_Piece]) -> list[str]:
    text = group[0].text + "".join(piece.before + piece.text for piece in group[1:])
    return textwrap.wrap(text, LINE_CHARS, break_on_hyphens=False)


def _pieces(segment: Segment) -> list[_Piece]:
    """The segment's words; without word times, its text spread evenly over its time."""
    if not segment.words:
        return _spread(segment)
    pieces, place = [], 0
    for word in segment.words:
        text = " ".join(word.text.split())
        found = segment.text.find(text, place)
        before = segment.text[place:found] if found >= 0 else " "
        place = found + len(text) if found >= 0 else place
        pieces += _short(" " if before.strip() or before else "", text, word.start_s, word.end_s)
    return pieces


def _spread(segment: Segment) -> list[_Piece]:
    words = segment.text.split()
    step_s = (segment.end_s - segment.start_s) / max(len(words), 1)
    pieces = []
    for number, text in enumerate(words):
        start_s = segment.start_s + number * step_s
        pieces += _short(" ", text, start_s, start_s + step_s)
    return pieces


def _short(before: str, text: str, start_s: float, end_s: float) -> list[_Piece]:
    """One word, cut where it alone would be longer than a line."""
    parts = [text[place : place + LINE_CHARS] for place in range(0, len(text), LINE_CHARS)]
    step_s = (end_s - start_s) / max(len(parts), 1)
    return [
        _Piece(before if number == 0 else "", part, start_s + number * step_s, start_s + (number + 1) * step_s)
        for number, part in enumerate(parts)
    ]
