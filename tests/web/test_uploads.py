"""Uploads: resumable (tus 1.0) and classic, and everything that is refused before a byte is read."""

from __future__ import annotations

import base64
import io
import re
import shutil
import threading

import pytest

from ppi.web.app import build_app
from tests.conftest import DATA, settings_for, with_people

TUS = {"Tus-Resumable": "1.0.0"}
CHUNK = {**TUS, "Content-Type": "application/offset+octet-stream"}


def metadata(**values):
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in values.items())


def create(client, size=10, **values):
    headers = {
        **TUS,
        "Upload-Length": str(size),
        "Upload-Metadata": metadata(filename="Видео 1.mp4", task_name="Урок", **values),
    }
    return client.post("/uploads/", headers=headers)


def patch(client, location, offset, data):
    return client.patch(location, headers={**CHUNK, "Upload-Offset": str(offset)}, data=data)


def offset_of(client, location):
    return client.head(location, headers=TUS).headers["Upload-Offset"]


def test_the_server_says_what_it_can(client_for):
    answer = client_for().open("/uploads/", method="OPTIONS")
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert answer.headers["Tus-Extension"] == "creation,termination,expiration"


def test_an_upload_in_pieces_becomes_a_job(client_for, services):
    client = client_for("anna")
    created = create(client)
    location, lesson_id = created.headers["Location"], created.headers["X-File-Id"]
    assert created.status_code == 201
    assert patch(client, location, 0, b"01234").headers["Upload-Offset"] == "5"
    assert offset_of(client, location) == "5"
    assert client.head(location, headers=TUS).headers["Upload-Length"] == "10"
    assert patch(client, location, 5, b"56789").status_code == 204
    row = services.lessons.get(lesson_id)
    assert (row.state, row.prefix.split("/")[0], row.video_key.split("/")[-1]) == ("received", "anna", "Видео 1.mp4")
    assert (services.uploads_dir / f"{lesson_id}.part").read_bytes() == b"0123456789"
    assert client.get(f"/api/status/{lesson_id}").json["status"] == "queued"


def test_repeating_the_last_piece_is_harmless(client_for, services):
    client = client_for("anna")
    location = create(client).headers["Location"]
    patch(client, location, 0, b"0123456789")
    assert patch(client, location, 10, b"").status_code == 204
    assert len(services.ledger.list()) == 1


def test_a_wrong_offset_is_refused_and_changes_nothing(client_for, services):
    client = client_for("anna")
    created = create(client)
    location = created.headers["Location"]
    patch(client, location, 0, b"0123")
    for wrong in (0, 3, 5, 10):
        assert patch(client, location, wrong, b"xxxx").status_code == 409
    assert offset_of(client, location) == "4"
    assert (services.uploads_dir / f"{created.headers['X-File-Id']}.part").read_bytes() == b"0123"


def test_bytes_after_the_acknowledged_offset_are_thrown_away(client_for, services):
    """A crash may leave more on the disk than was acknowledged."""
    client = client_for("anna")
    created = create(client)
    location = created.headers["Location"]
    part = services.uploads_dir / f"{created.headers['X-File-Id']}.part"
    patch(client, location, 0, b"0123")
    with part.open("ab") as file:
        file.write(b"garbage")
    patch(client, location, 4, b"456789")
    assert part.read_bytes() == b"0123456789"


def test_more_bytes_than_announced_are_refused(client_for):
    client = client_for("anna")
    location = create(client).headers["Location"]
    assert patch(client, location, 0, b"0123456789ABC").status_code in (400, 413)
    assert offset_of(client, location) in ("0", "10")


def test_two_connections_never_write_the_same_upload(client_for, services):
    from ppi.errors import Conflict
    from ppi.workflows import uploads

    created = create(client_for("anna"))
    row = services.lessons.get(created.headers["X-File-Id"])
    is_reading, go_on = threading.Event(), threading.Event()

    def slow(buffer):
        is_reading.set()
        go_on.wait(10)
        return 0

    thread = threading.Thread(target=uploads.receive, args=(services, row, 0, slow))
    thread.start()
    is_reading.wait(10)
    with pytest.raises(Conflict):
        uploads.receive(services, row, 0, io.BytesIO(b"x").readinto)
    go_on.set()
    thread.join()


def test_a_connection_that_breaks_keeps_what_arrived(client_for, services):
    from ppi.workflows import uploads

    row = services.lessons.get(create(client_for("anna")).headers["X-File-Id"])
    pieces = iter([b"012", b"345"])

    def broken(buffer):
        try:
            buffer[:3] = next(pieces)
        except StopIteration:
            raise ConnectionResetError from None
        return 3

    with pytest.raises(ConnectionResetError):
        uploads.receive(services, row, 0, broken)
    assert services.lessons.get(row.id).offset_bytes == 6


def test_an_upload_given_up_frees_its_slot_and_its_bytes(client_for, services):
    client = client_for("anna")
    created = create(client)
    location = created.headers["Location"]
    patch(client, location, 0, b"0123")
    assert create(client).status_code == 409
    assert client.delete(location, headers=TUS).status_code == 204
    assert client.head(location, headers=TUS).status_code == 404
    assert list(services.uploads_dir.iterdir()) == []
    assert create(client).status_code == 201


