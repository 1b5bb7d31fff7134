"""A built dataset looked through: its samples, figures, versions, and the editor of its card."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from flask import Blueprint, Response, jsonify, make_response, render_template, request, url_for
from flask_babel import format_decimal, gettext

from ppi.errors import DatasetError, InputError, NotFound, PpiError
from ppi.records import Consent
from ppi.web import access, forms, numbers
from ppi.web.agreement import figure
from ppi.web.errors import STATUS, translated, wants_json
from ppi.workflows import cards, dataset_figures, joined, lessons, samples, stored_datasets, versions
from ppi.workflows.joined import Joined
from ppi.workflows.things import Thing, prefix_of

bp = Blueprint("gallery", __name__)
CHANGES_PER_PAGE = 100
FILTERS = ("pattern", "annotator", "split", "lesson", "text", "check")


@bp.get("/datasets/<dataset_id>/samples")
def browse(dataset_id: str) -> str:
    """?pattern=&annotator=&split=&lesson=&text=&check=&shortest=&longest=&page=: the samples that fit, page by page."""
    thing = owned(dataset_id)
    asked = {name: request.args[name] for name in FILTERS if request.args.get(name)}
    typed = {name: request.args.get(name, type=numbers.typed) for name in ("shortest", "longest")}
    lengths = {name: value for name, value in typed.items() if value is not None}
    wanted = samples.Wanted(**asked, shortest_s=lengths.get("shortest"), longest_s=lengths.get("longest"))
    found = samples.find(access.services(), prefix_of(thing), wanted, request.args.get("page", 1, type=int))
    asked = asked | {name: numbers.shown(value) for name, value in lengths.items()}
    return render_template(
        "samples.html", found=found, asked=asked, check_names=check_names(), **_frame(thing),
        address=_address("gallery.browse", dataset_id, asked),
    )  # fmt: skip


@bp.get("/datasets/<dataset_id>/figures")
def figures(dataset_id: str) -> str:
    thing = owned(dataset_id)
    drawn = dataset_figures.of(access.services(), prefix_of(thing))
    return render_template(
        "figures.html", drawn=drawn, most=dataset_figures.MOST_BARS, columns=dataset_figures.COLUMNS, decimal=format_decimal,
        figure=figure, **_frame(thing),
    )  # fmt: skip


@bp.get("/datasets/<dataset_id>/versions")
def history(dataset_id: str) -> str | Response:
    """?before=1&after=3: what changed from one version to another; programs get it as JSON."""
    services, thing = access.services(), owned(dataset_id)
    stored_datasets.objects(services, prefix_of(thing))  # whether there is one
    kept = versions.numbers(services, thing)
    pair = tuple(request.args.get(name, type=int) for name in ("before", "after"))
    found = versions.compare(services, thing, *pair) if None not in pair else None
    if wants_json():
        return jsonify(success=True, versions=kept, changes=None if found is None else [change.as_json() for change in found])
    return render_template(
        "versions.html", versions=stored_datasets.versions_of(services, prefix_of(thing)), kept=kept, pair=pair, found=found,
        change_kinds=change_kinds(), most=CHANGES_PER_PAGE, **_frame(thing),
    )  # fmt: skip


@bp.get("/datasets/<dataset_id>/card")
def card(dataset_id: str) -> str:
    services, thing = access.services(), owned(dataset_id)
    stored_datasets.objects(services, prefix_of(thing))
    given = {"text": cards.own_text(services, thing), "language": cards.language_of(services, thing)}
    return _card_page(thing, given, cards.stored(services, thing))


@bp.post("/api/datasets/<dataset_id>/card/preview")
def preview_card(dataset_id: str) -> Response:
    """{text, language} -> {success, card, html}: the card as it would be; nothing is kept."""
    services, thing = access.services(), owned(dataset_id)
    sent = forms.given()
    given = {name: sent.get(name) if isinstance(sent, dict) else None for name in ("text", "language")}
    if not all(isinstance(value, str) for value in given.values()):
        raise InputError("Send the fields as texts: {names}.", names="text, language")
    try:
        text = cards.preview(services, thing, **given)
    except (InputError, DatasetError) as error:
        if not forms.is_plain():
            raise
        return _refused(thing, given, error)
    if forms.is_plain():
        return make_response(_card_page(thing, given, text, is_unsaved=True))
    return jsonify(success=True, card=text, html=cards.as_html(services, thing, text))


def readiness(stored: Any, consent: Consent) -> list[tuple[str, str, str]]:
    """What stands between a dataset and the Hub: (level, what, more), the worst first. Levels as in `dataset check`."""
    report = stored.report
    told = [
        (level, check_names().get(check, check), _count(report, check)) for check, level in (report.get("checks") or {}).items()
        if level != "pass"
    ]  # fmt: skip
    if not told:
        told = [("pass", gettext("The check found nothing."), "")]
    states = {
        "public": ("pass", gettext("The consent is public.")),
        "internal": ("warn", gettext("The consent is internal: private repositories only.")),
        "unknown": ("warn", gettext("Nobody recorded the consent: private repositories only.")),
        "withdrawn": ("fail", gettext("The consent was withdrawn.")),
    }
    told.append((*states.get(consent.state, states["unknown"]), ""))
    if until := embargo(consent):
        told.append(("warn", gettext("Embargo until %(date)s: private repositories only.", date=until), ""))
    if report.get("hides_pictures"):
        told.append(("warn", gettext("The clips were cut fast and keep hidden pictures."), ""))
    return sorted(told, key=lambda one: ("fail", "warn", "pass").index(one[0]))


def embargo(consent: Consent) -> str:
    """The day until which nothing may be public, in the reader's words; "" where no embargo holds today."""
    return numbers.day_in_words(consent.embargo_until) if consent.is_under_embargo(date.today()) else ""


