"""Plans of datasets on plain files: what marks, table and the meanings of labels come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ppi.annotation import config, formats, patterns
from ppi.annotation import meanings as chosen_meanings
from ppi.annotation.patterns import Codebook
from ppi.dataset import plan
from ppi.records import Dropped, Export, MediaInfo


def plan_early(
    annotations: Path, table: Path, info: MediaInfo, lesson: str, source_video: str, lesson_id: str = "", teacher: str = "",
    meanings: Mapping[str, str] | None = None,
) -> plan.Plan:  # fmt: skip
    """What a build would hold; raises what is wrong with the inputs before any long work begins: AnnotationError, and
    DatasetError when it would hold nothing.
    """
    export = formats.read_apart(
        annotations.read_bytes(), annotations.name, frame_rate=info.video.frame_rate, duration_s=info.duration_s,
        video_name=source_video,
    )  # fmt: skip
    return planned(export, patterns.read(table), info, lesson, source_video, lesson_id, teacher, meanings).require_samples()


def planned(
    export: Export, codebook: Codebook, info: MediaInfo, lesson: str, source_video: str, lesson_id: str = "",
    teacher: str = "", meanings: Mapping[str, str] | None = None,
) -> plan.Plan:  # fmt: skip
    """The plan with everything that was left out on the way to it; it may hold no sample."""
    of_others: list[Dropped] = []
    mine = plan.of_lesson(list(export.annotations), lesson_id, of_others)
    read = chosen_meanings.applied(mine, meanings or {}, codebook)
    made = plan.plan(
        read.annotations, codebook.match, duration_s=info.duration_s, lesson=lesson, source_video=source_video,
        frame_rate=info.video.frame_rate, lesson_id=lesson_id, teacher=teacher,
    )  # fmt: skip
    table = tuple(pattern.type for pattern in config.in_order(codebook.patterns))
    made = replace(made, table=table, meanings=read.used)
    return made.with_dropped((*export.dropped, *of_others, *read.dropped, *codebook.problems))
