"""Streams of events on the real server: they give their thread back when nobody listens, and end when the server stops."""

from __future__ import annotations

import signal
import time

import pytest
import requests

from ppi.services import Services
from tests.conftest import settings_for, start_server, with_people

EVENTS = "/api/jobs/events"


@pytest.fixture
def server(tmp_path):
    """With room for one stream."""
    with_people(Services(settings_for(tmp_path / "data")))
    server = start_server(tmp_path / "data", PPI_EVENT_STREAMS="1")
    yield server
    server.process.kill()
    server.process.wait()


def test_a_stream_gives_its_thread_back_and_ends_well_when_the_server_stops(server):
    services = server.services
    anna = services.users.by_name("anna").id
    headers = {"Authorization": f"Bearer {services.users.create_token(anna, 'test')[1]}"}

    def listen():
        return requests.get(server.url + EVENTS, headers=headers, stream=True, timeout=20)

    first = listen()
    assert first.status_code == 200 and listen().status_code == 204
    job = services.ledger.submit("transcribe", anna, "lesson-1", {}, place="elsewhere")
    lines = first.iter_lines(decode_unicode=True)
    assert any(job.id in line for line in lines if line.startswith("data:"))  # ends at the line that tells of the job
    first.close()
    deadline = time.monotonic() + 20
    while (second := listen()).status_code == 204:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    lines = second.iter_lines(decode_unicode=True)
    assert any(line.startswith("data:") for line in lines)
    server.process.send_signal(signal.SIGTERM)
    # To its proper end: a stream that was cut off would raise here.
    assert not any(line.startswith("data:") for line in lines)
    assert server.process.wait(30) == 0
