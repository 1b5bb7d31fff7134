"""A lesson's transcript: read beside the recording, corrected, downloaded in every format, and given by upload."""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, g, jsonify, render_template, request
from flask_babel import get_locale, gettext

from ppi.errors import InputError, NotFound, PpiError
from ppi.jobs.lessons import LessonRow
from ppi.records import Segment, model_name
from ppi.web import access, forms
from ppi.web.jobs import absolute
from ppi.web.player import player_of
from ppi.web.speakers import talk
from ppi.workflows import corrections, lessons, texts
from ppi.workflows.corrections import Edited

bp = Blueprint("transcript", __name__)
# Words that the recogniser gave less than this are marked; it is also what its own flags go by.
DOUBTFUL_BELOW = 0.4
# The history shows so many of the newest versions.
SHOWN_VERSIONS = 100


@bp.get("/lessons/<lesson_id>/transcript")
def page(lesson_id: str) -> str:
    """`?t=` is the second to begin at, `?edit=` the segment (from 0) that a browser without scripts wants to correct."""
    services = access.services()
    row = lessons.owned(services, access.current(), lesson_id)
    shown = lessons.view(services, row)
    try:
        edited = corrections.load(services, row)
    except NotFound:  # not transcribed yet: the page says how to begin
        edited = None
    return render_template(
        "transcript.html", step=0, chosen=row, shown=shown, edited=edited, player=player_of(shown), doubts=doubts(),
        start_s=_begin_s(), words_of=words_of, model_name=model_name, below=DOUBTFUL_BELOW,
        editing=request.args.get("edit", -1, type=int),
        kinds=_kinds(edited) if edited else {}, versions=_versions(edited) if edited else [], endings=".srt,.vtt,.json",
        phrases=_phrases(), languages=get_locale().languages, notes=_notes(edited) if edited else [],
        talk=talk(edited.transcript) if edited else {},
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
    return jsonify(success=True, **_described(edited, found))


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


def words_of(segment: Segment) -> list[tuple[str, str, float, float | None, bool]]:
    """What stands before it (a blank or nothing), text, start, probability, and whether it is doubtful, of each word.

    Without word times there is one.
    """
    if not segment.words:
        return [("", segment.text.strip(), segment.start_s, None, False)] if segment.text.strip() else []
    told, place = [], 0
    for word in segment.words:
        found = segment.text.find(word.text, place)
        is_joined = found == place or not told
        place = found + len(word.text) if found >= 0 else place
        is_doubtful = word.probability is not None and word.probability < DOUBTFUL_BELOW and not word.checked
        told.append(("" if is_joined else " ", word.text, word.start_s, word.probability, is_doubtful))
    return told


def doubts() -> dict[str, str]:
    """Why a segment may be wrong, in words; other flags are shown as they are."""
    return {
        "low_confidence": gettext("the recogniser was not sure of these words"),
        "no_speech": gettext("perhaps nobody speaks here"),
        "repetition": gettext("the same words again and again"),
        "compression": gettext("the text repeats itself"),
    }


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
    return jsonify(success=True, **_described(edited, changed))


def _typed_again(row: LessonRow, number: int, text: str) -> str:
    """HTML for the page of a failure: what was typed, to be sent again, beside what stands there now."""
    now = corrections.load(access.services(), row)
    segments = now.transcript.segments
    theirs = segments[number] if 0 <= number < len(segments) else None
    return render_template(
        "_transcript_typed.html", chosen=row, version=now.version, number=number, theirs=theirs, text=text
    )


def _described(edited: Edited, segments: dict[int, Segment] | None) -> dict[str, Any]:
    told = {
        "version": edited.version, "undo": edited.history.undo_to > 0, "redo": edited.history.redo_to > 0,
        "edited": edited.transcript.edited_segments,
    }  # fmt: skip
    if segments is not None:
        told["segments"] = {str(place): _segment(segment) for place, segment in segments.items()}
    return told


def _segment(segment: Segment) -> dict[str, Any]:
    known = doubts()
    return {
        "start_s": segment.start_s, "end_s": segment.end_s, "text": segment.text, "speaker": segment.speaker,
        "language": segment.language, "words": words_of(segment), "doubts": [known.get(flag, flag) for flag in segment.flags],
        "checked": segment.checked,
    }  # fmt: skip


def _begin_s() -> float:
    asked_s = request.args.get("t", 0.0, type=float)
    return asked_s if math.isfinite(asked_s) and asked_s > 0 else 0.0


def _notes(edited: Edited) -> list[str]:
    known = {
        texts.INTERPOLATED: gettext(
            "The words have no times of their own: each caption's time was shared among its words by their letters."
        ),
    }
    return [known.get(note, note) for note in edited.transcript.notes]


def _kinds(edited: Edited) -> dict[str, str]:
    """What can be downloaded, in words."""
    has_speakers = any(segment.speaker for segment in edited.transcript.segments)
    named = {
        "docx": gettext("Document to hand on, DOCX"), "txt": gettext("Text, TXT"), "times.txt": gettext("Text with times, TXT"),
        "speakers.txt": gettext("Text with speakers, TXT"), "srt": gettext("Captions, SRT"),
        "vtt": gettext("Captions, WebVTT"), "json": gettext("All about every word, JSON"),
        "textgrid": gettext("Praat, TextGrid"), "eaf": gettext("ELAN, EAF"),
    }  # fmt: skip
    return {kind: name for kind, name in named.items() if has_speakers or kind != "speakers.txt"}


def _versions(edited: Edited) -> list[dict[str, Any]]:
    """The newest first."""
    what = {
        "heard": gettext("recognised"), "uploaded": gettext("uploaded"), "edited": gettext("corrected"),
        "checked": gettext("found right"), "told_apart": gettext("speakers told apart"), "named": gettext("speaker named"),
        "undone": gettext("undone"), "redone": gettext("done again"), "restored": gettext("restored"),
    }  # fmt: skip
    segments = edited.transcript.segments
    return [
        {
            "number": one.number, "what": what[one.what], "who": one.who, "at_s": one.at_s, "of": one.of,
            "segment": one.segment, "start_s": segments[one.segment].start_s if 0 <= one.segment < len(segments) else None,
        }
        for one in edited.history.versions[: -SHOWN_VERSIONS - 1 : -1]
    ]  # fmt: skip


def _phrases() -> dict[str, str]:
    """What the scripts of this page say."""
    return {
        "play": gettext("Play"), "pause": gettext("Pause"), "saving": gettext("Saving…"), "saved": gettext("Saved"),
        "typing": gettext("Not saved yet"), "failed": gettext("Not saved: {reason}"), "hits": gettext("{number} of {count}"),
        "none": gettext("nothing found"), "edit": gettext("Correct the text at {time}"), "right": gettext("Right as it is"),
        "checked": gettext("checked by a person"),
        "doubt": gettext("heard with a certainty of {percent} %"),
        "correcting": gettext("Text at {time}"), "meanwhile": gettext("Saved by somebody else:"),
        "keepMine": gettext("Keep my text"), "takeTheirs": gettext("Take the other text"),
        "unplayable": gettext("This browser cannot show the picture, so you hear the sound only."),
    }  # fmt: skip


def _attachment(name: str, simple: str) -> str:
    return f"attachment; filename=\"{simple}\"; filename*=UTF-8''{quote(name, safe='')}"
