"""Who did what to which object, when and from where: written at the border, shown to administrators only."""

import csv
import io
import json
import re
import sqlite3

import pytest
from click.testing import CliRunner

from ppi.cli import main
from ppi.records import AudioTrack, MediaInfo, VideoTrack
from ppi.services import Services
from ppi.settings import Settings
from ppi.web import errors
from ppi.web.access import ACCESS
from ppi.web.admin import action_names, code_names
from ppi.web.audit import ACTIONS, NOT_AUDITED
from ppi.workflows.house import Housekeeper
from ppi.workflows.ingest import describe
from tests.conftest import PASSWORD, settings_for
from tests.web.test_access import addresses

TUS = {"Tus-Resumable": "1.0.0"}
LARGE = 17_000_000
# Actions that need more than an address to be worth a row; each has a test of its own below.
WHEN_THERE_IS_MORE = {
    "transcript.page", "kit.page", "auth.login", "auth.login_form", "storage.stable", "pages.lesson", "jobs.status",
    "transcript.check", "transcript.speaker",  # corrections, worth one row an hour, and others were made before
}  # fmt: skip


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


def written(services):
    """(action, object, outcome) of every row, newest first."""
    return [(act.action, act.object, act.outcome) for act in services.audit.every()]


def test_every_address_that_changes_something_has_an_action(app):
    changing = {rule.endpoint for rule in app.url_map.iter_rules() if rule.methods & {"POST", "PATCH", "PUT", "DELETE"}}
    assert changing - NOT_AUDITED <= set(ACTIONS)
    assert set(ACTIONS) <= set(ACCESS)
    with app.test_request_context():
        assert {action for action, _ in ACTIONS.values()} <= set(action_names())


def test_every_call_to_an_address_with_an_action_leaves_a_row_of_who_called_from_where(app, client_for, services, lesson):
    seen = set()
    for endpoint, method, path in addresses(app, lesson):
        if endpoint not in ACTIONS or endpoint in WHEN_THERE_IS_MORE:
            continue
        number = newest(services).id if services.audit.find() else 0
        body, remote = {} if method == "POST" else None, {"REMOTE_ADDR": "10.4.5.6"}
        answer = client_for("admin").open(path, method=method, headers=TUS, json=body, environ_overrides=remote)
        row, action = newest(services), ACTIONS[endpoint][0]
        assert row.id > number, endpoint
        assert (row.action, row.user_name, row.address, row.way) == (action, "admin", "10.4.5.6", "token"), endpoint
        assert (row.outcome == "ok") == (answer.status_code < 400), endpoint
        seen.add(endpoint)
    assert seen == set(ACTIONS) - WHEN_THERE_IS_MORE


def test_asking_what_an_address_takes_is_no_act(client_for, services, lesson):
    client = client_for("anna")
    assert client.options("/delete_file").status_code == 200
    assert client.head(f"/lessons/{lesson.id}/download/урок.mp4").status_code == 302
    assert written(services) == []


def test_logging_in_and_out_is_written_with_name_and_address(app, services):
    client = app.test_client()
    from_there = {"REMOTE_ADDR": "10.1.2.3"}
    client.post("/api/login", json={"username": "Anna", "password": "wrong-password"}, environ_overrides=from_there)
    refused = newest(services)
    assert (refused.user_name, refused.user_id, refused.address, refused.outcome) == (
        "anna", "", "10.1.2.3", "refused:not_logged_in",
    )  # fmt: skip
    client.post("/api/login", json={"username": "anna", "password": PASSWORD}, environ_overrides=from_there)
    found = newest(services)
    assert (found.action, found.user_name, found.address, found.way, found.outcome) == (
        "log in", "anna", "10.1.2.3", "session", "ok",
    )  # fmt: skip
    client.get("/logout", environ_overrides=from_there)
    assert (newest(services).action, newest(services).user_name) == ("log out", "anna")


def test_a_refused_log_in_by_the_plain_form_is_written(app, services):
    client = app.test_client()
    page = client.get("/").text
    token = page.split('name="csrf-token" content="')[1].split('"')[0]
    client.post("/login", data={"username": "anna", "password": "wrong-password", "csrf_token": token})
    assert (newest(services).action, newest(services).outcome) == ("log in", "refused:not_logged_in")


def test_tries_over_the_limit_and_requests_that_are_no_tries_do_not_fill_the_log(app, services):
    client = app.test_client()
    assert client.post("/api/login", data=b"x" * 10, content_type="application/json").status_code == 400
    statuses = [client.post("/api/login", json={"username": "anna", "password": "wrong"}).status_code for _ in range(14)]
    assert statuses.count(429) > 2
    assert len(written(services)) == statuses.count(401)


