"""What the tests of pages share: one Chromium, and pages in it whose faults fail the test."""

from __future__ import annotations

import pytest

from ppi.web.limits_sqlite import SqliteLimits
from tests.web import chromium, rounds


@pytest.fixture(autouse=True)
def tries_are_forgotten(request):
    """All tests log in to the one running server from one address: the tries of earlier tests do not count."""
    if "live_server" in request.fixturenames:
        forget_tries(request.getfixturevalue("live_server"))


@pytest.fixture(scope="module")
def browser():
    """Chromium, for as long as a file of tests runs."""
    with chromium.started() as found:
        yield found


@pytest.fixture
def new_page(browser):
    """`new_page(server, language, name)`: a page of a fresh visitor, logged in when a name is given.

    Errors of scripts and of the security policy fail the test. Options are those of Playwright's contexts.
    """
    contexts, faults, servers = [], [], []

    def make(server, language="en", name="", **options):
        servers.append(server)
        context = browser.new_context(base_url=server.url, locale=language, **options)
        chromium.watch(context, faults)
        contexts.append(context)
        forget_tries(server)
        if name:
            rounds.log_in(context, name)
        page = context.new_page()
        page.set_default_timeout(20_000)
        return page

    yield make
    for context in contexts:
        context.close()
    for server in servers:
        forget_looks(server)
    assert faults == []


@pytest.fixture
def open_page(new_page, live_server):
    """`open_page(language, width)`: a page of a fresh visitor, who may copy."""

    def make(language="en", width=1280):
        page = new_page(live_server, language, viewport={"width": width, "height": 900})
        page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=live_server.url)
        page.live = live_server
        return page

    return make


def forget_looks(server) -> None:
    """Accounts keep the language that somebody chose on a page; the next test's browser asks for its own."""
    users = server.services.users
    for user in users.all():
        if user.language:
            users.set_language(user.id, "")


def forget_tries(server) -> None:
    SqliteLimits(f"ppi-sqlite://{server.folder}/limits.sqlite3").reset()
