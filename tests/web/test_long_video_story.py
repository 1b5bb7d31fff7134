"""A long recording in the player of a lesson's page: Chromium fetches only the stretches that it shows, from either store."""

from __future__ import annotations

import subprocess

import pytest
from playwright.sync_api import expect

from ppi.services import Services
from ppi.workflows import local, runner
from tests.conftest import settings_for, start_server, stop_server, with_people
from tests.servers.fault_proxy import FaultProxy

pytestmark = pytest.mark.slow
SECONDS = 300
# Noise cannot be made small, so the file is large.
NOISE = f"testsrc2=s=320x180:r=10:d={SECONDS},noise=alls=60:allf=t"


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Five minutes without sound, about 100 MB, as an MP4 for the web."""
    path = tmp_path_factory.mktemp("film") / "долгий.mp4"
    codec = ["-c:v", "libx264", "-preset", "ultrafast", "-b:v", "2.6M", "-g", "50", "-pix_fmt", "yuv420p"]
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", NOISE, *codec, "-movflags", "+faststart", str(path)]
    subprocess.run(command, check=True)
    return path


@pytest.fixture(params=["embedded", "s3"])
def stand(request, film, tmp_path):
    """A server with the film as a lesson, and the proxy through which the browser gets it."""
    variables = {}
    if request.param == "s3":
        store = request.getfixturevalue("s3_server")
        proxy = FaultProxy(store.endpoint)
        variables = {**store.variables(), "MINIO_ENDPOINT": proxy.endpoint}
    services = with_people(Services(settings_for(tmp_path / "data", **variables)))
    server = start_server(tmp_path / "data", **variables)
    if request.param == "embedded":
        proxy = FaultProxy(server.url.removeprefix("http://"))
    job = runner.wait_for(services, local.ingest_file(services, film, "Долгий урок", "admin"))
    yield server, proxy, job.lesson_id
    proxy.stop()
    stop_server(server)


def test_the_end_of_a_long_video_is_shown_without_fetching_the_whole(new_page, stand, film, request):
    server, proxy, lesson = stand
    size_bytes = film.stat().st_size
    assert size_bytes > 50_000_000
    page, answers = new_page(server, name="admin"), []
    page.on("response", lambda one: answers.append((one.status, one.headers)) if one.request.resource_type == "media" else None)
    address = f"/lessons/{lesson}"
    if request.node.callspec.params["stand"] == "embedded":
        address = f"http://{proxy.endpoint}{address}"
    proxy.answered_bytes = 0
    page.goto(address)
    expect(page.locator("#player")).to_be_visible()
    page.wait_for_function("() => player.readyState >= 1")
    assert page.evaluate("player.duration") == pytest.approx(SECONDS, abs=0.2)
    page.evaluate("player.currentTime = player.duration - 2")
    page.wait_for_function("() => !player.seeking && player.readyState >= 2")
    page.evaluate("player.play()")
    page.wait_for_function("() => player.ended", timeout=30_000)
    assert {status for status, _ in answers} == {206}
    assert all(headers["content-range"].endswith(f"/{size_bytes}") for _, headers in answers)
    assert proxy.answered_bytes < size_bytes / 2
    print(f"{proxy.answered_bytes / size_bytes:.2f} of {size_bytes} bytes")
