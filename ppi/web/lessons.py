"""The list of lessons, and what is done to several of them; plain forms, so everything works without scripts."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext, ngettext

from ppi.errors import InputError, NotFound, PpiError
from ppi.jobs.ledger import Job
from ppi.jobs.lessons import LessonRow
from ppi.web import access, choice, look
from ppi.web.errors import translated
from ppi.workflows import lesson_list, recycle_bin
from ppi.workflows.lessons import LessonView

bp = Blueprint("lessons", __name__)
ASKED = ("text", "state", "owner", "sort")
# What a withdrawal takes away: the dataset, and with it what was published of it.
OF_DATASET = ("build_dataset", "publish")


@bp.app_context_processor
def _for_all_templates() -> dict[str, Any]:
    services = access.services()
    return {
        "way": way, "step_states": step_states, "duration_of": lesson_list.duration_s, "next_of": next_of,
        "poster_of": lambda shown: lesson_list.poster_url(services, shown), "undo_words": undo_words,
    }  # fmt: skip


@bp.get("/lessons")
def index() -> str:
    """All lessons the visitor may see, searched, narrowed and sorted, a page at a time. With `?part=choice` the script of
    the page `?to=` gets the lessons that can be chosen there.
    """
    if request.args.get("part") == "choice":
        return render_template("_lesson_found.html", choice=choice.of(request.args.get("to", "")))
    services, account = access.services(), access.current()
    asked = {name: request.args[name] for name in ASKED if request.args.get(name)}
    found = lesson_list.page(
        services, account, text=asked.get("text", ""), state=asked.get("state", ""), owner_id=asked.get("owner", ""),
        sort=asked.get("sort", "-created"), number=look.asked_page(),
    )  # fmt: skip
    people = services.users.all() if account.role == "admin" else []
    deleted = len(recycle_bin.look(services, account))
    return render_template("lessons.html", step=0, chosen=None, found=found, asked=asked, people=people, deleted=deleted)


@bp.post("/lessons/delete")
def delete() -> str | Response:
    """Ask, by name and number, and delete when the answer is there."""
    services = access.services()
    rows = lesson_list.chosen(services, access.current(), request.form.getlist("lesson"))
    if not rows:
        raise InputError("Choose at least one lesson.")
    if request.form.get("sure") != "yes":
        g.audit_object = None
        return _question(rows, is_for_good=False)
    gone, kept = lesson_list.delete(services, rows)
    g.audit_object = [row.id for row in gone] or None
    if gone:
        offer_undo(gone)
    _tell_failures(kept)
    return redirect(url_for("lessons.index"))


@bp.get("/lessons/deleted")
def deleted() -> str:
    """What was deleted in the last minutes and can be brought back."""
    rows = recycle_bin.look(access.services(), access.current())
    return render_template("lessons_deleted.html", step=0, chosen=None, rows=rows, now_s=time.time())


@bp.post("/lessons/undo")
def undo() -> Response:
    """Bring deleted lessons back."""
    services = access.services()
    rows = recycle_bin.chosen(services, access.current(), request.form.getlist("lesson"))
    if not rows:
        raise NotFound("This lesson cannot be brought back any more. Upload its video again.")
    back, kept = lesson_list.each(rows, lambda row: recycle_bin.bring_back(services, row))
    g.audit_object = [row.id for row in back] or None
    if back:
        flash(ngettext("%(num)s lesson is back.", "%(num)s lessons are back.", len(back)), "success")
    _tell_failures(kept)
    return redirect(url_for("pages.lesson", lesson_id=back[0].id) if len(rows) == len(back) == 1 else url_for("lessons.index"))


@bp.post("/lessons/deleted/empty")
def empty() -> str | Response:
    """Ask, by name, and delete for good what was deleted."""
    services = access.services()
    rows = recycle_bin.chosen(services, access.current(), request.form.getlist("lesson"))
    if not rows:
        raise NotFound("This lesson is deleted for good already. There is nothing more to do.")
    if request.form.get("sure") != "yes":
        g.audit_object = None
        return _question(rows, is_for_good=True)
    gone, kept = lesson_list.each(rows, lambda row: recycle_bin.empty(services, row))
    g.audit_object = [row.id for row in gone] or None
    if gone:
        flash(ngettext("%(num)s lesson was deleted for good.", "%(num)s lessons were deleted for good.", len(gone)), "success")
    _tell_failures(kept)
    return redirect(url_for("lessons.deleted"))


def offer_undo(rows: list[LessonRow]) -> None:
    """Say on the next page that these lessons were deleted, with a button that brings them back. Programs read no pages."""
    undoable = [row.id for row in rows if row.state != "uploading"]
    text = ngettext("%(num)s lesson was deleted.", "%(num)s lessons were deleted.", len(rows))
    if not g.get("is_token"):
        flash({"text": text, "lessons": undoable} if undoable else text, "undo" if undoable else "success")


def undo_words() -> str:
    """What a question before a deletion says about the way back. A server of S3 cannot be told that its links have ended."""
    told = gettext("You can undo this for ten minutes.")
    if access.services().store.is_local:
        return told
    links = gettext(
        "Links with a date that were given out end with these ten minutes. To end them at once, delete for good under "
        "“Recently deleted”."
    )
    return f"{told} {links}"


def _question(rows: list[LessonRow], *, is_for_good: bool) -> str:
    return render_template("lessons_delete.html", step=0, chosen=None, rows=rows, is_for_good=is_for_good)


def _tell_failures(kept: list[tuple[LessonRow, PpiError]]) -> None:
    for row, error in kept:
        flash(f"{row.name}: {translated(error.template, error.ids)}", "danger")


def way(shown: LessonView) -> list[tuple[str, str]]:
    """The stations of a lesson's way in words, each "done", "runs", "failed" or "open"."""
    names = {
        "ingest": gettext("Video"), "transcribe": gettext("Transcript"), "summarize": gettext("Summary"),
        "build_dataset": gettext("Dataset"), "publish": gettext("Published"),
    }  # fmt: skip
    return [(name, _station(shown, kind)) for kind, name in names.items()]


