"""What the figures of a stored dataset show, as numbers: patterns, lengths, timeline, agreement."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ppi.dataset import card, charts
from ppi.dataset.charts import Bar, Timeline
from ppi.dataset.layout import REPORT
from ppi.services import Services
from ppi.workflows import stored_datasets

MOST_BARS, COLUMNS = charts.SHOWN_PATTERNS, charts.COLUMNS


@dataclass(frozen=True)
class Figures:
    """`lengths` are (from, to, samples) in seconds, `agreement` what the card tells of it, None with one annotator.

    Of a joined dataset that is `compared` and `lessons`, how many of how many could be compared, and the means over those.
    """

    counts: Sequence[Bar]
    times: Sequence[Bar]
    lengths: Sequence[tuple[float, float | None, int]]
    timeline: Timeline
    agreement: dict[str, Any] | None


def of(services: Services, prefix: str) -> Figures:
    """The figures of the dataset below `prefix`. Raises NotFound when there is none."""
    rows = stored_datasets.rows_of(services, prefix)
    report = json.loads(stored_datasets.text_of(services, prefix + REPORT))
    told = report.get("card") or {}
    counts, times_s = charts.by_pattern(rows)
    length_s = max((recording["duration_s"] for recording in told.get("recordings", ())), default=0.0)
    places = charts.places(rows, report)
    return Figures(
        charts.bars(counts, places), charts.bars(times_s, places), charts.lengths(rows),
        charts.timeline(rows, length_s, places), _agreement(told),
    )  # fmt: skip


def _agreement(told: Mapping[str, Any]) -> dict[str, Any] | None:
    found = told.get("agreement")
    if not found or "lessons" not in found:
        return found
    each, recordings = found["lessons"], told.get("recordings", ())
    return {"compared": len(each), "lessons": len(recordings), "patterns": card.mean_agreement(each)}
