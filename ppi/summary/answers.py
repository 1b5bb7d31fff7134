"""Reading what a chat model wrote: it may be anything, so only what fits the schema is kept, as plain words.

An answer is lines of JSON, `{"at": "mm:ss" or a list of such, "kind": ..., "text": ...}`. Objects are looked for one by
one, so that fences, introductions and an answer cut off in the middle cost no more than the object they spoil.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ppi.records import KeyPoint
from ppi.summary import ranking

KINDS = ("topic", "point", "question", "decision", "homework", "abstract")
MOST_POINTS, MOST_OF_KIND, MOST_TIMES = 20, 30, 4
MAX_CHARACTERS, MAX_ANSWER_CHARACTERS = 600, 40_000
OBJECT = re.compile(r"\{[^{}]*\}")
TIME = re.compile(r"\[?(?:(\d{1,2}):)?(\d{1,3}):([0-5]\d)\]?")
# Addresses in any dress: what is left of a markdown link or a tag is its words.
MARKDOWN_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
TAG = re.compile(r"<[^<>]*>")
ADDRESS = re.compile(r"(?i)(?:(?:\b[a-z][a-z0-9+.-]*:)?//|\bwww\.|\b(?:javascript|data|mailto|file):)\S+")


@dataclass(frozen=True)
class Said:
    """One object of an answer: its kind, its words, and the times it names, in seconds."""

    kind: str
    text: str
    times_s: tuple[float, ...]


def read(answer: str) -> list[Said]:
    """What fits the schema, without repeats, in the order of the answer."""
    found: dict[tuple[str, str], Said] = {}
    for raw in _objects(answer[:MAX_ANSWER_CHARACTERS]):
        said = _said(raw)
        if said is not None:
            found.setdefault((said.kind, said.text.casefold()), said)
    return list(found.values())


def plain(text: str) -> str:
    """One line of words: no links, no tags, no control or direction characters."""
    text = MARKDOWN_LINK.sub(r"\1", text)
    text = ADDRESS.sub("…", TAG.sub(" ", text))
    text = "".join(" " if unicodedata.category(char)[0] == "C" else char for char in text)
    return " ".join(text.split())


def best_points(points: list[KeyPoint], count: int = MOST_POINTS) -> tuple[KeyPoint, ...]:
    """At most `count`, those that say most and repeat least, in order of time."""
    matrix = ranking.vectors([point.text for point in points]) if len(points) > count else None
    if matrix is None:
        return tuple(points[:count])
    scores = ranking.weigh([point.text for point in points], ranking.text_rank(matrix))
    return tuple(points[row] for row in ranking.pick(matrix, scores, count))


def clock(time_s: float) -> str:
    """Seconds as mm:ss, the minutes going on beyond an hour."""
    minutes, seconds = divmod(int(time_s), 60)
    return f"{minutes:02}:{seconds:02}"


def _objects(answer: str) -> Iterator[dict[str, Any]]:
    for found in OBJECT.finditer(answer):
        try:
            raw = json.loads(found[0])
        except (ValueError, RecursionError):
            continue
        if isinstance(raw, dict):
            yield raw


def _said(raw: dict[str, Any]) -> Said | None:
    """None for what does not fit: other keys, other types, an unknown kind, no time, no words."""
    if set(raw) != {"at", "kind", "text"} or raw["kind"] not in KINDS or not isinstance(raw["text"], str):
        return None
    named = [raw["at"]] if isinstance(raw["at"], str) else raw["at"]
    if not isinstance(named, list) or not all(isinstance(time, str) for time in named):
        return None
    times = [_seconds(time) for time in named[:MOST_TIMES]]
    text = plain(raw["text"])
    if not times or None in times or not any(char.isalpha() for char in text):
        return None
    return Said(raw["kind"], _cut(text), tuple(times))


def _seconds(time: str) -> float | None:
    found = TIME.fullmatch(time.strip())
    if found is None:
        return None
    hours, minutes, seconds = found.groups()
    return float(int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 1].rstrip() + "…"
