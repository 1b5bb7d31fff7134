"""Uploads over the end of the browser and of the server: nothing that has arrived is sent again, and the bytes are right."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Error, expect

from ppi.services import Services
from ppi.workflows import runner, uploads
from tests.conftest import settings_for, start_server, stop_server, with_people
from tests.servers.fault_proxy import FaultProxy
from tests.web import chromium
from tests.web.sending import MEGABYTE, SLOW, long_video, row
from tests.web.test_browser import log_in

pytestmark = pytest.mark.slow
SIZE_BYTES = 40 * MEGABYTE
# Heads, pages, scripts and fonts of a visit: far less than the chunks that had arrived.
OVERHEAD_BYTES = 500_000


def begun(services):
    """The one upload under way; waits until some of it has arrived."""
    admin = services.users.by_name("admin")
    for _ in range(300):
        found = uploads.unfinished(services, admin)
        if found and found[0].offset_bytes > 5 * MEGABYTE:
            return found[0]
        time.sleep(0.1)
    raise AssertionError("nothing arrived")


def settled(services, lesson_id):
    """How much has arrived, once nothing more does."""
    before = -1
    while (now := services.lessons.get(lesson_id).offset_bytes) != before:
        before = now
        time.sleep(1)
    return now


def stored_hash(services, lesson_id):
    runner.wait_for(services, services.ledger.get(lesson_id))
    kept = services.lessons.get(lesson_id)
    assert kept.state == "stored"
    return hashlib.sha256(b"".join(services.store.read(services.raw, kept.video_key))).hexdigest()


@contextmanager
def profile(browser, folder: Path, url: str):
    """A Chromium with a profile that outlives it."""
    context = browser.browser_type.launch_persistent_context(
        str(folder), executable_path=chromium.WHOLE, args=chromium.FLAGS, base_url=url, locale="en"
    )
    faults = []
    chromium.watch(context, faults)
    yield context
    with suppress(Error):
        context.close()
    assert faults == []


def kill_browser(folder: Path) -> None:
    """End the browser that has this profile as a crash does."""
    found = 0
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = line.read_bytes().decode(errors="replace").split("\0")
            if f"--user-data-dir={folder}" in words and not any(word.startswith("--type=") for word in words):
                os.kill(int(line.parent.name), signal.SIGKILL)
                found += 1
    assert found == 1


def kill_server(server) -> None:
    """As a cut of power does: the processes that serve too, not only the one that watches them."""
    watcher = server.process.pid
    for pid in [watcher, *map(int, Path(f"/proc/{watcher}/task/{watcher}/children").read_text().split())]:
        os.kill(pid, signal.SIGKILL)
    server.process.wait()


def wait_until_kept(folder: Path, text: str) -> None:
    """Chromium writes what pages keep to the disk some seconds later; what it did not write a crash takes away."""
    for _ in range(600):
        logs = (folder / "Default" / "Local Storage" / "leveldb").glob("*.log")
        # A text with Cyrillic letters in it, as the name of this file is, lies there in UTF-16.
        if any(text.encode("utf-16-le") in log.read_bytes() for log in logs):
            return
        time.sleep(0.1)
    raise AssertionError("the browser kept nothing")


def begin(page, video):
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", {**SLOW, "uploadThroughput": 3 * MEGABYTE})
    page.set_input_files("#video", video)
    page.fill("#task-name", "Обрыв")
    page.get_by_role("button", name="Process Local Video").click()


def test_a_browser_that_was_killed_goes_on_from_what_the_server_has(browser, live_server, tmp_path):
    services, folder = live_server.services, tmp_path / "profile"
    video = long_video(tmp_path / "обрыв.mp4", SIZE_BYTES)
    proxy = FaultProxy(live_server.url.removeprefix("http://"))
    with profile(browser, folder, f"http://{proxy.endpoint}") as context:
        page = context.pages[0]
        log_in(page)
        begin(page, video)
        lesson = begun(services).id
        wait_until_kept(folder, f"/uploads/{lesson}")
        kill_browser(folder)
    arrived_bytes = settled(services, lesson)
    assert 0 < arrived_bytes < SIZE_BYTES

    proxy.asked_bytes = 0
    with profile(browser, folder, f"http://{proxy.endpoint}") as context:
        page, offsets = context.pages[0], []
        page.on("request", lambda one: offsets.append(one.headers.get("upload-offset")) if one.method == "PATCH" else None)
        context.clear_cookies()  # whether the log-in was written down before the end depends on how long that took
        log_in(page)
        expect(page.get_by_role("heading", name="Not complete yet")).to_be_visible()
        expect(page.locator("#unfinished")).to_contain_text("обрыв.mp4")
        expect(page.locator("#jobs-link .count")).to_have_text(re.compile("!.*An upload has stopped."))
        page.set_input_files("#video", video)
        expect(row(page, "обрыв.mp4")).to_contain_text("Goes on where it stopped")
        page.get_by_role("button", name="Process Local Video").click()
        page.wait_for_url(f"**/lessons/{lesson}", timeout=60_000)
    proxy.stop()
    assert int(offsets[0]) == arrived_bytes
    assert SIZE_BYTES - arrived_bytes < proxy.asked_bytes < SIZE_BYTES - arrived_bytes + OVERHEAD_BYTES
    assert stored_hash(services, lesson) == hashlib.sha256(video.read_bytes()).hexdigest()


def test_an_upload_outlives_a_server_that_was_killed(new_page, tmp_path):
    folder = tmp_path / "data"
    with_people(Services(settings_for(folder)))
    server = start_server(folder)
    port = int(server.url.rpartition(":")[2])
    video = long_video(tmp_path / "обрыв.mp4", SIZE_BYTES)
    page = new_page(server)
    log_in(page)
    begin(page, video)
    other = page.context.new_page()
    other.goto("/help")
    lesson = begun(server.services).id
    kill_server(server)
    expect(row(page, "обрыв.mp4")).to_contain_text("No connection. It goes on by itself when the network is back.")
    other.get_by_role("button", name="Jobs").click()
    expect(other.locator("#sent")).to_contain_text("No connection.")
    arrived_bytes = settled(server.services, lesson)
    offsets = []
    page.on("request", lambda one: offsets.append(one.headers.get("upload-offset")) if one.method == "PATCH" else None)
    server = start_server(folder, port)
    try:
        page.wait_for_url(f"**/lessons/{lesson}", timeout=120_000)
        assert int(offsets[0]) >= arrived_bytes > 0
        assert stored_hash(server.services, lesson) == hashlib.sha256(video.read_bytes()).hexdigest()
        expect(other.locator("#sent")).to_contain_text("Sent. The server prepares the lesson.")
    finally:
        stop_server(server)
