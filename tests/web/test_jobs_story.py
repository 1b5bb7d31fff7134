"""Jobs in Chromium: told by events or asked for, cancelled in the drawer, and told by the page's title and the browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from ppi.errors import Cancelled, ToolFailed
from ppi.workflows import local, runner
from tests.conftest import DATA
from tests.web.chromium import NOTE_MOVED, WHOLE
from tests.web.test_browser import log_in

FAR = {"place": "elsewhere"}


@pytest.fixture(scope="module")
def lesson(live_server):
    job = local.ingest_file(live_server.services, DATA / "sample_lesson.mp4", "Урок о снеге", "admin")
    return live_server.services.lessons.get(runner.wait_for(live_server.services, job).lesson_id)


def begin(services, lesson):
    """A transcription that this test does, not the server."""
    job = services.ledger.submit("transcribe", lesson.owner_id, lesson.id, {}, **FAR)
    return services.ledger.claim("1:0:a", "another host", ["speech"], 0, "elsewhere") if job else None


def tell(services, job, percent):
    minutes = {"done": percent, "all": 100}
    services.ledger.report(job.id, job.attempt, "transcribing", "Minute {done} of {all}", minutes, percent)


@pytest.mark.parametrize("way", ["told", pytest.param("asked", marks=pytest.mark.slow)])
def test_a_job_is_followed_by_events_or_by_asking_and_cancelled_in_the_drawer(open_page, live_server, lesson, way):
    services = live_server.services
    page, calls = open_page(), []
    page.on("request", lambda asked: calls.append(asked.url.removeprefix(live_server.url)))
    if way == "asked":
        page.route("**/api/jobs/events", lambda route: route.fulfill(status=204))
    log_in(page)
    job = begin(services, lesson)
    tell(services, job, 10)
    with page.expect_request("**/api/jobs/events"):
        page.goto(f"/lessons/{lesson.id}")
    box = page.locator(".watch").filter(has_text="Transcribing")
    expect(box).to_contain_text("10 %")
    expect(page.locator("#jobs-link .count")).to_contain_text("1")
    calls.clear()
    tell(services, job, 40)
    expect(box).to_contain_text("40 %")
    expect(page).to_have_title(re.compile(r"^40 % · Урок о снеге"))
    # A screen reader says quarters, and nothing between them.
    expect(box.get_by_role("status")).to_have_text("Transcribing. Minute 40 of 100. 40 %")
    tell(services, job, 49)
    expect(box.locator(".watch-percent")).to_have_text("49 %")
    expect(box.get_by_role("status")).to_have_text("Transcribing. Minute 40 of 100. 40 %")

    link = page.get_by_role("button", name="Jobs")
    link.focus()
    page.keyboard.press("Space")
    drawer = page.get_by_role("dialog", name="Jobs")
    expect(drawer.locator(".jobs > li").first).to_contain_text("Урок о снеге")
    tell(services, job, 55)
    expect(drawer.locator(".jobs > li").first).to_contain_text("55 %")
    drawer.locator("summary").first.click()
    expect(drawer.locator(".trail").first).to_contain_text("Begun")
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(link).to_be_focused()
    page.keyboard.press("Enter")
    with page.expect_response("**/cancel"):
        drawer.get_by_role("button", name=re.compile("^Cancel: Transcript")).click()
    assert services.ledger.get(job.id).is_cancel_requested
    services.ledger.fail(job.id, job.attempt, Cancelled("The job was cancelled."))
    questions = calls.count("/api/jobs")
    assert questions >= 2 if way == "asked" else questions == 0, calls
    # The page of the lesson comes anew, without a box.
    expect(box).to_have_count(0, timeout=20_000)


LONG = (
    "The recording could not be read. Convert it to MP4 (H.264 and AAC) with a program of your own, send it again under the "
    "same name, and if that does not help give the administrator the number of this job and what stands under “What happened”."
)
# What of a row lies below the last that stands in it.
BLANK = "row => row.getBoundingClientRect().bottom - row.querySelector('details').getBoundingClientRect().bottom"


def test_on_the_page_of_jobs_nothing_moves_by_itself_and_new_rows_wait_behind_a_line(open_page, live_server, lesson):
    services = live_server.services
    page = open_page(width=390)
    log_in(page)
    services.ledger.finish((ended := begin(services, lesson)).id, ended.attempt, {})
    job = begin(services, lesson)
    other = services.ledger.submit("kit", lesson.owner_id, lesson.id, {}, **FAR)
    other = services.ledger.claim("1:0:b", "another host", ["receive"], 0, "elsewhere")
    page.add_init_script(NOTE_MOVED)
    page.goto("/jobs")
    row, done = (page.locator(f"[data-job='{one.id}']") for one in (job, other))
    expect(row).to_contain_text("0 %")
    for percent in (4, 55):
        tell(services, job, percent)
        expect(row).to_contain_text(f"Minute {percent} of 100")
    row.locator("summary").click()
    page.wait_for_timeout(600)  # what moves within half a second after a press counts as asked for
    blank = row.evaluate(BLANK), done.evaluate(BLANK)
    new = services.ledger.submit("summarize", lesson.owner_id, lesson.id, {}, queue="speech", **FAR)
    show = page.get_by_role("button", name="New jobs: 1 · Show")
    expect(show).to_be_visible()
    services.ledger.fail(job.id, job.attempt, ToolFailed(LONG))
    services.ledger.finish(other.id, other.attempt, {})
    expect(row.locator(".jobs-error")).to_contain_text(LONG)
    expect(row.get_by_role("button", name=re.compile("^Retry"))).to_be_visible()
    expect(row.locator("details")).to_have_attribute("open", "")
    expect(done).to_contain_text("100 %")
    expect(done.locator(".jobs-said")).to_have_text(re.compile("^Took"))
    expect(page.locator(f"[data-job='{new.id}']")).to_have_count(0)
    assert page.evaluate("window.moved") == []
    # The room is filled, and what it cannot hold is shown when somebody asks.
    assert (row.evaluate(BLANK), done.evaluate(BLANK)) == pytest.approx(blank, abs=2)
    whole = "text => text.scrollHeight <= text.clientHeight"
    said = row.locator(".jobs-said")
    assert not said.evaluate(whole)
    row.get_by_role("button", name="Show all").click()
    expect(row.locator(".jobs-error")).to_be_focused()
    assert said.evaluate(whole)
    show.click()
    expect(page.locator(f"[data-job='{new.id}'] :focus")).to_have_count(1)
    expect(show).to_be_hidden()
    services.ledger.cancel(new.id)
    expect(page.locator(f"[data-job='{new.id}']")).to_contain_text("Cancelled")


@pytest.mark.parametrize("browser", [WHOLE], ids=["whole"], indirect=True)
def test_who_looks_elsewhere_is_told_by_the_title_and_if_they_asked_by_the_browser(open_page, live_server, lesson):
    services = live_server.services
    page = open_page()
    page.context.grant_permissions(["notifications"], origin=live_server.url)
    page.add_init_script("""
      window.told = [];
      const Shown = window.Notification;
      window.Notification = class extends Shown {
        constructor(title, how) { super(title, how); window.told.push(`${title} ${how.body}`); }
        static requestPermission() { window.asked = true; return super.requestPermission(); }
      };
    """)
    log_in(page)
    job = begin(services, lesson)
    page.goto("/help")
    page.get_by_role("button", name="Jobs").click()
    tell_me = page.get_by_role("button", name="Tell me when a job is done")
    assert not page.evaluate("window.asked")
    tell_me.click()
    assert page.evaluate("window.asked")
    expect(tell_me).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#jobs-link .count")).to_contain_text("1")
    look_away(page)
    services.ledger.finish(job.id, job.attempt, {})
    for _ in range(100):
        if page.evaluate("window.told") == ["Transcript: Done Урок о снеге"]:
            break
        page.wait_for_timeout(200)
    assert page.evaluate("window.told") == ["Transcript: Done Урок о снеге"]

    job = begin(services, lesson)
    page.goto(f"/lessons/{lesson.id}")
    expect(page.locator(".watch").filter(has_text="0 %")).to_be_visible()
    look_away(page)
    services.ledger.finish(job.id, job.attempt, {})
    expect(page).to_have_title(re.compile("^✓ Урок о снеге"), timeout=20_000)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page).to_have_title(re.compile("^Урок о снеге"))


def test_the_drawer_tells_a_jobs_place_in_the_queue_as_those_before_it_go(open_page, live_server, lesson):
    services = live_server.services
    page = open_page()
    log_in(page)
    kinds = ("summarize", "transcribe", "speakers")
    jobs = [services.ledger.submit(kind, lesson.owner_id, lesson.id, {}, queue="speech", **FAR) for kind in kinds]
    page.goto("/help")
    page.get_by_role("button", name="Jobs").click()
    last = page.locator(f"#jobs-drawer [data-job='{jobs[2].id}']")
    expect(last).to_contain_text("Place in the queue: 3")
    page.goto("/help")
    page.locator("button[name=language][value=ru]").click()
    page.get_by_role("button", name="Задания").click()
    expect(last).to_contain_text("Место в очереди: 3")
    first = services.ledger.claim("1:0:a", "another host", ["speech"], 0, "elsewhere")
    expect(last).to_contain_text("Место в очереди: 2")
    page.locator(f"#jobs-drawer [data-job='{jobs[1].id}']").get_by_role("button", name="Отменить").click()
    expect(last).to_contain_text("Место в очереди: 1")
    # What was cancelled is tried again there, without a new page.
    again = page.locator(f"#jobs-drawer [data-job='{jobs[1].id}']")
    again.get_by_role("button", name="Повторить").click()
    expect(again).to_contain_text("Место в очереди")
    assert services.ledger.get(jobs[1].id).status == "queued"
    services.ledger.finish(first.id, first.attempt, {})
    for job in jobs[1:]:
        services.ledger.cancel(job.id)
    expect(page.locator("#jobs-link .count")).to_be_hidden()


@pytest.mark.slow
def test_who_logs_out_in_another_tab_is_told_nothing_more(open_page, live_server, lesson):  # noqa: F811
    services = live_server.services
    page = open_page()
    log_in(page)
    job = begin(services, lesson)
    page.goto(f"/lessons/{lesson.id}")
    expect(page.locator(".watch").filter(has_text="0 %")).to_be_visible()
    page.context.new_page().goto("/logout")
    page.bring_to_front()
    expect(page.get_by_text("Log in first.")).to_be_visible(timeout=30_000)
    services.ledger.finish(job.id, job.attempt, {})


def look_away(page):
    """As if another tab were looked at."""
    page.evaluate("""() => {
      Object.defineProperty(document, "hidden", { get: () => true, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }""")


def test_while_the_server_is_away_this_is_said_and_all_goes_on_when_it_is_back(open_page, lesson):
    """What a page fetches only when it is needed, and what it sends."""
    page = open_page()
    log_in(page)
    page.goto(f"/lessons/{lesson.id}")
    away = [re.compile(r"/js/(confirm|joblist)\.js$"), "**/delete"]
    for address in away:
        page.route(address, lambda route: route.abort())
    delete = page.get_by_role("button", name="Delete the lesson")
    said = page.locator("#toasts")
    delete.click()
    expect(said).to_have_text("The server does not answer. Try again in a minute.")
    page.keyboard.press("Escape")
    expect(said).to_be_empty()
    page.locator("#jobs-link").click()
    expect(page.locator("#jobs-list")).to_have_text("The server does not answer. Trying again…")
    page.locator("#jobs-drawer").get_by_role("button", name="Close").click()
    expect(page.locator("#jobs-drawer")).to_be_hidden()
    page.unroute(away[0])
    delete.click()
    page.locator("#confirm").get_by_role("button", name="Delete").click()
    expect(said).to_have_text("The server does not answer. Try again in a minute.")
    page.locator("#jobs-link").click()
    expect(page.locator("#jobs-list .title").first).to_have_text(re.compile("Урок о снеге"))
    two_messages_move_nothing(page)


def two_messages_move_nothing(page):
    """They come by themselves: of what follows a press, browsers tell no movement."""
    page.add_init_script(NOTE_MOVED)
    page.goto("/help")
    api = page.locator("[src$='/page.js']").get_attribute("src").replace("page.js", "api.js")
    for number, text in enumerate(("The first.", "The second."), start=1):
        page.wait_for_timeout(600)
        page.evaluate("([api, text]) => import(api).then(({ say }) => say(text))", [api, text])
        expect(page.locator("#toasts .notice")).to_have_count(number)
    page.wait_for_timeout(200)
    assert page.evaluate("window.moved") == []