def test_an_upload_nobody_continues_expires(client_for, services):
    from ppi.workflows import uploads

    client = client_for("anna")
    lesson_id = create(client).headers["X-File-Id"]
    services.lessons.set_expiry(lesson_id, 1.0)
    uploads.sweep_uploads(services)
    assert services.lessons.list() == []
    assert create(client).status_code == 201


def test_an_upload_that_was_complete_when_the_server_died_is_queued_by_the_next(client_for, services):
    from ppi.workflows import uploads

    lesson_id = create(client_for("anna"), size=4).headers["X-File-Id"]
    row = services.lessons.get(lesson_id)
    uploads.receive(services, row, 0, io.BytesIO(b"0123").readinto)
    assert services.ledger.list() == []
    uploads.sweep_uploads(services)
    uploads.sweep_uploads(services)
    assert [job.id for job in services.ledger.list()] == [lesson_id]


@pytest.mark.parametrize("headers, status", [
    ({**TUS, "Upload-Length": "x"}, 400), ({**TUS, "Upload-Length": "-1"}, 400), ({**TUS}, 400),
    ({**TUS, "Upload-Length": "0"}, 400),
    ({**TUS, "Upload-Length": "9" * 18}, 413), ({"Upload-Length": "5"}, 409),
    ({**TUS, "Upload-Length": "5", "Upload-Metadata": "a ???"}, 400),
])  # fmt: skip
def test_bad_announcements_are_refused(client_for, headers, status):
    answer = client_for("anna").post("/uploads/", headers=headers)
    assert answer.status_code == status
    assert answer.json["error"]


def test_a_chunk_of_another_type_is_refused(client_for):
    client = client_for("anna")
    location = create(client).headers["Location"]
    answer = client.patch(location, headers={**TUS, "Upload-Offset": "0", "Content-Type": "text/plain"}, data=b"x")
    assert answer.status_code == 415


class Unread(io.RawIOBase):
    """A request body of some length that must not be read."""

    def __init__(self, length):
        self._length, self._place = length, 0

    def readable(self):
        return True

    def tell(self):
        return self._place

    def seek(self, place, whence=0):
        self._place = self._length + place if whence == 2 else place
        return self._place

    def readinto(self, buffer):
        raise AssertionError("the body was read")


@pytest.mark.parametrize("name, length, code", [
    ("", 10_000_000_000, "not_logged_in"), ("anna", 10_000_000_000, "too_large"), ("boris", 100_000_000, "quota"),
])  # fmt: skip
def test_a_form_is_refused_before_its_body_is_read(client_for, name, length, code):
    client = client_for(name)
    if name == "boris":
        create(client)
    answer = client.open(
        "/api/process-video", method="POST", input_stream=Unread(length), content_type="multipart/form-data; boundary=x"
    )  # fmt: skip
    assert answer.json["code"] == code


@pytest.mark.parametrize("headers", [
    {}, {"Origin": "http://evil.example"}, {"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"},
    {"X-CSRFToken": "wrong", "Origin": "http://localhost"},
])  # fmt: skip
def test_a_form_of_another_page_is_refused_before_its_body_is_read(app, headers):
    client = app.test_client()
    client.post("/api/login", json={"username": "anna", "password": "admin-password-1"})
    answer = client.open(
        "/api/process-video", method="POST", input_stream=Unread(100_000_000), headers=headers,
        content_type="multipart/form-data; boundary=x",
    )  # fmt: skip
    assert answer.status_code == 403 and "open too long" in answer.text


def test_a_form_of_our_page_is_refused_for_its_size_before_its_body_is_read(app):
    client = app.test_client()
    client.post("/api/login", json={"username": "anna", "password": "admin-password-1"})
    answer = client.open(
        "/api/process-video", method="POST", input_stream=Unread(10_000_000_000), headers={"Origin": "http://localhost"},
        content_type="multipart/form-data; boundary=x",
    )  # fmt: skip
    assert answer.status_code == 413 and "<h1" in answer.text


def test_the_form_of_the_page_works_without_a_script(app, services):
    client = app.test_client()
    client.post("/api/login", json={"username": "anna", "password": "admin-password-1"})
    data = (DATA / "sample_lesson.mp4").read_bytes()
    headers = {"Origin": "http://localhost", "Accept": "text/html"}

    def send(token):
        form = {"csrf_token": token, "task_name": "Форма", "parts": "1", "video": (io.BytesIO(data), "Урок.mp4")}
        return client.post("/api/process-video", data=form, content_type="multipart/form-data", headers=headers)

    assert send("wrong").status_code == 403 and services.lessons.list() == []
    assert list(services.uploads_dir.glob("*")) == []
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/").text)[1]
    answer, [row] = send(token), services.lessons.list()
    assert (answer.status_code, answer.location) == (302, f"/lessons/{row.id}")
    assert (row.name, row.state, (services.uploads_dir / f"{row.id}.part").read_bytes()) == ("Форма", "received", data)
    again = send(token)
    assert again.status_code == 409 and "Delete the one you have" in again.text


