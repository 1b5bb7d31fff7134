"""Withdraw a lesson: what would be touched, and doing it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify, render_template

from ppi.errors import InputError, NotFound
from ppi.web import access, forms
from ppi.web.errors import wants_json
from ppi.workflows import lessons, pushes, withdraw

bp = Blueprint("withdrawal", __name__)


@bp.app_context_processor
def _for_all_templates() -> dict[str, Any]:
    return {"deleted_lessons": lambda: pushes.deleted_lessons(access.services(), access.current())}


@bp.get("/lessons/<lesson_id>/withdraw")
def page(lesson_id: str) -> str | Response:
    """Every sample, dataset and published version that holds the lesson; of a deleted one that was published, what is left."""
    services = access.services()
    try:
        row = lessons.owned(services, access.current(), lesson_id)
    except NotFound:
        return _deleted_page(pushes.deleted_lesson(services, lesson_id, access.current()))
    touched = withdraw.touched(services, row)
    if wants_json():
        return jsonify(success=True, **_told(touched))
    jobs = services.ledger.list(lesson_id=row.id, kind="withdraw", limit=1)
    return render_template(
        "withdraw.html", step=1, chosen=row, touched=touched, is_withdrawn=withdraw.is_withdrawn(services, row),
        job=jobs[0] if jobs else None, shown=lessons.view(services, row),
    )  # fmt: skip


def _deleted_page(found: pushes.Deleted) -> str | Response:
    touched = withdraw.touched(access.services(), found)
    if wants_json():
        return jsonify(success=True, deleted_at=found.deleted_at, **_told(touched))
    return render_template("withdraw_deleted.html", step=0, chosen=None, found=found, touched=touched)


def _told(touched: withdraw.Touched) -> dict[str, Any]:
    listed = [
        {"dataset_id": one.joined.id, "name": one.joined.name, "version": one.version, "samples": one.samples}
        for one in touched.joined
    ]
    published = [asdict(push) for push, _ in touched.pushes]
    return {"samples": touched.samples, "version": touched.version, "joined": listed, "pushes": published}


@bp.post("/api/lessons/<lesson_id>/withdraw")
def withdraw_lesson(lesson_id: str) -> Response:
    """{name} -> {success, job_id}; `name` is the lesson's, as a confirmation."""
    row = lessons.owned(access.services(), access.current(), lesson_id)
    given = forms.given()
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        raise InputError("To withdraw this lesson, type its name: {name}.", name=row.name)
    job = withdraw.request_withdraw(access.services(), row, name=given["name"])
    return jsonify(success=True, job_id=job.id)
