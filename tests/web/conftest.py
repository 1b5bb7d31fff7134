"""What the tests of pages share: one Chromium, and pages in it whose faults fail the test."""

from __future__ import annotations

import pytest

from ppi.services import Services
from ppi.web.limits_sqlite import SqliteLimits
from tests.conftest import settings_for, start_server, stop_server, with_people
from tests.servers.hub_stub import TOKEN, HubStub
from tests.web import chromium, rounds
from tests.web.hands import Hands
from tests.web.spoken import lesson_of


@pytest.fixture(autouse=True)
def tries_are_forgotten(request):
    """All tests log in to the one running server from one address: the tries of earlier tests do not count."""
    if "live_server" in request.fixturenames:
        forget_tries(request.getfixturevalue("live_server"))


@pytest.fixture
def anna(client_for):
    """What anna's programs send, with her token."""
    return client_for("anna")


@pytest.fixture
def row(services):
    """A lesson of anna's with a transcript."""
    return lesson_of(services, "anna")


@pytest.fixture(scope="session")
def browser(request):
    """One Chromium for all tests of a process. The long trials, and a test that asks for it, have the whole one."""
    is_whole = request.config.option.markexpr != "not slow"
    with chromium.started(getattr(request, "param", chromium.WHOLE if is_whole else chromium.LIGHT)) as found:
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


@pytest.fixture(scope="module")
def own_server(tmp_path_factory):
    """A server of one file of tests alone, which knows a Hub."""
    hub = HubStub().start()
    folder = tmp_path_factory.mktemp("own") / "data"
    variables = {"HF_TOKEN": TOKEN, "HF_ENDPOINT": hub.url}
    with_people(Services(settings_for(folder, **variables)))
    server = start_server(folder, **variables)
    yield server
    stop_server(server)
    hub.stop()


@pytest.fixture
def hands(new_page, own_server):
    """`hands(language, name)`: the keyboard of somebody at that server, before the log-in when no name is given."""

    def make(language="en", name="", **options):
        page = new_page(own_server, language, name, viewport={"width": 1280, "height": 800}, **options)
        page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=own_server.url)
        return Hands(page)

    return make


def forget_looks(server) -> None:
    """Accounts keep the language that somebody chose on a page; the next test's browser asks for its own."""
    users = server.services.users
    for user in users.all():
        if user.language:
            users.set_language(user.id, "")


def forget_tries(server) -> None:
    SqliteLimits(f"ppi-sqlite://{server.folder}/limits.sqlite3").reset()
