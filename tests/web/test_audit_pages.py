"""Who did what to which object, when and from where: written at the border, shown to administrators only."""

import csv
import io

import pytest

from ppi.web.access import ACCESS
from ppi.web.admin import action_names
from ppi.web.audit import ACTIONS, NOT_AUDITED
from tests.conftest import PASSWORD


@pytest.fixture
def lesson(services):
    from ppi.workflows import uploads

    anna = services.users.by_name("anna")
    row = uploads.begin_upload(services, anna, file_name="урок.mp4", task_name="Урок", size_bytes=4)
    services.lessons.move_on(row.id, "uploading", "stored")
    services.store.put_bytes(services.raw, row.video_key, b"film", metadata={"user-id": anna.id})
    return row


def newest(services):
    return services.audit.find(limit=1)[0]


def test_every_address_that_changes_something_has_an_action(app):
    changing = {rule.endpoint for rule in app.url_map.iter_rules() if rule.methods & {"POST", "PATCH", "PUT", "DELETE"}}
    assert changing - NOT_AUDITED <= set(ACTIONS)
    assert set(ACTIONS) <= set(ACCESS)
    with app.test_request_context():
        assert {action for action, _ in ACTIONS.values()} <= set(action_names())


def test_logging_in_and_out_is_written_with_name_and_address(app, services):
    client = app.test_client()
    from_there = {"REMOTE_ADDR": "10.1.2.3"}
    client.post("/api/login", json={"username": "mallory", "password": "wrong-password"}, environ_overrides=from_there)
    assert (newest(services).user_name, newest(services).outcome) == ("mallory", "not_logged_in")
    client.post("/api/login", json={"username": "anna", "password": PASSWORD}, environ_overrides=from_there)
    found = newest(services)
    assert (found.action, found.user_name, found.address, found.way, found.outcome) == (
        "log in", "anna", "10.1.2.3", "session", "done",
    )  # fmt: skip
    client.get("/logout", environ_overrides=from_there)
    assert (newest(services).action, newest(services).user_name) == ("log out", "anna")


def test_what_was_done_to_a_lesson_is_written_with_its_id(client_for, services, lesson):
    anna, boris = client_for("anna"), client_for("boris")
    anna.get(f"/lessons/{lesson.id}/download/урок.mp4")
    assert (newest(services).action, newest(services).object, newest(services).way) == (
        "download", f"{lesson.id}/урок.mp4", "token",
    )  # fmt: skip
    boris.post(f"/api/lessons/{lesson.id}/delete")
    assert (newest(services).user_name, newest(services).outcome) == ("boris", "not_found")
    link = services.links.token_for(lesson.id, lesson.video_key)
    client_for().get(f"/m/{link}/lesson.mp4")
    assert (newest(services).action, newest(services).object, newest(services).way) == ("follow link", lesson.video_key, "link")
    anna.post("/delete_file", json={"object_name": lesson.video_key})
    assert (newest(services).action, newest(services).object, newest(services).outcome) == (
        "delete file", lesson.video_key, "done",
    )  # fmt: skip


def test_an_upload_is_two_rows_however_many_chunks_it_has(client_for, services):
    client, tus = client_for("anna"), {"Tus-Resumable": "1.0.0"}
    where = client.post("/uploads/", headers={**tus, "Upload-Length": "6"}).headers["Location"]
    for offset in (0, 2, 4):
        headers = {**tus, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        assert client.patch(where, headers=headers, data=b"ab").status_code == 204
    acts = services.audit.find()
    lesson_id = where.rsplit("/", 1)[1]
    assert [(act.action, act.object) for act in acts] == [("upload", lesson_id), ("begin upload", lesson_id)]


def test_no_secret_is_in_any_row(app, services, client_for, lesson):
    client = app.test_client()
    token = client.post("/api/login", json={"username": "anna", "password": PASSWORD}).json["csrf_token"]
    made = client.post("/account/tokens", json={"label": "script"}, headers={"X-CSRFToken": token}).json
    link = services.links.token_for(lesson.id, lesson.video_key)
    client.get(f"/m/{link}/lesson.mp4")
    client.post("/account/password", data={"current": PASSWORD, "new": "new-password-22", "again": "x", "csrf_token": token})
    rows = "".join(str(act) for act in services.audit.every())
    assert "script" in rows
    for secret in (PASSWORD, "new-password-22", made["token"], link, token):
        assert secret not in rows


def test_the_page_shows_filters_and_pages(client_for, services):
    for number in range(120):
        services.audit.record("upload", user_name="anna", object=f"lesson-{number}", address="10.0.0.1")
    services.audit.record("log in", user_name="mallory", address="10.9.9.9", outcome="not_logged_in")
    admin = client_for("admin")
    page = admin.get("/admin/audit").text
    assert "mallory" in page and "lesson-119" in page and "lesson-10<" not in page and "Older" in page
    older = services.audit.find(limit=100)[-1].id
    assert "lesson-10<" in admin.get(f"/admin/audit?before={older}").text
    only = admin.get("/admin/audit?action=log in").text
    assert "10.9.9.9" in only and "lesson-119" not in only
    assert "Nothing fits these filters." in admin.get("/admin/audit?text=nobody-is-called-so").text
    assert "Nothing fits" in admin.get("/admin/audit?until=2001-01-01").text
    assert admin.get("/admin/audit?since=never&before=x").status_code == 200


def test_the_download_holds_all_rows_and_no_formula(client_for, services):
    for number in range(130):
        services.audit.record("delete file", user_name="anna", object=f"={number}+1")
    answer = client_for("admin").get("/admin/audit.csv?user=anna")
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert len(rows) == 131 and rows[1][3] == "'=129+1"
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    assert "attachment" in answer.headers["Content-Disposition"]


@pytest.mark.parametrize("path", ["/admin/audit", "/admin/audit.csv", "/admin/system"])
def test_only_administrators_read_it(client_for, path):
    assert client_for("anna").get(path).status_code == 403
    assert client_for().get(path).status_code == 401
