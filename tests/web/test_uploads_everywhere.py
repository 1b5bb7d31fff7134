"""What one tab sends, seen in the other tabs: told by the browser alone, and never to somebody else."""

from __future__ import annotations

import base64
import re

import pytest
from playwright.sync_api import expect

from ppi.workflows import runner, uploads
from tests.conftest import DATA
from tests.web.chromium import NOTE_MOVED
from tests.web.sending import MEGABYTE, QUICK, SLOW, forget, long_video, network, row  # noqa: F401
from tests.web.test_browser import log_in
from tests.web.test_jobs_story import look_away

SIZE_BYTES = 24 * MEGABYTE
SAMPLE = (DATA / "sample_lesson.mp4").read_bytes()
# Instead of the window to choose a file: the handle is a real one, of a file in the browser's own storage. In it lies what
# `long_video` makes.
PICKED = """
  window.showOpenFilePicker = () => Promise.all((window.chosen ?? ["память.mp4"]).map(make));
  async function make(name) {
    const handle = await (await navigator.storage.getDirectory()).getFileHandle(name, { create: true });
    const sample = Uint8Array.from(atob("SAMPLE"), (one) => one.charCodeAt(0));
    const film = new Uint8Array(SIZE);
    film.set(sample);
    new DataView(film.buffer).setUint32(sample.length, SIZE - sample.length);
    film.set(new TextEncoder().encode("free"), sample.length + 4);
    const writer = await handle.createWritable();
    await writer.write(film);
    await writer.close();
    return handle;
  }
""".replace("SAMPLE", base64.b64encode(SAMPLE).decode()).replace("SIZE", str(SIZE_BYTES))


def begin_kept(page, name):
    """Send a file of 24 MB of which the browser keeps a handle."""
    page.locator("#drop").click()
    expect(row(page, "память.mp4")).to_be_visible()
    page.fill("#task-name", name)
    page.get_by_role("button", name="Process Local Video").click()
    expect(row(page, "память.mp4")).to_contain_text(re.compile(r"[1-9]\d? %"), timeout=30_000)


def held_by(services, name):
    [found] = [one for one in uploads.unfinished(services, services.users.by_name("admin")) if one.name == name]
    return found


def arrived_whole(services, lesson, folder):
    runner.wait_for(services, services.ledger.get(lesson))
    kept = b"".join(services.store.read(services.raw, services.lessons.get(lesson).video_key))
    assert kept == long_video(folder / "всё.mp4", SIZE_BYTES).read_bytes()


def sent(page):
    """The row of the drawer."""
    return page.locator("#sent .transfer")


def test_what_a_tab_sends_is_seen_and_paused_in_another_one_and_never_by_another_account(
    open_page, network, live_server, tmp_path  # noqa: F811
):  # fmt: skip
    page = open_page()
    log_in(page)
    network(page)(SLOW)
    page.set_input_files("#video", long_video(tmp_path / "урок.mp4", 40 * MEGABYTE))
    page.get_by_role("button", name="Process Local Video").click()
    expect(row(page, "урок.mp4")).to_contain_text("left", timeout=30_000)

    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Help", exact=True).click()
    other, asked = opened.value, []
    other.on("request", lambda one: asked.append(one.url))
    expect(other.locator("#jobs-link .count")).to_contain_text("1")
    other.get_by_role("button", name="Jobs").click()
    expect(sent(other)).to_contain_text("урок.mp4")
    expect(sent(other).locator(".transfer-note")).to_have_text(re.compile(r"\d+ %\s· .*/s\s· about .* left"))
    sent(other).get_by_role("button", name="Pause").click()
    expect(row(page, "урок.mp4")).to_contain_text("Paused. Nothing is lost.")
    expect(sent(other)).to_contain_text("Paused. Nothing is lost.")
    expect(other.locator("#sent-said")).to_have_text("урок.mp4: Paused. Nothing is lost.")
    expect(other.locator("#jobs-link .count")).to_be_hidden()
    sent(other).get_by_role("button", name="Continue").click()
    expect(sent(other)).to_contain_text("left")
    assert not [one for one in asked if "upload" in one.replace("/js/uploads/", "")]

    look_away(page)
    assert other.evaluate("window.opener.name").startswith("ppi-")
    sent(other).get_by_role("button", name="Show its tab").click()
    expect(page).to_have_title(re.compile("^▶ "))
    expect(other.locator("#toasts")).to_contain_text("Look for the tab whose title begins with ▶.")
    other.keyboard.press("Escape")

    someone_else_sees_nothing(other)
    # The sending tab has no session any more, and says so.
    expect(row(page, "урок.mp4")).to_contain_text("Not sent", timeout=30_000)
    log_in(other)
    expect(other.locator("#jobs-link .count")).to_have_text(re.compile("!"))
    other.add_init_script(NOTE_MOVED)
    other.goto("/jobs")
    expect(sent(other)).to_contain_text("Not sent")
    expect(sent(other).get_by_role("button", name="Show its tab")).to_be_visible()
    page.close()
    expect(sent(other)).to_contain_text("Not being sent: its page was closed. What has arrived is kept.")
    expect(sent(other).get_by_role("link", name="Choose the file again")).to_be_visible()
    assert other.evaluate("window.moved") == [], "nothing moves when a file comes into the list, or changes there"
    forget(live_server.services, "admin")
    other.reload()
    expect(other.get_by_text("Nothing is being sent.")).to_be_visible()
    other.reload()
    expect(other.locator("#sent")).to_be_hidden()
    what_begins_later_waits_until_somebody_asks(other, tmp_path)
    forget(live_server.services, "admin")


