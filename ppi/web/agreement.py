"""The agreement of a lesson's annotators: figures, disagreements to watch and decide, the gold set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from flask import Blueprint, Response, g, jsonify, redirect, render_template, request, url_for
from flask_babel import format_decimal, gettext

from ppi.errors import Conflict, InputError, TooManyTries
from ppi.jobs.lessons import LessonRow
from ppi.web import access, numbers
from ppi.web.errors import translated
from ppi.web.jobs import links
from ppi.web.paging import page_of
from ppi.web.player import player_of
from ppi.workflows import agreement, annotations, comparisons, lessons, plain_agreement

bp = Blueprint("agreement", __name__)
MAX_FORM_BYTES = agreement.MAX_SOURCES_BYTES + 64 * 1024
PER_PAGE = 10
SHOWN_MIXED = 5
MINUS = "\u2212"
DECIDED, SEEN = "d-", "w-"  # before a moment's id in the form
# Krippendorff, Content Analysis (2004): .800 for what one relies on, .667 for tentative conclusions.
RELIABLE, TENTATIVE = 0.8, 0.667


@bp.get("/lessons/<lesson_id>/agreement")
def page(lesson_id: str) -> str:
    services = access.services()
    row = lessons.owned(services, access.current(), lesson_id)
    shown, look, problem = lessons.view(services, row), None, ""
    try:
        look = agreement.look(services, shown, **_asked())
    except Conflict:  # nothing to compare yet: the page says how to begin
        pass
    except (InputError, TooManyTries) as error:
        problem = translated(error.template, error.ids)
    film = player_of(shown)
    return render_template(
        "agreement.html", step=2, chosen=row, shown=shown, sources=comparisons.sources(shown), problem=problem, look=look,
        asked=_asked(), film=film, query=_query(), endings=",".join(annotations.ENDINGS),
        **(_told(look.compared) if look and look.compared else {"compared": None}),
    )  # fmt: skip


@bp.post("/lessons/<lesson_id>/agreement/decisions")
def decide(lesson_id: str) -> Response:
    """A form of the page: d-<moment>=keep:<annotator>, all, none or nothing; w-<moment> is what the page showed as decided."""
    row = lessons.owned(access.services(), access.current(), lesson_id)
    given, seen = (
        {name.removeprefix(mark): choice for name, choice in request.form.items() if name.startswith(mark)}
        for mark in (DECIDED, SEEN)
    )
    agreement.decide(access.services(), row, _comparison(row), given, seen)
    # Without a place in the address: browsers give what a page says first the focus only then.
    return redirect(url_for("agreement.page", lesson_id=row.id, saved=1, **_query()))


@bp.get("/lessons/<lesson_id>/agreement/gold.json")
def gold_set(lesson_id: str) -> Response:
    row = lessons.owned(access.services(), access.current(), lesson_id)
    text = agreement.gold_set(_comparison(row), _task(row))
    answer = Response(text, mimetype="application/json")
    name = quote(f"{row.name} gold.json", safe="")
    answer.headers["Content-Disposition"] = f"attachment; filename=\"gold.json\"; filename*=UTF-8''{name}"
    return answer


@bp.get("/api/lessons/<lesson_id>/agreement")
def figures(lesson_id: str) -> Response:
    """?step=0.1&annotator=1&annotator=4 -> {success, annotators, patterns ...}; null means "not defined"."""
    row = lessons.owned(access.services(), access.current(), lesson_id)
    compared = _comparison(row)
    return jsonify(success=True, **plain_agreement.as_data(compared.found), decisions=compared.decisions)


@bp.post("/api/lessons/<lesson_id>/agreement/annotations")
def add(lesson_id: str) -> Response:
    """Multipart: annotations, one more file to compare -> {success}."""
    request.max_content_length = MAX_FORM_BYTES
    row = lessons.owned(access.services(), access.current(), lesson_id)
    file = request.files.get("annotations")
    if not file:
        raise InputError("Give a file with annotations.")
    agreement.add_source(access.services(), row, file.stream, file.filename or "")
    return jsonify(success=True)


@bp.post("/api/lessons/<lesson_id>/agreement/build")
def build(lesson_id: str) -> Response:
    """Build the dataset of the gold set -> {success, job_id}."""
    row = lessons.owned(access.services(), access.current(), lesson_id)
    job = agreement.request_gold_build(access.services(), row, _comparison(row), _task(row))
    g.then = url_for("pages.dataset", lesson=row.id)
    return jsonify(success=True, job_id=job.id)


def _comparison(row: LessonRow) -> agreement.Comparison:
    return agreement.comparison(access.services(), row, **_asked())


def _asked() -> dict[str, Any]:
    step_s = request.args.get("step", agreement.STEP_S, type=numbers.typed)
    return {"step_s": step_s, "chosen": request.args.getlist("annotator")}


def _task(row: LessonRow) -> str:
    return links(lessons.view(access.services(), row))["task_json"]


def _query() -> dict[str, Any]:
    """What the visitor chose on the page, to be kept in its links."""
    known = "step", "one", "other", "pattern", "page"
    chosen = {name: request.args[name] for name in known if request.args.get(name)}
    return chosen | ({"annotator": given} if (given := request.args.getlist("annotator")) else {})


def _turned_address(number: int) -> str:
    lesson_id = (request.view_args or {})["lesson_id"]
    return url_for("agreement.page", lesson_id=lesson_id, **{**_query(), "page": number}) + "#disagreements"


def _saved_before(address: str) -> str:
    """Where the form of this page is saved before another page of the list is shown, which stands at `address`."""
    lesson_id = (request.view_args or {})["lesson_id"]
    return f"{url_for('agreement.decide', lesson_id=lesson_id)}?{urlsplit(address).query}"


def _told(compared: agreement.Comparison) -> dict[str, Any]:
    found, wanted = compared.found, request.args.get("pattern", "")
    listed = [moment for moment in found.disagreements if wanted in ("", moment.pattern)]
    return {
        "compared": compared, "found": found, "figure": figure, "reading": reading,
        "disagreements": page_of(listed, "page", PER_PAGE), "turned_address": _turned_address, "saved_before": _saved_before,
        "matrix": _matrix(compared), "wanted": wanted,
        "answers": lambda moment: [(choice, _words(choice)) for choice in agreement.choices(moment)],
        "marked": [entry for entry in found.patterns if any(entry.marks.values())],
        "unmarked": [entry.pattern for entry in found.patterns if not any(entry.marks.values())],
        "gold_size": agreement.gold_size(compared) if len(found.annotators) > 1 else 0,
        "DECIDED": DECIDED, "SEEN": SEEN,
        "decimal": format_decimal,
    }  # fmt: skip


def figure(value: float | None) -> str:
    """A coefficient in the reader's language; None is "not defined"."""
    return gettext("not defined") if value is None else format_decimal(round(value, 2) + 0.0, "0.00").replace("-", MINUS)


