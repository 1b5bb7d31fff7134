"""Who may do what: the one check that every request passes, and who is asking.

Order, so that nobody makes the server read a large body for nothing: session or token, role, CSRF header; sizes and
quotas follow in the views; the body is read last.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from flask import Flask, current_app, g, request, session
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_wtf.csrf import CSRFError, validate_csrf
from wtforms import ValidationError

from ppi.accounts.sessions import Session
from ppi.accounts.users import User
from ppi.errors import AccessDenied, CsrfFailed, NotFound, NotLoggedIn
from ppi.web import forms
from ppi.web.packing import MaskedCsrf, unmasked

if TYPE_CHECKING:
    from ppi.services import Services

# endpoint -> who may call it. "user" means any account that is logged in; owners are checked by the workflows. "local" means
# an administrator, or a program on this machine that does not come through a proxy.
ACCESS = {
    "static": "public",
    "pages.home": "public", "pages.language": "public", "look.theme": "public", "look.styleguide": "admin",
    "pages.help": "public",
    "lessons.index": "user", "lessons.delete": "user", "lessons.deleted": "user", "lessons.undo": "user",
    "lessons.empty": "user",
    "pages.lesson": "user", "pages.dataset": "user", "pages.publish": "user", "pages.files": "user",
    "pages.account": "user", "pages.sample": "user",
    "auth.login": "public", "auth.login_form": "public", "auth.logout": "public",
    "auth.change_password": "user", "auth.create_token": "user", "auth.revoke_token": "user", "auth.end_sessions": "user",
    "auth.end_session": "user",
    "upload.process_video": "user", "upload.tus_options": "public", "upload.tus_create": "user", "upload.tus_head": "user",
    "upload.tus_patch": "user", "upload.tus_delete": "user",
    "storage.list_files": "user", "storage.delete_file": "user", "storage.delete_lesson": "user",
    "storage.restore_lesson": "user",
    "storage.revoke_links": "user", "storage.download": "user", "storage.media": "public", "storage.stable": "public",
    "word_lists.index": "user", "word_lists.save": "user", "word_lists.delete": "user",
    "transcription.transcribe": "user", "summaries.summarize": "user", "summaries.page": "user",
    "transcript.page": "user", "transcript.download": "user", "transcript.bundle": "user", "transcript.show": "user",
    "transcript.upload": "user", "transcript.edit": "user", "transcript.check": "user", "transcript.undo": "user",
    "transcript.speaker": "user", "transcript.redo": "user", "transcript.restore": "user",
    "speakers.find": "user", "speakers.name": "user",
    "player.captions": "user", "player.peaks": "user", "player.draw": "user", "player.intervals": "user",
    "jobs.status": "user", "jobs.cancel": "user", "jobs.retry": "user", "jobs.lessons_list": "user",
    "jobs.page": "user", "jobs.jobs_list": "user", "events.stream": "user", "upload.room": "user",
    "kit.page": "user", "kit.keep": "user", "kit.config": "user", "kit.tasks": "user", "kit.prepare": "user",
    "kit.normalize": "user",
    "preview.keep": "user", "preview.show": "user", "preview.choose": "user", "preview.take_back": "user",
    "gallery.browse": "user", "gallery.figures": "user", "gallery.history": "user", "gallery.card": "user",
    "gallery.preview_card": "user",
    "export.build": "user", "export.show": "user", "export.download_zip": "user", "export.download_annotations": "user",
    "export.push": "user", "export.list_pushes": "user", "export.save_consent": "user", "export.save_card": "user",
    "joined.page": "user", "joined.form": "user", "joined.show": "user", "joined.download_zip": "user",
    "joined.push": "user", "joined.delete": "user", "withdrawal.page": "user", "withdrawal.withdraw_lesson": "user",
    "label_studio.send": "user", "label_studio.fetch": "user",
    "agreement.page": "user", "agreement.figures": "user", "agreement.add": "user", "agreement.decide": "user",
    "agreement.gold_set": "user", "agreement.build": "user",
    "system.health": "public", "system.live": "public", "system.metrics": "local",
    "people.index": "admin", "people.add": "admin", "people.invite": "admin", "people.set_role": "admin",
    "people.set_quota": "admin", "admin.storage": "admin", "admin.settings": "admin",
    "people.disable": "admin", "people.enable": "admin", "people.welcome": "public", "people.choose_password": "public",
    "admin.overview": "admin", "admin.audit": "admin", "admin.audit_csv": "admin",
    "openapi.description": "public", "openapi.docs": "public",
}  # fmt: skip
# Forms of pages, which work without scripts and carry the token as a field.
FORMS = (
    "pages.", "look.", "lessons.", "people.", "auth.", "label_studio.", "agreement.decide", "transcript.bundle", "joined.form",
    "word_lists.save",
)  # fmt: skip
# Asked for by programs that hold no page, or protected by their own signature.
NO_CSRF = {"auth.login"}
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
# What those who are not logged in may send: as much as the server takes in without a thread.
STRANGERS_BYTES = 64 * 1024
RENEWED_EVERY_S = 24 * 3600

log = logging.getLogger(__name__)
csrf = MaskedCsrf()
login_manager = LoginManager()


class Visitor(UserMixin):
    """What Flask-Login keeps: the account, and the session it came by ("" for an API token)."""

    def __init__(self, account: User, session_id: str):
        self.account = account
        self.session_id = session_id

    def get_id(self) -> str:
        return f"{self.account.id}:{self.account.session_version}:{self.session_id}"


def init_app(app: Flask, services: Services) -> None:
    app.extensions["ppi"] = services
    csrf.init_app(app)
    login_manager.init_app(app)
    app.before_request(_check)


def services() -> Services:
    """The services of the running app."""
    return current_app.extensions["ppi"]


def viewer() -> User | None:
    """The account that asks, or None."""
    return current_user.account if current_user.is_authenticated else None


def current() -> User:
    """The account that asks. Raises NotLoggedIn."""
    account = viewer()
    if account is None:
        raise NotLoggedIn("Log in first.")
    return account


def watchman() -> Callable[[], User | None]:
    """Tells, whenever it is asked, the account behind this request as it is by then, None once it would be let in no more.

    For answers that take long.
    """
    asked, is_token, kept = request._get_current_object(), g.get("is_token", False), current_user.get_id()

    def look() -> User | None:
        visitor = _from_token(asked) if is_token else _from_cookie(kept)
        return visitor.account if visitor is not None else None

    return look


def log_in(account: User) -> None:
    """Begin a fresh session: nothing of the one before is kept."""
    session.clear()
    login_user(Visitor(account, secrets.token_urlsafe(16)))
    session.permanent = True
    session["renewed_s"] = int(time.time())
    log.info("user %s logged in from %s", account.id, request.remote_addr)


def log_out() -> None:
    """End this session for good: its cookie is refused from now on."""
    if current_user.is_authenticated and current_user.session_id:
        services().sessions.end(current_user.session_id)
    logout_user()
    session.clear()


@login_manager.user_loader
def _from_cookie(kept: str) -> Visitor | None:
    user_id, _, rest = kept.partition(":")
    version, _, session_id = rest.partition(":")
    try:
        account = services().users.get(user_id)
    except NotFound:
        return None
    if account.is_disabled or str(account.session_version) != version:
        return None
    seen = Session(session_id, user_id, account.session_version, request.remote_addr or "", request.user_agent.string)
    return Visitor(account, session_id) if services().sessions.is_live(seen) else None


@login_manager.request_loader
def _from_token(asked) -> Visitor | None:
    kind, _, plain = asked.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not plain:
        return None
    account = services().users.by_token(plain.strip())
    g.is_token = account is not None
    return Visitor(account, "") if account is not None else None


def _check() -> None:
    if request.endpoint is None:
        return
    needed = ACCESS.get(request.endpoint, "nobody")
    account = None if needed == "public" and request.endpoint == "static" else viewer()
    if account is None:
        request.max_content_length = STRANGERS_BYTES
    if needed == "local" and account is None and _is_local():
        return
    if needed != "public" and account is None:
        raise NotLoggedIn("Log in first.")
    if needed == "nobody" or (needed in ("admin", "local") and account.role != "admin"):
        raise AccessDenied("Only an administrator may do this. Ask one.")
    if request.method not in SAFE_METHODS and request.endpoint not in NO_CSRF and not g.get("is_token"):
        _check_csrf()
    if account is not None and not g.get("is_token"):
        _renew()


def _renew() -> None:
    """Who looks at a page every fortnight stays logged in; what scripts ask for leaves the cookie alone."""
    is_page = request.method == "GET" and "text/html" in request.accept_mimetypes.values()
    if is_page and session.get("renewed_s", 0) < time.time() - RENEWED_EVERY_S:
        session["renewed_s"] = int(time.time())


def _is_local() -> bool:
    """Whether the caller sits on this machine; what a proxy forwards looks so too, but says for whom."""
    return request.remote_addr in ("127.0.0.1", "::1") and "X-Forwarded-For" not in request.headers


def _check_csrf() -> None:
    """A token in the header is enough and is looked at without reading the body; forms of pages carry a field."""
    try:
        if "X-CSRFToken" in request.headers or not (request.endpoint.startswith(FORMS) or forms.is_plain()):
            validate_csrf(unmasked(request.headers.get("X-CSRFToken")))
        else:
            forms.make_room()
            csrf.protect()
    except (ValidationError, CSRFError) as error:
        raise CsrfFailed("This page was open too long. Reload it and try again.") from error