def check_names() -> dict[str, str]:
    return {
        "files": gettext("Files and rows"), "spans": gettext("Doubled and overlapping spans"), "texts": gettext("Texts"),
        "labels": gettext("Labels and the table of patterns"), "key_frames": gettext("Key frames"),
        "balance": gettext("Balance of patterns"), "splits": gettext("Splits"), "hours": gettext("Hours"),
    }  # fmt: skip


def change_kinds() -> dict[str, str]:
    """What may have happened to a sample from one version to the next."""
    return {
        "added": gettext("added"), "removed": gettext("removed"), "moved": gettext("moved"),
        "relabelled": gettext("relabelled"), "edited": gettext("edited"),
    }  # fmt: skip


def _count(report: dict[str, Any], check: str) -> str:
    found = [finding for finding in report.get("findings", ()) if finding["check"] == check]
    said = translated(found[0]["template"], found[0]["values"]) if found else ""
    return said if len(found) < 2 else gettext("%(first)s and %(count)s more", first=said.rstrip("."), count=len(found) - 1)


def owned(dataset_id: str) -> Thing:
    """The lesson or the joined dataset of that number, if the visitor may see it. Raises NotFound."""
    try:
        return lessons.owned(access.services(), access.current(), dataset_id)
    except NotFound:
        return joined.owned(access.services(), access.current(), dataset_id)


def _frame(thing: Thing) -> dict[str, Any]:
    """What all pages of a dataset need: whose it is, and the step they belong to."""
    is_joined = isinstance(thing, Joined)
    shown = None if is_joined else lessons.view(access.services(), thing)
    chosen = None if is_joined else thing
    return {"thing": thing, "is_joined": is_joined, "step": 0 if is_joined else 3, "chosen": chosen, "shown": shown}


def _address(endpoint: str, dataset_id: str, asked: dict[str, str]) -> Callable[[int], str]:
    return lambda number: url_for(endpoint, dataset_id=dataset_id, **asked, page=number)


def _card_page(thing: Thing, given: dict[str, Any], text: str, is_unsaved: bool = False, problem: str = "") -> str:
    html = cards.as_html(access.services(), thing, text)  # lets no markup of the makers through
    return render_template(
        "card.html", given=given, text=text, html=html, is_unsaved=is_unsaved, problem=problem,
        languages=cards.LANGUAGES, **_frame(thing),
    )  # fmt: skip


def _refused(thing: Thing, given: dict[str, Any], error: PpiError) -> Response:
    """What was typed stays in the field."""
    text = cards.stored(access.services(), thing)
    page = _card_page(thing, given, text, is_unsaved=True, problem=translated(error.template, error.ids))
    return make_response(page, STATUS[type(error)])
