"""A 2 GB upload leaves the memory of the web process where it was."""

from __future__ import annotations

import os
import threading

import psutil
import pytest

from ppi.services import Services
from tests.conftest import settings_for, start_server, stop_server, with_people
from tests.functional.test_api_story import Api

SIZE_BYTES, CHUNK_BYTES = 2 * 1024**3, 64 * 1024**2
LIMIT_BYTES = 200 * 1024**2


def web_bytes(server):
    """Resident memory of the largest process of the server."""
    family = [server.process, *psutil.Process(server.process.pid).children(recursive=True)]
    return max(psutil.Process(process.pid).memory_info().rss for process in family)


@pytest.mark.slow
def test_the_web_process_stays_under_200_mb_during_a_2_gb_upload(tmp_path):
    with_people(Services(settings_for(tmp_path / "data")))
    server = start_server(tmp_path / "data", PPI_JOBS_IN_WEB="false")
    peaks, is_done = [], threading.Event()

    def watch():
        while not is_done.wait(0.05):
            peaks.append(web_bytes(server))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        api, tus = Api(server, "anna"), {"Tus-Resumable": "1.0.0"}
        location = api.post("/uploads/", headers={**tus, "Upload-Length": str(SIZE_BYTES)}).headers["Location"]
        headers = {**tus, "Content-Type": "application/offset+octet-stream"}
        for offset in range(0, SIZE_BYTES, CHUNK_BYTES):
            data = os.urandom(1024) * (CHUNK_BYTES // 1024)
            answer = api.session.patch(
                server.url + location, headers={**headers, "Upload-Offset": str(offset)}, data=data, timeout=120
            )
            assert answer.status_code == 204
        lesson = location.rsplit("/", 1)[1]
        assert server.services.lessons.get(lesson).state == "received"
    finally:
        is_done.set()
        watcher.join()
        stop_server(server)
    print(f"peak {max(peaks) / 1e6:.0f} MB over {len(peaks)} looks")
    assert max(peaks) < LIMIT_BYTES
