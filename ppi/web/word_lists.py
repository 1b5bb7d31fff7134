"""Lists of names and subject words that an account keeps for its lessons: the page where they are written.

Programs ask for the same addresses with JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from flask import Blueprint, Response, flash, g, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext

from ppi.errors import Conflict, InputError, NotFound
from ppi.jobs.lessons import LessonRow
from ppi.web import access
from ppi.web.errors import on_page, wants_json
from ppi.workflows import lessons, word_lists

bp = Blueprint("word_lists", __name__)
FIELDS = ("id", "name", "words")


@bp.get("/words")
def index() -> str | Response:
    """`?lesson=` is the one to go back to. -> {success, lists: [{id, name, words}]}, the one chosen last first."""
    if wants_json():
        return jsonify(success=True, lists=[asdict(one) for one in _kept()])
    return _page()


@bp.post("/words")
def save() -> Response:
    """id ("" for a new list), name, words (by commas, semicolons or lines) -> {success, id, name, words}."""
    given = _given()
    g.audit_object = " ".join(given["name"].split())[: word_lists.MAX_NAME]
    try:
        kept = word_lists.save(
            access.services(), access.current(), name=given["name"], words=given["words"], list_id=given["id"][:32]
        )
    except (InputError, Conflict) as error:
        return on_page(error, _page)
    if wants_json():
        return jsonify(success=True, **asdict(kept))
    flash(gettext("The list “%(name)s” was saved.", name=kept.name), "success")
    return redirect(url_for("word_lists.index", lesson=request.form.get("lesson") or None, _anchor=f"list-{kept.id}"))


@bp.post("/words/<list_id>/delete")
def delete(list_id: str) -> Response:
    """-> {success}"""
    g.audit_object = word_lists.delete(access.services(), access.current(), list_id).name
    return jsonify(success=True)


def _given() -> dict[str, str]:
    """The fields of the form, or of the JSON of a program."""
    sent = request.get_json(silent=True) if request.is_json else request.form
    if not isinstance(sent, Mapping) or not all(isinstance(sent.get(name, ""), str) for name in FIELDS):
        raise InputError("Send name and words as texts, and id to change a list that you keep.")
    return {name: sent.get(name, "") for name in FIELDS}


def _kept() -> tuple[word_lists.WordList, ...]:
    return word_lists.load(access.services(), access.current()).lists


def _page() -> str:
    """What was typed and could not be saved stands in its form again."""
    typed = request.form if request.method == "POST" else {}
    return render_template(
        "words.html", step=0, chosen=_lesson(), lists=_kept(), typed=typed,
        most_name=word_lists.MAX_NAME, most_words=word_lists.MOST_CHARACTERS, most_lists=word_lists.MOST_LISTS,
    )  # fmt: skip


def _lesson() -> LessonRow | None:
    """The lesson that somebody came from; none that they may not see."""
    wanted = request.values.get("lesson", "")
    try:
        return lessons.owned(access.services(), access.current(), wanted) if wanted else None
    except NotFound:
        return None
