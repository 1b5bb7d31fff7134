"""Captions: a transcript in pieces that can be read from the screen.

The conventions are those of the Netflix Timed Text Style Guides, general requirements and English and Russian ones
(https://partnerhelp.netflixstudios.com/hc/en-us/articles/215758617): two lines of at most 42 characters, at most seven
seconds, 20 characters a second for adults (English; 17 in the Russian guide), lines broken after punctuation. The second
that a caption stays at least is that of the BBC Subtitle Guidelines (https://www.bbc.co.uk/accessibility/forproducts/guides/subtitles/).
Speech is not shortened: who speaks faster than people read is shown longer, as far as the next caption lets it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest

from ppi.records import Segment, Transcript

LINE_CHARS, CUE_LINES = 42, 2
# A caption ends after this long, or where the speaker pauses.
LONGEST_S, PAUSE_S = 7.0, 1.0
# How fast people read, and how long even one quick word stays, where nothing follows.
READ_CHARS_PER_S, SHORTEST_S = 17.0, 1.0
# Words of scripts without blanks are joined up to this length: they may be broken between any two letters.
JOINED_S = 3.0
SENTENCE_ENDS, CLAUSE_ENDS = (".", "!", "?", "…"), (",", ";", ":", "—", "–")


@dataclass(frozen=True)
class Cue:
    """One caption: at most two lines of 42 characters, none of them empty."""

    start_s: float
    end_s: float
    lines: tuple[str, ...]
    speaker: str = ""


@dataclass(frozen=True)
class _Piece:
    """What may not be broken, with what separates it from the piece before: a blank, or nothing."""

    before: str
    text: str
    start_s: float
    end_s: float


def cues_of(transcript: Transcript) -> list[Cue]:
    """Captions in order of time that never overlap, in whole milliseconds."""
    groups = [(segment, group) for segment in transcript.segments for group in _groups(_joined(_pieces(segment)))]
    cues: list[Cue] = []
    for (segment, group), following in zip_longest(groups, groups[1:]):
        lines = tuple(_lines(group))
        start_s = round(max(group[0].start_s, cues[-1].end_s if cues else 0.0), 3)
        free_s = following[1][0].start_s if following else transcript.duration_s
        wanted_s = min(max(SHORTEST_S, sum(map(len, lines)) / READ_CHARS_PER_S), LONGEST_S)
        end_s = round(max(group[-1].end_s, min(start_s + wanted_s, free_s), start_s + 0.001), 3)
        cues.append(Cue(start_s, end_s, lines, segment.speaker))
    return cues


def _groups(pieces: list[_Piece]) -> Iterator[list[_Piece]]:
    """The pieces in runs that fit a caption, each ending after punctuation where that does not make it short."""
    while pieces:
        fitting = _fitting(pieces)
        is_pause = fitting < len(pieces) and pieces[fitting].start_s - pieces[fitting - 1].end_s > PAUSE_S
        cut = fitting if fitting == len(pieces) or is_pause else _best_cut(pieces, fitting)
        yield pieces[:cut]
        pieces = pieces[cut:]


def _fitting(pieces: list[_Piece]) -> int:
    """How many pieces fit one caption: at least one."""
    line, lines = 0, 1
    for number, piece in enumerate(pieces):
        is_long = number and piece.end_s - pieces[0].start_s > LONGEST_S
        if is_long or (number and piece.start_s - pieces[number - 1].end_s > PAUSE_S):
            return number
        length = len(piece.before) + len(piece.text)
        if line and line + length > LINE_CHARS:
            line, lines = 0, lines + 1
            length = len(piece.text)
        if lines > CUE_LINES:
            return number
        line += length
    return len(pieces)


def _best_cut(pieces: list[_Piece], most: int) -> int:
    """Where to end a caption that could hold `most` pieces: after a sentence, else a clause, in its second half."""
    for ends in (SENTENCE_ENDS, CLAUSE_ENDS):
        for number in range(most, most // 2, -1):
            if pieces[number - 1].text.endswith(ends):
                return number
    return most


def _lines(group: list[_Piece]) -> list[str]:
    """One line where it fits; otherwise two, broken after punctuation or so that both are about equally long."""
    whole = _text(group)
    if len(whole) <= LINE_CHARS:
        return [whole]
    ways = [(_text(group[:place]), _text(group[place:])) for place in range(1, len(group))]
    fitting = [way for way in ways if max(map(len, way)) <= LINE_CHARS and all(way)]
    return list(min(fitting, key=_awkwardness))


def _awkwardness(way: tuple[str, str]) -> int:
    """By how many letters the lines differ; a break after punctuation may be less even."""
    first, second = way
    bonus = 30 if first.endswith(SENTENCE_ENDS) else 16 if first.endswith(CLAUSE_ENDS) else 0
    return abs(len(first) - len(second)) - bonus


def _text(group: list[_Piece]) -> str:
    return group[0].text + "".join(piece.before + piece.text for piece in group[1:])


def _joined(pieces: list[_Piece]) -> list[_Piece]:
    """Pieces without a blank between them as one, as long as it is no longer than a line."""
    made: list[_Piece] = []
    for piece in pieces:
        last = made[-1] if made else None
        if last and not piece.before and len(last.text + piece.text) <= LINE_CHARS and piece.end_s - last.start_s <= JOINED_S:
            made[-1] = replace(last, text=last.text + piece.text, end_s=piece.end_s)
        else:
            made.append(piece)
    return made


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
    parts = [text[place : place + LINE_CHARS].strip() for place in range(0, len(text), LINE_CHARS)]
    step_s = (end_s - start_s) / max(len(parts), 1)
    return [
        _Piece(before if number == 0 else "", part, start_s + number * step_s, start_s + (number + 1) * step_s)
        for number, part in enumerate(parts)
        if part
    ]
