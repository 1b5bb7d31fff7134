"""Speakers of a transcript: having them told apart, and giving them names."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify
from flask_babel import gettext

from ppi.errors import InputError
from ppi.records import Transcript
from ppi.web import access, forms
from ppi.workflows import lessons, speakers

bp = Blueprint("speakers", __name__)


@bp.post("/api/lessons/<lesson_id>/speakers")
def find(lesson_id: str) -> Response:
    """{count?}: find out who speaks when; `count` is how many people speak, when that is known -> {success, job_id}."""
    row = lessons.owned(access.services(), access.current(), lesson_id)
    job = speakers.request_speakers(access.services(), row, _count())
    return jsonify(success=True, job_id=job.id)


@bp.post("/api/lessons/<lesson_id>/speakers/name")
def name(lesson_id: str) -> Response:
    """{speaker, name}: call a speaker otherwise everywhere; another's name joins both -> {success, version, speakers}."""
    row = lessons.owned(access.services(), access.current(), lesson_id)
    given = forms.given()
    if not isinstance(given, dict) or not all(isinstance(given.get(field), str) for field in ("speaker", "name")):
        raise InputError("Send speaker, as the transcript calls somebody now, and name, as it should.")
    edited = speakers.give_name(
        access.services(), row, who=access.current().name, speaker=given["speaker"], name=given["name"]
    )
    return jsonify(success=True, version=edited.version, speakers=speakers.shares(edited.transcript))


def talk(said: Transcript) -> dict[str, Any]:
    """What the page says of the speakers: whether they can be told apart here, [(name, seconds, percent of all speech)], names
    that are offered, and who may be chosen for a passage."""
    shares = speakers.shares(said)
    whole_s = sum(shares.values()) or 1.0
    offered = [gettext("Teacher"), gettext("Student"), gettext("Class")]
    return {
        "is_on": access.services().settings.speech.speakers.is_on,
        "people": [(who, time_s, round(100 * time_s / whole_s)) for who, time_s in shares.items()],
        "offered": offered, "known": [*shares, *(name for name in offered if name not in shares)],
    }


def _count() -> int:
    """0 when nothing was given."""
    given = forms.given()
    count = (given.get("count") if isinstance(given, dict) else None) or 0
    if isinstance(count, str) and count.strip().isdecimal():
        count = int(count)
    if type(count) is not int:
        raise InputError("Send whole numbers for {names}.", names="count")
    return count
