"""Pages for administrators."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, render_template, request
from flask_babel import gettext

from ppi.errors import PpiError
from ppi.web import access, settings_words
from ppi.workflows import storage_use, system

# What a spreadsheet would take for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
PAGE_ROWS = 100
FILTERS = ("user", "action", "text", "since", "until")
# As many as fit into SQLite's numbers.
MAX_DIGITS = 18

bp = Blueprint("admin", __name__, url_prefix="/admin")


@bp.get("/system")
def overview() -> str:
    """What runs where, what waits, and what does not answer."""
    services = access.services()
    seen = system.look(services)
    where = services.settings.storage.endpoint or gettext("in the data folder")
    return render_template(
        "system.html", step=0, chosen=None, seen=seen, store=where, is_cluster=services.is_cluster, queue_names=_queue_names(),
        roles=_roles(), codes=code_names(),
    )  # fmt: skip


@bp.get("/audit")
def audit() -> str:
    """Who did what to which object, when and from where."""
    services, wanted = access.services(), _wanted()
    acts = _page(services.audit, wanted)
    return render_template(
        "audit.html", step=0, chosen=None, acts=acts, people=services.audit.people(), actions=action_names(), ways=_ways(),
        asked={name: request.args[name] for name in FILTERS if request.args.get(name)}, lessons=_lesson_names(),
        codes=code_names(),
        older=bool(acts) and services.audit.find(**wanted, before_id=acts[-1].id, limit=1),
        newer=bool(acts) and services.audit.find(**wanted, after_id=acts[0].id, limit=1),
    )  # fmt: skip


@bp.get("/audit.csv")
def audit_csv() -> Response:
    """The rows that the page's filters choose, all of them."""
    found = access.services().audit.every(**_wanted())
    headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    return Response(_csv(found), content_type="text/csv; charset=utf-8", headers=headers)


@bp.get("/storage")
def storage() -> str:
    """Who keeps how much."""
    return render_template("storage.html", step=0, chosen=None, use=storage_use.look(access.services()))


@bp.get("/settings")
def settings() -> str:
    """Every setting as it is in force, what it is for, and where it comes from. Secrets stay out of the page."""
    stated = {one.name: one for one in access.services().settings.stated}
    return render_template(
        "settings.html", step=0, chosen=None, groups=settings_words.groups(), stated=stated, sources=_sources()
    )


def _sources() -> dict[str, str]:
    return {"default": gettext("usual value"), "file": ".env", "environment": gettext("environment")}


def _page(log, wanted: dict[str, Any]) -> list[Any]:
    """The rows before or after the one that the address names; a newest page is always full."""
    before_id, after_id = _row_number("before"), _row_number("after")
    newer = log.find(**wanted, after_id=after_id, limit=PAGE_ROWS) if after_id else []
    if len(newer) == PAGE_ROWS:
        return newer
    return log.find(**wanted, before_id=0 if after_id else before_id, limit=PAGE_ROWS)


def _row_number(name: str) -> int:
    given = request.args.get(name, "")
    return int(given) if given.isdecimal() and len(given) <= MAX_DIGITS else 0


def _lesson_names() -> dict[str, str]:
    """The lessons that still exist by their numbers. The log is readable without the ledger."""
    try:
        return {row.id: row.name for row in access.services().lessons.list()}
    except PpiError:
        return {}


def _wanted() -> dict[str, Any]:
    """The filters of the address; dates are whole days in UTC."""
    return {
        "user": request.args.get("user", ""), "action": request.args.get("action", ""),
        "text": request.args.get("text", "").strip(), "since_s": _day_s("since"), "until_s": _day_s("until", days=1),
    }  # fmt: skip


def _day_s(name: str, days: int = 0) -> float:
    try:
        day = datetime.strptime(request.args.get(name, ""), "%Y-%m-%d").replace(tzinfo=UTC)
        return (day + timedelta(days=days)).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _csv(acts) -> Iterator[str]:
    yield "\ufeff" + _line(["time", "user", "action", "object", "address", "way", "outcome"])
    for act in acts:
        moment = datetime.fromtimestamp(act.time_s, UTC).isoformat(timespec="seconds")
        yield _line([moment, act.user_name, act.action, act.object, act.address, act.way, act.outcome])


def _line(cells: list[str]) -> str:
    """A line of CSV in which no cell is a formula."""
    out = io.StringIO()
    csv.writer(out).writerow([f"'{cell}" if cell.startswith(FORMULA) else cell for cell in cells])
    return out.getvalue()