def what_begins_later_waits_until_somebody_asks(other, folder):
    """Somebody looks at the page of jobs, without a place for files, while another tab begins to send."""
    page = other.context.new_page()
    page.goto("/")
    page.set_input_files("#video", long_video(folder / "позже.mp4", 200 * MEGABYTE))
    page.get_by_role("button", name="Process Local Video").click()
    show = other.get_by_role("button", name="Being sent from this browser: 1 · Show")
    expect(show).to_be_visible()
    expect(other.locator("#sent")).to_be_hidden()
    assert other.evaluate("window.moved") == []
    show.click()
    expect(sent(other)).to_contain_text("позже.mp4")
    expect(other.locator(".sent-room")).to_be_focused()
    page.close()


def someone_else_sees_nothing(other):
    other.goto("/logout")
    log_in(other, "anna")
    other.goto("/help")
    other.wait_for_timeout(1200)
    expect(other.locator("#jobs-link .count")).to_be_hidden()
    expect(other.locator("#sent .transfer")).to_have_count(0)
    other.goto("/logout")


@pytest.fixture(autouse=True)
def patience():
    """Much goes on in these browsers at once."""
    expect.set_options(timeout=15_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.mark.slow
def test_who_moves_on_in_the_same_tab_takes_the_upload_along(open_page, network, live_server, tmp_path):  # noqa: F811
    page, asked = open_page(), []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.add_init_script(PICKED)
    log_in(page)
    set_speed = network(page)
    set_speed(SLOW)
    begin_kept(page, "Дорога")
    page.goto("/help")
    assert asked == ["beforeunload"]
    expect(page.locator("#jobs-link .count")).to_contain_text("1")
    lesson = held_by(live_server.services, "Дорога").id
    # On this page links need no warning: the next one goes on.
    page.get_by_role("link", name="Files", exact=True).click()
    page.wait_for_url("**/files")
    assert asked == ["beforeunload"]
    page.get_by_role("button", name="Jobs").click()
    expect(sent(page).get_by_text("from this page")).to_be_visible()
    expect(sent(page).locator(".transfer-note")).to_have_text(re.compile(r"[1-9]\d? %"))
    sent(page).get_by_role("button", name="Pause").click()
    expect(sent(page)).to_contain_text("Paused")
    # What somebody paused stays so until they say otherwise.
    page.goto("/lessons")
    page.get_by_role("button", name="Jobs").click()
    expect(sent(page)).to_contain_text("Not being sent")
    set_speed(QUICK)
    sent(page).get_by_role("button", name="Continue").click()
    expect(sent(page)).to_contain_text("Sent. The server prepares the lesson.", timeout=30_000)
    expect(sent(page).get_by_role("link", name="Open the lesson")).to_have_attribute("href", f"/lessons/{lesson}")
    arrived_whole(live_server.services, lesson, tmp_path)


@pytest.mark.slow
def test_when_the_sending_tab_is_closed_another_one_goes_on(open_page, network, live_server, tmp_path):  # noqa: F811
    page = open_page("ru")
    page.add_init_script(PICKED)
    log_in(page)
    network(page)(SLOW)
    other = page.context.new_page()
    other.goto("/help")
    page.locator("#drop").click()
    expect(row(page, "память.mp4")).to_be_visible()
    page.fill("#task-name", "Закрыта")
    page.get_by_role("button", name="Обработать видео с компьютера").click()
    expect(row(page, "память.mp4")).to_contain_text(re.compile(r"[1-9]\d? %"), timeout=30_000)
    expect(other.locator("#sent-said")).to_have_text("память.mp4: Загрузка")
    lesson = held_by(live_server.services, "Закрыта").id
    page.close(run_before_unload=False)
    other.get_by_role("button", name="Задания").click()
    expect(sent(other).get_by_text("с этой страницы")).to_be_visible(timeout=15_000)
    expect(sent(other)).to_contain_text("Загружено", timeout=30_000)
    expect(other.locator("#jobs-list")).to_contain_text("Закрыта")
    arrived_whole(live_server.services, lesson, tmp_path)


@pytest.mark.slow
def test_what_waits_for_its_turn_is_begun_by_the_next_page_under_its_own_name(open_page, network, live_server, tmp_path):  # noqa: F811
    services, names = live_server.services, ["первый", "второй", "третий"]
    page = open_page()
    page.on("dialog", lambda dialog: dialog.accept())
    page.add_init_script(PICKED)
    log_in(page)
    set_speed = network(page)
    set_speed(SLOW)
    page.evaluate("names => { window.chosen = names.map(name => `${name}.mp4`); }", names)
    page.locator("#drop").click()
    row(page, "третий.mp4").get_by_label("Name of the lesson").fill("Третий урок")
    page.get_by_role("button", name="Process Local Video").click()
    expect(row(page, "третий.mp4")).to_contain_text("Waits until another file is through")
    expect(row(page, "первый.mp4")).to_contain_text("left", timeout=30_000)
    page.goto("/help")
    set_speed(QUICK)
    page.get_by_role("button", name="Jobs").click()
    expect(sent(page).filter(has_text="Sent. The server prepares the lesson.")).to_have_count(3, timeout=60_000)
    kept = {one.name: one.id for one in services.lessons.list(services.users.by_name("admin").id)}
    for name in ("первый", "второй", "Третий урок"):
        arrived_whole(services, kept[name], tmp_path)
    # Nothing is left behind.
    assert page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('ppi-begun'))") == []
