"""The whole main job through the HTTP API of a running server, on one machine, and on S3, Redis and two workers.

Steps: upload, status, link fetched by Range, transcribe, summarise, download, build the dataset, ZIP, delete.
"""

from __future__ import annotations

import io
import json
import time
import zipfile

import pytest
import requests

from ppi.services import Services
from tests.conftest import DATA, settings_for, start_server, stop_server, with_people


class Api:
    """The API as a program uses it: one token, JSON answers."""

    def __init__(self, server, name):
        _, token = server.services.users.create_token(server.services.users.by_name(name).id, "story")
        self.url, self.session = server.url, requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path, **more):
        return self.session.get(self.url + path, timeout=60, **more)

    def post(self, path, **more):
        return self.session.post(self.url + path, timeout=60, **more)

    def wait(self, file_id, seconds=120):
        """Poll until the job has ended; progress must never go back."""
        deadline, last, seen = time.monotonic() + seconds, -1, []
        while time.monotonic() < deadline:
            found = self.get(f"/api/status/{file_id}").json()
            if found["status"] not in ("queued",):
                assert found["progress"] >= last, seen
                last = found["progress"]
            seen.append(found["status"])
            if found["status"] in ("completed", "error", "cancelled"):
                return found
            time.sleep(0.1)
        raise AssertionError(f"not finished: {found}")


@pytest.fixture(scope="module")
def server(whole_ground, tmp_path_factory):
    folder = tmp_path_factory.mktemp("story") / "data"
    with_people(Services(settings_for(folder, **whole_ground)))
    running = start_server(folder, **whole_ground)
    yield running
    stop_server(running)


@pytest.mark.slow
def test_a_lesson_goes_in_and_a_dataset_comes_out(server):
    api = Api(server, "anna")
    with (DATA / "sample_lesson.mp4").open("rb") as video:
        answer = api.post(
            "/api/process-video", files={"video": ("Мой урок 1.mp4", video)}, data={"task_name": "Вода", "parts": "2"}
        )
    lesson = answer.json()["file_id"]
    done = api.wait(lesson)
    assert done["status"] == "completed", done
    assert not done["transcription_ready"]

    check_links(done, lesson)
    names = {item["name"].split("/", 2)[-1] for item in api.get("/list_files").json()["files"]}
    assert {"Мой урок 1.mp4", "Мой урок 1.wav", "Мой урок 1.info.json", "Мой урок 1_part1.mp4"} <= names
    check_texts(api, lesson)
    check_corrections(api, lesson)
    check_dataset(api, lesson, server.url)
    check_upload(api, lesson)
    assert not any("sheet" in item.key for item in server.services.store.list(server.services.final))

    assert api.post(f"/api/lessons/{lesson}/link/revoke").json()["revoked"] >= 1
    assert requests.get(done["stable_url"], timeout=20).status_code == 404
    assert Api(server, "boris").get(f"/api/status/{lesson}").status_code == 404
    assert api.post(f"/api/lessons/{lesson}/delete").json()["success"]
    assert api.get("/list_files").json()["files"] == []
    assert api.get(f"/api/status/{lesson}").status_code == 404
    assert requests.get(done["shareable_url"], timeout=20).status_code == 404
    assert server.services.store.list(server.services.final) == []


def check_links(done: dict, lesson: str) -> None:
    """By Range, as a browser and Label Studio fetch them."""
    whole = (DATA / "sample_lesson.mp4").read_bytes()
    for link in (done["shareable_url"], done["stable_url"]):
        part = requests.get(link, headers={"Range": "bytes=100-199", "Origin": "http://localhost:8080"}, timeout=20)
        assert (part.status_code, part.content) == (206, whole[100:200])
        assert part.headers["Content-Type"] == "video/mp4"
        assert part.headers["Access-Control-Allow-Origin"]
    assert "?" not in done["stable_url"]
    task = json.loads(done["task_json"])[0]["data"]
    assert (task["video"], task["fps"], task["lesson_id"]) == (done["stable_url"], 25, lesson)
    sound = requests.get(task["audio"], headers={"Origin": "http://localhost:8080"}, timeout=20)
    assert (sound.headers["Content-Type"], sound.content[:3]) == ("audio/mpeg", b"ID3")
    assert sound.headers["Access-Control-Allow-Origin"]


