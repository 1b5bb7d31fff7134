"""Datasets joined of several lessons: choose, see what one would hold, build, show, download, push, delete.

The form works without scripts; programs send the same fields as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, g, jsonify, make_response, redirect, render_template, request, url_for
from flask_babel import get_locale, gettext, ngettext

from ppi.errors import Conflict, InputError, NotFound, PpiError
from ppi.jobs.ledger import Job
from ppi.web import access, choice
from ppi.web.errors import STATUS, translated, wants_json
from ppi.web.export import ask_to_push, attachment
from ppi.web.gallery import check_names, embargo, readiness
from ppi.web.jobs import describe_job
from ppi.workflows import joined, joined_consent, lesson_list, publish, pushes, stored_datasets

bp = Blueprint("joined", __name__)
SPLITS = ("train", "validation", "test")


@bp.get("/joined")
def page() -> str | Response:
    """The joined datasets that the visitor may see, and the form for another one."""
    if wants_json():
        found = joined.overview(access.services(), access.current())
        return jsonify(success=True, datasets=[_described(one) for one in found])
    usual = {"shares": ["80", "10", "10"], "seed": 0, "by": "teacher", "language": str(get_locale())}
    return _form_page(None, {**usual, "lessons": (), "name": ""})


@bp.post("/joined")
def form() -> Response:
    """name, lessons, shares ("80,10,10", or three fields), seed, by (teacher or lesson), language? (of the card: en or ru),
    dataset? (its id, to build it anew), action (plan or build) -> {success, and what it would hold, or dataset_id and job_id}.

    Of the page's form also find, with page (the lessons of this page of the search are shown) or all (they are chosen):
    answered with the form as it was filled in.
    """
    given = _given()
    if (given["page"] or given["all"]) and not wants_json():
        return make_response(_form_page(_changed(given), _with_found(given) if given["all"] else given))
    try:
        return _planned(given) if given["action"] == "plan" else _begun(given)
    except (InputError, NotFound, Conflict) as error:
        if wants_json():
            raise
        g.error_code = error.code
        return make_response(_form_page(_changed(given), given, problem=error), STATUS[type(error)])


@bp.get("/joined/<dataset_id>")
def show(dataset_id: str) -> str | Response:
    services = access.services()
    found = joined.owned(services, access.current(), dataset_id)
    stored = stored_datasets.read(services, found.prefix) if found.build else None
    if wants_json():
        told = {"rows": stored.rows, "report": stored.report, "card": stored.card} if stored else {"rows": []}
        now = joined_consent.standing(services, found)
        told |= {"consent": now.consent.state, "withdrawn": list(now.withdrawn), "deleted": list(now.deleted)}
        return jsonify(success=True, **_described(found), **told)
    return _dataset_page(found, stored)


@bp.get("/joined/<dataset_id>.zip")
def download_zip(dataset_id: str) -> Response:
    services = access.services()
    found = joined.owned(services, access.current(), dataset_id)
    joined_consent.check_use(services, found)
    if not joined.is_busy(services, found):
        joined_consent.tell(services, found)
    name, stream = stored_datasets.zip_stream(services, found.prefix, found.name)
    answer = Response(stream, mimetype="application/zip")
    answer.headers["Content-Disposition"] = attachment(name, "dataset.zip")
    return answer


@bp.post("/api/joined/<dataset_id>/push")
def push(dataset_id: str) -> Response:
    """{repo_id, private?, dry_run?} -> {success, job_id}, as for a lesson's dataset."""
    found = joined.owned(access.services(), access.current(), dataset_id)
    return jsonify(success=True, job_id=ask_to_push(found).id)


@bp.post("/api/joined/<dataset_id>/delete")
def delete(dataset_id: str) -> Response:
    joined.remove(access.services(), joined.owned(access.services(), access.current(), dataset_id))
    g.then = url_for("joined.page")
    return jsonify(success=True)


def _given() -> dict[str, Any]:
    """The fields of the form, or of the JSON of a program."""
    if request.is_json:
        sent = request.get_json(silent=True)
        sent = sent if isinstance(sent, dict) else {}
        lessons = sent.get("lessons") if isinstance(sent.get("lessons"), list) else ()
        shares = str(sent.get("shares") or "80,10,10").split(",")
    else:
        sent, lessons = request.form, request.form.getlist("lessons")
        shares = [sent[split] for split in SPLITS] if all(split in sent for split in SPLITS) else ["80", "10", "10"]
    texts = {name: str(sent.get(name) or "") for name in ("name", "by", "dataset", "action", "language", "page", "all")}
    return {**texts, "lessons": tuple(lessons), "shares": shares, "seed": sent.get("seed") or 0, "by": texts["by"] or "teacher"}


def _with_found(given: dict[str, Any]) -> dict[str, Any]:
    """The form with all lessons chosen that the search shows."""
    found = tuple(shown.id for shown in choice.of("joined").lessons)
    return {**given, "lessons": tuple(dict.fromkeys((*given["lessons"], *found)))}


def _wanted(given: dict[str, Any]) -> joined.Wanted:
    return joined.Wanted.of({**given, "shares": ",".join(given["shares"])})


def _changed(given: dict[str, Any]) -> joined.Joined | None:
    """The dataset that is to be built anew, if it is not a new one."""
    return joined.owned(access.services(), access.current(), given["dataset"]) if given["dataset"] else None


