"""Transcripts on request."""

from __future__ import annotations

from flask import Blueprint, Response, g, jsonify

from ppi.errors import InputError
from ppi.jobs.lessons import LessonRow
from ppi.web import access, forms
from ppi.workflows import lessons
from ppi.workflows import transcribe as transcripts

bp = Blueprint("transcription", __name__)


@bp.post("/api/transcribe")
def transcribe() -> Response:
    """{file_id, engine?, model?, language?, phrases?, replace?} -> {success, transcription_file_id}.

    `replace` says that a transcript which a person corrected may be followed by a new one.
    """
    row, given = _asked()
    wanted = {name: str(given.get(name) or "") for name in ("engine", "model", "language", "phrases")}
    if access.current().role != "admin" and "/" in wanted["model"]:
        raise InputError("Choose one of the model sizes.")
    job = transcripts.request_transcript(access.services(), row, **wanted, replace=given.get("replace") in (True, "on"))
    return jsonify(success=True, transcription_file_id=job.id)


def _asked() -> tuple[LessonRow, dict]:
    given = forms.given()
    if not isinstance(given, dict) or not isinstance(given.get("file_id"), str):
        raise InputError("Send file_id, the number of the lesson.")
    g.audit_object = given["file_id"]
    return lessons.owned(access.services(), access.current(), given["file_id"]), given
