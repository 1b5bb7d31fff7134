"""The account's own page: what it shows, also right after a token was made."""

from __future__ import annotations

from flask import current_app, render_template, request
from flask_babel import gettext
from flask_login import current_user

from ppi.accounts.sessions import Session
from ppi.errors import InputError
from ppi.web import access
from ppi.workflows import quotas

# What browsers say of themselves; the first that fits, since most claim to be others too.
BROWSERS = (
    ("YaBrowser", "Yandex Browser"), ("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("HeadlessChrome", "Chrome"),
    ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
SYSTEMS = (
    ("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iOS"), ("iPad", "iPadOS"), ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)  # fmt: skip


def page(token: str = "") -> str:
    """`token` was made just now and is shown this once."""
    services = access.services()
    account = services.users.get(access.current().id)
    return render_template(
        "account.html", step=0, chosen=None, account=account, token=token, sessions=listed(account.id), device=device,
        here=current_user.session_id, use=quotas.use(services, account),
    )  # fmt: skip


def new_password() -> str:
    """The password that was typed twice. Raises InputError when the two differ."""
    if request.form.get("new", "") != request.form.get("again", ""):
        raise InputError("The two new passwords differ. Type the same one twice.")
    return request.form.get("new", "")


def listed(user_id: str) -> list[Session]:
    """The sessions of the account that still hold."""
    services = access.services()
    version = services.users.get(user_id).session_version
    return services.sessions.of_user(user_id, version, current_app.permanent_session_lifetime.total_seconds())


def device(agent: str) -> str:
    """A browser and its system in words."""
    browser, system = (_first(agent, known) for known in (BROWSERS, SYSTEMS))
    if browser and system:
        return gettext("%(browser)s on %(system)s", browser=browser, system=system)
    return browser or system or gettext("Unknown program")


def _first(agent: str, known: tuple[tuple[str, str], ...]) -> str:
    return next((name for mark, name in known if mark in agent), "")
