"""Who is let in and who is refused, and that nobody learns of others' lessons; the whole table is in test_access_matrix.py."""

from __future__ import annotations

import re

import pytest

from ppi.jobs.lessons import LessonRow
from ppi.web.access import ACCESS

OTHERS = ("tus_head", "tus_patch", "tus_delete")


@pytest.fixture
def lesson(services) -> LessonRow:
    """A stored lesson of anna's with a few bytes for a video."""
    from ppi.workflows import uploads

    anna = services.users.by_name("anna")
    row = uploads.begin_upload(services, anna, file_name="урок.mp4", task_name="Урок", size_bytes=4)
    services.lessons.move_on(row.id, "uploading", "stored")
    services.store.put_bytes(services.raw, row.video_key, b"film", metadata={"user-id": anna.id})
    services.ledger.submit("ingest", anna.id, row.id, {}, job_id=row.id)
    services.ledger.cancel(row.id)
    return services.lessons.get(row.id)


def addresses(app, row):
    """(endpoint, method, path) of every route, filled with the ids of the lesson."""
    filled = {
        "lesson_id": row.id, "file_id": row.id, "job_id": row.id, "token_id": "none", "bucket": "raw-data",
        "key": row.video_key, "token": "none", "name": "video.mp4", "filename": "none.css", "version": "x",
        "user_id": row.owner_id, "secret": "none", "handle": "none", "list_id": "none", "kind": "csv", "dataset_id": row.id,
    }  # fmt: skip
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: filled[found.group(1)], rule.rule)
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"} or rule.methods):
            yield rule.endpoint, method, path


def call(client, method, path):
    """As a program on another machine calls."""
    headers = {"Tus-Resumable": "1.0.0", "Accept": "application/json"}
    remote = {"REMOTE_ADDR": "10.9.8.7"}
    return client.open(path, method=method, headers=headers, json={} if method == "POST" else None, environ_overrides=remote)


def test_every_route_has_a_row_in_the_access_table(app):
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == set(ACCESS)


def test_a_wrong_token_is_nobody(app, client_for, lesson):
    client = client_for()
    client.environ_base["HTTP_AUTHORIZATION"] = "Bearer ppi_wrong"
    for endpoint, method, path in addresses(app, lesson):
        if ACCESS[endpoint] != "public":
            assert call(client, method, path).status_code == 401, endpoint


def test_the_lessons_of_others_do_not_exist(app, client_for, lesson):
    """For boris every address that names anna's lesson answers as if there were no such lesson."""
    client = client_for("boris")
    seen = 0
    for endpoint, method, path in addresses(app, lesson):
        if lesson.id not in path:
            continue
        seen += 1
        answer = call(client, method, path)
        missing = call(client, method, path.replace(lesson.id, "0123456789abcdef"))
        assert answer.status_code == missing.status_code == 404, (endpoint, method, answer.status_code)
        if answer.data and answer.is_json:
            assert answer.json["code"] == missing.json["code"] == "not_found"
    assert seen >= 12
    assert client.get("/list_files").json["files"] == []
    assert client.post("/delete_file", json={"object_name": lesson.video_key}).status_code == 404
    assert client.post("/api/transcribe", json={"file_id": lesson.id}).status_code == 404
    assert client.post("/api/summarize", json={"file_id": lesson.id}).status_code == 404
    assert client.post("/api/process-video", json={"object_name": lesson.video_key}).status_code == 404
    form = {"file_id": lesson.id}
    assert client.post("/api/datasets", data=form, content_type="multipart/form-data").status_code == 404


def test_figures_are_for_administrators_and_for_programs_on_the_server_itself(client_for):
    here = client_for()
    assert here.get("/metrics").status_code == 200
    assert here.get("/metrics", headers={"X-Forwarded-For": "10.9.8.7"}).status_code == 401
    assert here.get("/metrics", environ_overrides={"REMOTE_ADDR": "10.9.8.7"}).status_code == 401
    assert client_for("anna").get("/metrics").status_code == 403
    assert client_for("admin").get("/metrics", environ_overrides={"REMOTE_ADDR": "10.9.8.7"}).status_code == 200


def test_the_owner_and_the_administrator_see_the_lesson(client_for, lesson):
    for name in ("anna", "admin"):
        client = client_for(name)
        assert client.get(f"/api/status/{lesson.id}").json["file_id"] == lesson.id
        assert [found["name"] for found in client.get("/list_files").json["files"]] == [lesson.video_key]


def test_a_change_without_the_security_token_is_refused_and_with_it_done(app, lesson):
    client = app.test_client()
    token = client.post("/api/login", json={"username": "anna", "password": "admin-password-1"}).json["csrf_token"]
    path = f"/api/lessons/{lesson.id}/link/revoke"
    assert client.post(path).json["code"] == "csrf"
    assert client.post(path, headers={"X-CSRFToken": "wrong"}).json["code"] == "csrf"
    assert client.post(path, headers={"X-CSRFToken": token}).status_code == 200
