"""A few lines of what was made of a lesson, for its page; while it is being transcribed, the lines heard last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ppi.errors import InputError, NotFound
from ppi.jobs.lessons import LessonRow
from ppi.services import Services
from ppi.speech.words import segments_from
from ppi.workflows import corrections, partial, summaries

LINES = 5
MOST_CHARACTERS = 240


@dataclass(frozen=True)
class Line:
    """Something said, or a point of a summary, and the second of the recording at which it begins."""

    start_s: float
    text: str


@dataclass(frozen=True)
class Excerpt:
    """`language` is an ISO 639-1 code or ""; `left` says how many lines are not shown; `until_s` is how far they reach;
    `words` counts those of the whole transcript.
    """

    lines: tuple[Line, ...]
    language: str = ""
    left: int = 0
    until_s: float = 0.0
    words: int = 0


def of_transcript(services: Services, row: LessonRow) -> Excerpt | None:
    """The beginning, as people corrected it; None before there is a transcript, or while it cannot be read."""
    try:
        found = corrections.load(services, row).transcript
    except (NotFound, InputError):
        return None
    said = [Line(one.start_s, _short(one.text)) for one in found.segments if one.text.strip()]
    return replace(_first(said, found.language), words=len(found.words))


def heard_so_far(services: Services, row: LessonRow) -> Excerpt | None:
    """The newest lines of a transcription under way; None while nothing was kept of it."""
    found = partial.so_far(services, row)
    if not found.segments:
        return None
    said = [Line(one.start_s, _short(one.text)) for one in segments_from(found.segments, found.until_s)]
    return Excerpt(tuple(said[-LINES:]), found.language, max(0, len(said) - LINES), found.until_s)


def of_summary(services: Services, row: LessonRow) -> Excerpt | None:
    """The abstract of the newest summary, or its first points where it has none; None before there is one."""
    shelf = summaries.load(services, row)
    if not shelf.kept:
        return None
    made = shelf.kept[0].summary
    points = made.of_kind("abstract") or made.key_points
    return _first([Line(point.time_s, _short(point.text)) for point in points], made.language)


def _first(lines: Sequence[Line], language: str) -> Excerpt:
    return Excerpt(tuple(lines[:LINES]), language, max(0, len(lines) - LINES))


def _short(text: str) -> str:
    """On one line, and not longer than a few lines of a page."""
    whole = " ".join(text.split())
    return whole if len(whole) <= MOST_CHARACTERS else whole[:MOST_CHARACTERS].rsplit(" ", 1)[0] + " …"
