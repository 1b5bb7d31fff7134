"""Lists of names and subject words that an account keeps for its lessons: the page where they are written."""

from __future__ import annotations

from flask import Blueprint, Response, flash, g, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext

from ppi.errors import Conflict, InputError, NotFound
from ppi.jobs.lessons import LessonRow
from ppi.web import access
from ppi.web.errors import on_page
from ppi.workflows import lessons, word_lists

bp = Blueprint("word_lists", __name__)


@bp.get("/words")
def index() -> str:
    """`?lesson=` is the one to go back to."""
    return _page()


@bp.post("/words")
def save() -> Response:
    """A form: id ("" for a new list), name, words."""
    name = request.form.get("name", "")
    g.audit_object = " ".join(name.split())[: word_lists.MAX_NAME]
    try:
        kept = word_lists.save(
            access.services(), access.current(), name=name, words=request.form.get("words", ""),
            list_id=request.form.get("id", "")[:32],
        )  # fmt: skip
    except (InputError, Conflict) as error:
        return on_page(error, _page)
    flash(gettext("The list “%(name)s” was saved.", name=kept.name), "success")
    return redirect(url_for("word_lists.index", lesson=request.form.get("lesson") or None, _anchor=f"list-{kept.id}"))


@bp.post("/words/<list_id>/delete")
def delete(list_id: str) -> Response:
    """-> {success}"""
    g.audit_object = word_lists.delete(access.services(), access.current(), list_id).name
    return jsonify(success=True)


def _page() -> str:
    """What was typed and could not be saved stands in its form again."""
    typed = request.form if request.method == "POST" else {}
    return render_template(
        "words.html", step=0, chosen=_lesson(), lists=word_lists.load(access.services(), access.current()).lists,
        typed=typed, most_name=word_lists.MAX_NAME, most_words=word_lists.MOST_CHARACTERS, most_lists=word_lists.MOST_LISTS,
    )  # fmt: skip


def _lesson() -> LessonRow | None:
    """The lesson that somebody came from; none that they may not see."""
    wanted = request.values.get("lesson", "")
    try:
        return lessons.owned(access.services(), access.current(), wanted) if wanted else None
    except NotFound:
        return None
