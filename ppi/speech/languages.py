"""Which language is spoken where in a window.

Whisper hears half a minute in one language. What is said in another it may translate, though nobody said that. So the language
of each segment is looked for in the sound that was encoded already; where it is another one, the window is heard in that, too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median
from typing import Any

# A language other than the one before is believed from this probability on.
SURE = 0.7
# A segment so short says too little about its language, and the beginning of a long one says enough.
SHORTEST_S, LOOKED_AT_S = 0.8, 3.0
# So much less certain of its words may the model be in the language that the sound is in.
LESS_CERTAIN = 0.1
# Whisper's codes of languages that are written in one script only, of those that it hears well.
CYRILLIC = {"be", "bg", "kk", "mk", "ru", "uk"}
LATIN = {
    "cs", "da", "de", "en", "es", "et", "fi", "fr", "hu", "it", "la", "lt", "lv", "nl", "no", "pl", "pt", "ro", "sk", "sv",
}  # fmt: skip
_CYRILLIC_LETTER, _LATIN_LETTER = re.compile(r"[\u0400-\u04ff]"), re.compile(r"[A-Za-z\u00c0-\u024f]")
# One word in Latin letters may be a name, PowerPoint, in a sentence of any language; one in Cyrillic letters is none.
FEWEST_LATIN_WORDS = 2

# Languages with their probability, the most probable first.
Chances = Sequence[tuple[str, float]]


@dataclass(frozen=True)
class Piece:
    """A segment as kept (`hearing.placed`), and when in the window the model said it."""

    start_s: float
    end_s: float
    segment: dict[str, Any]


def choose(chances: Chances, before: str) -> str:
    """Between two languages a model is unsure of, the one that was spoken before wins."""
    found, probability = chances[0]
    return found if not before or probability >= SURE else before


def hear_each(
    main: str, hear_in: Callable[[str], list[Piece]], chances_of: Callable[[float, float], Chances], chances: Chances
) -> list[dict[str, Any]]:
    """The segments of a window, each in its language: `main`, or one other.

    `hear_in` hears the whole window in a language, `chances_of` says what is spoken in a span of it, in seconds, `chances` what
    is spoken in all of it. Each segment gets its `language`.
    """
    pieces = hear_in(main)
    others = [_other(piece, main, chances_of) for piece in pieces]
    lengths = Counter[str]()
    for piece, other in zip(pieces, others, strict=True):
        lengths[other] += piece.end_s - piece.start_s if other else 0
    second = max(lengths, key=lambda language: lengths[language], default="")
    spoken = [(piece, main) for piece in pieces]
    if second:
        again = hear_in(second)
        spoken = []
        for is_other, run in groupby(zip(pieces, others, strict=True), key=lambda one: one[1] == second):
            spoken += _better([piece for piece, _ in run], main, again if is_other else [], second)
    names = [name for name, _ in chances]
    return [piece.segment | {"language": by_letters(piece.segment["text"], heard, names)} for piece, heard in spoken]


def by_letters(text: str, heard_in: str, likely: Iterable[str]) -> str:
    """The language of a segment that was heard in `heard_in`.

    It is another one when no letter of the text is of its script: the first of the `likely` that is written as the text is.
    """
    is_cyrillic, is_latin = bool(_CYRILLIC_LETTER.search(text)), bool(_LATIN_LETTER.search(text))
    if heard_in in CYRILLIC and is_latin and not is_cyrillic and len(text.split()) >= FEWEST_LATIN_WORDS:
        script = LATIN
    elif heard_in in LATIN and is_cyrillic and not is_latin:
        script = CYRILLIC
    else:
        return heard_in
    return next((language for language in likely if language in script), heard_in)


def _other(piece: Piece, main: str, chances_of: Callable[[float, float], Chances]) -> str:
    """The language of a segment that is surely not `main`, else ""."""
    if piece.end_s - piece.start_s < SHORTEST_S:
        return ""
    found, probability = chances_of(piece.start_s, min(piece.end_s, piece.start_s + LOOKED_AT_S))[0]
    return found if found != main and probability >= SURE else ""


def _better(run: list[Piece], main: str, again: list[Piece], second: str) -> list[tuple[Piece, str]]:
    """What was heard of a run of segments in the second language, unless that is nothing or the model doubts it more."""
    low_s, high_s = run[0].start_s, run[-1].end_s
    found = [piece for piece in again if low_s <= (piece.start_s + piece.end_s) / 2 < high_s]
    if found and _certainty(found) >= _certainty(run) - LESS_CERTAIN:
        return [(piece, second) for piece in found]
    return [(piece, main) for piece in run]


def _certainty(pieces: list[Piece]) -> float:
    """The median of the words' probabilities: single words may be anything."""
    words = [word["probability"] for piece in pieces for word in piece.segment["words"]]
    return median(words) if words else 0.0
