"""The comparison of annotators in Chromium: waited for on a page that is there already, cancelled, shown when it is made."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from ppi.storage import keys
from ppi.workflows import comparisons, lessons, local, runner
from tests.conftest import DATA

# What every page that is loaded in this tab moved after it was there, and whether it waited.
NOTED = """
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) sessionStorage.shift = Number(sessionStorage.shift || 0) + one.value;
  }).observe({ type: "layout-shift", buffered: true });
  addEventListener("DOMContentLoaded", () => { if (document.getElementById("waiting")) sessionStorage.waited = "yes"; });
"""
MOST_SHIFT = 0.01


@pytest.fixture(scope="module")
def lesson(live_server):
    """A lesson with the annotations of the sample; nobody has compared them."""
    services = live_server.services
    job = local.ingest_file(services, DATA / "sample_lesson.mp4", "Урок о ветре", "admin")
    row = services.lessons.get(runner.wait_for(services, job).lesson_id)
    marks = (DATA / "sample_annotations.json").read_bytes()
    services.store.put_bytes(services.raw, keys.derivative_key(row.video_key, ".annotations.json"), marks)
    return row


@pytest.mark.parametrize("language, width", [("en", 1280), ("ru", 390)])
def test_who_looks_first_sees_what_is_compared_and_then_the_figures_and_nothing_jumps(
    new_page, live_server, lesson, language, width
):
    page = new_page(live_server, language, "admin", viewport={"width": width, "height": 900})
    page.add_init_script(NOTED)
    step_s = 0.1 if language == "en" else 0.2
    page.goto(f"/lessons/{lesson.id}/agreement?step={step_s}")
    expect(page.locator("#disagreements")).to_be_visible(timeout=60_000)
    page.wait_for_load_state("networkidle")
    assert page.evaluate("sessionStorage.waited") == "yes"
    assert page.evaluate("Number(sessionStorage.shift || 0)") <= MOST_SHIFT
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_comparison_is_not_brought_under_who_chooses_and_one_that_was_cancelled_is_made_again(new_page, live_server, lesson):
    services = live_server.services
    asked = comparisons.ask(services, lessons.view(services, lesson), step_s=0.5)
    wanted = {"key": asked.key, "step_s": 0.5, "chosen": []}
    services.ledger.submit(comparisons.KIND, lesson.owner_id, lesson.id, wanted, place="nowhere")
    page = new_page(live_server, "en", "admin")
    page.add_init_script(NOTED)
    page.goto(f"/lessons/{lesson.id}/agreement?step=0.5")
    waiting = page.locator("#waiting")
    expect(waiting).to_contain_text(re.compile("usually (some seconds|about|from)"))
    expect(waiting).to_contain_text("Place in the queue: 1")
    page.get_by_label("Step of the time grid, seconds").fill("0.7")
    waiting.get_by_role("button", name="Cancel").click()
    page.wait_for_timeout(2500)
    expect(page.get_by_label("Step of the time grid, seconds")).to_have_value("0.7")
    page.get_by_label("Step of the time grid, seconds").fill("0.5")
    expect(page.get_by_role("alert")).to_have_text("The comparison was cancelled.")
    assert page.evaluate("Number(sessionStorage.shift || 0)") <= MOST_SHIFT
    page.get_by_label("Step of the time grid, seconds").fill("0.7")
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.locator("#disagreements")).to_be_visible(timeout=60_000)
