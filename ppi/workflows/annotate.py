"""Annotate: a lesson goes to a running Label Studio as a task, and what annotators marked comes back to the lesson.

What is kept beside the video: `.label-studio.json`, where the lesson is and what was fetched when; and
`.label-studio.annotations.json`, the annotations in the shape of an export.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace
from typing import IO, Any
from urllib.parse import urljoin

from ppi.annotation import label_studio, label_studio_server, speech_regions
from ppi.annotation.label_studio_server import Place
from ppi.errors import AccessDenied, Conflict, InputError, NotFound
from ppi.jobs.ledger import Job
from ppi.jobs.lessons import LessonRow
from ppi.jobs.run import Run
from ppi.services import Services
from ppi.storage import keys
from ppi.workflows import kit, label_studio_files, lessons, pattern_tables
from ppi.workflows.ingest import media_info, owner_metadata
from ppi.workflows.transcribe import stored_transcript

SENT, FETCHED = ".label-studio.json", ".label-studio.annotations.json"
SEND, FETCH = "send_lesson", "fetch_annotations"
VARIANTS = kit.VARIANTS


@dataclass(frozen=True)
class Sent:
    """Where a lesson is, and what came back of it. Times are seconds since the epoch, 0.0 when not yet.

    `annotations` counts the finished ones that are kept, `new` those that the last fetch brought or found changed.
    """

    url: str
    project_id: int
    project: str
    task_id: int
    sent_s: float
    fetched_s: float = 0.0
    annotations: int = 0
    annotators: int = 0
    new: int = 0

    @property
    def place(self) -> Place:
        return Place(self.project_id, self.project, self.task_id)

    @property
    def link(self) -> str:
        """The page of Label Studio that opens the lesson."""
        return label_studio_server.task_url(self.url, self.place)


def is_connected(services: Services) -> bool:
    """Whether the administrator gave a token of Label Studio."""
    return bool(services.settings.label_studio.token)


def usual_project(row: LessonRow) -> str:
    """The project that lessons of this owner go to unless another is named."""
    return f"PPI {row.owner_name}"[: label_studio_server.MAX_TITLE_CHARACTERS].strip()


def own_address(services: Services) -> str:
    """PPI's address as far as the settings tell it: for those who send without a browser."""
    web = services.settings.web
    return web.public_url or f"http://{web.host}:{web.port}"


def sent(services: Services, row: LessonRow) -> Sent | None:
    """Where the lesson is on the Label Studio of the settings; None when it was not sent there."""
    try:
        found = services.store.read(services.raw, keys.derivative_key(row.video_key, SENT))
    except NotFound:
        return None
    known = Sent(**json.loads(b"".join(found)))
    return known if known.url == services.settings.label_studio.url else None


def request_send(
    services: Services, row: LessonRow, *, address: str, table: IO[bytes] | None = None, table_name: str = "",
    project: str = "", variant: str = VARIANTS[0], with_transcript: bool = False, may_replace: bool = False,
) -> Job:  # fmt: skip
    """Keep the pattern table with the lesson and queue the sending, or answer the job that is under way.

    `address` is PPI's own as annotators' browsers reach it. Without `table` the one that the lesson keeps is used. Raises
    AccessDenied when PPI is not connected, InputError and AnnotationError when the table or the project cannot be used,
    Conflict while the lesson is prepared or built, or when it has no transcript to show.
    """
    shown = _ready(services, row)
    if (newest := shown.jobs.get(SEND)) is not None and newest.is_active:
        return newest
    if with_transcript and not shown.has_transcript:
        raise Conflict("This lesson has no transcript yet. Transcribe it first, or send it without.")
    title = project.strip() or usual_project(row)
    label_studio_server.check_title(title)
    if table is not None:
        kit.keep_table(services, row, table=table, table_name=table_name, variant=variant)
    elif pattern_tables.kept_suffix(shown):
        kit.kit_of(services, shown, variant)
    else:
        raise InputError("This lesson has no table of patterns yet. Give one, an XLSX or CSV file.")
    wanted = {
        "address": address, "project": title, "variant": variant, "with_transcript": with_transcript,
        "may_replace": may_replace,
    }  # fmt: skip
    return _submit(services, row, SEND, wanted)


