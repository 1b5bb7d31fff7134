"""Tiers of ELAN and Praat: who annotated, what an interval means, and how marks are spread over tiers.

Both tools name tiers freely. A tier may be a person, a topic or a pattern; docs/annotation_formats.md tells users how
it is read.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable

from ppi.annotation.marks import Mark
from ppi.errors import AnnotationError

# Marks that say "here it is": the tier is the pattern then. The Cyrillic ha looks like the Latin x.
TICKS = frozenset({"x", "х", "+", "*", "v", "✓", "✔"})
TOPIC = "patterns"
MAX_TIERS = 100
# Names that tools and people give to a tier that is the only one.
_GENERAL = re.compile(
    r"(default|tier|patterns?|паттерны?|labels?|метки|annotations?|аннотации|разметка|слой|codes?|коды|intervals?)?[\W_]*\d*",
    re.IGNORECASE,
)


def parts_of(name: str) -> tuple[str, str | None]:
    """Topic and annotator of a tier called `topic@annotator`; the annotator is None when the name has no @."""
    topic, mark, annotator = name.strip().partition("@")
    return topic.strip(), annotator.strip() if mark else None


def is_general(topic: str) -> bool:
    """Whether a tier's topic tells nothing."""
    return _GENERAL.fullmatch(topic) is not None


def label_of(text: str, topic: str) -> str:
    """What an interval means: its text, or the tier's topic when the text is empty or only a tick."""
    text = text.strip()
    if (not text or text.casefold() in TICKS) and not is_general(topic):
        return topic
    return text


def spread(marks: Iterable[Mark], topic: str = TOPIC) -> dict[str, list[Mark]]:
    """Marks in order of time, by tier name, so that those of one tier never overlap.

    The first tier of an annotator is called `topic@annotator`, the next `topic-2@annotator`, and so on. Raises
    AnnotationError when more than a hundred marks of one annotator lie over each other.
    """
    found: dict[str, list[Mark]] = {}
    free: dict[str, list[tuple[float, int]]] = {}  # per annotator: when which tier is free again
    for mark in sorted(marks, key=lambda mark: mark.span):
        lanes = free.setdefault(mark.annotator, [])
        if lanes and lanes[0][0] <= mark.span.start_s:
            number = heapq.heappop(lanes)[1]
        elif len(lanes) < MAX_TIERS:
            number = len(lanes) + 1
        else:
            raise AnnotationError(
                "More than {limit} marks of one annotator lie over each other, too many for tiers. Choose CSV.", limit=MAX_TIERS
            )
        heapq.heappush(lanes, (mark.span.end_s, number))
        name = f"{topic}-{number}" if number > 1 else topic
        found.setdefault(f"{name}@{mark.annotator}", []).append(mark)
    return found
