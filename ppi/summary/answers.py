"""Reading what a chat model wrote: it may be anything, so only what fits is kept."""

from __future__ import annotations

import re

from ppi.records import KeyPoint, Span
from ppi.summary import ranking

MOST_POINTS = 20
POINT = re.compile(r"^[\W_]*(?:\d{1,2}[.)]\s*)?\[?(?:(\d{1,2}):)?(\d{1,3}):(\d\d)\]?\W*(\w.*)$")


def read_points(said: str, span: Span) -> list[KeyPoint]:
    """Points of the form `[mm:ss] text`; repeats, and what is no point or lies outside the span, are left out."""
    points: dict[str, KeyPoint] = {}
    for line in said.splitlines():
        found = POINT.match(line.strip())
        if not found:
            continue
        hours, minutes, seconds, text = found.groups()
        time_s = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
        if span.start_s - 1 <= time_s <= span.end_s + 1:
            points.setdefault(text.strip().casefold(), KeyPoint(float(time_s), text.strip()))
    return sorted(points.values(), key=lambda point: point.time_s)


def best_points(points: list[KeyPoint]) -> tuple[KeyPoint, ...]:
    """At most MOST_POINTS, those that say most and repeat least, in order of time."""
    matrix = ranking.vectors([point.text for point in points]) if len(points) > MOST_POINTS else None
    if matrix is None:
        return tuple(points[:MOST_POINTS])
    scores = ranking.weigh([point.text for point in points], ranking.text_rank(matrix))
    return tuple(points[row] for row in ranking.pick(matrix, scores, MOST_POINTS))


def clock(time_s: float) -> str:
    """Seconds as mm:ss, the minutes going on beyond an hour."""
    minutes, seconds = divmod(int(time_s), 60)
    return f"{minutes:02}:{seconds:02}"