def run_send(services: Services, job: Job, run: Run) -> dict[str, Any]:
    """The job. Repeated, it finds what it made and changes nothing."""
    row = services.lessons.get(job.lesson_id)
    on_progress = run.step("exchanging", "Sending the lesson to Label Studio", 0.0, 1.0)
    known, shown, given = sent(services, row), lessons.view(services, row), job.input
    config = speech_regions.with_speech(kit.kit_of(services, shown, given["variant"]).config)
    data = json.loads(kit.tasks(services, shown, lambda link: urljoin(given["address"], link)))[0]["data"]
    transcript = stored_transcript(services, row) if given["with_transcript"] else None
    place = label_studio_server.send(
        services.settings.label_studio, title=given["project"], config=config, data=data,
        predictions=speech_regions.speech_result(transcript) if transcript is not None else None,
        project_id=known.project_id if known else None, may_replace=given["may_replace"], on_tick=run.check,
        media_folder=label_studio_files.shared_folder(services, data["video"]),
    )  # fmt: skip
    on_progress(0.9)
    now = Sent(services.settings.label_studio.url, **asdict(place), sent_s=time.time())
    if known is not None and known.place == place:
        now = replace(known, sent_s=now.sent_s, project=place.project)
    _remember(services, row, run, now)
    return {"url": now.link, "project": now.project}


def request_fetch(services: Services, row: LessonRow) -> Job:
    """Queue the fetching, or answer the job that is under way.

    Raises AccessDenied when PPI is not connected, Conflict when the lesson was not sent.
    """
    shown = _ready(services, row)
    if (newest := shown.jobs.get(FETCH)) is not None and newest.is_active:
        return newest
    _where(services, row)
    return _submit(services, row, FETCH, {})


def run_fetch(services: Services, job: Job, run: Run) -> dict[str, Any]:
    """The job: bring what changed since the last time. Nothing is lost here when a task is gone there."""
    row = services.lessons.get(job.lesson_id)
    on_progress = run.step("exchanging", "Fetching the annotations from Label Studio", 0.0, 1.0)
    known, before = _where(services, row), _fetched(services, row)
    is_same_task = before.get("id") == known.task_id
    task = label_studio_server.fetch(
        services.settings.label_studio, known.project_id, row.id,
        seen=(before["id"], before["updated_at"]) if is_same_task else None, on_tick=run.check,
    )  # fmt: skip
    on_progress(0.8)
    now = replace(known, fetched_s=time.time(), new=0)
    if task is not None:
        _keep(services, row, run, task)
        now = replace(now, task_id=task["id"], **_counts(before if is_same_task else {}, task))
    _remember(services, row, run, now)
    return {"annotations": now.annotations, "annotators": now.annotators, "new": now.new}


def fetched_annotations(services: Services, row: LessonRow) -> bytes:
    """What was fetched, as an export. Raises NotFound when nothing was."""
    return b"".join(services.store.read(services.raw, keys.derivative_key(row.video_key, FETCHED)))


def _ready(services: Services, row: LessonRow) -> lessons.LessonView:
    if not is_connected(services):
        raise AccessDenied("PPI is not connected to Label Studio. The administrator sets LABEL_STUDIO_TOKEN.")
    shown = lessons.view(services, row)
    if not shown.is_ready:
        raise Conflict("The lesson is still being prepared. Send it to Label Studio when that is done.")
    return shown


def _submit(services: Services, row: LessonRow, kind: str, wanted: dict[str, Any]) -> Job:
    job = services.ledger.submit(kind, row.owner_id, row.id, wanted)
    services.ring(job)
    return job


def _where(services: Services, row: LessonRow) -> Sent:
    known = sent(services, row)
    if known is None:
        raise Conflict("This lesson was not sent to Label Studio yet. Send it first.")
    return known


def _fetched(services: Services, row: LessonRow) -> dict[str, Any]:
    try:
        return json.loads(fetched_annotations(services, row))[0]
    except NotFound:
        return {}


def _keep(services: Services, row: LessonRow, run: Run, task: dict[str, Any]) -> None:
    """Store what was fetched once it is known to be readable. Raises AnnotationError."""
    text = json.dumps([task], ensure_ascii=False)
    info = media_info(lessons.facts(services, row))
    label_studio.parse(text, frame_rate=info.video.frame_rate, duration_s=info.duration_s)
    _store(services, row, run, FETCHED, text)


def _counts(before: dict[str, Any], task: dict[str, Any]) -> dict[str, int]:
    known = {given.get("id"): given.get("updated_at") for given in _finished(before)}
    finished = _finished(task)
    return {
        "annotations": len(finished), "annotators": len({given.get("completed_by") for given in finished}),
        "new": sum(known.get(given.get("id")) != given.get("updated_at") for given in finished),
    }  # fmt: skip


def _finished(task: dict[str, Any]) -> list[dict[str, Any]]:
    return [given for given in task.get("annotations", ()) if not given.get("was_cancelled")]


def _remember(services: Services, row: LessonRow, run: Run, now: Sent) -> None:
    _store(services, row, run, SENT, json.dumps(asdict(now), ensure_ascii=False, indent=1))


def _store(services: Services, row: LessonRow, run: Run, suffix: str, text: str) -> None:
    run.check()
    services.store.put_bytes(
        services.raw, keys.derivative_key(row.video_key, suffix), text.encode(), content_type="application/json",
        metadata=owner_metadata(row),
    )  # fmt: skip
