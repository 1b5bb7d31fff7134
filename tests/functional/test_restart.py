"""The server is killed in the middle of things: every job is finished after the restart, once, and nothing is left behind."""

from __future__ import annotations

import time

import pytest
import requests

from ppi.services import Services
from tests.conftest import DATA, free_port, settings_for, start_server, stop_server, with_people
from tests.faults.stand import kill_tree
from tests.functional.test_api_story import Api


@pytest.fixture
def folder(tmp_path):
    with_people(Services(settings_for(tmp_path / "data")))
    return tmp_path / "data"


def kill_all(server):
    """kill -9 of the server's own processes; its children must end by themselves."""
    kill_tree(server.process, "serve")


def wait_for_phase(api, file_id, phases, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = api.get(f"/api/status/{file_id}").json()
        if found["status"] in phases:
            return found
        time.sleep(0.02)
    raise AssertionError(found)


def leftovers(folder):
    """Files of unfinished work in the data folder."""
    places = [folder / "work", folder / "uploads", folder / "store" / "incoming"]
    return [path for place in places if place.exists() for path in place.rglob("*") if path.is_file()]


def upload(api):
    with (DATA / "sample_lesson.mp4").open("rb") as video:
        return api.post("/api/process-video", files={"video": ("a.mp4", video)}, data={"task_name": "A"}).json()["file_id"]


def test_a_server_killed_while_preparing_a_lesson_finishes_it_after_the_restart(folder):
    port = free_port()
    server = start_server(folder, port)
    api = Api(server, "anna")
    lesson = upload(api)
    wait_for_phase(api, lesson, ("uploading_video", "extracting_audio", "completed"))
    kill_all(server)
    again = start_server(folder, port)
    try:
        assert api.wait(lesson)["status"] == "completed"
        names = sorted(item["name"].rsplit("/", 1)[1] for item in api.get("/list_files").json()["files"])
        assert names == ["a.info.json", "a.mp4", "a.peaks.dat", "a.poster.jpg", "a.sound.mp3", "a.wav"]
        assert leftovers(folder) == []
        stored = again.services.store.list(again.services.raw)
        assert sum(item.key.endswith(".mp4") for item in stored) == 1
    finally:
        stop_server(again)


@pytest.mark.slow
def test_a_server_killed_while_transcribing_and_while_building_finishes_both_once(folder):
    port = free_port()
    server = start_server(folder, port)
    api = Api(server, "anna")
    lesson = upload(api)
    api.wait(lesson)
    job = api.post("/api/transcribe", json={"file_id": lesson, "engine": "pocketsphinx"}).json()["transcription_file_id"]
    wait_for_phase(api, job, ("transcribing",))
    kill_all(server)
    server = start_server(folder, port)
    heard = api.wait(job)
    assert heard["status"] == "completed", heard
    with (DATA / "sample_annotations.json").open("rb") as marks, (DATA / "sample_patterns.xlsx").open("rb") as table:
        answer = api.post(
            "/api/datasets", data={"file_id": lesson}, files={"annotations": marks, "patterns": ("p.xlsx", table)}
        )
    build = answer.json()["job_id"]
    wait_for_phase(api, build, ("building",))
    kill_all(server)
    server = start_server(folder, port)
    try:
        assert api.wait(build)["status"] == "completed"
        assert len(api.get(f"/api/datasets/{lesson}").json()["rows"]) == 10
        assert server.services.ledger.get(build).attempt == 2
        assert leftovers(folder) == []
    finally:
        stop_server(server)


def test_an_upload_continues_where_a_killed_server_acknowledged_it(folder):
    port = free_port()
    server = start_server(folder, port)
    api = Api(server, "anna")
    data = (DATA / "sample_lesson.mp4").read_bytes()
    tus = {"Tus-Resumable": "1.0.0"}
    location = api.post("/uploads/", headers={**tus, "Upload-Length": str(len(data))}).headers["Location"]
    chunk = {**tus, "Content-Type": "application/offset+octet-stream"}
    api.session.patch(server.url + location, headers={**chunk, "Upload-Offset": "0"}, data=data[:300_000], timeout=20)
    kill_all(server)
    server = start_server(folder, port)
    try:
        offset = int(api.session.head(server.url + location, headers=tus, timeout=20).headers["Upload-Offset"])
        assert offset == 300_000
        api.session.patch(
            server.url + location, headers={**chunk, "Upload-Offset": str(offset)}, data=data[offset:], timeout=20
        )
        done = api.wait(location.rsplit("/", 1)[1])
        assert done["status"] == "completed"
        assert requests.get(done["shareable_url"], timeout=20).content == data
    finally:
        stop_server(server)


@pytest.mark.slow
def test_a_lost_ledger_is_written_again_from_the_store(folder):
    port = free_port()
    server = start_server(folder, port)
    api = Api(server, "anna")
    lesson = upload(api)
    api.wait(lesson)
    stop_server(server)
    for path in folder.glob("ledger.sqlite3*"):
        path.unlink()
    server = start_server(folder, port)
    try:
        found = api.get(f"/api/status/{lesson}").json()
        assert found["status"] == "completed"
        assert requests.get(found["shareable_url"], timeout=20).status_code == 200
    finally:
        stop_server(server)


@pytest.mark.slow
def test_cancelling_stops_the_recogniser_within_two_seconds(folder):
    server = start_server(folder)
    try:
        api = Api(server, "anna")
        lesson = upload(api)
        api.wait(lesson)
        job = api.post("/api/transcribe", json={"file_id": lesson, "engine": "pocketsphinx"}).json()["transcription_file_id"]
        wait_for_phase(api, job, ("transcribing",))
        api.post(f"/api/jobs/{job}/cancel")
        began_s = time.time()
        assert api.wait(job, 10)["status"] == "cancelled"
        # As the ledger notes it: how soon this process hears of it is another matter.
        assert server.services.ledger.get(job).finished_s - began_s < 2
        assert api.post(f"/api/jobs/{job}/retry").json()["success"]
        assert api.wait(job)["status"] == "completed"
    finally:
        stop_server(server)
