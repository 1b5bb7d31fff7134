"""What a build would hold, worked out of plain files and packed to be kept: what step 2 shows before anything is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ppi.annotation import formats
from ppi.annotation.formats import CHILD_MEMORY_BYTES
from ppi.annotation.meanings import marks_of
from ppi.annotation.patterns import Codebook
from ppi.dataset import plan
from ppi.errors import AnnotationError, ToolFailed
from ppi.processes import run_in_child
from ppi.records import MediaInfo, Sample
from ppi.storage import rows
from ppi.workflows import plain_plan

# So much is worked out while a page is asked for, more in a child: some four thousand marks, which are shorter in a table.
QUICK_BYTES, QUICK_TABLE_BYTES = 400_000, 80_000
CHILD_TIMEOUT_S = 120
READ_SHARE = 0.6


def packed(
    report: Callable[[float], None],
    annotations: Path,
    name: str,
    codebook: Codebook,
    info: MediaInfo,
    lesson: str,
    lesson_id: str,
    source_video: str,
    meanings: Mapping[str, str],
    required: Mapping[str, str] | None = None,
) -> bytes:
    """Read the `annotations`, given under `name`, and plan; `report` gets the share that is done.

    `required` are other meanings, with which there must be a sample. Raises AnnotationError, and DatasetError without one.
    """
    export = formats.read(
        annotations.read_bytes(), name, frame_rate=info.video.frame_rate, duration_s=info.duration_s, video_name=source_video
    )
    report(READ_SHARE)
    about = export, codebook, info, lesson, source_video, lesson_id, ""
    made = plain_plan.planned(*about, meanings)
    if required is not None:
        (made if required == meanings else plain_plan.planned(*about, required)).require_samples()
    marks = marks_of(plan.of_lesson(list(export.annotations), lesson_id, []))
    odd = {label: count for label, count in marks.items() if label in meanings or codebook.match(label) is None}
    undecided = sum(label not in meanings or is_lost(meanings[label], codebook) for label in odd)
    return rows.packed(_facts(made, undecided if codebook.patterns else 0), _lists(made, odd if codebook.patterns else {}))


def worked_out(
    annotations: Path, name: str, *, on_report: Callable[[float], None] = lambda share: None,
    on_tick: Callable[[], None] = lambda: None, **about: Any,
) -> bytes:  # fmt: skip
    """`packed` for servers: what is large is worked out in a child, so that it neither holds the pages up nor outgrows its
    limits. Raises AnnotationError for that, too, and what `on_tick` raises.
    """
    wanted = {"annotations": annotations, "name": name, **about}
    if is_quick(annotations.stat().st_size, name):
        return packed(on_report, **wanted)
    try:
        return run_in_child(
            f"{__name__}:packed", wanted, on_report=on_report, on_tick=on_tick, timeout_s=CHILD_TIMEOUT_S,
            memory_bytes=CHILD_MEMORY_BYTES,
        )  # fmt: skip
    except ToolFailed as error:
        raise AnnotationError("The annotations take too much time or memory to read. Export fewer at a time.") from error


def is_quick(size_bytes: int, name: str) -> bool:
    """Whether a file of that name and size is worked out in a fraction of a second."""
    return size_bytes <= (QUICK_TABLE_BYTES if name.endswith(formats.TABLE) else QUICK_BYTES)


def is_lost(meaning: str, codebook: Codebook) -> bool:
    """Whether somebody chose a pattern that the table does not hold any more."""
    return bool(meaning) and codebook.match(meaning) is None


def _facts(made: plan.Plan, undecided: int) -> dict[str, Any]:
    samples = made.samples
    return {
        "marked_s": sum(sample.span.duration_s for sample in samples), "undecided": undecided,
        "annotators": len({sample.annotator for sample in samples}),
        "patterns": len({pattern.type for sample in samples for pattern in sample.patterns}),
    }  # fmt: skip


def _lists(made: plan.Plan, odd: Mapping[str, int]) -> dict[str, list[Any]]:
    """Labels by the number of their marks; a choice moves none of them, so that nobody loses their place."""
    known = set(made.table)
    return {
        "segments": [_segment(sample, known) for sample in made.samples],
        "labels": sorted(odd.items(), key=lambda label: -label[1]),
        "dropped": [(item.where, item.reason, item.detail) for item in made.dropped],
        "unused": list(made.unused) if known else [], "table": list(made.table),
    }  # fmt: skip


def _segment(sample: Sample, known: set[str]) -> list[Any]:
    names = [pattern.type for pattern in sample.patterns]
    return [
        sample.span.start_s, sample.span.end_s, sample.annotator, names, [name for name in names if known and name not in known]
    ]  # fmt: skip