def test_what_was_done_to_a_lesson_is_written_with_its_id(client_for, services, lesson):
    anna, boris = client_for("anna"), client_for("boris")
    anna.get(f"/lessons/{lesson.id}/download/урок.mp4")
    boris.post(f"/api/lessons/{lesson.id}/delete")
    assert newest(services).user_name == "boris"
    anna.post("/api/transcribe", json={"file_id": lesson.id})
    anna.post(f"/api/datasets/{lesson.id}/push", json={"repo_id": "university/lesson"})
    anna.post("/delete_file", json={"object_name": lesson.prefix + "none.txt"})
    anna.post(f"/api/lessons/{lesson.id}/delete")
    rows = written(services)[::-1]
    transcribed = rows.pop(2)
    assert transcribed[:2] == ("transcribe", lesson.id)
    assert rows == [
        ("download", f"{lesson.id}/урок.mp4", "ok"), ("delete lesson", lesson.id, "refused:not_found"),
        ("publish dataset", f"{lesson.id} university/lesson", "refused:not_found"),
        ("delete file", lesson.prefix + "none.txt", "refused:not_found"),
        ("delete lesson", f"{lesson.id} {lesson.prefix}", "ok"),
    ]  # fmt: skip


def test_an_upload_is_two_rows_however_many_chunks_it_has_and_refused_chunks_are_rows(client_for, services):
    client = client_for("anna")
    where = client.post("/uploads/", headers={**TUS, "Upload-Length": "6"}).headers["Location"]
    lesson_id = where.rsplit("/", 1)[1]
    chunk = {**TUS, "Content-Type": "application/offset+octet-stream"}
    assert client_for("boris").patch(where, headers={**chunk, "Upload-Offset": "0"}, data=b"ab").status_code == 404
    for offset in (0, 2, 4):
        assert client.patch(where, headers={**chunk, "Upload-Offset": str(offset)}, data=b"ab").status_code == 204
    assert written(services) == [
        ("upload", lesson_id, "ok"), ("upload", lesson_id, "refused:not_found"), ("begin upload", lesson_id, "ok"),
    ]  # fmt: skip


def test_a_link_that_is_shown_or_followed_many_times_is_one_row_an_hour_for_each_who_does(client_for, services, lesson):
    link = services.links.token_for(lesson.id, lesson.video_key)
    for address in ("10.0.0.1", "10.0.0.1", "10.0.0.2"):
        client_for().get(f"/m/{link}/lesson.mp4", environ_overrides={"REMOTE_ADDR": address})
    rows = services.audit.find()
    assert [(act.action, act.object, act.way, act.address) for act in rows] == [
        ("follow link", lesson.video_key, "link", "10.0.0.2"), ("follow link", lesson.video_key, "link", "10.0.0.1"),
    ]  # fmt: skip
    with sqlite3.connect(services.settings.data_dir / "audit.sqlite3") as connection:
        connection.execute("UPDATE acts SET time_s=time_s-3700")
    client_for().get(f"/m/{link}/lesson.mp4", environ_overrides={"REMOTE_ADDR": "10.0.0.1"})
    assert len(services.audit.find()) == 3


@pytest.mark.parametrize("path", ["/lessons/{id}", "/api/status/{id}"])
def test_showing_the_link_to_a_lesson_is_written_once_it_has_one(client_for, services, lesson, path):
    anna, path = client_for("anna"), path.format(id=lesson.id)
    assert anna.get(path).status_code == 200 and written(services) == []
    info = MediaInfo("mov", 8.0, 0.0, 4, VideoTrack("h264", 320, 240, 25.0, False), (AudioTrack("aac", 44_100, 2),))
    services.store.put_bytes(services.raw, lesson.prefix + "урок.info.json", json.dumps(describe(lesson, info)).encode())
    for _ in range(3):
        assert "/m/" in anna.get(path).text
    assert written(services) == [("show link", lesson.id, "ok")]


@pytest.mark.parametrize(
    ("path", "type_"),
    [
        ("/api/process-video", "multipart/form-data; boundary=x"), ("/delete_file", "application/json"),
        ("/api/login", "application/json"),
    ],
)  # fmt: skip
def test_a_body_that_nobody_wanted_is_not_read_for_the_log(app, services, path, type_):
    """Refused for lack of the security token or for its size, as without a log."""
    client = app.test_client()
    client.post("/api/login", json={"username": "anna", "password": PASSWORD})
    asked = io.BytesIO(b"x" * LARGE)
    answer = client.post(path, input_stream=asked, content_type=type_, content_length=LARGE)
    assert answer.json["code"] in ("csrf", "too_large") and asked.tell() < LARGE


