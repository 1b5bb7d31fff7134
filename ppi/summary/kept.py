"""Summaries as JSON, what a summary was made of as a hash, and what differs between two of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ppi.records import KeyPoint, Span, Summary, SummarySection, Transcript
from ppi.summary.checking import word_stems

# Two points mean the same when they come from the same place and share at least so much of their stems.
LIKENESS = 0.5


@dataclass(frozen=True)
class Changes:
    """What a new summary says that the one before did not, and the other way round."""

    added: tuple[KeyPoint, ...]
    removed: tuple[KeyPoint, ...]


def input_hash(transcript: Transcript, identity: Mapping[str, Any]) -> str:
    """SHA-256 of everything a summary depends on: what was said, when, by whom, and what made the summary of it."""
    said = [(part.start_s, part.end_s, part.text, part.speaker, part.language) for part in transcript.segments]
    given = {"said": said, "language": transcript.language, **identity}
    return hashlib.sha256(json.dumps(given, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace")).hexdigest()


def changes(before: Summary, after: Summary) -> Changes:
    """Points of every kind that only one of the two has, in order."""
    return Changes(_missing(after.points, before.points), _missing(before.points, after.points))


def to_json(summary: Summary) -> dict[str, Any]:
    """`from_json` reads it back unchanged."""
    return asdict(summary)


def from_json(raw: dict[str, Any]) -> Summary:
    """Raises KeyError, TypeError or ValueError when it is none."""
    sections = tuple(
        SummarySection(part["title"], Span(**part["span"]), _points(part["points"]), part["is_verified"])
        for part in raw["sections"]
    )
    missed = tuple(Span(**span) for span in raw["missed"])
    return Summary(**raw | {"points": _points(raw["points"]), "sections": sections, "missed": missed})


def changes_from_json(raw: dict[str, Any] | None) -> Changes | None:
    return Changes(_points(raw["added"]), _points(raw["removed"])) if raw else None


def _points(raw: list[dict[str, Any]]) -> tuple[KeyPoint, ...]:
    return tuple(KeyPoint(**point | {"cites": tuple(Span(**cite) for cite in point["cites"])}) for point in raw)


def _missing(points: tuple[KeyPoint, ...], others: tuple[KeyPoint, ...]) -> tuple[KeyPoint, ...]:
    return tuple(point for point in points if not any(_is_same(point, other) for other in others))


def _is_same(one: KeyPoint, other: KeyPoint) -> bool:
    if one.kind != other.kind:
        return False
    if one.text == other.text and one.cites == other.cites:
        return True
    is_near = any(a.start_s < b.end_s and b.start_s < a.end_s for a in one.cites for b in other.cites)
    first, second = word_stems(one.text), word_stems(other.text)
    return is_near and bool(first | second) and len(first & second) >= LIKENESS * len(first | second)
