"""What a lesson's report needs from other rooms: annotators' marks, figures, key frames of the dataset."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from ppi.annotation import formats, patterns
from ppi.annotation.meanings import applied
from ppi.annotation.patterns import Codebook
from ppi.dataset import keyframes, lesson_figures, plan
from ppi.dataset.layout import METADATA
from ppi.errors import AnnotationError, NotFound
from ppi.jobs.lessons import LessonRow
from ppi.records import Summary, Transcript
from ppi.services import Services
from ppi.summary import report as reports
from ppi.summary.outline import Block, Picture
from ppi.summary.report import Mark
from ppi.workflows import annotations, lanes, lessons, meanings, pattern_tables
from ppi.workflows.about_lesson import dataset_prefix
from ppi.workflows.ingest import media_info

MOST_FRAMES = 6


def blocks(
    services: Services, row: LessonRow, transcript: Transcript, summary: Summary, language: str, folder: Path,
    on_tick: Callable[[], None],
) -> tuple[Block, ...]:  # fmt: skip
    """The report's part of the document, its figures drawn into `folder`."""
    marks = marks_of(services, row)
    report = reports.report_of(transcript, marks, summary, language)
    numbers = lanes.numbers(_codebook(services, row), (mark.pattern for mark in marks))
    marked = _lanes(((mark.pattern, mark.span.start_s, mark.span.end_s) for mark in marks), numbers)
    drawn = lesson_figures.draw(
        folder, lanes=[*_lanes(report.spoken, {}), *marked], shares=report.shares if report.has_speakers else (),
        duration_s=transcript.duration_s, on_tick=on_tick,
    )  # fmt: skip
    files = {path.name: str(path) for path in drawn}
    timeline, talk = (files.get(name, "") for name in (lesson_figures.TIMELINE, lesson_figures.SHARES))
    return reports.blocks_of(report, language, timeline, talk)


def marks_of(services: Services, row: LessonRow) -> tuple[Mark, ...]:
    """Everything that annotators marked in the lesson, in order of time; none when nothing was brought or it is unreadable.

    Patterns are named as in the dataset. Who acts is told by the label.
    """
    codebook = _codebook(services, row)
    try:
        found, info = annotations.stored(services, row), media_info(lessons.facts(services, row))
        data = b"".join(services.store.read(services.raw, found.key))
        rate = info.video.frame_rate if info.video else None
        export = formats.read_apart(
            data, found.key, frame_rate=rate, duration_s=info.duration_s, video_name=row.video_key.removeprefix(row.prefix)
        )
    except (NotFound, AnnotationError):
        return ()
    read = applied(plan.of_lesson(list(export.annotations), row.id, []), meanings.kept(services, row), codebook)
    marks = {
        Mark(_name(codebook, label), patterns.folded(label)[0], region.span)
        for annotation in read.annotations for region in annotation.regions for label in region.labels
    }  # fmt: skip
    return tuple(sorted(marks, key=lambda mark: (mark.span, mark.pattern)))


def _codebook(services: Services, row: LessonRow) -> Codebook:
    return lanes.codebook_of(services, row, pattern_tables.kept(lessons.view(services, row)))


def _name(codebook: Codebook, label: str) -> str:
    found = codebook.match(label)
    return found.type if found else label.strip()


def frames(services: Services, row: LessonRow, folder: Path) -> tuple[Picture, ...]:
    """Key frames of the lesson's dataset, spread over the lesson, copied into `folder`; none before a dataset was built."""
    prefix = dataset_prefix(row)
    try:
        lines = b"".join(services.store.read(services.final, prefix + METADATA)).decode().splitlines()
        rows = sorted((json.loads(line) for line in lines), key=lambda sample: (sample["start_time"], sample["id"]))
        pictures = []
        for number, sample in enumerate(_spread(rows)):
            target = folder / f"frame-{number}.jpg"
            with services.store.as_file(services.final, prefix + sample["image_path"]) as source:
                if not keyframes.small_copy(source, target):
                    continue
            caption = ", ".join(pattern["type"] for pattern in sample["patterns"])
            pictures.append(Picture(str(target), caption, sample["start_time"]))
    except NotFound:  # no dataset, or one that is being replaced just now
        return ()
    return tuple(pictures)


def _spread(rows: list[dict]) -> list[dict]:
    """At most MOST_FRAMES of the rows, the first and the last among them, of every second one."""
    moments = list({int(sample["start_time"]): sample for sample in rows}.values())
    if len(moments) <= MOST_FRAMES:
        return moments
    return [moments[round(number * (len(moments) - 1) / (MOST_FRAMES - 1))] for number in range(MOST_FRAMES)]


def _lanes(spans: Iterable[tuple[str, float, float]], numbers: Mapping[str, int]) -> list[lesson_figures.Lane]:
    """Spans by name, the most frequent first, with the numbers of their colours."""
    found: dict[str, list[tuple[float, float]]] = {}
    for name, start_s, end_s in spans:
        found.setdefault(name, []).append((start_s, end_s))
    ordered = sorted(found.items(), key=lambda lane: (-len(lane[1]), lane[0]))
    return [(name, spans, numbers.get(name)) for name, spans in ordered]
