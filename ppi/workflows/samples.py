"""The samples of a built dataset, looked through: filtered, page by page, with what the check said of each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ppi.dataset.layout import REPORT
from ppi.services import Services
from ppi.workflows import stored_datasets
from ppi.workflows.stored_datasets import Row

PER_PAGE = 18
# What may be asked of the check: nothing was found of the sample, something was, or what a certain check found.
NOTHING, ANYTHING = "nothing", "anything"


@dataclass(frozen=True)
class Wanted:
    """Which samples are looked for; "" and None ask for nothing. `text` is searched without case, also in names of patterns."""

    pattern: str = ""
    annotator: str = ""
    split: str = ""
    lesson: str = ""
    text: str = ""
    check: str = ""
    shortest_s: float | None = None
    longest_s: float | None = None


@dataclass(frozen=True)
class Found:
    """One page of samples. Rows carry `image_url`, `video_url` and `findings`; `choices` are the values that a filter can
    take, by its name, with how many samples of the whole dataset have it."""

    rows: list[Row]
    total: int
    of: int
    number: int
    pages: int
    choices: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def find(services: Services, prefix: str, wanted: Wanted, number: int, per_page: int = PER_PAGE) -> Found:
    """The samples of the dataset below `prefix`, page `number` from 1. Raises NotFound when there is none."""
    rows = stored_datasets.rows_of(services, prefix)
    findings = findings_of(json.loads(stored_datasets.text_of(services, prefix + REPORT)))
    fitting = [row for row in rows if _fits(row, wanted, findings.get(row["id"], ()))]
    pages = max(1, -(-len(fitting) // per_page))
    number = min(max(number, 1), pages)
    shown = fitting[(number - 1) * per_page : number * per_page]
    for row in shown:
        row["findings"] = findings.get(row["id"], ())
        row["image_url"], row["video_url"] = (
            services.store.presign_get(services.final, prefix + row[path], expires_s=stored_datasets.SHOWN_FOR_S)
            for path in ("image_path", "video_path")
        )
    return Found(shown, len(fitting), len(rows), number, pages, _choices(rows, findings))


def findings_of(report: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """What the check found, by the id of the sample it is about."""
    found: dict[str, list[dict[str, Any]]] = {}
    for finding in report.get("findings", ()):
        found.setdefault(finding["where"], []).append(finding)
    return found


def _fits(row: Row, wanted: Wanted, findings: Sequence[Mapping[str, Any]]) -> bool:
    length_s = row["end_time"] - row["start_time"]
    names = [pattern["type"] for pattern in row["patterns"]]
    return (
        wanted.pattern in ("", *names)
        and all(getattr(wanted, name) in ("", row[name]) for name in ("annotator", "split", "lesson"))
        and _is_checked(wanted.check, findings)
        and (wanted.shortest_s is None or length_s >= wanted.shortest_s)
        and (wanted.longest_s is None or length_s <= wanted.longest_s)
        and _holds(wanted.text, [row["text"], row["id"], *names])
    )


def _is_checked(asked: str, findings: Sequence[Mapping[str, Any]]) -> bool:
    if asked == NOTHING:
        return not findings
    return not asked or any(asked in (ANYTHING, finding["check"]) for finding in findings)


def _holds(text: str, places: Iterable[str]) -> bool:
    folded = text.casefold().replace("ё", "е")
    return any(folded in place.casefold().replace("ё", "е") for place in places)


def _choices(rows: Sequence[Row], findings: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {name: {} for name in ("pattern", "annotator", "split", "lesson", "check")}
    for row in rows:
        noted = {finding["check"] for finding in findings.get(row["id"], ())}
        values = {
            "pattern": {pattern["type"] for pattern in row["patterns"]}, "check": noted,
            **{name: {row[name]} for name in ("annotator", "split", "lesson")},
        }  # fmt: skip
        for name, found in values.items():
            for value in found:
                counts[name][value] = counts[name].get(value, 0) + 1
    return {name: dict(sorted(values.items())) for name, values in counts.items()}
