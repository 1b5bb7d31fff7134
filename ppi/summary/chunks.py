"""Cutting a transcript into chunks that a chat model can read at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ppi.records import Segment
from ppi.summary.answers import clock

# Tokens that a line of the prompt needs besides its text: the time in brackets and the end of the line.
LINE_TOKENS = 12
MAX_SPEAKER_CHARACTERS = 24


def chunks_of(segments: tuple[Segment, ...], count: Callable[[str], int], budget_tokens: int) -> Iterator[list[Segment]]:
    """Runs of segments whose lines fit the budget together; `count` counts the tokens of a text.

    A segment that alone is too large is halved until its parts fit.
    """
    chunk: list[Segment] = []
    used = 0
    for segment in segments:
        speaker = _speaker(segment)
        for piece in _pieces(segment, count, budget_tokens - LINE_TOKENS - count(speaker)):
            cost = count(piece.text) + count(speaker) + LINE_TOKENS
            if chunk and used + cost > budget_tokens:
                yield chunk
                chunk, used = [], 0
            chunk.append(piece)
            used += cost
    if chunk:
        yield chunk


def lines_of(chunk: list[Segment]) -> str:
    """The chunk as the model reads it: `[mm:ss] text`, a line a segment, with the speaker where that is known.

    Nothing that was said can end the transcript in the prompt: its marks are taken out, and so are line breaks.
    """
    return "\n".join(f"[{clock(segment.start_s)}] {_named(segment)}" for segment in chunk)


def _named(segment: Segment) -> str:
    text = _speaker(segment) + segment.text
    return " ".join(text.replace("<", "‹").replace(">", "›").split())


def _speaker(segment: Segment) -> str:
    return f"{segment.speaker[:MAX_SPEAKER_CHARACTERS]}: " if segment.speaker else ""


def _pieces(segment: Segment, count: Callable[[str], int], limit: int) -> Iterator[Segment]:
    words = segment.text.split()
    if count(segment.text) <= limit:
        yield segment
        return
    # A single word that is too large is nothing anybody said: its beginning will do.
    left, right = (words[: len(words) // 2], words[len(words) // 2 :]) if len(words) > 1 else ([words[0][: limit // 4]], [])
    middle_s = segment.start_s + (segment.end_s - segment.start_s) * len(left) / max(len(words), 1)
    yield from _pieces(Segment(segment.start_s, middle_s, " ".join(left), speaker=segment.speaker), count, limit)
    if right:
        yield from _pieces(Segment(middle_s, segment.end_s, " ".join(right), speaker=segment.speaker), count, limit)