def test_a_video_in_storage_is_chosen_without_a_script(app, services):
    for name in ("inbox/Из папки.MP4", "inbox/v_part1.mp4", "inbox/v.copy.mp4", "inbox/заметки.txt"):
        services.store.put_bytes(services.raw, name, b"film")
    client = app.test_client()
    client.post("/api/login", json={"username": "admin", "password": "admin-password-1"})
    assert "There are no videos in storage yet." not in client.get("/").text
    page = client.get("/?stored=1").text
    assert re.findall(r'<option value="([^"]+)">', page) == ["inbox/Из папки.MP4"]
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
    form = {"csrf_token": token, "object_name": "inbox/Из папки.MP4", "task_name": "Из хранилища"}
    headers = {"Origin": "http://localhost", "Accept": "text/html"}
    answer = client.post("/api/process-video", data=form, content_type="multipart/form-data", headers=headers)
    [row] = services.lessons.list()
    assert (answer.status_code, answer.location) == (302, f"/lessons/{row.id}")
    assert (row.name, row.source_key) == ("Из хранилища", "inbox/Из папки.MP4")


def test_a_page_learns_what_may_be_sent_before_it_sends_anything(client_for, services, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10_000, 0, 2400))
    anna, admin = client_for("anna"), client_for("admin")
    fresh = anna.get("/api/upload-room").json
    assert (fresh["most_bytes"], fresh["free_bytes"], fresh["lessons_left"], fresh["unfinished"]) == (4 * 1024**3, 2000, 1, [])
    location = create(anna, size=1200).headers["Location"]
    patch(anna, location, 0, b"x" * 600)
    [begun] = anna.get("/api/upload-room").json["unfinished"]
    assert (begun["file_id"], begun["file_name"]) == (location.split("/")[-1], "Видео 1.mp4")
    assert (begun["task_name"], begun["size_bytes"], begun["offset_bytes"]) == ("Урок", 1200, 600)
    # What others have begun and not sent yet is promised to them.
    seen = admin.get("/api/upload-room").json
    assert (seen["free_bytes"], seen["lessons_left"], seen["unfinished"]) == (1500, None, [])
    assert anna.get("/api/upload-room").json["lessons_left"] == 0
    assert create(admin, size=1501).json["code"] == "disk_full" and create(admin, size=1500).status_code == 201


def test_a_classic_form_becomes_the_same_job(client_for, services):
    data = (DATA / "sample_lesson.mp4").read_bytes()
    form = {"video": (io.BytesIO(data), "Мой урок.mp4"), "task_name": "Форма", "parts": "2"}
    answer = client_for("anna").post("/api/process-video", data=form, content_type="multipart/form-data")
    assert answer.json["success"]
    row = services.lessons.get(answer.json["file_id"])
    assert (row.name, row.parts, row.state, row.size_bytes) == ("Форма", 2, "received", len(data))
    assert [path.name for path in services.uploads_dir.iterdir()] == [f"{row.id}.part"]
    assert (services.uploads_dir / f"{row.id}.part").read_bytes() == data


@pytest.mark.parametrize("form, code", [
    ({}, "input"), ({"video": (io.BytesIO(b""), "a.mp4")}, "input"),
    ({"video": (io.BytesIO(b"x"), "a.mp4"), "parts": "0"}, "input"),
    ({"video": (io.BytesIO(b"x"), "a.mp4"), "parts": "many"}, "input"),
])  # fmt: skip
def test_a_form_that_cannot_be_used_leaves_nothing(client_for, services, form, code):
    answer = client_for("anna").post("/api/process-video", data=form, content_type="multipart/form-data")
    assert answer.json["code"] == code
    assert services.lessons.list() == []
    assert list(services.uploads_dir.glob("*")) == []


def test_the_limit_is_the_setting(tmp_path):
    from ppi.services import Services

    services = with_people(Services(settings_for(tmp_path, MAX_UPLOAD_BYTES="1000", DL_USER_MAX_FILES="2")))
    client = build_app(services).test_client()
    _, token = services.users.create_token(services.users.by_name("anna").id, "x")
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    assert create(client, 1001).json["code"] == "too_large"
    assert [create(client, 1000).status_code for _ in range(3)] == [201, 201, 409]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a\x00b.mp4", "\u202egnp.mp4", "-y.mp4", "x" * 300 + ".mp4", "...", "", "CON.mp4"]
)
def test_hostile_file_names_stay_inside_the_lesson(client_for, services, name):
    headers = {**TUS, "Upload-Length": "4", "Upload-Metadata": metadata(filename=name, task_name=name)}
    answer = client_for("anna").post("/uploads/", headers=headers)
    assert answer.status_code == 201
    row = services.lessons.get(answer.headers["X-File-Id"])
    assert row.video_key.startswith(row.prefix) and row.prefix.startswith("anna/") and row.video_key.count("/") == 2
    assert ".." not in row.video_key.split("/") and "\x00" not in row.video_key and "\u202e" not in row.video_key