def step_states(shown: LessonView) -> list[tuple[int, str]]:
    """How far the three steps are for a lesson: "done", "runs", "failed" or "open", and "next" for the one whose turn it is."""
    first = "runs" if "runs" in (_station(shown, "ingest"), _station(shown, "transcribe")) else _station(shown, "ingest")
    states = {1: first, 2: _station(shown, "build_dataset"), 3: _station(shown, "publish")}
    if (turn := _turn(shown)) and states[turn.step] in ("open", "done"):
        states[turn.step] = "next"
    return list(states.items())


def next_of(shown: LessonView) -> tuple[str, str]:
    """What is to be done next with a lesson on which nothing runs, in words, and where; ("", "") when there is nothing."""
    turn = _turn(shown)
    return (turn.words, turn.there) if turn else ("", "")


class _Turn(NamedTuple):
    """What is to be done next: on which of the three steps, in words, and the address of the page for it."""

    step: int
    words: str
    there: str


def _turn(shown: LessonView) -> _Turn | None:
    stations = {kind: _station(shown, kind) for kind in ("ingest", "transcribe", "build_dataset", "publish")}
    page = lambda part: url_for("pages.lesson", lesson_id=shown.id, _anchor=part)  # noqa: E731
    if shown.row.state == "uploading":
        return _Turn(1, gettext("Next: choose the same file again, and the upload goes on"), url_for("pages.home"))
    is_withdrawn = "withdraw" in shown.jobs and _is_gone(shown, shown.jobs.get("build_dataset"))
    if shown.active_job is not None or stations["publish"] == "done" or is_withdrawn:
        return None
    if stations["ingest"] == "failed":
        return _Turn(1, gettext("Next: see what went wrong, and try again"), page(""))
    if stations["build_dataset"] == "failed":
        return _Turn(2, gettext("Next: see what went wrong, and try again"), url_for("pages.dataset", lesson=shown.id))
    if stations["build_dataset"] == "done":
        return _Turn(3, gettext("Next: check the dataset and publish it"), url_for("pages.publish", lesson=shown.id))
    if stations["transcribe"] == "done" or _is_silent(shown):
        return _Turn(2, gettext("Next: annotate, then build the dataset"), page("annotate"))
    return _Turn(1, gettext("Next: transcribe"), page("transcript"))


def _is_silent(shown: LessonView) -> bool:
    ingest = shown.jobs.get("ingest")
    return ingest is not None and ingest.result.get("has_audio") is False


def _is_gone(shown: LessonView, job: Job | None) -> bool:
    """Whether the lesson was withdrawn after this job, which took away what the job had made."""
    withdrawal = shown.jobs.get("withdraw")
    return withdrawal is not None and (job is None or withdrawal.created_s >= job.created_s)


def _station(shown: LessonView, kind: str) -> str:
    job = shown.jobs.get(kind)
    if job is None or (kind in OF_DATASET and _is_gone(shown, job)):
        return "done" if kind == "ingest" and shown.row.state == "stored" else "open"
    if job.is_active:
        return "runs"
    if job.status == "completed":
        return "done"
    return "open" if shown.is_overcome(job) else "failed"
