"""A lesson's transcript: read beside the recording, corrected, downloaded in every format, and given by upload."""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, g, jsonify, render_template, request
from flask_babel import get_locale, gettext

from ppi.errors import InputError, NotFound, PpiError
from ppi.jobs.lessons import LessonRow
from ppi.records import model_name
from ppi.web import access, forms, shown_transcript
from ppi.web.hearing import hearing_of
from ppi.web.jobs import absolute
from ppi.web.player import player_of
from ppi.web.shown_transcript import described
from ppi.web.speakers import talk
from ppi.workflows import corrections, lessons, texts
from ppi.workflows.corrections import Edited

bp = Blueprint("transcript", __name__)


@bp.get("/lessons/<lesson_id>/transcript")
def page(lesson_id: str) -> str:
    """`?t=` is the second to begin at; `?edit=` or `?who=` is the segment (from 0) that a browser without scripts wants to
    correct, or to say the speaker of. With `?part=speakers` the script gets what the page says of speakers.
    """
    services = access.services()
    row = lessons.owned(services, access.current(), lesson_id)
    shown = lessons.view(services, row)
    try:
        edited = corrections.load(services, row)
    except NotFound:  # not transcribed yet: the page says how to begin
        edited = None
    if edited and request.args.get("part") == "speakers":
        return render_template("_speakers.html", chosen=row, shown=shown, edited=edited, talk=talk(edited.transcript))
    return render_template(
        "transcript.html", step=1, chosen=row, shown=shown, edited=edited, player=player_of(shown), start_s=_begin_s(),
        editing=request.args.get("edit", -1, type=int), choosing=request.args.get("who", -1, type=int),
        endings=".srt,.vtt,.json", languages=get_locale().languages, phrases=shown_transcript.phrases(),
        **(_shown(edited) if edited else {}),
    )  # fmt: skip


@bp.get("/lessons/<lesson_id>/transcript/<kind>")
def download(lesson_id: str, kind: str) -> Response:
    """The transcript as txt, times.txt, speakers.txt, docx, srt, vtt, json, textgrid or eaf; ?version= for an earlier one."""
    row = lessons.owned(access.services(), access.current(), lesson_id)
    version = request.args.get("version", 0, type=int)
    made = texts.written(
        access.services(), row, kind, version=version, language=str(get_locale()), home=absolute("/").rstrip("/")
    )  # fmt: skip
    answer = Response(made.data, content_type=made.content_type)
    answer.headers["Content-Disposition"] = _attachment(made.file_name, f"transcript.{kind}")
    return answer


@bp.route("/transcripts.zip", methods=["GET", "POST"])
def bundle() -> Response:
    """?lesson=...&lesson=..., or the same fields as a form of the lessons' list: all texts of these lessons as a ZIP."""
    chosen = request.values.getlist("lesson")
    g.audit_object = ",".join(chosen)[:400]
    if not chosen:
        raise InputError("Choose the lessons whose texts you want.")
    stream = texts.bundle(
        access.services(), access.current(), chosen, language=str(get_locale()), home=absolute("/").rstrip("/")
    )  # fmt: skip
    answer = Response(stream, mimetype="application/zip")
    answer.headers["Content-Disposition"] = _attachment(gettext("Transcripts") + ".zip", "transcripts.zip")
    return answer


@bp.get("/api/lessons/<lesson_id>/transcript")
def show(lesson_id: str) -> Response:
    """-> {success, version, undo, redo, segments}; with ?segment= (from 0) only that one."""
    row = lessons.owned(access.services(), access.current(), lesson_id)
    edited = corrections.load(access.services(), row)
    wanted = request.args.get("segment", type=int)
    found = {place: one for place, one in enumerate(edited.transcript.segments) if wanted in (None, place)}
    return jsonify(success=True, **described(edited, found))


@bp.post("/api/lessons/<lesson_id>/transcript")
def upload(lesson_id: str) -> Response:
    """Multipart: transcript (SRT, VTT or JSON), language?, replace? -> {success, version, segments, words, notes}."""
    request.max_content_length = forms.PLAIN[request.endpoint]
    services = access.services()
    row = lessons.owned(services, access.current(), lesson_id)
    file = request.files.get("transcript")
    if not file:
        raise InputError("Give a transcript: a file with the ending .srt, .vtt or .json.")
    data = file.stream.read(texts.MAX_UPLOAD_BYTES + 1)
    kept = texts.keep_uploaded(
        services, row, data, file.filename or "", who=access.current().name, language=request.form.get("language", "")[:10],
        replace=bool(request.form.get("replace")),
    )  # fmt: skip
    made = kept.transcript
    return jsonify(
        success=True, version=kept.version, segments=len(made.segments), words=len(made.words), notes=list(made.notes)
    )


@bp.post("/api/lessons/<lesson_id>/transcript/edit")
def edit(lesson_id: str) -> Response:
    """{version, segment (from 0), text} -> {success, version, undo, redo, segments}, the segments that changed since."""
    row = lessons.owned(access.services(), access.current(), lesson_id)
    given = _numbers("version", "segment")
    text = given.get("text")
    if not isinstance(text, str):
        raise InputError("Send text, the segment as it should be.")
    try:
        edited = corrections.edit(
            access.services(), row, who=access.current().name, base=given["version"], number=given["segment"], text=text
        )
    except PpiError:
        g.beside = _typed_again(row, given["segment"], text)
        raise
    return _changed(row, edited, given["version"])