def action_names() -> dict[str, str]:
    """The actions of the log in words."""
    return {
        "log in": gettext("Log-in"), "log out": gettext("Log-out"), "change password": gettext("Password changed"),
        "end sessions": gettext("Sessions ended"), "create token": gettext("Token made"),
        "revoke token": gettext("Token revoked"), "begin upload": gettext("Upload begun"), "upload": gettext("Lesson given"),
        "give up upload": gettext("Upload given up"), "delete file": gettext("File deleted"),
        "delete lesson": gettext("Lesson deleted"), "undo deletion": gettext("Deletion undone"),
        "delete for good": gettext("Lesson deleted for good"), "revoke links": gettext("Links revoked"),
        "download": gettext("File downloaded"), "follow link": gettext("Stable link opened"),
        "show link": gettext("Link shown"),
        "keep annotations": gettext("Annotations given"), "take file back": gettext("Earlier file taken back"),
        "choose meanings": gettext("Meanings of labels chosen"),
        "upload transcript": gettext("Transcript uploaded"),
        "correct transcript": gettext("Transcript corrected"),
        "restore transcript": gettext("Earlier transcript restored"),
        "tell speakers apart": gettext("Speakers asked for"), "name speaker": gettext("Speaker named"),
        "keep list of words": gettext("List of words saved"), "delete list of words": gettext("List of words deleted"),
        "transcribe": gettext("Transcription asked for"), "summarize": gettext("Summary asked for"),
        "keep pattern table": gettext("Pattern table given"), "prepare for Label Studio": gettext("Prepared for Label Studio"),
        "make annotation copy": gettext("Annotation copy asked for"),
        "play captions": gettext("Captions shown"), "draw waveform": gettext("Waveform asked for"),
        "cancel job": gettext("Job cancelled"), "retry job": gettext("Job tried again"),
        "join datasets": gettext("Joined dataset asked for"), "delete dataset": gettext("Joined dataset deleted"),
        "withdraw lesson": gettext("Lesson withdrawn"),
        "build dataset": gettext("Dataset asked for"), "download dataset": gettext("Dataset downloaded"),
        "send to label studio": gettext("Sending to Label Studio asked for"),
        "fetch annotations": gettext("Fetching of annotations asked for"),
        "add annotations": gettext("Annotations added"), "decide disagreements": gettext("Disagreements decided"),
        "download gold set": gettext("Gold set downloaded"),
        "publish dataset": gettext("Publishing asked for"), "download audit log": gettext("Audit log downloaded"),
        "record consent": gettext("Consent recorded"), "edit card": gettext("Card edited"),
        "add account": gettext("Account added"), "invite": gettext("Password link made"),
        "choose password": gettext("Password chosen with a link"),
        "set password": gettext("Password set"), "set role": gettext("Role changed"),
        "set quota": gettext("Quota changed"),
        "disable account": gettext("Account disabled"), "enable account": gettext("Account enabled"),
        "remove account": gettext("Account removed"), "retention": gettext("Deleted: retention has passed"),
    }  # fmt: skip


def code_names() -> dict[str, str]:
    """The codes of docs/errors.md in a few words."""
    return {
        "input": gettext("not to be used as it is"), "unsupported_media": gettext("no recording"),
        "too_large": gettext("too large"), "annotation": gettext("annotations or table unreadable"),
        "dataset": gettext("dataset not sound"), "not_logged_in": gettext("not logged in"),
        "access_denied": gettext("not allowed"), "csrf": gettext("page too old"), "not_found": gettext("not there"),
        "conflict": gettext("something came between"), "quota": gettext("no room in the account"),
        "cancelled": gettext("cancelled"), "lease_lost": gettext("taken over by another process"),
        "too_many_tries": gettext("too many tries"), "method": gettext("wrong kind of request"),
        "tool_failed": gettext("a program ended badly"), "settings": gettext("wrong settings"),
        "error": gettext("a fault"), "unexpected": gettext("a fault nobody foresaw"),
        "backend": gettext("a service refused"), "server_away": gettext("a server does not answer"),
        "weights_missing": gettext("a model is missing"), "disk_full": gettext("the disk is full"),
    }  # fmt: skip


def _ways() -> dict[str, str]:
    return {
        "session": gettext("browser"), "token": gettext("token"), "link": gettext("link"), "command": gettext("command line"),
        "system": gettext("by itself"),
    }  # fmt: skip


def _queue_names() -> dict[str, str]:
    return {
        "receive": gettext("Taking in uploads"), "media": gettext("Video and audio"), "speech": gettext("Speech and summaries"),
        "dataset": gettext("Datasets"), "publish": gettext("Publishing"),
    }  # fmt: skip


def _roles() -> dict[str, str]:
    return {"web": gettext("Web server"), "worker": gettext("Worker"), "command": gettext("Command line")}
