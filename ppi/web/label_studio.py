"""A running Label Studio: send a lesson there, fetch its annotations.

The forms of step 2 work without scripts: people are led back to the page, programs get JSON.
"""

from __future__ import annotations

from flask import Blueprint, Response, g, jsonify, redirect, request, url_for

from ppi.jobs.ledger import Job
from ppi.web import access
from ppi.web.errors import wants_json
from ppi.web.jobs import absolute
from ppi.workflows import annotate, lessons

bp = Blueprint("label_studio", __name__)


@bp.post("/lessons/<lesson_id>/label-studio/send")
def send(lesson_id: str) -> Response:
    """Form: patterns? (XLSX or CSV file), project?, variant?, transcript?, replace? -> {success, job_id}."""
    row = lessons.owned(access.services(), access.current(), lesson_id)
    g.audit_object = row.id
    table, given = request.files.get("patterns"), request.form
    job = annotate.request_send(
        access.services(), row, address=absolute("/"), table=table.stream if table else None,
        table_name=(table.filename or "") if table else "", project=given.get("project", ""),
        variant=given.get("variant") or annotate.VARIANTS[0], with_transcript="transcript" in given,
        may_replace="replace" in given,
    )  # fmt: skip
    return _answer(job)


@bp.post("/lessons/<lesson_id>/label-studio/fetch")
def fetch(lesson_id: str) -> Response:
    """-> {success, job_id}."""
    row = lessons.owned(access.services(), access.current(), lesson_id)
    g.audit_object = row.id
    return _answer(annotate.request_fetch(access.services(), row))


def _answer(job: Job) -> Response:
    if wants_json():
        return jsonify(success=True, job_id=job.id)
    return redirect(url_for("pages.dataset", lesson=job.lesson_id) + "#label-studio")
