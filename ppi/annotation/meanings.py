"""What labels mean that the pattern table does not know: a person chose it, and it is applied before a plan is made.

A meaning is the name of a pattern in the table, or LEFT_OUT. The annotations as they were brought stay as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ppi.annotation.patterns import Codebook
from ppi.records import Annotation, Dropped, Meaning, Region

LEFT_OUT = ""


@dataclass(frozen=True)
class Read:
    """Annotations whose labels were replaced; `dropped` are the marks left out, `used` the meanings that changed something."""

    annotations: tuple[Annotation, ...]
    dropped: tuple[Dropped, ...]
    used: tuple[Meaning, ...]


def applied(annotations: Sequence[Annotation], chosen: Mapping[str, str], codebook: Codebook) -> Read:
    """Read every label in `chosen` as what it means. A meaning that the table does not hold (any more) is not applied."""
    valid = {label: name for label, name in chosen.items() if name == LEFT_OUT or codebook.match(name) is not None}
    if not valid:
        return Read(tuple(annotations), (), ())
    used: Counter[str] = Counter()
    dropped: list[Dropped] = []
    made = []
    for annotation in annotations:
        regions = (_read(region, annotation, valid, used, dropped) for region in annotation.regions)
        made.append(replace(annotation, regions=tuple(region for region in regions if region is not None)))
    return Read(tuple(made), tuple(dropped), tuple(Meaning(label, valid[label], count) for label, count in used.items()))


def marks_of(annotations: Sequence[Annotation]) -> Counter[str]:
    """How many marks carry a label, by label, in order of first use."""
    return Counter(label for annotation in annotations for region in annotation.regions for label in region.labels)


def _read(
    region: Region, annotation: Annotation, valid: Mapping[str, str], used: Counter[str], dropped: list[Dropped]
) -> Region | None:
    """The region with other labels; None when it had some and all are left out."""
    if not any(label in valid for label in region.labels):
        return region
    kept: dict[str, None] = {}
    for label in region.labels:
        meaning = valid.get(label, label)
        if label in valid:
            used[label] += 1
        if meaning == LEFT_OUT:
            where = f"task {annotation.task_id}, annotation {annotation.id}, region {region.id}"
            dropped.append(Dropped(where, "label_left_out", label[:80]))
        else:
            kept[meaning] = None
    return replace(region, labels=tuple(kept)) if kept else None
