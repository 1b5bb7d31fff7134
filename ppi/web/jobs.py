"""What runs: status for programs and progress bars, cancelling, trying again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

from flask import Blueprint, Response, g, jsonify, render_template, request
from flask_babel import gettext, ngettext

from ppi.accounts.users import User
from ppi.errors import NotFound
from ppi.jobs.ledger import Job
from ppi.web import access
from ppi.web.errors import told, translated
from ppi.web.words import how_long, took
from ppi.workflows import job_list, kit, lessons

bp = Blueprint("jobs", __name__)


@bp.get("/api/status/<file_id>")
def status(file_id: str) -> Response:
    """The state of a lesson (by its file_id) or of one job (by its own). Links come when nothing is under way any more."""
    services, account = access.services(), access.current()
    try:
        row = lessons.owned(services, account, file_id)
    except NotFound:
        return jsonify(describe_job(lessons.owned_job(services, account, file_id)))
    return jsonify(describe_lesson(lessons.glance(services, row)))


@bp.post("/api/jobs/<job_id>/cancel")
def cancel(job_id: str) -> Response:
    lessons.owned_job(access.services(), access.current(), job_id)
    return jsonify(success=True, **describe_job(access.services().ledger.cancel(job_id)))


@bp.post("/api/jobs/<job_id>/retry")
def retry(job_id: str) -> Response:
    lessons.owned_job(access.services(), access.current(), job_id)
    job = access.services().ledger.retry(job_id)
    access.services().ring(job)
    return jsonify(success=True, **describe_job(job))


@bp.get("/jobs")
def page() -> str:
    """What is under way and what ended lately. With ?part=list only the list, for the drawer of other pages."""
    found = job_list.listed(access.services(), access.current())
    name = "_job_rows.html" if request.args.get("part") == "list" else "jobs.html"
    return render_template(name, step=0, chosen=None, found=found)


@bp.app_context_processor
def _for_all_templates() -> dict[str, Any]:
    return {"trail": trail, "how_long": how_long, "took": took}


def trail(job: Job) -> list[tuple[float, str, str]]:
    """What the ledger keeps of a job's way, oldest first: when, what, and what a program said, in its own words, or ""."""
    found = [(job.created_s, gettext("Queued"), "")]
    if job.started_s:
        found.append((job.started_s, gettext("Begun"), ""))
    if job.attempt - 1 > 0:
        found.append((job.updated_s, gettext("Begun again, attempt %(number)s", number=job.attempt), ""))
    if job.outages:
        waited = ngettext(
            "Waited for a server that was away: %(num)s time", "Waited for a server that was away: %(num)s times", job.outages
        )
        found.append((job.updated_s, waited, ""))
    if job.is_cancel_requested and job.is_active:
        found.append((job.updated_s, gettext("Cancelling was asked for"), ""))
    if job.stage and job.status == "running":
        found.append((job.updated_s, translated(job.stage, job.stage_args), ""))
    if job.error:
        said = f"{told(job.error_code, job.error, job.error_args)} ({job.error_code})"
        found.append((job.finished_s or job.updated_s, said, ""))
        if words := job.error_args.get("words"):
            found.append((job.finished_s or job.updated_s, gettext("In the program’s own words:"), words))
    elif job.finished_s:
        found.append((job.finished_s, gettext("Done") if job.status == "completed" else gettext("Cancelled"), ""))
    return found


@bp.get("/api/jobs")
def jobs_list() -> Response:
    """The jobs under way that the caller may see, oldest first."""
    return jsonify(success=True, jobs=describe_all(access.current()))


@bp.get("/api/lessons")
def lessons_list() -> Response:
    """The caller's lessons (an administrator's: everybody's), newest first."""
    found = lessons.overview(access.services(), access.current())
    listed = [
        {
            "file_id": shown.id, "task_name": shown.row.name, "owner": shown.row.owner_name,
            "object_name": shown.row.video_key, "size_bytes": shown.row.size_bytes, "state": shown.row.state,
            "created": _iso(shown.row.created_s),
            "jobs": {kind: {"job_id": job.id, "status": job.shown_status} for kind, job in shown.jobs.items()},
        }
        for shown in found
    ]  # fmt: skip
    return jsonify(success=True, lessons=listed)


def describe_all(account: User) -> list[dict[str, Any]]:
    """What is under way for the account. `is_own` tells an administrator's own jobs from those of others."""
    found = job_list.under_way(access.services(), account)
    return [describe_job(job, position) | {"is_own": job.owner_id == account.id} for job, position in found]


def describe_job(job: Job, position: int | None = None) -> dict[str, Any]:
    """A job as the API shows it; messages are in the reader's language. Without `position` the ledger is asked for it."""
    message = told(job.error_code, job.error, job.error_args) if job.error else translated(job.stage, job.stage_args)
    if job.status == "completed":
        message = gettext("Done")
    shown = {
        "file_id": job.id, "job_id": job.id, "lesson_id": job.lesson_id, "kind": job.kind, "status": job.shown_status,
        "progress": job.progress, "message": message, "timestamp": _iso(job.updated_s),
        "transcription_ready": job.kind == "transcribe" and job.status == "completed",
        "position": access.services().ledger.position(job) if position is None else position,
        "started": _iso(job.started_s) if job.started_s else None,
    }  # fmt: skip
    if job.is_active:
        shown["how_long"] = how_long(job)
    if job.status == "running" and "left_s" in job.stage_args:
        shown["remaining_s"] = job.stage_args["left_s"]
    if job.error:
        shown |= {"error": message, "code": job.error_code}
    if job.status == "completed":
        shown["result"] = dict(job.result)
    return shown


def describe_lesson(shown: lessons.LessonView) -> dict[str, Any]:
    """A lesson as the API shows it: the state of ingest, then of a transcription under way, then completed."""
    job = _leading_job(shown)
    if job is None:
        percent = int(100 * shown.row.offset_bytes / max(shown.row.size_bytes, 1))
        state = "completed" if shown.row.state == "stored" else "uploading_video"
        described = {"status": state, "progress": 100 if state == "completed" else percent, "message": "", "position": 0}
        described["timestamp"] = _iso(shown.row.created_s)
    else:
        described = describe_job(job)
    described |= {"file_id": shown.id, "transcription_ready": shown.has_transcript}
    if shown.is_ready:
        described |= links(shown)
    return described


def links(shown: lessons.LessonView) -> dict[str, str]:
    """What the dialog "Video Ready for Label Studio" shows: both links, the task to paste, and when the first expires."""
    services = access.services()
    g.audit_object = shown.id
    expires_s = datetime.now(UTC).timestamp() + lessons.LINK_LIFE_S
    return {
        "shareable_url": absolute(lessons.share_link(services, shown.row)), "shareable_url_expires": _iso(expires_s),
        "stable_url": absolute(lessons.stable_link(services, shown.row)), "task_json": kit.tasks(services, shown, absolute),
    }  # fmt: skip


def absolute(link: str) -> str:
    """Links of the local store begin with "/" unless PPI_PUBLIC_URL is set: then the address of this request is used."""
    return urljoin(access.services().settings.web.public_url or request.url_root, link)


def _leading_job(shown: lessons.LessonView) -> Job | None:
    ingest, transcribe = shown.jobs.get("ingest"), shown.jobs.get("transcribe")
    if ingest is not None and ingest.status == "completed" and transcribe is not None and transcribe.is_active:
        return transcribe
    return ingest


def _iso(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).isoformat(timespec="seconds")