def _planned(given: dict[str, Any]) -> Response:
    changed = _changed(given)
    planned = joined.preview(access.services(), access.current(), _wanted(given))
    if not wants_json():
        return make_response(_form_page(changed, given, planned))
    names = planned.labels
    listed = [
        {"lesson_id": row.id, "name": names[row.id], "samples": samples, "duration_s": round(length_s, 3), "split": split}
        for row, samples, length_s, split in planned.lessons
    ]
    return jsonify(
        success=True, samples=planned.samples, lessons=listed, splits=planned.counts, patterns=planned.patterns,
        note=planned.note, consent=planned.consent.state,
    )  # fmt: skip


def _begun(given: dict[str, Any]) -> Response:
    changed = _changed(given)
    job = joined.request_join(
        access.services(), access.current(), wanted=_wanted(given), name=given["name"], joined=changed
    )  # fmt: skip
    g.audit_object = job.lesson_id
    if wants_json():
        return jsonify(success=True, dataset_id=job.lesson_id, job_id=job.id)
    return redirect(url_for("joined.show", dataset_id=job.lesson_id), 303)


def _described(found: joined.Joined) -> dict[str, Any]:
    jobs = access.services().ledger.list(lesson_id=found.id, limit=1)
    wanted = found.wanted
    return {
        "dataset_id": found.id, "name": found.name, "owner": found.owner_name, "is_built": bool(found.build),
        "lessons": list(wanted.lessons), "shares": wanted.shares, "seed": wanted.seed, "by": wanted.by,
        "language": wanted.language,
        "job": describe_job(jobs[0]) if jobs else None,
    }  # fmt: skip


def _form_page(
    changed: joined.Joined | None, given: dict[str, Any], planned: joined.Preview | None = None, problem: PpiError | None = None
) -> str:
    services, account = access.services(), access.current()
    there = joined.overview(services, account)
    states = _states([one.id for one in there])
    return render_template(
        "joined.html", step=0, chosen=None, shown=[(one, states(one)) for one in there], changed=changed, given=given,
        planned=planned,
        problem=translated(problem.template, problem.ids) if problem else "",
        patterns=with_labels(planned.patterns if planned else []),
        **_offered(given["lessons"]), empty=_empty_splits(planned.counts, given) if planned else [],
    )  # fmt: skip


def _dataset_page(found: joined.Joined, stored: stored_datasets.StoredDataset | None) -> str:
    services = access.services()
    jobs = services.ledger.list(lesson_id=found.id, limit=20)
    building = next((job for job in jobs if job.kind == "join"), None)
    published = pushes.pushes(services, found)
    wanted, now = found.wanted, joined_consent.standing(services, found)
    return render_template(
        "joined_dataset.html", step=0, chosen=None, found=found, stored=stored, job=building,
        patterns=with_labels(stored.report["patterns"] if stored else []), check_names=check_names(),
        ready=readiness(stored, now.consent) if stored else [],
        has_token=bool(services.settings.hub.token), now=now, pushed=published,
        consent=now.consent, embargo=embargo(now.consent),
        dry_run=publish.fresh_dry_run(services, found) if stored else None,
        push_job=newest_push({one.kind: one for one in reversed(jobs)}),
        outdated=_outdated(published, found), **_offered(wanted.lessons),
        given={**asdict(wanted), "name": found.name, "shares": wanted.shares.split(",")},
    )  # fmt: skip


def newest_push(jobs: Mapping[str, Job]) -> Job | None:
    """The newest push or dry run, of the newest jobs by kind."""
    found = [job for kind in (publish.PUBLISH, publish.PREVIEW) if (job := jobs.get(kind)) is not None]
    return max(found, key=lambda job: job.created_s, default=None)


def _outdated(published: list[pushes.Push], found: joined.Joined) -> list[pushes.Push]:
    """The newest pushes by repository that hold a lesson which this dataset holds no more."""
    newest = {push.repo_id: push for push in published}
    return [push for push in newest.values() if found.build and set(push.lessons) - set(found.wanted.lessons)]


def _offered(lessons: Sequence[str]) -> dict[str, Any]:
    """What the form chooses from, and what is chosen in it."""
    picked = lesson_list.picked(access.services(), access.current(), lessons)
    return {"choice": choice.of("joined", [shown.id for shown in picked]), "picked": picked}


def _states(dataset_ids: list[str]) -> Callable[[joined.Joined], tuple[str, str]]:
    """What each of these joined datasets is doing, in words, and the mark's colour."""
    newest = {job.lesson_id: job for job in reversed(access.services().ledger.of_lessons(dataset_ids))}

    def state(found: joined.Joined) -> tuple[str, str]:
        job = newest.get(found.id)
        if job is not None and job.is_active:
            return gettext("Being built") if job.kind == "join" else gettext("Publishing"), ""
        return (gettext("Dataset ready"), "good") if found.build else (gettext("Not built"), "bad")

    return state


def _empty_splits(counts: dict[str, dict[str, Any]], given: dict[str, Any]) -> list[str]:
    """The splits that were asked for and get nothing."""
    asked = dict(zip(SPLITS, given["shares"], strict=False))
    return [split for split, entry in counts.items() if not entry["samples"] and float(asked.get(split) or 0) > 0]


def with_labels(patterns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Patterns with their number of samples in words and the largest number."""
    most = max((entry["samples"] for entry in patterns), default=1)
    return [
        {**entry, "most": most, "label": ngettext("%(num)s sample", "%(num)s samples", entry["samples"])} for entry in patterns
    ]
