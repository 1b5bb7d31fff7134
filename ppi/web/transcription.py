"""Transcripts on request."""

from __future__ import annotations

from flask import Blueprint, Response, g, jsonify

from ppi.errors import InputError
from ppi.jobs.lessons import LessonRow
from ppi.web import access, forms
from ppi.workflows import lessons, word_lists
from ppi.workflows import transcribe as transcripts

bp = Blueprint("transcription", __name__)


@bp.post("/api/transcribe")
def transcribe() -> Response:
    """{file_id, engine?, model?, language?, phrases?, word_list?, replace?} -> {success, transcription_file_id}.

    `word_list` is the id or the name of a list of words that who asks keeps; it is offered first from now on. `replace` says
    that a transcript which a person corrected may be followed by a new one.
    """
    row, given = _asked()
    wanted = {name: str(given.get(name) or "") for name in ("engine", "model", "language", "phrases")}
    if access.current().role != "admin" and "/" in wanted["model"]:
        raise InputError("Choose one of the model sizes.")
    words = None
    if "word_list" in given:
        words = word_lists.choose(access.services(), access.current(), str(given["word_list"] or ""))
    job = transcripts.request_transcript(
        access.services(), row, **wanted, words=words, replace=given.get("replace") in (True, "on")
    )
    return jsonify(success=True, transcription_file_id=job.id)


def _asked() -> tuple[LessonRow, dict]:
    given = forms.given()
    if not isinstance(given, dict) or not isinstance(given.get("file_id"), str):
        raise InputError("Send file_id, the number of the lesson.")
    g.audit_object = given["file_id"]
    return lessons.owned(access.services(), access.current(), given["file_id"]), given
