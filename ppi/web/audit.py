"""Writes the audit log at the border: after every request that changes something or hands something out."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, Response, g, request

from ppi.errors import InputError
from ppi.web import access
from ppi.web.auth import address, tried_name

# endpoint -> (action, how to name the object; None when this request is not worth a row).
Namer = Callable[[Response], str | None]


def _from_address(response: Response) -> str:
    return "/".join(str(value) for value in (request.view_args or {}).values())


def _from_body(name: str) -> Namer:
    def find(response: Response) -> str:
        given = (request.get_json(silent=True) or {}) if request.is_json else request.form
        return str(given.get(name) or "") if hasattr(given, "get") else ""

    return find


def _lesson_made(response: Response) -> str:
    made = response.get_json(silent=True) if response.is_json else None
    return str((made or {}).get("file_id") or _from_body("object_name")(response))


def _upload_begun(response: Response) -> str:
    return response.headers.get("X-File-Id", "")


def _upload_finished(response: Response) -> str | None:
    """Of the chunks of an upload only the last is worth a row; the view says which one it was."""
    return g.get("audit_object")


def _nothing(response: Response) -> str:
    return ""


def _link_followed(response: Response) -> str | None:
    return g.get("audit_object")


ACTIONS: dict[str, tuple[str, Namer]] = {
    "auth.login": ("log in", _nothing), "auth.login_form": ("log in", _nothing), "auth.logout": ("log out", _nothing),
    "auth.change_password": ("change password", _nothing), "auth.end_sessions": ("end sessions", _nothing),
    "auth.create_token": ("create token", _from_body("label")), "auth.revoke_token": ("revoke token", _from_address),
    "upload.process_video": ("upload", _lesson_made), "upload.tus_create": ("begin upload", _upload_begun),
    "upload.tus_patch": ("upload", _upload_finished), "upload.tus_delete": ("give up upload", _from_address),
    "storage.delete_file": ("delete file", _from_body("object_name")),
    "storage.delete_lesson": ("delete lesson", _from_address),
    "storage.revoke_links": ("revoke links", _from_address), "storage.download": ("download", _from_address),
    "storage.stable": ("follow link", _link_followed),
    "transcription.transcribe": ("transcribe", _from_body("file_id")),
    "transcription.summarize": ("summarize", _from_body("file_id")),
    "jobs.cancel": ("cancel job", _from_address), "jobs.retry": ("retry job", _from_address),
    "export.build": ("build dataset", _from_body("file_id")), "export.download_zip": ("download dataset", _from_address),
    "export.push": ("publish dataset", _from_address), "admin.audit_csv": ("download audit log", _nothing),
}  # fmt: skip
# Changes that are nobody's business but the visitor's.
NOT_AUDITED = {"pages.language"}


def init_app(app: Flask) -> None:
    app.before_request(_remember)
    app.after_request(_record)


def _remember() -> None:
    """Who asks, before a log-out makes them nobody."""
    g.audit_viewer = access.viewer() if request.endpoint in ACTIONS else None


def _record(response: Response) -> Response:
    if request.endpoint not in ACTIONS:
        return response
    action, name = ACTIONS[request.endpoint]
    account = access.viewer() or g.get("audit_viewer")
    if account is None and action not in ("log in", "follow link"):
        return response
    named = name(response)
    if named is None:
        return response
    who = {"user_id": account.id, "user_name": account.name} if account else {"user_name": _unknown(action)}
    access.services().audit.record(
        action, **who, object=named, address=address(), way=_way(account, action), outcome=_outcome(response, account, action)
    )
    return response


def _unknown(action: str) -> str:
    """The name somebody tried to log in with."""
    try:
        return tried_name() if action == "log in" else ""
    except InputError:
        return ""


def _way(account, action: str) -> str:
    if account is None:
        return "link" if action == "follow link" else "session"
    return "token" if g.get("is_token") else "session"


def _outcome(response: Response, account, action: str) -> str:
    if response.status_code < 400:
        return "done" if account or action != "log in" else "refused"
    told = response.get_json(silent=True) if response.is_json else None
    return str((told or {}).get("code") or response.status_code)
