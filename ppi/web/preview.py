"""Step 2: the annotations and the table are kept, shown as they were understood, and odd labels get a meaning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, g, jsonify, make_response, render_template, request, url_for
from flask_babel import format_decimal

from ppi.errors import AnnotationError, DatasetError, InputError, PpiError
from ppi.jobs.lessons import LessonRow
from ppi.web import access, choice, forms
from ppi.web.agreement import exact
from ppi.web.errors import STATUS, translated
from ppi.web.paging import page_of
from ppi.workflows import annotate, annotations, lessons, pattern_tables, preview
from ppi.workflows.preview import Understood

bp = Blueprint("preview", __name__)
PER_PAGE, LABELS_PER_PAGE = 40, 15
MAX_FORM_BYTES = annotations.MAX_BYTES + forms.TABLE_BYTES
LABEL, MEANING, OTHER = "label-", "meaning-", "other-"
AS_WRITTEN, LEFT_OUT, ANOTHER, NAMED = "as-written", "left-out", "another", "="


@bp.post("/api/lessons/<lesson_id>/annotations")
def keep(lesson_id: str) -> Response:
    """Multipart: annotations? (any format read), patterns? (XLSX or CSV), or fetched=1 -> counts of what was understood."""
    request.max_content_length = MAX_FORM_BYTES
    row = _owned(lesson_id)
    marks, table = request.files.get("annotations"), request.files.get("patterns")
    try:
        if "fetched" in request.form:
            preview.use_fetched(access.services(), row)
        else:
            preview.keep(
                access.services(), row, annotations=marks.stream if marks else None,
                annotations_name=(marks.filename or "") if marks else "", table=table.stream if table else None,
                table_name=(table.filename or "") if table else "",
            )  # fmt: skip
    except (InputError, AnnotationError, DatasetError) as error:
        return _refused(row, error)
    return _kept(row, "#understood")


@bp.get("/api/lessons/<lesson_id>/preview")
def show(lesson_id: str) -> Response:
    """What a build would hold: segments, labels that the table lacks, what is left out. All null before there are marks."""
    return jsonify(success=True, **_as_data(_understood(_owned(lesson_id))))


@bp.post("/api/lessons/<lesson_id>/meanings")
def choose(lesson_id: str) -> Response:
    """{meanings: {label: a pattern's name, "" to leave it out, null to read it as it is written}}, or {reset: true}; answers
    the counts.

    The form of the page sends label-N, meaning-N and other-N instead.
    """
    row = _owned(lesson_id)
    try:
        chosen = _chosen()
        if chosen is None:
            preview.choose_nothing(access.services(), row)
        else:
            preview.choose(access.services(), row, chosen)
    except InputError as error:
        return _refused(row, error)
    return _kept(row, "#labels")


def dataset_page(row: LessonRow | None, problem: str = "") -> str:
    """Step 2 of the lesson, or the choice of one; `problem` is what was wrong with a file that was just sent."""
    shown = lessons.view(access.services(), row) if row else None
    has_table = shown is not None and bool(pattern_tables.kept_suffix(shown))
    understood, fault = _attempted(shown) if shown else (None, "")
    return render_template(
        "dataset.html", step=2, choice=choice.of("dataset"), chosen=row, shown=shown, has_table=has_table,
        problem=problem or fault,
        annotating=_annotating(row) if row else {}, annotation_endings=",".join(annotations.ENDINGS),
        understood=understood, **(_pages(understood, row.id) if understood else {}),
    )  # fmt: skip


def _owned(lesson_id: str) -> LessonRow:
    row = lessons.owned(access.services(), access.current(), lesson_id)
    g.audit_object = row.id
    return row


def _understood(row: LessonRow) -> Understood | None:
    return preview.understood(access.services(), lessons.view(access.services(), row))


def _attempted(shown: lessons.LessonView) -> tuple[Understood | None, str]:
    """What was understood, or why nothing was: a file may have been kept by an earlier version that read more."""
    try:
        return preview.understood(access.services(), shown), ""
    except PpiError as error:
        return None, translated(error.template, error.ids)


def _kept(row: LessonRow, place: str) -> Response:
    g.then = url_for("pages.dataset", lesson=row.id, **_turned()) + place
    found = _understood(row)
    if found is None:
        return jsonify(success=True, segments=0, undecided=0, dropped=0)
    made = found.plan
    return jsonify(success=True, segments=len(made.samples), undecided=found.undecided, dropped=len(made.dropped))


def _refused(row: LessonRow, error: PpiError) -> Response:
    """To a form the page it came from, with the message; what was kept before stays and stands on it."""
    if not forms.is_plain():
        raise error
    g.error_code = error.code
    return make_response(dataset_page(row, translated(error.template, error.ids)), STATUS[type(error)])


def _chosen() -> dict[str, str | None] | None:
    """The meanings that were sent; None to take all back. Raises InputError."""
    if forms.is_plain():
        return None if "reset" in request.form else _of_form(request.form)
    given = request.get_json(silent=True)
    if isinstance(given, dict) and given.get("reset") is True:
        return None
    chosen = given.get("meanings") if isinstance(given, dict) else None
    if not isinstance(chosen, dict) or not all(name is None or isinstance(name, str) for name in chosen.values()):
        raise InputError("Send meanings, an object of labels and the names of patterns.")
    return chosen


def _of_form(form: Mapping[str, str]) -> dict[str, str | None]:
    """A name that was typed counts, whatever is marked beside it."""
    chosen: dict[str, str | None] = {}
    for field, label in form.items():
        if not field.startswith(LABEL):
            continue
        number = field.removeprefix(LABEL)
        given, typed = form.get(MEANING + number, AS_WRITTEN), form.get(OTHER + number, "").strip()
        if given.startswith(NAMED):
            chosen[label] = given.removeprefix(NAMED)
        elif given == ANOTHER or typed:
            chosen[label] = typed or None
        else:
            chosen[label] = "" if given == LEFT_OUT else None
    return chosen


def _turned() -> dict[str, Any]:
    """Which pages of the lists were open."""
    return {name: request.args[name] for name in ("segments", "labels", "left") if request.args.get(name)}


def _pages(understood: Understood, lesson_id: str) -> dict[str, Any]:
    samples = understood.plan.samples

    def turned_address(name: str, place: str) -> Callable[[int], str]:
        """The addresses of the pages of one list, while the others stay where they are."""
        return lambda number: url_for("pages.dataset", **{**_turned(), "lesson": lesson_id, name: number}) + f"#{place}"

    return {
        "segments": page_of(samples, "segments", PER_PAGE), "labels": page_of(understood.labels, "labels", LABELS_PER_PAGE),
        "left": page_of(understood.plan.dropped, "left", PER_PAGE),
        "marked_s": sum(sample.span.duration_s for sample in samples),
        "annotators": sorted({sample.annotator for sample in samples}),
        "used": sorted({pattern.type for sample in samples for pattern in sample.patterns}),
        "known": set(understood.plan.table), "turned": _turned(), "turned_address": turned_address,
        "exact": exact, "decimal": format_decimal,
        "fields": {"label": LABEL, "meaning": MEANING, "other": OTHER},
        "values": {"as_written": AS_WRITTEN, "left_out": LEFT_OUT, "another": ANOTHER, "named": NAMED},
    }  # fmt: skip


def _as_data(understood: Understood | None) -> dict[str, Any]:
    if understood is None:
        return {"segments": None, "labels": None, "dropped": None, "unused": None, "is_fetched": None}
    made = understood.plan
    segments = [
        {
            "start_s": sample.span.start_s, "end_s": sample.span.end_s, "annotator": sample.annotator,
            "patterns": [pattern.type for pattern in sample.patterns],
        }
        for sample in made.samples
    ]  # fmt: skip
    return {
        "segments": segments, "labels": [asdict(label) for label in understood.labels],
        "dropped": [asdict(item) for item in made.dropped], "unused": list(made.unused) if understood.table else [],
        "is_fetched": understood.is_fetched,
    }  # fmt: skip


def _annotating(row: LessonRow) -> dict[str, Any]:
    """The card of Label Studio."""
    services = access.services()
    is_connected = annotate.is_connected(services)
    return {
        "is_connected": is_connected, "sent": annotate.sent(services, row) if is_connected else None,
        "project": annotate.usual_project(row), "variants": annotate.VARIANTS, "url": services.settings.label_studio.url,
    }  # fmt: skip
