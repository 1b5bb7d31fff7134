"""Nobody is kept out of what opens, waits or goes wrong either: dialogs, lessons and jobs in every state, empty pages."""

from __future__ import annotations

import pytest

from ppi.services import Services
from tests.conftest import settings_for, start_server, stop_server, with_people
from tests.web import rarer, rounds, stills
from tests.web.test_access_for_all import ASK, AXE, TAGS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
# What lies over the page and reaches out of the window.
OUTSIDE = """() => [...document.querySelectorAll(".modal.show .modal-content, .offcanvas.show, details.menu[open] > div")]
  .filter((one) => one.checkVisibility())
  .map((one) => [one.getBoundingClientRect(), one])
  .filter(([box]) => box.left < -1 || box.right > innerWidth + 1)
  .map(([, one]) => `reaches out of the window: ${one.outerHTML.slice(0, 80)}`)"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of these trials alone: what is to stand still runs nowhere, and it knows a Hub and a Label Studio."""
    folder = tmp_path_factory.mktemp("states") / "data"
    with_people(Services(settings_for(folder)))
    server = start_server(folder, **stills.VARIABLES, **rarer.CONNECTED)
    yield server
    stop_server(server)


@pytest.fixture(scope="module")
def furnished(server, tmp_path_factory):
    return rounds.furnish(server.services, tmp_path_factory.mktemp("files"))


@pytest.fixture
def visit(new_page, server):
    """`visit(name)`: a Russian page, whose words are longer, with axe in it."""

    def make(name, **options):
        page = new_page(server, "ru", name, bypass_csp=True, reduced_motion="reduce", **options)
        page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
        page.add_init_script(AXE)
        return page

    return make


def look(page) -> list[str]:
    """What is wrong with the page as it is now: in both themes, on a phone, and on a small laptop at twice the zoom."""
    page.set_viewport_size({"width": 1280, "height": 800})
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    found = page.evaluate(ASK, [TAGS, None])
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    found += page.evaluate(ASK, [TAGS, ["color-contrast", "link-in-text-block"]])
    for width in (640, 360):
        page.set_viewport_size({"width": width, "height": 740})
        found += page.evaluate(OUTSIDE)
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"has to be scrolled sideways at {width} px")
    return found


def faults_of(page, addresses: dict[str, str]) -> dict[str, list[str]]:
    faults = {}
    for name, path in addresses.items():
        page.goto(path)
        page.wait_for_timeout(150)
        if found := look(page):
            faults[name] = found
    return faults


def test_dialogs_and_menus_are_for_everybody(visit, furnished):
    page, faults = visit("admin"), {}
    for name in rarer.DIALOGS:
        page.set_viewport_size({"width": 1280, "height": 800})
        rarer.opened(page, furnished.addresses(), name)
        page.wait_for_timeout(400)
        if found := look(page):
            faults[name] = found
    assert faults == {}


def test_rarer_states_of_pages_are_for_everybody(visit, server, furnished):
    assert faults_of(visit("admin"), rarer.furnish_more(server.services, furnished)) == {}


def test_whoever_has_nothing_yet_is_not_kept_out(visit, server):
    assert faults_of(visit(rarer.STRANGER), rarer.NOTHING_YET) == {}


def test_what_waits_runs_or_failed_is_for_everybody(visit, server, tmp_path):
    assert faults_of(visit(stills.OWNER), stills.hold(server.services, tmp_path)) == {}
