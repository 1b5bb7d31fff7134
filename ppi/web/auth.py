"""Log-in and log-out, and what people change about their own account."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, flash, g, jsonify, redirect, request, url_for
from flask_babel import gettext
from flask_limiter import Limiter
from flask_wtf.csrf import generate_csrf
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from ppi.accounts.users import User
from ppi.errors import AccessDenied, InputError, NotFound, NotLoggedIn
from ppi.web import access, account, limits_sqlite  # noqa: F401  (registers the limiter's store)
from ppi.web.errors import on_page, wants_json

bp = Blueprint("auth", __name__)
TRIES = "10 per 5 minutes"


def address() -> str:
    """The visitor's address, as the trusted proxy gives it when there is one."""
    return request.remote_addr or "unknown"


def _name_key() -> str:
    """What any store can count by. The limiter would take a fault here for a store that is away, and begin to count anew."""
    try:
        return "name:" + _credentials()[0][:100].casefold().encode("utf-8", "replace").decode()
    except (InputError, HTTPException):
        return "unread:" + address()


limiter = Limiter(address)
# Ten tries in five minutes for each address and for each user name, counted together for all processes.
by_address = limiter.shared_limit(TRIES, scope="login-address", key_func=address)
by_name = limiter.shared_limit(TRIES, scope="login-name", key_func=_name_key)


@bp.post("/api/login")
@by_address
@by_name
def login() -> Response:
    found = _verified(*_credentials())
    access.log_in(found)
    user = {"id": found.id, "username": found.name, "role": found.role}
    return jsonify(success=True, user=user, csrf_token=generate_csrf())


@bp.post("/login")
@by_address
@by_name
def login_form() -> Response:
    """The log-in form for browsers without JavaScript."""
    try:
        access.log_in(_verified(*_credentials()))
    except NotLoggedIn as error:
        g.error_code = error.code
        flash(gettext(error.template), "danger")
        return redirect(url_for("pages.home"))
    return redirect(safe_target(request.form.get("next", "")))


@bp.get("/logout")
def logout() -> Response:
    access.log_out()
    return redirect(url_for("pages.home"))


@bp.post("/account/password")
def change_password() -> Response:
    user = access.current()
    try:
        new = account.new_password()
        if access.services().users.verify(user.name, request.form.get("current", "")) is None:
            raise AccessDenied("The current password is wrong. Nothing was changed: type it again.")
        access.services().users.set_password(user.id, new)
    except (InputError, AccessDenied) as error:
        return on_page(error, account.page)
    access.log_in(access.services().users.get(user.id))
    flash(gettext("The password was changed. All other sessions were ended."), "success")
    return redirect(url_for("pages.account"))


@bp.post("/account/sessions/end")
def end_sessions() -> Response:
    access.services().users.end_sessions(access.current().id)
    access.log_out()
    return redirect(url_for("pages.home"))


@bp.post("/account/sessions/<handle>/end")
def end_session(handle: str) -> Response:
    """End one session of the account, on some other device or here."""
    found = next((one for one in account.listed(access.current().id) if one.handle == handle), None)
    if found is None:
        raise NotFound("This session has ended already. Reload the page.")
    access.services().sessions.end(found.id)
    flash(gettext("The session was ended."), "success")
    return redirect(url_for("pages.account"))


@bp.post("/account/tokens")
def create_token() -> Response | str:
    """Make an API token; it is shown this once and kept as a hash."""
    given = request.get_json(silent=True) if request.is_json else request.form
    label = g.audit_object = str(given.get("label") or "") if hasattr(given, "get") else ""
    token_id, plain = access.services().users.create_token(access.current().id, label)
    if wants_json():
        return jsonify(success=True, id=token_id, token=plain)
    return account.page(plain)


@bp.post("/account/tokens/<token_id>/revoke")
def revoke_token(token_id: str) -> Response:
    access.services().users.revoke_token(access.current().id, token_id)
    if request.is_json or "X-CSRFToken" in request.headers:
        return jsonify(success=True)
    return redirect(url_for("pages.account"))


def safe_target(wanted: str) -> str:
    """A path of this application, or the start page: a log-in never leads away."""
    home = url_for("pages.home")
    parts = urlsplit(wanted)
    if parts.scheme or parts.netloc or not wanted.startswith("/") or wanted[:2] in ("//", "/\\"):
        return home
    if any(ord(letter) < 32 or letter == "\\" for letter in wanted):
        return home
    try:
        endpoint, _ = current_app.url_map.bind("localhost").match(parts.path, method="GET")
    except (HTTPException, RequestRedirect):
        return home
    return wanted if endpoint.startswith("pages.") else home


def _credentials() -> tuple[str, str]:
    given = request.get_json(silent=True) if request.is_json else request.form
    if not hasattr(given, "get"):
        raise InputError("Send the user name and the password.")
    g.tried_name = str(given.get("username") or "")
    return g.tried_name, str(given.get("password") or "")


def _verified(name: str, password: str) -> User:
    found = access.services().users.verify(name, password)
    if found is None:
        raise NotLoggedIn("The user name or the password is wrong. Try again, or ask the administrator for a new link.")
    return found
