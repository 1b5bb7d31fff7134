"""Datasets: build, show, download, push."""

from __future__ import annotations

from dataclasses import asdict
from urllib.parse import quote

from flask import Blueprint, Response, g, jsonify, request, url_for

from ppi.errors import InputError
from ppi.jobs.ledger import Job
from ppi.web import access, forms
from ppi.web.errors import translated
from ppi.web.gallery import owned
from ppi.web.jobs import absolute
from ppi.workflows import (
    about_lesson,
    annotations,
    build_dataset,
    cards,
    lessons,
    pattern_tables,
    publish,
    pushes,
    say_consent,
)
from ppi.workflows.things import Thing

bp = Blueprint("export", __name__)
MAX_FORM_BYTES = annotations.MAX_BYTES + pattern_tables.MAX_TABLE_BYTES + 64 * 1024


@bp.post("/api/datasets")
def build() -> Response:
    """Multipart: file_id, annotations? (any format read), patterns? (XLSX or CSV), engine?, clips? -> {success, job_id}.

    Without annotations those fetched from Label Studio are used, without patterns the table that the lesson keeps.
    """
    request.max_content_length = MAX_FORM_BYTES
    services = access.services()
    lesson_id = g.audit_object = request.form.get("file_id", "")
    row = lessons.owned(services, access.current(), lesson_id)
    marks, table = request.files.get("annotations"), request.files.get("patterns")
    job = build_dataset.request_build(
        services, row, annotations=marks.stream if marks else None, annotations_name=(marks.filename or "") if marks else "",
        table=table.stream if table else None, table_name=(table.filename or "") if table else "",
        engine=request.form.get("engine", ""), clips=request.form.get("clips", "strict"),
    )  # fmt: skip
    g.then = url_for("pages.dataset", lesson=row.id)
    return jsonify(success=True, job_id=job.id)


@bp.get("/api/datasets/<lesson_id>")
def show(lesson_id: str) -> Response:
    row = lessons.owned(access.services(), access.current(), lesson_id)
    found = build_dataset.stored_dataset(access.services(), row)
    return jsonify(
        success=True, rows=found.rows, report=found.report, card=found.card, size_bytes=found.size_bytes,
        files=found.file_count,
    )  # fmt: skip


@bp.get("/datasets/<lesson_id>.zip")
def download_zip(lesson_id: str) -> Response:
    row = lessons.owned(access.services(), access.current(), lesson_id)
    about_lesson.check_use(access.services(), row)
    name, stream = build_dataset.zip_stream(access.services(), row)
    answer = Response(stream, mimetype="application/zip")
    answer.headers["Content-Disposition"] = attachment(name, "dataset.zip")
    return answer


@bp.get("/lessons/<lesson_id>/annotations/<kind>")
def download_annotations(lesson_id: str, kind: str) -> Response:
    """The annotations a dataset was asked for with, for another tool: `kind` is one of `annotations.TARGETS`."""
    row = lessons.owned(access.services(), access.current(), lesson_id)
    made = annotations.converted(access.services(), row, kind, absolute)
    answer = Response(made.data, content_type=made.content_type)
    answer.headers["Content-Disposition"] = attachment(made.file_name, f"annotations.{kind}")
    return answer


@bp.post("/api/datasets/<lesson_id>/push")
def push(lesson_id: str) -> Response:
    """{repo_id, private?, dry_run?} -> {success, job_id}; private unless said otherwise.

    With dry_run nothing is sent: the job finds out what a push would do, and `pushes` tells it.
    """
    row = lessons.owned(access.services(), access.current(), lesson_id)
    return jsonify(success=True, job_id=ask_to_push(row).id)


def ask_to_push(thing: Thing) -> Job:
    """Queue what the request asks for: a push, or a dry run of one."""
    given = forms.given()
    if not isinstance(given, dict) or not isinstance(given.get("repo_id"), str):
        raise InputError("Send repo_id, such as university/lesson-patterns.")
    repo_id, is_dry_run = given["repo_id"].strip(), given.get("dry_run", False) not in (False, "false")
    g.audit_object = f"{thing.id} {repo_id}" + (" (dry run)" if is_dry_run else "")
    return publish.request_push(
        access.services(), thing, repo_id=repo_id, is_private=given.get("private", True) not in (False, "false"),
        by=access.current().name, is_dry_run=is_dry_run,
    )  # fmt: skip


@bp.get("/api/datasets/<lesson_id>/pushes")
def list_pushes(lesson_id: str) -> Response:
    """What was pushed, the oldest first, and the last dry run, null when there was none of the dataset as it is now."""
    services = access.services()
    row = lessons.owned(services, access.current(), lesson_id)
    found = publish.fresh_dry_run(services, row)
    done = [asdict(push) for push in pushes.pushes(services, row)]
    told = {"problems": [translated(one["template"], one["values"]) for one in found.problems]} if found else {}
    return jsonify(success=True, pushes=done, dry_run={**asdict(found), **told} if found else None)


@bp.post("/api/lessons/<lesson_id>/consent")
def save_consent(lesson_id: str) -> Response:
    """{state?, license?, embargo_until?, teacher?} -> {success, and the four as they are kept}."""
    row = lessons.owned(access.services(), access.current(), lesson_id)
    given = _texts(("state", "license", "embargo_until", "teacher"))
    return jsonify(success=True, **asdict(say_consent.save_consent(access.services(), row, given)))


@bp.post("/api/datasets/<dataset_id>/card")
def save_card(dataset_id: str) -> Response:
    """{text?, language?} -> {success, card}; what is not sent stays. The card is empty while there is no dataset."""
    thing = owned(dataset_id)
    return jsonify(success=True, card=cards.save(access.services(), thing, **_texts(("text", "language"))))


def _texts(names: tuple[str, ...]) -> dict[str, str]:
    """Those of the fields that were sent."""
    given = forms.given()
    if not isinstance(given, dict) or not all(isinstance(given.get(name, ""), str) for name in names):
        raise InputError("Send the fields as texts: {names}.", names=", ".join(names))
    return {name: given[name] for name in names if name in given}


def attachment(name: str, simple: str) -> str:
    """To be saved as `name`; `simple` is for programs that know no other letters than Latin ones."""
    return f"attachment; filename=\"{simple}\"; filename*=UTF-8''{quote(name, safe='')}"