def test_an_act_is_answered_as_ever_when_the_log_cannot_be_written(client_for, services, lesson, caplog):
    (services.settings.data_dir / "audit.sqlite3").mkdir()
    link = services.links.token_for(lesson.id, lesson.video_key)
    assert client_for().get(f"/m/{link}/lesson.mp4").status_code == 302
    assert client_for("anna").post(f"/api/lessons/{lesson.id}/delete").status_code == 200
    assert caplog.text.count("the audit log could not be written") == 2


def test_no_secret_is_in_any_row(app, services, client_for, lesson):
    client = app.test_client()
    client.post("/api/login", json={"username": PASSWORD, "password": "x"})
    token = client.post("/api/login", json={"username": "anna", "password": PASSWORD}).json["csrf_token"]
    header = {"X-CSRFToken": token}
    made = client.post("/account/tokens", json={"label": "script"}, headers=header).json
    client.post("/account/tokens", json={"label": made["token"]}, headers=header)
    link = services.links.token_for(lesson.id, lesson.video_key)
    signed = client.get(f"/m/{link}/lesson.mp4").headers["Location"]
    client.get(f"/lessons/{lesson.id}")
    client.post("/delete_file", json={"object_name": signed}, headers=header)
    client.post("/delete_file", json={"object_name": f"http://localhost/m/{link}/lesson.mp4"}, headers=header)
    client.post("/account/password", data={"current": PASSWORD, "new": "new-password-22", "again": "x", "csrf_token": token})
    session = client.get_cookie("ppi_session").value
    rows = "".join(str(act) for act in services.audit.every())
    assert "script" in rows and rows.count("delete file") == 2 and rows.count("create token") == 2
    for secret in (PASSWORD, "new-password-22", made["token"], link, token, session, signed.split("sig=")[1]):
        assert secret not in rows


def test_accounts_changed_on_the_command_line_are_written(tmp_path, monkeypatch):
    monkeypatch.setenv("PPI_DATA_DIR", str(tmp_path))
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "olga")
    for arguments in (
        "add olga --role admin", "add vera --password vera-password", "passwd vera --password new-password",
        "role vera admin", "disable vera", "disable vera --undo", "remove vera --yes",
    ):  # fmt: skip
        assert CliRunner().invoke(main, ["users", *arguments.split()]).exit_code == 0, arguments
    rows = list(Services(Settings.from_env({"PPI_DATA_DIR": str(tmp_path)})).audit.every())
    assert [(act.action, act.object) for act in rows[::-1]] == [
        ("add account", "olga"), ("add account", "vera"), ("set password", "vera"), ("set role", "vera: admin"),
        ("disable account", "vera"), ("enable account", "vera"), ("remove account", "vera"),
    ]  # fmt: skip
    assert {(act.user_name, act.way) for act in rows} == {("olga", "command")}
    assert "password" not in "".join(act.object for act in rows)


def test_an_account_is_made_where_the_system_has_no_name_for_who_makes_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PPI_DATA_DIR", str(tmp_path))

    def nobody():
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert CliRunner().invoke(main, ["users", "add", "vera"]).exit_code == 0
    assert Services(Settings.from_env({"PPI_DATA_DIR": str(tmp_path)})).audit.find()[0].object == "vera"


def test_the_server_lets_rows_go_after_the_days_of_the_setting(tmp_path):
    services = Services(settings_for(tmp_path, PPI_AUDIT_DAYS="2"))
    services.audit.record("upload", object="old"), services.audit.record("upload", object="new")
    with sqlite3.connect(tmp_path / "audit.sqlite3") as connection:
        connection.execute("UPDATE acts SET time_s=time_s-3*86400 WHERE object='old'")
    Housekeeper(services, "web", ()).keep_house()
    assert [act.object for act in services.audit.find()] == ["new"]


