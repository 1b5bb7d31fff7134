"""Whose turn it is: in the fair queues owners take turns, so a hundred lessons of one do not hold up the one of another.

Of the owners whose jobs wait, the one served longest ago comes first, and of an owner's jobs the oldest. Between queues the
oldest waiting job decides, as everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

FAIR_QUEUES = ("speech",)


def order(waiting: Sequence[tuple[str, str]], served_s: Mapping[str, float]) -> list[str]:
    """Job ids in the order in which they will be begun. `waiting` is (owner, job id), oldest first; `served_s` when owners
    were served last."""
    lines: dict[str, list[str]] = {}
    for owner, job_id in waiting:
        lines.setdefault(owner, []).append(job_id)
    owners = sorted(lines, key=lambda owner: served_s.get(owner, 0.0))
    rounds = range(max(map(len, lines.values()), default=0))
    return [lines[owner][turn] for turn in rounds for owner in owners if turn < len(lines[owner])]


def places(waiting: Sequence[tuple[str, str, str]], served_s: Mapping[str, Mapping[str, float]]) -> dict[str, int]:
    """The place in its line, from 1, of every waiting job. `waiting` is (queue, owner, job id), oldest first; `served_s`
    says by queue when owners were served last."""
    lines: dict[str, list[tuple[str, str]]] = {}
    for queue, owner, job_id in waiting:
        lines.setdefault(queue, []).append((owner, job_id))
    found = {}
    for queue, line in lines.items():
        ids = order(line, served_s.get(queue, {})) if queue in FAIR_QUEUES else [job_id for _, job_id in line]
        found |= {job_id: place for place, job_id in enumerate(ids, 1)}
    return found
