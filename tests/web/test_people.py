"""Accounts made in the browser: one-time links, roles, disabling; every act is in the log."""

from __future__ import annotations

import re

import pytest

from tests.conftest import PASSWORD


@pytest.fixture
def admin(app):
    client = app.test_client()
    client.token = client.post("/api/login", json={"username": "admin", "password": PASSWORD}).json["csrf_token"]
    client.send = lambda path, **fields: client.post(path, data={"csrf_token": client.token, **fields})
    return client


def link_in(page) -> str:
    return re.search(r'id="invitation" readonly value="http://localhost([^"]+)"', page.text)[1]


def visit(app, link):
    client = app.test_client()
    page = client.get(link)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    return client, page, token and token[1]


def test_somebody_is_added_with_a_link_that_lets_them_choose_the_password_once(app, admin, services):
    link = link_in(admin.send("/admin/people", name="Вера Павлова", role="DL-user"))
    assert "ppi_" not in admin.get("/admin/people").text and "link not used yet" in admin.get("/admin/people").text
    client, page, token = visit(app, link)
    assert "Welcome, Вера Павлова" in page.text
    differ = client.post(link, data={"csrf_token": token, "new": "long-enough-1", "again": "long-enough-2"})
    short = client.post(link, data={"csrf_token": token, "new": "short", "again": "short"})
    assert (differ.status_code, short.status_code) == (400, 400)
    answer = client.post(link, data={"csrf_token": token, "new": "long-enough-1", "again": "long-enough-1"})
    assert answer.location == "/" and client.get("/account").status_code == 200
    assert services.users.verify("Вера Павлова", "long-enough-1")
    again = visit(app, link)[1]
    assert again.status_code == 404 and "Ask the administrator for a new one" in again.text


def test_a_link_ends_after_seven_days_with_a_newer_one_and_with_the_account(app, admin, services, monkeypatch):
    anna = services.users.by_name("anna")
    first = link_in(admin.send(f"/admin/people/{anna.id}/link"))
    assert services.users.verify("anna", PASSWORD), "the old password holds until the link is used"
    second = link_in(admin.send(f"/admin/people/{anna.id}/link"))
    assert [visit(app, link)[1].status_code for link in (first, second)] == [404, 200]
    services.users.set_disabled(anna.id, True)
    assert visit(app, second)[1].status_code == 404
    services.users.set_disabled(anna.id, False)
    later = services.users.get(anna.id).invitation_ends_s + 1
    monkeypatch.setattr("ppi.accounts.users.time.time", lambda: later)
    assert visit(app, second)[1].status_code == 404


def test_roles_change_and_accounts_are_disabled_but_never_the_last_administrator(admin, services):
    anna, me = services.users.by_name("anna"), services.users.by_name("admin")
    admin.send(f"/admin/people/{anna.id}/disable")
    assert services.users.verify("anna", PASSWORD) is None
    admin.send(f"/admin/people/{anna.id}/enable")
    assert admin.send(f"/admin/people/{me.id}/role", role="DL-user").status_code == 409
    admin.send(f"/admin/people/{anna.id}/role", role="admin")
    assert services.users.get(anna.id).role == "admin"


def test_the_log_says_who_did_what_to_whom_and_holds_no_link(admin, app, services):
    link = link_in(admin.send("/admin/people", name="vera", role="DL-user"))
    client, _, token = visit(app, link)
    client.post(link, data={"csrf_token": token, "new": "long-enough-1", "again": "long-enough-1"})
    acts = [(act.user_name, act.action, act.object) for act in services.audit.find(limit=3)]
    assert acts[0] == ("vera", "choose password", "vera") and ("admin", "add account", "vera") in acts
    assert link.rsplit("/", 1)[1] not in str(services.audit.find(limit=9))
    secret = link.rsplit("/", 1)[1]
    assert secret not in (services.settings.data_dir / "users.json").read_text()
    from ppi.logs import mask

    assert secret not in mask(f"GET {link}")


def test_what_people_keep_is_added_up(admin, services):
    from ppi.workflows import uploads

    uploads.begin_upload(services, services.users.by_name("anna"), file_name="a.mp4", task_name="A", size_bytes=2_000_000)
    page = admin.get("/admin/people").text
    assert "1 lesson<" in page and "videos: 2.0 MB" in page.replace("2 MB", "2.0 MB")
