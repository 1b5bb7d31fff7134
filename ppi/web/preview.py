"""Step 2: the annotations and the table are kept, shown as they were understood, and odd labels get a meaning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, flash, g, jsonify, make_response, render_template, request, url_for
from flask_babel import format_decimal, gettext

from ppi.errors import AnnotationError, DatasetError, InputError, PpiError
from ppi.jobs.lessons import LessonRow
from ppi.web import access, choice, forms
from ppi.web.errors import STATUS, translated
from ppi.web.paging import page_of
from ppi.workflows import annotate, annotations, lessons, pattern_tables, preview, transcribe
from ppi.workflows.preview import Look

bp = Blueprint("preview", __name__)
Chosen = Mapping[str, str | None]  # label -> what it means, see `workflows.preview.choose`
NOTHING: Chosen = {}
PER_PAGE, LABELS_PER_PAGE = 40, 15
MAX_FORM_BYTES = annotations.MAX_BYTES + forms.TABLE_BYTES
LABEL, MEANING, OTHER, SEEN = "label-", "meaning-", "other-", "seen-"
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
    return _kept(row, "understood")


@bp.get("/api/lessons/<lesson_id>/preview")
def show(lesson_id: str) -> Response:
    """What a build would hold: segments, labels that the table lacks, what is left out. All null before there are marks.

    It waits until that is worked out.
    """
    return jsonify(success=True, **_as_data(preview.waited_for(access.services(), _owned(lesson_id))))


@bp.post("/api/lessons/<lesson_id>/meanings")
def choose(lesson_id: str) -> Response:
    """{meanings: {label: a pattern's name, "" to leave it out, null to read it as it is written}}, or {reset: true}; answers
    the counts, null where they take time: then `show` waits for them.

    The form of the page sends label-N, meaning-N and other-N instead, and seen-N, which meaning-N was when the page was shown.
    """
    row, chosen = _owned(lesson_id), _chosen()
    if chosen is None:
        preview.choose_nothing(access.services(), row)
        return _taken_back(row)
    if not chosen:
        return _kept(row, "labels")
    try:
        preview.choose(access.services(), row, chosen)
    except InputError as error:
        return _refused(row, error, chosen)
    # Without a place in the address: browsers give what a page says first the focus only then.
    return _kept(row, saved=1)


@bp.post("/api/lessons/<lesson_id>/before/<kind>")
def take_back(lesson_id: str, kind: str) -> Response:
    """Take the annotations, or the table (`patterns`), that others were given in place of; answers the counts."""
    row = _owned(lesson_id)
    if kind not in (preview.ANNOTATIONS, preview.PATTERNS):
        raise InputError("Say which file: annotations or patterns.")
    preview.take_back(access.services(), row, kind)
    return _kept(row, "given")


def dataset_page(row: LessonRow | None, problem: str = "", chosen: Chosen = NOTHING) -> str:
    """Step 2 of the lesson, or the choice of one; `problem` is what was wrong with what was just sent, `chosen` what labels
    were to mean in it.
    """
    shown = lessons.view(access.services(), row) if row else None
    has_table = shown is not None and bool(pattern_tables.kept_suffix(shown))
    understood, fault = _attempted(shown, chosen) if shown else ({"look": None}, "")
    return render_template(
        "dataset.html", step=2, choice=choice.of("dataset"), chosen=row, shown=shown, has_table=has_table,
        problem=problem or fault, given=chosen, can_hear=transcribe.is_at_hand(access.services()),
        annotating=_annotating(row) if row else {}, annotation_endings=",".join(annotations.ENDINGS),
        **understood,
    )  # fmt: skip


def _owned(lesson_id: str) -> LessonRow:
    row = lessons.owned(access.services(), access.current(), lesson_id)
    g.audit_object = row.id
    return row


def _attempted(shown: lessons.LessonView, chosen: Chosen) -> tuple[dict[str, Any], str]:
    """What was understood, or why nothing was: a file may have been kept by an earlier version that read more."""
    try:
        look = preview.look(access.services(), shown)
        return {"look": look, **(_pages(look, shown.id, chosen) if look else {})}, ""
    except PpiError as error:
        return {"look": None}, translated(error.template, error.ids)


def _kept(row: LessonRow, place: str | None = None, **told: int) -> Response:
    g.then = url_for("pages.dataset", lesson=row.id, **_turned(), **told, _anchor=place)
    look = preview.look(access.services(), lessons.view(access.services(), row))
    if look is None:
        return jsonify(success=True, segments=0, undecided=0, dropped=0)
    if (found := look.found) is None:
        return jsonify(success=True, segments=None, undecided=None, dropped=None)
    return jsonify(success=True, segments=len(found.segments), undecided=found.undecided, dropped=len(found.dropped))


def _taken_back(row: LessonRow) -> Response:
    """A form is answered at the head of the page, which says so and has the focus: there may be no labels to stand at."""
    answer = _kept(row)
    if forms.is_plain():
        flash(gettext("All choices are taken back. Labels that the table does not have are read as they are written."), "good")
    return answer


def _refused(row: LessonRow, error: PpiError, chosen: Chosen | None = None) -> Response:
    """To a form its page, with the message; what was kept before stays, what labels were to mean stands in the fields."""
    if not forms.is_plain():
        raise error
    g.error_code = error.code
    return make_response(dataset_page(row, translated(error.template, error.ids), chosen or {}), STATUS[type(error)])


def _chosen() -> Chosen | None:
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


def _of_form(form: Mapping[str, str]) -> Chosen:
    """Only what is another choice than the page showed: what somebody else chose meanwhile stays."""
    given = {field.removeprefix(LABEL): label for field, label in form.items() if field.startswith(LABEL)}
    meant = {number: _meaning(form.get(MEANING + number, AS_WRITTEN), form.get(OTHER + number, "").strip()) for number in given}
    return {
        label: meant[number] for number, label in given.items()
        if SEEN + number not in form or _meaning(form[SEEN + number]) != meant[number]
    }  # fmt: skip


def _meaning(marked: str, typed: str = "") -> str | None:
    """A name that was typed counts, whatever is marked beside it but another name."""
    if marked.startswith(NAMED):
        return marked.removeprefix(NAMED)
    if marked == ANOTHER or typed:
        return typed or None
    return "" if marked == LEFT_OUT else None


def _turned() -> dict[str, Any]:
    """Which pages of the lists were open."""
    return {name: request.args[name] for name in ("segments", "labels", "left") if request.args.get(name)}


def _pages(look: Look, lesson_id: str, chosen: Chosen) -> dict[str, Any]:
    def turned_address(name: str, place: str) -> Callable[[int], str]:
        """The addresses of the pages of one list, while the others stay where they are."""
        return lambda number: url_for("pages.dataset", **{**turned, "lesson": lesson_id, name: number}, _anchor=place)

    def saved_before(address: str) -> str:
        """Where the choices of this page are saved before another page of the list is shown, which stands at `address`."""
        return f"{url_for('preview.choose', lesson_id=lesson_id)}?{urlsplit(address).query}"

    labels, found = page_of(look.labels, "labels", LABELS_PER_PAGE, _page_with(look, chosen)), look.found
    turned = _turned() | ({"labels": labels["number"]} if chosen else {})
    return {
        "segments": page_of(found.segments, "segments", PER_PAGE) if found else None,
        "left": page_of(found.dropped, "left", PER_PAGE) if found else None,
        "labels": labels | {"items": look.described(labels["items"])},
        "turned": turned, "turned_address": turned_address, "saved_before": saved_before,
        "decimal": format_decimal, "fields": {"label": LABEL, "meaning": MEANING, "other": OTHER, "seen": SEEN},
        "values": {"as_written": AS_WRITTEN, "left_out": LEFT_OUT, "another": ANOTHER, "named": NAMED},
    }  # fmt: skip


def _page_with(look: Look, chosen: Chosen) -> int | None:
    """The page of the list on which the first label stands that a meaning was chosen for."""
    places = [place for place, (name, _) in enumerate(look.labels[:]) if name in chosen] if chosen else []
    return places[0] // LABELS_PER_PAGE + 1 if places else None


def _as_data(look: Look | None) -> dict[str, Any]:
    if look is None:
        return {"segments": None, "labels": None, "dropped": None, "unused": None, "is_fetched": None}
    segments = [
        {
            "start_s": segment.span.start_s, "end_s": segment.span.end_s, "annotator": segment.annotator,
            "patterns": segment.patterns,
        }
        for segment in look.found.segments[:]
    ]  # fmt: skip
    return {
        "segments": segments, "labels": [asdict(label) for label in look.described(look.labels[:])],
        "dropped": [asdict(item) for item in look.found.dropped[:]], "unused": look.found.unused[:],
        "is_fetched": look.is_fetched,
    }  # fmt: skip


def _annotating(row: LessonRow) -> dict[str, Any]:
    """The card of Label Studio."""
    services = access.services()
    is_connected = annotate.is_connected(services)
    return {
        "is_connected": is_connected, "sent": annotate.sent(services, row) if is_connected else None,
        "project": annotate.usual_project(row), "variants": annotate.VARIANTS, "url": services.settings.label_studio.url,
    }  # fmt: skip
