"""Uploads that go on by themselves: after a break, a sleep or a reload; and the one that needs no scripts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from ppi.workflows import uploads
from tests.conftest import DATA
from tests.web.sending import MEGABYTE, QUICK, SLOW, forget, long_video, network, row  # noqa: F401
from tests.web.test_browser import log_in

pytestmark = pytest.mark.slow


def test_an_upload_goes_on_by_itself_when_the_network_is_back(open_page, network, live_server, tmp_path):  # noqa: F811
    page = open_page("ru")
    log_in(page)
    set_speed = network(page)
    set_speed(SLOW)
    page.set_input_files("#video", long_video(tmp_path / "связь.mp4", 20 * MEGABYTE))
    page.fill("#task-name", "Связь")
    page.get_by_role("button", name="Обработать видео с компьютера").click()
    expect(row(page, "связь.mp4")).to_contain_text("осталось", timeout=30_000)
    set_speed({**SLOW, "offline": True})
    expect(row(page, "связь.mp4")).to_contain_text("Нет связи")
    set_speed(QUICK)
    page.wait_for_url(re.compile("/lessons/"), timeout=60_000)
    expect(page.get_by_role("heading", name="Связь")).to_be_visible()


def test_a_video_is_sent_without_scripts(new_page, live_server):
    services = live_server.services
    forget(services, "anna")
    page = new_page(live_server, java_script_enabled=False)
    page.goto("/")
    page.fill("#plain-username", "anna")
    page.fill("#plain-password", "admin-password-1")
    page.locator("noscript button, .panel button", has_text="Log in").last.click()
    page.set_input_files("#video", DATA / "sample_lesson.mp4")
    page.fill("#task-name", "Без скриптов")
    page.get_by_role("button", name="Process Local Video").click()
    page.wait_for_url(re.compile("/lessons/"))
    page.get_by_role("navigation").get_by_role("link", name="Jobs").click()
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    expect(page.locator(".jobs > li").first).to_contain_text("Без скриптов")
    page.locator(".jobs > li .title").first.click()
    link = page.get_by_role("link", name="Link for Label Studio")
    for _ in range(60):
        if link.count():
            break
        page.wait_for_timeout(500)
        page.reload()
    link.click()
    expect(page.locator("#share-link")).to_be_visible()
    expect(page.get_by_role("button", name="Copy Link")).to_be_hidden()
    forget(services, "anna")


def test_a_connection_that_died_in_its_sleep_is_given_up_and_the_upload_goes_on(open_page, live_server, tmp_path):
    page, stuck = open_page(), []
    page.clock.install()
    log_in(page)

    def answer(route):
        """All requests but the first chunk, which nobody answers."""
        if route.request.method == "PATCH" and not stuck:
            stuck.append(route)
        else:
            route.continue_()

    page.route("**/uploads/*", answer)
    page.set_input_files("#video", long_video(tmp_path / "сон.mp4", 2 * MEGABYTE))
    page.fill("#task-name", "Сон")
    page.get_by_role("button", name="Process Local Video").click()
    expect(row(page, "сон.mp4").get_by_role("button", name="Pause")).to_be_visible()
    for _ in range(50):
        if stuck:
            break
        page.wait_for_timeout(100)
    page.clock.fast_forward(55_000)
    expect(row(page, "сон.mp4")).to_contain_text("No connection.")
    page.clock.fast_forward(10_000)
    page.wait_for_url(re.compile("/lessons/"), timeout=60_000)
    expect(page.get_by_role("heading", name="Сон")).to_be_visible()


def test_a_browser_that_keeps_a_handle_of_the_file_goes_on_by_itself(open_page, network, live_server):  # noqa: F811
    """The handle is a real one, of a file in the browser's own storage; only the window to choose it is left out."""
    page = open_page()
    page.on("dialog", lambda dialog: dialog.accept())
    page.add_init_script("""
      window.showOpenFilePicker = async () => {
        const handle = await (await navigator.storage.getDirectory()).getFileHandle("память.mp4", { create: true });
        const writer = await handle.createWritable();
        await writer.write(new Uint8Array(24_000_000));
        await writer.close();
        return [handle];
      };
    """)
    log_in(page)
    set_speed = network(page)
    page.locator("#drop").click()
    expect(row(page, "память.mp4")).to_be_visible()
    page.fill("#task-name", "Память")
    set_speed(SLOW)
    page.get_by_role("button", name="Process Local Video").click()
    expect(row(page, "память.mp4")).to_contain_text(re.compile(r"[1-9]\d %"), timeout=30_000)
    page.reload()
    expect(row(page, "память.mp4")).to_contain_text(re.compile(r"[1-9]\d %"), timeout=30_000)
    admin = live_server.services.users.by_name("admin")
    [held] = [one for one in uploads.unfinished(live_server.services, admin) if one.name == "Память"]
    # A second tab leaves it to the first.
    second = page.context.new_page()
    second.goto("/")
    second.wait_for_timeout(500)
    expect(second.locator(f"[data-unfinished='{held.id}']")).to_have_count(0)
    expect(second.locator("#transfers .transfer")).to_have_count(0)
    set_speed(QUICK)
    page.wait_for_url(re.compile(f"/lessons/{held.id}"), timeout=60_000)