@bp.post("/api/lessons/<lesson_id>/transcript/check")
def check(lesson_id: str) -> Response:
    """{version, segment (from 0), word? (from 0)}: a person found the segment, or this word of it, right -> as `edit`."""
    row = lessons.owned(access.services(), access.current(), lesson_id)
    given = _numbers("version", "segment")
    word = _numbers("word")["word"] if "word" in given else None
    edited = corrections.check(
        access.services(), row, who=access.current().name, base=given["version"], number=given["segment"], word=word
    )
    return _changed(row, edited, given["version"])


@bp.post("/api/lessons/<lesson_id>/transcript/speaker")
def speaker(lesson_id: str) -> Response:
    """{version, segment (from 0), speaker, on?}: who speaks in a segment, and with `on` up to the next change -> as `edit`.

    The form for browsers without scripts has a button for each speaker who is known, and a field for another name.
    """
    row = lessons.owned(access.services(), access.current(), lesson_id)
    given = _numbers("version", "segment")
    name = given.get("known", given.get("speaker"))
    if not isinstance(name, str):
        raise InputError("Send speaker, the name of who speaks, or an empty text when nobody knows.")
    edited = corrections.give_speaker(
        access.services(), row, who=access.current().name, base=given["version"], number=given["segment"], speaker=name,
        is_on=given.get("on") in (True, "on"),
    )  # fmt: skip
    return _changed(row, edited, given["version"])


@bp.post("/api/lessons/<lesson_id>/transcript/undo")
def undo(lesson_id: str) -> Response:
    """{version} -> as `edit`."""
    row = lessons.owned(access.services(), access.current(), lesson_id)
    base = _numbers("version")["version"]
    return _changed(row, corrections.undo(access.services(), row, who=access.current().name, base=base), base)


@bp.post("/api/lessons/<lesson_id>/transcript/redo")
def redo(lesson_id: str) -> Response:
    """{version} -> as `edit`."""
    row = lessons.owned(access.services(), access.current(), lesson_id)
    base = _numbers("version")["version"]
    return _changed(row, corrections.redo(access.services(), row, who=access.current().name, base=base), base)


@bp.post("/api/lessons/<lesson_id>/transcript/restore")
def restore(lesson_id: str) -> Response:
    """{version, of}: make the text again as it was in version `of` -> as `edit`."""
    row = lessons.owned(access.services(), access.current(), lesson_id)
    given = _numbers("version", "of")
    edited = corrections.restore(
        access.services(), row, who=access.current().name, base=given["version"], number=given["of"]
    )
    return _changed(row, edited, given["version"])


def _shown(edited: Edited) -> dict[str, Any]:
    """What the template needs of a transcript that is there."""
    said = edited.transcript
    return {
        "words_of": shown_transcript.words_of, "why": shown_transcript.why, "marks_of": shown_transcript.marks_of,
        "has_shared_times_only": shown_transcript.has_shared_times_only(said), "doubts": shown_transcript.doubts(),
        "has_rough_times": any(shown_transcript.timing_of(word) for word in said.words),
        "below": shown_transcript.DOUBTFUL_BELOW, "model_name": model_name, "kinds": shown_transcript.kinds(),
        "versions": shown_transcript.versions_of(edited), "notes": shown_transcript.notes_of(edited),
        "hearing": hearing_of(said), "talk": talk(said),
    }  # fmt: skip


def _numbers(*names: str) -> dict[str, Any]:
    """The fields of the request, of which these are whole numbers; a plain form writes them as digits."""
    given = forms.given()
    if forms.is_plain():
        given |= {name: int(given[name]) for name in names if given.get(name, "").isdecimal()}
    is_number = isinstance(given, dict) and all(type(given.get(name)) is int for name in names)
    if not is_number:
        raise InputError("Send whole numbers for {names}.", names=", ".join(names))
    return given


def _changed(row: LessonRow, edited: Edited, base: int) -> Response:
    """What the page needs to bring itself up to date; without `segments` it must be loaded again."""
    changed = corrections.changed_since(access.services(), row, edited, base)
    return jsonify(success=True, **described(edited, changed))


def _typed_again(row: LessonRow, number: int, text: str) -> str:
    """HTML for the page of a failure: what was typed, to be sent again, beside what stands there now."""
    now = corrections.load(access.services(), row)
    segments = now.transcript.segments
    theirs = segments[number] if 0 <= number < len(segments) else None
    return render_template(
        "_transcript_typed.html", chosen=row, version=now.version, number=number, theirs=theirs, text=text
    )


def _begin_s() -> float:
    asked_s = request.args.get("t", 0.0, type=float)
    return asked_s if math.isfinite(asked_s) and asked_s > 0 else 0.0


def _attachment(name: str, simple: str) -> str:
    return f"attachment; filename=\"{simple}\"; filename*=UTF-8''{quote(name, safe='')}"
