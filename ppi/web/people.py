"""Accounts: the administrator's page, and the one-time links with which people choose their passwords."""

from __future__ import annotations

import secrets

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext

from ppi.accounts.users import ROLES, User
from ppi.errors import Conflict, InputError
from ppi.web import access, account, numbers
from ppi.web.errors import on_page
from ppi.web.jobs import absolute
from ppi.workflows import quotas

bp = Blueprint("people", __name__)
GB = 1_000_000_000
# More than anybody means; a typing error.
MOST = 1_000_000


@bp.get("/admin/people")
def index() -> str:
    """Everybody with an account, and how much they keep here."""
    return _page()


@bp.post("/admin/people")
def add() -> str | Response:
    """Make an account that nobody can log in to yet, and a link with which its owner chooses the password."""
    name, role = request.form.get("name", ""), request.form.get("role", "")
    g.audit_object = name.strip()[:100]
    try:
        user = access.services().users.add(name, secrets.token_urlsafe(24), role)
    except (InputError, Conflict) as error:
        return on_page(error, _page)
    return _page(user, access.services().users.invite(user.id))


@bp.post("/admin/people/<user_id>/link")
def invite(user_id: str) -> str:
    """A new link for somebody who has forgotten the password, or whose first link has ended."""
    user = _named(user_id)
    return _page(user, access.services().users.invite(user.id))


@bp.post("/admin/people/<user_id>/role")
def set_role(user_id: str) -> Response:
    user, role = _named(user_id), request.form.get("role", "")
    g.audit_object = f"{user.name}: {role}"[:100]
    access.services().users.set_role(user.id, role)
    flash(gettext("%(name)s has another role now and has to log in again.", name=user.name), "success")
    return redirect(url_for("people.index"))


@bp.post("/admin/people/<user_id>/quota")
def set_quota(user_id: str) -> Response:
    """How many lessons, and GB of video, somebody may hold; an empty field is what the role may."""
    user = _named(user_id)
    lessons, gigabytes = (_number(request.form.get(name, "")) for name in ("lessons", "gigabytes"))
    if lessons is not None and lessons != int(lessons):
        raise InputError("A quota is a whole number of lessons and a size in GB, neither less than nothing.")
    max_lessons = None if lessons is None else int(lessons)
    max_bytes = None if gigabytes is None else round(gigabytes * GB)
    g.audit_object = f"{user.name}: {_or_usual(max_lessons)} lessons, {_or_usual(max_bytes)} bytes"[:100]
    access.services().users.set_quota(user.id, max_lessons, max_bytes)
    flash(gettext("The quota of %(name)s was changed.", name=user.name), "success")
    return redirect(url_for("people.index"))


@bp.post("/admin/people/<user_id>/disable")
def disable(user_id: str) -> Response:
    """Keep an account from logging in; its lessons stay."""
    user = _named(user_id)
    access.services().users.set_disabled(user.id, True)
    flash(gettext("%(name)s cannot log in any more. The lessons stay; “Enable” takes it back.", name=user.name), "success")
    return redirect(url_for("people.index"))


@bp.post("/admin/people/<user_id>/enable")
def enable(user_id: str) -> Response:
    user = _named(user_id)
    access.services().users.set_disabled(user.id, False)
    flash(gettext("%(name)s can log in again.", name=user.name), "success")
    return redirect(url_for("people.index"))


@bp.get("/welcome/<secret>")
def welcome(secret: str) -> str:
    """Where a one-time link leads."""
    return _welcome(access.services().users.invited(secret))


@bp.post("/welcome/<secret>")
def choose_password(secret: str) -> Response:
    """Set the password and log in; the link is used up."""
    users = access.services().users
    user = users.invited(secret)
    g.audit_object = user.name
    try:
        access.log_in(users.accept(secret, account.new_password()))
    except InputError as error:
        return on_page(error, lambda: _welcome(user))
    flash(gettext("Welcome. The password was set, and you are logged in."), "success")
    return redirect(url_for("pages.home"))


def _welcome(user: User) -> str:
    return render_template("welcome.html", step=0, chosen=None, name=user.name)


def _named(user_id: str) -> User:
    user = access.services().users.get(user_id)
    g.audit_object = user.name
    return user


def _or_usual(limit: int | None) -> str:
    return "usual" if limit is None else str(limit)


def _number(given: str) -> float | None:
    """A number as people write it, with a comma or a point; None for an empty field. Raises InputError."""
    if not given.strip():
        return None
    try:
        value = numbers.typed(given)
    except ValueError:
        value = -1.0
    if not 0 <= value <= MOST:
        raise InputError("A quota is a whole number of lessons and a size in GB, neither less than nothing.")
    return value


def _page(invited: User | None = None, secret: str = "") -> str:
    """The page; a link that was just made is shown on it this once."""
    services = access.services()
    people = services.users.all()
    link = absolute(url_for("people.welcome", secret=secret)) if invited else ""
    return render_template(
        "people.html", step=0, chosen=None, people=people, roles=ROLES, uses=quotas.uses(services, people), invited=invited,
        link=link, gigabyte=GB,
        usual_lessons=services.settings.upload.dl_user_max_files,
    )  # fmt: skip
