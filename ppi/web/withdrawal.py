"""Withdraw a lesson: what would be touched, and doing it."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, Response, jsonify, render_template, request

from ppi.errors import InputError
from ppi.web import access
from ppi.web.errors import wants_json
from ppi.workflows import lessons, withdraw

bp = Blueprint("withdrawal", __name__)


@bp.get("/lessons/<lesson_id>/withdraw")
def page(lesson_id: str) -> str | Response:
    """Every sample, dataset and published version that holds the lesson."""
    services = access.services()
    row = lessons.owned(services, access.current(), lesson_id)
    touched = withdraw.touched(services, row)
    if wants_json():
        listed = [
            {"dataset_id": one.joined.id, "name": one.joined.name, "version": one.version, "samples": one.samples}
            for one in touched.joined
        ]
        return jsonify(
            success=True, samples=touched.samples, version=touched.version, joined=listed,
            pushes=[asdict(push) for push, _ in touched.pushes],
        )  # fmt: skip
    jobs = services.ledger.list(lesson_id=row.id, kind="withdraw", limit=1)
    return render_template(
        "withdraw.html", step=1, chosen=row, touched=touched, is_withdrawn=withdraw.is_withdrawn(services, row),
        job=jobs[0] if jobs else None,
    )  # fmt: skip


@bp.post("/api/lessons/<lesson_id>/withdraw")
def withdraw_lesson(lesson_id: str) -> Response:
    """{name} -> {success, job_id}; `name` is the lesson's, as a confirmation."""
    row = lessons.owned(access.services(), access.current(), lesson_id)
    given = request.get_json(silent=True)
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        raise InputError("To withdraw this lesson, type its name: {name}.", name=row.name)
    job = withdraw.request_withdraw(access.services(), row, name=given["name"])
    return jsonify(success=True, job_id=job.id)
