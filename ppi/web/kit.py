"""The annotation kit: the page, the pattern table, and the two files for Label Studio."""

from __future__ import annotations

from dataclasses import asdict
from urllib.parse import quote

from flask import Blueprint, Response, g, jsonify, render_template, request, url_for

from ppi.errors import InputError, PpiError
from ppi.web import access, choice
from ppi.web.errors import translated
from ppi.web.jobs import absolute
from ppi.workflows import kit as kits
from ppi.workflows import lessons, pattern_tables, understood
from ppi.workflows import normalize as copies
from ppi.workflows.kit import CONFIG_NAME, TASKS_NAME, VARIANTS

bp = Blueprint("kit", __name__)
MAX_FORM_BYTES = pattern_tables.MAX_TABLE_BYTES + 64 * 1024


@bp.get("/kit")
def page() -> str:
    """The kit of the lesson in `?lesson=`, in the variant of `?variant=`."""
    services, account = access.services(), access.current()
    row = lessons.owned(services, account, request.args["lesson"]) if request.args.get("lesson") else None
    shown = lessons.view(services, row) if row else None
    ready = shown if shown and shown.is_ready else None
    job = understood.request_table(services, ready) if ready else None
    kit, fault = _kit(ready) if ready and pattern_tables.kept_suffix(ready) and not job else (None, "")
    return render_template(
        "kit.html", step=1, choice=choice.of("kit"), chosen=row, shown=ready, kit=kit, fault=fault, job=job, variant=_variant(),
        on_way=shown, variants=VARIANTS, tasks=_tasks(ready) if ready else "",
        is_prepared=ready and kits.is_prepared(services, ready),
        is_awkward=bool(ready and copies.reasons(ready) and not copies.copy_rate(ready)),
        data_dir=services.settings.label_studio.data_dir, label_studio=services.settings.label_studio.url,
    )  # fmt: skip


@bp.post("/api/lessons/<lesson_id>/kit")
def keep(lesson_id: str) -> Response:
    """Multipart: patterns (XLSX or CSV file), variant? -> {success, labels, problems, config}. The table is kept."""
    request.max_content_length = MAX_FORM_BYTES
    row = lessons.owned(access.services(), access.current(), request.form.get("lesson") or lesson_id)
    g.audit_object = row.id
    table = request.files.get("patterns")
    if not table:
        raise InputError("Send the pattern table as the form field “patterns”.")
    variant = request.form.get("variant") or VARIANTS[0]
    made = kits.keep_table(
        access.services(), row, table=table.stream, table_name=table.filename or "", variant=variant
    )  # fmt: skip
    labels, problems = [asdict(label) for label in made.labels], [asdict(problem) for problem in made.problems]
    g.then = url_for("kit.page", lesson=row.id, variant=variant)
    return jsonify(success=True, labels=labels, problems=problems, config=made.config)


@bp.get("/lessons/<lesson_id>/kit/labelling-config.xml")
def config(lesson_id: str) -> Response:
    row = lessons.owned(access.services(), access.current(), lesson_id)
    made = kits.kit_of(access.services(), lessons.view(access.services(), row), _variant())
    return _attachment(made.config, "application/xml", CONFIG_NAME, row.name)


@bp.get("/lessons/<lesson_id>/kit/tasks.json")
def tasks(lesson_id: str) -> Response:
    row = lessons.owned(access.services(), access.current(), lesson_id)
    shown = lessons.view(access.services(), row)
    if not shown.is_ready:
        raise InputError("The lesson is still being prepared. Make the annotation kit when that is done.")
    return _attachment(_tasks(shown), "application/json", TASKS_NAME, row.name)


@bp.post("/api/lessons/<lesson_id>/kit/prepare")
def prepare(lesson_id: str) -> Response:
    """{} -> {success, job_id}."""
    row = lessons.owned(access.services(), access.current(), lesson_id)
    return jsonify(success=True, job_id=kits.request_preparation(access.services(), row).id)


@bp.post("/api/lessons/<lesson_id>/normalize")
def normalize(lesson_id: str) -> Response:
    """{} -> {success, job_id}."""
    row = lessons.owned(access.services(), access.current(), lesson_id)
    return jsonify(success=True, job_id=copies.request_copy(access.services(), row).id)


def _variant() -> str:
    return request.args.get("variant") or VARIANTS[0]


def _kit(shown: lessons.LessonView) -> tuple[kits.Kit | None, str]:
    """The kit, or why there is none: a table that a build has kept may be none that annotators can be given."""
    try:
        return kits.kit_of(access.services(), shown, _variant()), ""
    except PpiError as error:
        return None, translated(error.template, error.ids)


def _tasks(shown: lessons.LessonView) -> str:
    g.audit_object = shown.id
    return kits.tasks(access.services(), shown, absolute)


def _attachment(text: str, content_type: str, name: str, lesson: str) -> Response:
    answer = Response(text, content_type=f"{content_type}; charset=utf-8")
    whole = quote(f"{lesson} {name}", safe="")
    answer.headers["Content-Disposition"] = f"attachment; filename=\"{name}\"; filename*=UTF-8''{whole}"
    return answer
