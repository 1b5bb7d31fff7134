"""Summaries: asked for, shown with time codes that play the recording, and what differs from the one before."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, jsonify, render_template
from flask_babel import gettext

from ppi.errors import InputError, NotFound
from ppi.records import model_name
from ppi.web import access, forms
from ppi.web.jobs import absolute
from ppi.web.player import player_of
from ppi.workflows import lessons
from ppi.workflows import summarize as workflow

bp = Blueprint("summaries", __name__)


@bp.app_context_processor
def _choice() -> dict[str, Any]:
    return {"summary_choice": choice}


@bp.post("/api/summarize")
def summarize() -> Response:
    """{file_id, engine?, style?, language?, anew?} -> {success, job_id}."""
    given = forms.given()
    if not isinstance(given, dict) or not isinstance(given.get("file_id"), str):
        raise InputError("Send file_id, the number of the lesson.")
    g.audit_object = given["file_id"]
    row = lessons.owned(access.services(), access.current(), given["file_id"])
    job = workflow.request_summary(
        access.services(), row, engine_name=str(given.get("engine") or ""), language=str(given.get("language") or ""),
        style=str(given.get("style") or workflow.USUAL_STYLE), is_anew=given.get("anew") in (True, "on"), home=absolute("/"),
    )  # fmt: skip
    return jsonify(success=True, job_id=job.id)


@bp.get("/lessons/<lesson_id>/summary")
def page(lesson_id: str) -> str:
    services = access.services()
    row = lessons.owned(services, access.current(), lesson_id)
    shown = lessons.view(services, row)
    job = shown.jobs.get("summarize")
    try:
        found = workflow.shown_summary(services, row)
    except NotFound:
        if not shown.has_transcript:
            raise
        found = None  # the page then offers to make one
    film = player_of(shown)
    return render_template(
        "summary.html", step=1, chosen=row, shown=shown, job=job, found=found, film=film, kinds=kinds()
    )


def choice() -> dict[str, dict[str, str]]:
    """What the form offers, in words: engines that are set up here, styles, languages; the usual one first."""
    return {"engines": _engines(), "styles": styles(), "languages": {"": gettext("As in the lesson"), **languages()}}


def languages() -> dict[str, str]:
    return {"ru": gettext("Russian"), "en": gettext("English")}


def styles() -> dict[str, str]:
    return {
        "minutes": gettext("Minutes"), "abstract": gettext("Short abstract"), "report": gettext("Report for the teacher"),
    }  # fmt: skip


def kinds() -> dict[str, str]:
    return {
        "abstract": gettext("Abstract"), "point": gettext("Key point"), "question": gettext("Question"),
        "decision": gettext("Decision"), "homework": gettext("Homework"),
    }  # fmt: skip


def _engines() -> dict[str, str]:
    """Of a model's folder only the name is anybody's business."""

    def shown(engine: str, model: str) -> str:
        if engine == "extractive":
            return gettext("Selected sentences of the lesson")
        if engine == "chat":
            return gettext("Chat server: %(model)s", model=model)
        return gettext("Model on this server: %(model)s", model=model)

    found = workflow.engines(access.services())
    return {engine: shown(engine, model_name(model)) for engine, model in found.items()}
