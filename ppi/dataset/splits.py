"""Train, validation and test: whole lessons of whole teachers, alike in patterns as far as those allow, the same for a seed.

Greedy stratification of groups, after "On the Stratification of Multi-Label Data" (Sechidis, Tsoumakas, Vlahavas, 2011):
the group that weighs most goes where its patterns are wanted most; then single groups move while that helps.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ppi.dataset.layout import SPLITS
from ppi.errors import InputError

# Which splits are filled when there are fewer groups than splits.
BY_NEED = ("train", "test", "validation")
GROUPINGS = ("teacher", "lesson")
ALL = ""  # stands among the patterns for "any sample"
Row = dict[str, Any]


@dataclass(frozen=True)
class Shares:
    """How many of a hundred samples go where; the same `seed` gives the same splits.

    What is never divided: with `by` "teacher" the lessons of one teacher, with "lesson" each lesson.
    """

    train: float = 80
    validation: float = 10
    test: float = 10
    seed: int = 0
    by: str = "teacher"

    def of(self, split: str) -> float:
        return getattr(self, split) / (self.train + self.validation + self.test)


def check(shares: Shares) -> None:
    """Raises InputError unless the shares are numbers from 0 up and something is left to train with."""
    if shares.by not in GROUPINGS:
        raise InputError(
            "Samples are kept together by {known}, not by {by}. Choose one of these.",
            known=", ".join(GROUPINGS), by=shares.by[:40]
        )  # fmt: skip
    given = [getattr(shares, split) for split in SPLITS]
    if not all(0 <= share <= 100 for share in given) or shares.train <= 0:
        raise InputError("The shares of train, validation and test must be numbers from 0 to 100, and train more than 0.")


def group_of(row: Row, by: str = "teacher") -> str:
    """Rows of one teacher stay together; without a code for the teacher, or `by` "lesson", those of one lesson do."""
    return f"teacher {row['teacher']}" if by == "teacher" and row.get("teacher") else f"lesson {row['lesson']}"


def assign(rows: Sequence[Row], shares: Shares) -> dict[str, str]:
    """The split of each group. A lesson whose rows name a teacher here and none there joins that teacher's group."""
    check(shares)
    weights: dict[str, Counter[str]] = {}
    for row in rows:
        counts = weights.setdefault(group_of(row, shares.by), Counter())
        counts.update({ALL, *(pattern["type"] for pattern in row["patterns"])})
    usable = [split for split in BY_NEED if shares.of(split) > 0][: len(weights)]
    order = sorted(weights)
    random.Random(shares.seed).shuffle(order)
    order.sort(key=lambda group: -weights[group][ALL])
    found: dict[str, str] = {}
    for number, group in enumerate(order):
        empty = [split for split in usable if split not in found.values()]
        choices = empty if len(order) - number <= len(empty) else usable
        found[group] = min(choices, key=lambda split: _loss({**found, group: split}, weights, usable, shares))
    return _improved(found, weights, usable, shares)


def report(rows: Sequence[Row], groups: Mapping[str, str], shares: Shares) -> dict[str, Any]:
    """What was put where, for report.json and the card. `note` says why a split is empty, or is ""."""
    counts = {}
    for split in SPLITS:
        inside = [row for row in rows if row["split"] == split]
        patterns = Counter(pattern["type"] for row in inside for pattern in row["patterns"])
        duration_s = round(sum(row["end_time"] - row["start_time"] for row in inside), 3)
        counts[split] = {"samples": len(inside), "duration_s": duration_s, "patterns": dict(sorted(patterns.items()))}
    return {
        "seed": shares.seed, "by": shares.by, "shares": {split: round(shares.of(split), 4) for split in SPLITS},
        "groups": dict(sorted(groups.items())), "counts": counts, "note": note(groups, shares),
    }  # fmt: skip


def note(groups: Mapping[str, str], shares: Shares) -> str:
    """Why some wanted split got nothing; "" when all did."""
    empty = [split for split in SPLITS if shares.of(split) > 0 and split not in groups.values()]
    if not empty:
        return ""
    if len(groups) == 1:
        return (
            "Everything is in train: there is one lesson, or one teacher only. Its moments overlap and its people are "
            "the same, so a part of it would be no honest test."
        )
    return f"Nothing is in {' and '.join(empty)}: there are only {len(groups)} groups of lessons, and none is divided."


def _loss(found: Mapping[str, str], weights: Mapping[str, Counter[str]], usable: Sequence[str], shares: Shares) -> float:
    """How far the splits are from their shares, for each pattern in parts of all its samples, squared and added up."""
    whole: Counter[str] = Counter()
    for counts in weights.values():
        whole.update(counts)
    usable_share = sum(shares.of(split) for split in usable)
    loss = 0.0
    for split in usable:
        inside: Counter[str] = Counter()
        for group, where in found.items():
            if where == split:
                inside.update(weights[group])
        wanted = shares.of(split) / usable_share
        loss += sum((inside[name] / whole[name] - wanted) ** 2 * (len(whole) if name == ALL else 1) for name in sorted(whole))
    return loss


def _improved(
    found: dict[str, str], weights: Mapping[str, Counter[str]], usable: Sequence[str], shares: Shares
) -> dict[str, str]:
    best, moved = _loss(found, weights, usable, shares), True
    while moved:
        moved = False
        for group in sorted(found):
            for split in usable:
                tried = {**found, group: split}
                loss = _loss(tried, weights, usable, shares)
                if loss < best - 1e-12 and len(set(tried.values())) == len(set(found.values())):
                    found, best, moved = tried, loss, True
    return found
