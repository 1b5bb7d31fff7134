"""The gold set: what annotators agree on, and what somebody decided where they do not, as an export of Label Studio."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping

from ppi.annotation import moments
from ppi.annotation.agreement import Agreement, Moment
from ppi.records import Span

ALL, NONE, KEEP = "all", "none", "keep:"
GOLD = "gold"  # in place of an annotator's number: the gold set is nobody's own work
# The names of the controls in the configuration of docs/labelling_lstudio.md.
FROM_NAME, TO_NAME = "patterns", "audio"


def choices(moment: Moment) -> list[str]:
    """How a disagreement may be decided: the marks of one of those who marked it, those of all of them, or none."""
    keep = [f"{KEEP}{annotator}" for annotator in moment.annotators]
    return [*keep, *([ALL] if len(keep) > 1 else []), NONE]


def gold_spans(found: Agreement, decisions: Mapping[str, str]) -> dict[Span, list[str]]:
    """The patterns of each span of the gold set, spans in order of time.

    Where all agree, a span reaches from the median of the starts to the median of the ends. Marks that are kept together
    and overlap are joined. Disagreements without a decision, a moment's id -> one of its `choices`, are left out.
    """
    spans: dict[Span, list[str]] = {}
    for moment in found.moments:
        for span in _kept(moment, decisions.get(moment.id, "")):
            spans.setdefault(span, []).append(moment.pattern)
    return dict(sorted(spans.items()))


def export(spans: Mapping[Span, list[str]], task: str, duration_s: float) -> str:
    """The gold set in Label Studio's JSON format, to be imported there or built of here.

    `task` is what `label_studio.task_json` made. Label Studio refuses annotators that it does not know, so "gold" stands
    in the task's data, as in `label_studio.write`.
    """
    result = [
        {
            "id": f"gold-{number}", "from_name": FROM_NAME, "to_name": TO_NAME, "type": "labels", "origin": "manual",
            "original_length": round(duration_s, 3),
            "value": {"start": round(span.start_s, 6), "end": round(span.end_s, 6), "channel": 0, "labels": names},
        }
        for number, (span, names) in enumerate(spans.items(), start=1)
    ]  # fmt: skip
    tasks = json.loads(task)
    tasks[0]["data"]["annotators"] = [GOLD]
    tasks[0]["annotations"] = [{"result": result, "was_cancelled": False, "ground_truth": True}]
    return json.dumps(tasks, ensure_ascii=False, indent=1)


def _kept(moment: Moment, choice: str) -> list[Span]:
    if moment.kind == "agreed":
        ends = zip(*((mark.span.start_s, mark.span.end_s) for mark in moment.marks), strict=True)
        return [Span(*(statistics.median(times) for times in ends))]
    if choice not in choices(moment) or choice == NONE:
        return []
    return moments.joined(mark.span for mark in moment.marks if choice in (ALL, KEEP + mark.annotator))
