"""Writes the audit log at the border: after every request that changes something or hands something out.

What an act was done to stands in the address, or the view puts it into `g.audit_object`. Bodies are not read here: a refused
request may hold gigabytes that nobody asked for.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from flask import Flask, Response, g, request

from ppi.accounts.users import User
from ppi.errors import NotFound, NotLoggedIn
from ppi.logs import mask
from ppi.web import access
from ppi.web.auth import address

# How to name the object; None when this request is not worth a row.
Namer = Callable[[Response], str | list[str] | None]
# A player asks for a link once for every piece it plays, a page for its state every few seconds; corrections save
# themselves while somebody types, and have a history of their own.
ONCE_AN_HOUR = {"show link", "follow link", "correct transcript", "play captions"}
HOUR_S = 3600.0
log = logging.getLogger(__name__)


def _from_address(response: Response) -> str:
    return g.get("audit_object") or "/".join(str(value) for value in (request.view_args or {}).values())


def _told(response: Response) -> str:
    return g.get("audit_object", "")


def _if_told(response: Response) -> str | None:
    return g.get("audit_object")


def _each(response: Response) -> list[str] | None:
    """What a form did to several things, one row each; None when it only asked."""
    return g.get("audit_object", [""])


def _begun(response: Response) -> str | None:
    """To look at a plan is worth no row; to begin is, and so is what was refused."""
    return g.get("audit_object") or ("" if response.status_code >= 400 else None)


def _chunk(response: Response) -> str | None:
    """Of the chunks of an upload the last is worth a row; the view says which one it was. So are those that were refused."""
    return g.get("audit_object") or (_from_address(response) if response.status_code >= 400 else None)


# endpoint -> (action, how to name the object)
ACTIONS: dict[str, tuple[str, Namer]] = {
    "auth.login": ("log in", _told), "auth.login_form": ("log in", _told), "auth.logout": ("log out", _told),
    "auth.change_password": ("change password", _told), "auth.end_sessions": ("end sessions", _told),
    "auth.end_session": ("end sessions", _from_address), "people.set_quota": ("set quota", _told),
    "people.add": ("add account", _told), "people.invite": ("invite", _told), "people.set_role": ("set role", _told),
    "people.disable": ("disable account", _told), "people.enable": ("enable account", _told),
    "people.choose_password": ("choose password", _told),
    "auth.create_token": ("create token", _told), "auth.revoke_token": ("revoke token", _from_address),
    "upload.process_video": ("upload", _told), "upload.tus_create": ("begin upload", _told),
    "upload.tus_patch": ("upload", _chunk), "upload.tus_delete": ("give up upload", _from_address),
    "storage.delete_file": ("delete file", _told), "storage.delete_lesson": ("delete lesson", _from_address),
    "lessons.delete": ("delete lesson", _each), "lessons.undo": ("undo deletion", _each),
    "lessons.empty": ("delete for good", _each), "storage.restore_lesson": ("undo deletion", _from_address),
    "storage.revoke_links": ("revoke links", _from_address), "storage.download": ("download", _from_address),
    "storage.stable": ("follow link", _if_told),
    "pages.lesson": ("show link", _if_told), "jobs.status": ("show link", _if_told),
    "word_lists.save": ("keep list of words", _told), "word_lists.delete": ("delete list of words", _from_address),
    "transcription.transcribe": ("transcribe", _told), "summaries.summarize": ("summarize", _told),
    "transcript.page": ("show link", _if_told), "transcript.download": ("download", _from_address),
    "transcript.bundle": ("download", _told), "transcript.show": ("download", _from_address),
    "transcript.upload": ("upload transcript", _from_address), "transcript.edit": ("correct transcript", _from_address),
    "transcript.check": ("correct transcript", _from_address),
    "transcript.speaker": ("correct transcript", _from_address),
    "transcript.undo": ("restore transcript", _from_address), "transcript.redo": ("restore transcript", _from_address),
    "transcript.restore": ("restore transcript", _from_address),
    "speakers.find": ("tell speakers apart", _from_address), "speakers.name": ("name speaker", _from_address),
    "kit.page": ("show link", _if_told), "kit.tasks": ("show link", _from_address),
    "kit.keep": ("keep pattern table", _from_address), "kit.config": ("download", _from_address),
    "kit.prepare": ("prepare for Label Studio", _from_address), "kit.normalize": ("make annotation copy", _from_address),
    "player.captions": ("play captions", _from_address), "player.draw": ("draw waveform", _from_address),
    "jobs.cancel": ("cancel job", _from_address), "jobs.retry": ("retry job", _from_address),
    "preview.keep": ("keep annotations", _from_address), "preview.take_back": ("take file back", _from_address),
    "preview.choose": ("choose meanings", _from_address),
    "export.build": ("build dataset", _told), "export.download_zip": ("download dataset", _from_address),
    "agreement.add": ("add annotations", _from_address), "agreement.decide": ("decide disagreements", _from_address),
    "agreement.gold_set": ("download gold set", _from_address), "agreement.build": ("build dataset", _from_address),
    "export.save_consent": ("record consent", _from_address), "export.save_card": ("edit card", _from_address),
    "export.download_annotations": ("download", _from_address), "export.push": ("publish dataset", _from_address),
    "joined.form": ("join datasets", _begun), "joined.download_zip": ("download dataset", _from_address),
    "joined.push": ("publish dataset", _from_address), "joined.delete": ("delete dataset", _from_address),
    "withdrawal.withdraw_lesson": ("withdraw lesson", _from_address),
    "label_studio.send": ("send to label studio", _from_address),
    "label_studio.fetch": ("fetch annotations", _from_address), "admin.audit_csv": ("download audit log", _told),
}  # fmt: skip
# Changes that are nobody's business but the visitor's, and what changes nothing.
NOT_AUDITED = {"pages.language", "look.theme", "gallery.preview_card"}


def init_app(app: Flask) -> None:
    app.before_request(_remember)
    app.after_request(_after)


def _remember() -> None:
    """Who asks, before a log-out makes them nobody."""
    g.audit_viewer = access.viewer() if request.endpoint in ACTIONS else None


def _after(response: Response) -> Response:
    if request.endpoint in ACTIONS and request.method not in ("HEAD", "OPTIONS") and not g.get("is_question"):
        try:
            _record(response)
        except Exception:  # what was done stays done and is answered, whatever becomes of its row
            log.exception("the audit log could not be written: %s", request.endpoint)
    return response


def _record(response: Response) -> None:
    action, name = ACTIONS[request.endpoint]
    code = g.get("error_code", "")
    account = None if action == "log in" and code else access.viewer() or g.get("audit_viewer")
    if account is None and not _is_for_strangers(action, code):
        return
    named = name(response)
    if named is None:
        return
    for one in [named] if isinstance(named, str) else named:
        _write(action, mask(one), account, code)


def _write(action: str, named: str, account: User | None, code: str) -> None:
    audit = access.services().audit
    user_id, user_name = (account.id, account.name) if account else ("", _tried_name())
    since_s = time.time() - HOUR_S
    if action in ONCE_AN_HOUR and audit.has(action, named, since_s, user_id=user_id, address=address()):
        return
    audit.record(
        action, user_id=user_id, user_name=user_name, object=named, address=address(), way=_way(account, action),
        outcome=f"refused:{code}" if code else "ok",
    )  # fmt: skip


def _is_for_strangers(action: str, code: str) -> bool:
    """Links, and tries to log in; those over the limit or without a name and password are no tries, and would flood the log."""
    return action == "follow link" or (action == "log in" and code == NotLoggedIn.code)


def _tried_name() -> str:
    """The account somebody tried to log in to. Other names are not kept: people type passwords into the wrong field."""
    try:
        return access.services().users.by_name(g.get("tried_name", "")).name
    except NotFound:
        return ""


def _way(account: User | None, action: str) -> str:
    if account is None:
        return "link" if action == "follow link" else "session"
    return "token" if g.get("is_token") else "session"