def check_texts(api: Api, lesson: str) -> None:
    """A transcript and a summary come about and can be downloaded."""
    job = api.post("/api/transcribe", json={"file_id": lesson, "engine": "pocketsphinx"}).json()["transcription_file_id"]
    heard = api.wait(job)
    assert heard["status"] == "completed" and heard["transcription_ready"] and heard["result"]["words"] > 30
    assert api.get(f"/api/status/{lesson}").json()["transcription_ready"]
    summary = api.wait(api.post("/api/summarize", json={"file_id": lesson}).json()["job_id"])
    assert summary["status"] == "completed"
    for name, start in (("Мой урок 1.summary.docx", b"PK"), ("Мой урок 1.srt", b"1\n"), ("Мой урок 1.vtt", b"WEBVTT")):
        got = api.get(f"/lessons/{lesson}/download/{name}")
        assert got.status_code == 200 and got.content.startswith(start)
        assert "attachment" in got.headers["Content-Disposition"]


def check_corrections(api: Api, lesson: str) -> None:
    """Corrected, ticked off, undone and taken away in every format, wherever objects and locks are."""
    address = f"/api/lessons/{lesson}/transcript"
    shown = api.get(address).json()
    asked = {"version": shown["version"], "segment": 0}
    fixed = api.post(f"{address}/edit", json={**asked, "text": "Written by hand."}).json()
    assert (fixed["version"], fixed["edited"], fixed["segments"]["0"]["text"]) == (2, 1, "Written by hand.")
    assert api.post(f"{address}/edit", json={**asked, "text": "Too late."}).status_code == 409
    ticked = api.post(f"{address}/check", json={"version": 2, "segment": 1}).json()
    assert ticked["segments"]["1"]["checked"]
    assert not api.post(f"{address}/undo", json={"version": 3}).json()["segments"]["1"]["checked"]
    assert api.post(f"{address}/redo", json={"version": 4}).json()["segments"]["1"]["checked"]
    for kind in ("txt", "times.txt", "speakers.txt", "srt", "vtt", "json", "textgrid", "eaf"):
        got = api.get(f"/lessons/{lesson}/transcript/{kind}")
        assert got.status_code == 200 and "Written by hand." in got.content.decode(), kind
    assert api.get(f"/lessons/{lesson}/transcript/docx").content.startswith(b"PK")
    assert "Written by hand." not in api.get(f"/lessons/{lesson}/transcript/txt?version=1").text
    assert api.post("/api/transcribe", json={"file_id": lesson}).json()["code"] == "conflict"


def check_upload(api: Api, lesson: str) -> None:
    """A transcript made elsewhere takes the place of a corrected one when asked to, and the corrected one is kept."""
    given = {"files": {"transcript": ("a.srt", b"1\n00:00:01,000 --> 00:00:03,000\nFrom captions.\n")}}
    address = f"/api/lessons/{lesson}/transcript"
    assert api.post(address, **given).status_code == 409
    kept = api.post(address, **given, data={"replace": "1", "language": "en"}).json()
    assert (kept["version"], kept["words"]) == (6, 2)
    texts = zipfile.ZipFile(io.BytesIO(api.get(f"/transcripts.zip?lesson={lesson}").content))
    assert "From captions." in texts.read(next(name for name in texts.namelist() if name.endswith("1.txt"))).decode()
    assert "Written by hand." in api.get(f"/lessons/{lesson}/transcript/txt?version=5").text


def check_dataset(api: Api, lesson: str, url: str) -> None:
    """A dataset is built, listed and downloaded."""
    with (DATA / "sample_annotations.json").open("rb") as marks, (DATA / "sample_patterns.xlsx").open("rb") as table:
        answer = api.post(
            "/api/datasets", data={"file_id": lesson}, files={"annotations": marks, "patterns": ("p.xlsx", table)}
        )
    built = api.wait(answer.json()["job_id"])
    assert built["status"] == "completed", built
    found = api.get(f"/api/datasets/{lesson}").json()
    assert len(found["rows"]) == built["result"]["samples"] == 10
    assert "Домашнее задание П" in found["report"]["unmatched"]
    assert {item["reason"] for item in found["report"]["dropped"]} == {"empty_range", "cancelled"}
    first = found["rows"][0]
    assert {row["text_origin"] for row in found["rows"]} == {"corrected"}
    assert any("Written by hand." in row["text"] for row in found["rows"])
    assert requests.get(requests.compat.urljoin(url, first["image_url"]), timeout=20).content[:2] == b"\xff\xd8"

    assert {clip["mode"] for clip in found["report"]["clips"]} <= {"smart", "encoded"}
    assert all(abs(clip["sound_offset_s"] or 0) < 0.04 for clip in found["report"]["clips"])
    sheet = api.get(f"/lessons/{lesson}/download/Мой урок 1.contact-sheet-1.jpg")
    assert sheet.content[:2] == b"\xff\xd8"
    assert "contact-sheet-1.jpg" in api.get(f"/publish?lesson={lesson}").text

    packed = zipfile.ZipFile(io.BytesIO(api.get(f"/datasets/{lesson}.zip").content))
    assert packed.testzip() is None
    inside = {name.split("/", 1)[1] for name in packed.namelist()}
    assert {"metadata.jsonl", "README.md", "manifest.json", first["video_path"], first["text_path"]} <= inside


