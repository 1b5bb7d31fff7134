"""The account's own page: how pages look, sessions and where they are, the quota; all by plain forms."""

from __future__ import annotations

import re

import pytest

from tests.conftest import PASSWORD

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile Safari/604.1"


@pytest.fixture
def come(app):
    """`come(agent)`: anna logs in with some browser."""

    def log_in(agent="", address="127.0.0.1"):
        client = app.test_client()
        client.environ_base |= {"HTTP_USER_AGENT": agent, "REMOTE_ADDR": address}
        token = client.post("/api/login", json={"username": "anna", "password": PASSWORD}).json["csrf_token"]
        client.send = lambda path, **fields: client.post(path, data={"csrf_token": token, **fields})
        return client

    return log_in


def handles(page):
    return re.findall(r'action="/account/sessions/(\w+)/end"', page.text)


def test_sessions_say_where_somebody_is_logged_in_and_end_at_once(come, services):
    here, phone = come(FIREFOX), come(PHONE, "192.0.2.7")
    assert phone.get("/lessons").status_code == 200
    page = here.get("/account")
    assert "Firefox on Windows" in page.text and "Safari on iOS" in page.text and "192.0.2.7" in page.text
    assert page.text.count(">this one<") == 1 and len(handles(page)) == 2
    kept = (services.settings.data_dir / "sessions.sqlite3").read_bytes()
    with here.session_transaction() as session:
        assert session["_user_id"].rsplit(":", 1)[1].encode() in kept and session["_user_id"] not in page.text
    other = next(handle for handle in handles(page) if handle not in re.findall(r"this one.*?sessions/(\w+)/", page.text, re.S))
    assert here.send(f"/account/sessions/{other}/end").location == "/account"
    assert phone.get("/lessons").status_code == 401 and here.get("/lessons").status_code == 200
    assert len(handles(here.get("/account"))) == 1
    assert here.send(f"/account/sessions/{other}/end").status_code == 404


def test_log_out_everywhere_ends_every_session(come, services):
    here, phone = come(FIREFOX), come(PHONE)
    assert phone.get("/account").status_code == 200
    here.send("/account/sessions/end")
    assert [client.get("/account").status_code for client in (here, phone)] == [401, 401]
    fresh = come(FIREFOX)
    assert len(handles(fresh.get("/account"))) == 1, "those of before are not shown"
    assert services.audit.find(action="end sessions", limit=1)[0].user_name == "anna"


def test_the_sessions_of_others_cannot_be_ended(come, app):
    anna = come(FIREFOX)
    handle = handles(anna.get("/account"))[0]
    boris = app.test_client()
    token = boris.post("/api/login", json={"username": "boris", "password": PASSWORD}).json["csrf_token"]
    assert boris.post(f"/account/sessions/{handle}/end", data={"csrf_token": token}).status_code == 404
    assert anna.get("/account").status_code == 200


def test_a_page_is_shown_although_the_file_of_sessions_cannot_be_written(come, services, monkeypatch, caplog):
    import sqlite3

    def broken(*given):
        raise sqlite3.OperationalError("database is locked")

    real = services.sessions._connect

    class Locked:
        def __init__(self):
            self.inner = real()

        def execute(self, statement, *values):
            return broken() if statement.startswith("INSERT INTO begun") else self.inner.execute(statement, *values)

        def close(self):
            self.inner.close()

    client = come(FIREFOX)
    monkeypatch.setattr(services.sessions, "_connect", Locked)
    assert client.get("/account").status_code == 200
    assert "could not be noted" in caplog.text


def test_language_and_colours_are_kept_with_the_account(come, services):
    client = come(FIREFOX)
    client.send("/language", language="ru")
    client.send("/theme", theme="dark")
    anna = services.users.by_name("anna")
    assert (anna.language, anna.theme) == ("ru", "dark")
    page = come(PHONE).get("/account").text
    assert '<html lang="ru" data-bs-theme="dark">' in page and "Как выглядят страницы" in page
    for path, name in (("/language", "language"), ("/theme", "theme")):
        client.send(path, **{name: ""})
    page = client.get("/account", headers={"Accept-Language": "en"}).text
    assert '<html lang="en">' in page and "As the browser asks" in page


def test_the_page_says_how_much_of_the_quota_is_used(come, services):
    from ppi.workflows import uploads

    anna = services.users.by_name("anna")
    uploads.begin_upload(services, anna, file_name="a.mp4", task_name="A", size_bytes=2_000_000)
    assert "1 of 1 lesson&nbsp;· videos: 2\u00a0MB" in come(FIREFOX).get("/account").text
    services.users.set_quota(anna.id, 3, 5_000_000_000)
    page = come(FIREFOX).get("/account").text
    assert "1 of 3 lessons&nbsp;· videos: 2\u00a0MB of 5\u00a0GB" in page
    home = come(FIREFOX).get("/").text
    assert "You hold: 1 of 3 lessons" in home and "Delete a lesson before" not in home
    services.users.set_quota(anna.id, 3, 2_000_000)
    assert "Delete a lesson before you give another one." in come(FIREFOX).get("/").text