def test_the_page_shows_filters_and_pages(client_for, services):
    for number in range(120):
        services.audit.record("upload", user_name="anna", object=f"lesson-{number}", address="10.0.0.1")
    services.audit.record("log in", user_name="boris", address="10.9.9.9", outcome="refused:not_logged_in")
    admin = client_for("admin")
    page = admin.get("/admin/audit").text
    assert "boris" in page and "lesson-119" in page and "lesson-10<" not in page and "Newer" not in page
    older = admin.get(link_of(page, "Older")).text
    assert "lesson-10<" in older and "lesson-119" not in older and "Older" not in older
    assert "lesson-119" in admin.get(link_of(older, "Newer")).text
    only = admin.get("/admin/audit?action=log in&user=boris").text
    assert "10.9.9.9" in only and "lesson-119" not in only
    found = admin.get("/admin/audit?text=LESSON-&user=anna").text
    assert "lesson-119" in found and "user=anna" in link_of(found, "Older") and "text=LESSON-" in link_of(found, "Older")
    assert "Nothing fits these filters." in admin.get("/admin/audit?text=nobody-is-called-so").text
    assert "Nothing fits" in admin.get("/admin/audit?until=2001-01-01").text
    assert "lesson-119" in admin.get("/admin/audit?since=2001-01-01&until=2999-01-01").text


def link_of(page, label):
    """The address of the link with this label."""
    before = page.split(label)[-2] if label == "Older" else page.split(f"← {label}")[0]
    return before.rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")


@pytest.mark.parametrize(
    "query",
    ["since=never", "until=9999-12-31", "since=0001-01-01", "before=x", f"before={'9' * 40}", "after=-1", "text=%00%ff"],
)
def test_no_filter_breaks_the_page_or_the_download(client_for, services, query):
    admin = client_for("admin")
    assert admin.get(f"/admin/audit?{query}").status_code == 200
    assert admin.get(f"/admin/audit.csv?{query}").status_code == 200


def test_an_empty_log_says_so_and_a_lesson_that_exists_is_named(client_for, services, lesson):
    admin = client_for("admin")
    assert "Nothing has been done yet." in admin.get("/admin/audit").text
    services.audit.record("download", user_name="anna", object=f"{lesson.id}/x.wav")
    services.audit.record("delete lesson", user_name="anna", object="0123456789abcdef old/")
    page = admin.get("/admin/audit").text
    assert f'<a href="/lessons/{lesson.id}">Урок</a>' in page and "/lessons/0123456789abcdef" not in page


def test_the_log_is_readable_when_the_ledger_is_not(client_for, services, monkeypatch):
    from ppi.errors import ServerAway

    def away(*_):
        raise ServerAway("Redis does not answer.")

    services.audit.record("download", object="lesson-1")
    admin = client_for("admin")
    monkeypatch.setattr(services.lessons, "list", away)
    assert "lesson-1" in admin.get("/admin/audit").text


def test_the_download_holds_all_rows_and_no_formula(client_for, services):
    for first in ("=", "+", "-", "@", "\t", "\r"):
        services.audit.record("delete file", user_name=f"{first}cmd", object=f"{first}1+1")
    for number in range(600):
        services.audit.record("delete file", user_name="anna", object=str(number))
    answer = client_for("admin").get("/admin/audit.csv?action=delete file")
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"), newline="")))
    assert len(rows) == 607 and rows[-1][3] == "'=1+1" and rows[-1][1] == "'=cmd"
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row)
    assert "attachment" in answer.headers["Content-Disposition"]
    only = client_for("admin").get("/admin/audit.csv?user=anna").text
    assert "599" in only and "cmd" not in only


@pytest.mark.parametrize("path", ["/admin/audit", "/admin/audit.csv", "/admin/system"])
def test_only_administrators_read_it(client_for, path):
    assert client_for("anna").get(path).status_code == 403
    assert client_for().get(path).status_code == 401


def test_only_administrators_see_the_way_there(client_for):
    assert "Administration" in client_for("admin").get("/").text
    assert "Administration" not in client_for("anna").get("/").text


@pytest.mark.parametrize(("language", "said"), [("en", "Refused: not allowed"), ("ru", "Отказано: нельзя этому пользователю")])
def test_a_refusal_is_told_in_words_with_its_code_beside(session_for, client_for, services, language, said):
    services.users.set_language(services.users.by_name("admin").id, language)
    client_for("anna").post("/admin/people", data={"name": "eve", "role": "DL-user"})
    page = session_for("admin").get("/admin/audit").text
    assert said in page and re.search(r"<code[^>]*>access_denied</code>", page)


def test_every_code_of_an_error_has_words(app):
    with app.test_request_context():
        assert code_names().keys() == {*(kind.code for kind in errors.STATUS), *errors.HTTP_CODES.values()}