def test_the_quota_is_full_with_one_lesson_and_free_again_after_deleting(server):
    api = Api(server, "boris")

    def upload():
        with (DATA / "sample_lesson.mp4").open("rb") as video:
            return api.post("/api/process-video", files={"video": ("a.mp4", video)}, data={"task_name": "A"})

    lesson = upload().json()["file_id"]
    assert upload().json()["code"] == "quota"
    assert api.wait(lesson)["status"] == "completed"
    name = next(item["name"] for item in api.get("/list_files").json()["files"] if item["name"].endswith(".mp4"))
    assert api.post("/delete_file", json={"object_name": name}).json() == {"success": True}
    again = upload().json()["file_id"]
    assert api.wait(again)["status"] == "completed"
    assert api.post(f"/api/lessons/{again}/delete").json()["success"]


def test_what_is_no_lesson_is_refused_and_holds_no_slot(server):
    api = Api(server, "boris")
    for name, data, code in (("lesson.mp4", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "unsupported_media"),
                             ("lesson.mp4", b"just text", "unsupported_media")):  # fmt: skip
        lesson = api.post("/api/process-video", files={"video": (name, data)}, data={"task_name": "X"}).json()["file_id"]
        failed = api.wait(lesson)
        assert (failed["status"], failed["code"]) == ("error", code)
        assert failed["progress"] < 100 and failed["error"]
    assert api.get("/list_files").json()["files"] == []
    assert api.get("/api/lessons").json()["lessons"] == []


def test_an_object_in_storage_becomes_a_lesson(server):
    admin = server.services.users.by_name("admin")
    server.services.store.put_file(
        server.services.raw, "inbox/Запись.mp4", DATA / "sample_lesson.mp4", content_type="video/mp4"
    )
    boris, api = Api(server, "boris"), Api(server, "admin")
    asked = {"object_name": "inbox/Запись.mp4", "task_name": "Из хранилища"}
    assert boris.post("/api/process-video", json=asked).status_code == 404
    lesson = api.post("/api/process-video", json=asked).json()["file_id"]
    assert api.wait(lesson)["status"] == "completed"
    row = server.services.lessons.get(lesson)
    assert row.owner_id == admin.id and row.prefix.startswith("Из хранилища_")
    assert server.services.store.stat(server.services.raw, "inbox/Запись.mp4").size_bytes > 0
    # Its own video again: the same lesson, prepared anew.
    assert api.post("/api/process-video", json={"object_name": row.video_key, "task_name": "x"}).json()["file_id"] == lesson
    assert api.post(f"/api/jobs/{lesson}/retry").status_code == 409


def test_a_whole_file_in_one_chunk_is_taken(server):
    """Through the real server, whose input ends by itself: the last read is exactly at the announced size."""
    api = Api(server, "boris")
    data = (DATA / "sample_lesson.mp4").read_bytes()
    tus = {"Tus-Resumable": "1.0.0"}
    location = api.post("/uploads/", headers={**tus, "Upload-Length": str(len(data))}).headers["Location"]
    headers = {**tus, "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
    assert api.session.patch(server.url + location, headers=headers, data=data, timeout=30).status_code == 204
    lesson = location.rsplit("/", 1)[1]
    assert api.wait(lesson)["status"] == "completed"
    assert api.post(f"/api/lessons/{lesson}/delete").json()["success"]


def test_another_implementation_of_tus_uploads_in_pieces(server):
    """The protocol is not just what our own page speaks."""
    from tusclient.client import TusClient

    api = Api(server, "boris")
    client = TusClient(f"{server.url}/uploads/", headers=dict(api.session.headers))
    metadata = {"filename": "Урок с tus.mp4", "task_name": "tus"}
    sender = client.uploader(str(DATA / "sample_lesson.mp4"), chunk_size=200_000, metadata=metadata)
    sender.upload()
    lesson = sender.url.rsplit("/", 1)[1]
    done = api.wait(lesson)
    assert done["status"] == "completed"
    assert requests.get(done["shareable_url"], timeout=20).content == (DATA / "sample_lesson.mp4").read_bytes()
    assert api.post(f"/api/lessons/{lesson}/delete").json()["success"]