def reading(alpha: float | None) -> tuple[str, str]:
    """What alpha means in words, and the mark's colour."""
    if alpha is None:
        return gettext("not defined"), "calm"
    if alpha >= RELIABLE:
        return gettext("reliable"), "good"
    return (gettext("tentative"), "") if alpha >= TENTATIVE else (gettext("not reliable"), "bad")


def _matrix(compared: agreement.Comparison) -> dict[str, Any] | None:
    """The confusions of the pair that was chosen, or of the first: names of rows and columns, and counts."""
    asked = request.args.get("one", ""), request.args.get("other", "")
    pairs = {(entry.one, entry.other): entry for entry in compared.found.confusions}
    if not pairs:
        return None
    entry = pairs.get(asked) or pairs.get(asked[::-1]) or next(iter(pairs.values()))
    counts = {(mine, theirs): count for mine, theirs, count in entry.counts}
    names = sorted({name for pair in counts for name in pair} - {""}) + [""]
    return {"one": entry.one, "other": entry.other, "names": names, "counts": counts, "mixed": _most_mixed(counts)}


def _most_mixed(counts: Mapping[tuple[str, str], int]) -> list[tuple[str, str, int]]:
    """The pairs that were taken for each other most often: what the one and what the other called it, and how often."""
    mixed = [(mine, theirs, count) for (mine, theirs), count in counts.items() if mine != theirs and count]
    return sorted(mixed, key=lambda pair: (-pair[2], pair[0], pair[1]))[:SHOWN_MIXED]


def _words(choice: str) -> str:
    if choice.startswith("keep:"):
        return gettext("Keep the mark of annotator %(name)s", name=choice.removeprefix("keep:"))
    return gettext("Keep all these marks") if choice == "all" else gettext("Keep none")
