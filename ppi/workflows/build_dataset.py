"""Build: a stored lesson, its annotations and the pattern table become a checked dataset in the final bucket."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO, Any

from ppi.errors import NotFound, ToolFailed, UnsupportedMedia
from ppi.jobs.ledger import Job
from ppi.jobs.lessons import LessonRow
from ppi.jobs.run import HandOver, Run
from ppi.records import ObjectInfo
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows import about_lesson, lessons, meanings, plain_dataset, preview, speakers, stored_datasets, versions
from ppi.workflows import annotations as given
from ppi.workflows.about_lesson import DATASET_NAME, dataset_prefix
from ppi.workflows.ingest import media_info, owner_metadata, put
from ppi.workflows.scratch import scratch
from ppi.workflows.stored_datasets import TYPES, StoredDataset
from ppi.workflows.transcribe import count_as_transcribed, hear, stored_transcript

SHEET = ".contact-sheet-"

log = logging.getLogger(__name__)


def request_build(
    services: Services, row: LessonRow, *, annotations: IO[bytes] | None = None, annotations_name: str = "",
    table: IO[bytes] | None = None, table_name: str = "", engine: str = "", clips: str = "strict", kept_as: str = "",
) -> Job:  # fmt: skip
    """Keep the two files with the lesson and queue a build. Annotations are of any format that PPI reads; clips are cut in
    the way "strict" or "fast".

    The annotations replace those of the last build, unless `kept_as` gives them an ending of their own (".gold.json").
    Without `annotations` the newest are used of those brought before and those fetched from Label Studio, without `table`
    the one that the lesson keeps. Raises InputError, AnnotationError and DatasetError when nothing could be built of them,
    Conflict while a build runs, and AccessDenied when the lesson was withdrawn.
    """
    plain_dataset.check_mode(clips)
    about_lesson.check_use(services, row)
    shown = preview.free(services, row)
    suffix = preview.keep(
        services, row, annotations=annotations, annotations_name=annotations_name, table=table, table_name=table_name,
        kept_as=kept_as, is_for_build=True,
    )  # fmt: skip
    # Speech is recognised first where models are, when that has not been done yet.
    queue = "speech" if shown.has_audio and not shown.has_transcript else "dataset"
    wanted = {"annotations": kept_as, "table": suffix, "engine": engine, "clips": clips}
    job = services.ledger.submit("build_dataset", row.owner_id, row.id, wanted, queue=queue)
    services.ring(job)
    return job


def run_build(services: Services, job: Job, run: Run) -> dict[str, Any]:
    """The job: transcribe when that has not been done, cut, check, and publish into the final bucket."""
    row = services.lessons.get(job.lesson_id)
    info = media_info(lessons.facts(services, row))
    with scratch(services, job) as folder:
        transcript = _transcript(services, row, job, run, folder, bool(info.audio))
        if job.queue == "speech":
            raise HandOver("dataset")
        on_progress = run.step("building", "Cutting clips and key frames", 0.4, 0.85)
        store, raw, kept_as = services.store, services.raw, job.input.get("annotations")
        key = keys.derivative_key(row.video_key, kept_as) if kept_as else given.stored(services, row).key
        with (
            store.as_file(raw, row.video_key) as video,
            store.as_file(raw, key) as annotations,
            store.as_file(raw, keys.derivative_key(row.video_key, job.input["table"])) as table,
        ):
            marks = given.named(Path(shutil.copy(annotations, folder / "annotations.given")), key)
            report = plain_dataset.build_folder(
                services.ffmpeg, video, info, marks, table, folder / DATASET_NAME, transcript, row.name,
                preview.video_name(row), on_progress, row.id, job.input.get("clips", "strict"),
                consent=about_lesson.consent(services, row), own_text=about_lesson.own_text(services, row),
                card_language=about_lesson.card_language(services, row),
                previous=stored_datasets.before(services, dataset_prefix(row), folder / "previous"),
                bring=lambda path, target: stored_datasets.bring(services, dataset_prefix(row) + path, target),
                meanings=meanings.kept(services, row),
            )  # fmt: skip
            sheets = _draw_sheets(services, row, run, video, folder)
        _publish(services, row, run, folder / DATASET_NAME, report.unchanged)
        versions.keep(services, row)
        _keep_sheets(services, row, run, sheets)
    about_lesson.refresh(services, row)  # what was recorded while the build ran
    return {
        "samples": report.samples, "cut": report.cut, "kept": report.kept, "dropped": len(report.dropped),
        "unmatched": list(report.unmatched),
    }  # fmt: skip


def stored_dataset(services: Services, row: LessonRow) -> StoredDataset:
    """The lesson's dataset. Raises NotFound when none was built."""
    return stored_datasets.read(services, dataset_prefix(row))


def sheet_urls(services: Services, row: LessonRow) -> list[str]:
    """Presigned links to the pages of the contact sheet of the newest build, in order."""
    found = sorted(_sheets(services, row), key=lambda item: (len(item.key), item.key))
    return [services.store.presign_get(services.raw, item.key, expires_s=86_400) for item in found]


def zip_stream(services: Services, row: LessonRow) -> tuple[str, Iterator[bytes]]:
    """The dataset as a ZIP in flat memory: its file name and its bytes. Raises NotFound when none was built."""
    return stored_datasets.zip_stream(services, dataset_prefix(row), row.name)


def _transcript(services: Services, row: LessonRow, job: Job, run: Run, folder: Path, has_audio: bool):
    if not has_audio:
        return None
    try:
        return stored_transcript(services, row)
    except NotFound:
        transcript = hear(services, row, job, run, folder, 0.0, 0.34)
        count_as_transcribed(services, row, transcript)
        speakers.follow_in(services, row, run, folder, 0.34, 0.4)
        return stored_transcript(services, row)


def _draw_sheets(services: Services, row: LessonRow, run: Run, video: Path, folder: Path) -> list[Path]:
    """The pages, or none where they cannot be drawn: a dataset is as good without them."""
    on_progress = run.step("building", "Drawing the contact sheet", 0.85, 0.9)
    try:
        return plain_dataset.draw_sheets(services.ffmpeg, video, folder / DATASET_NAME, folder / "sheets", on_progress)
    except (ToolFailed, UnsupportedMedia) as error:
        log.warning("lesson %s: its dataset has no contact sheet: %s", row.id, error)
        return []


def _keep_sheets(services: Services, row: LessonRow, run: Run, pages: list[Path]) -> None:
    """Put the pages beside the video, not into the dataset: they show moments that nobody chose for it."""
    made = {keys.derivative_key(row.video_key, f"{SHEET}{page.name}"): page for page in pages}
    for key, page in made.items():
        put(services, run, row, page, key, TYPES[page.suffix])
    for item in _sheets(services, row):
        if item.key not in made:
            services.store.delete(services.raw, item.key)


def _sheets(services: Services, row: LessonRow) -> list[ObjectInfo]:
    return services.store.list(services.raw, keys.derivative_key(row.video_key, SHEET))


def _publish(services: Services, row: LessonRow, run: Run, folder: Path, unchanged: Collection[str]) -> None:
    """Files of an earlier build go last. Those `unchanged` were read from their very places when this build began."""
    on_progress = run.step("building", "Storing the dataset", 0.9, 1.0)
    prefix = dataset_prefix(row)
    stored_datasets.put(services, folder, prefix, owner_metadata(row), on_progress, unchanged)
    made = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    stored_datasets.remove(services, prefix, but=made)
