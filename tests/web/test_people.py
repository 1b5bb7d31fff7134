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
    assert "1 of 1 lesson&nbsp;·" in page and "videos: 2\u00a0MB" in page


def test_quotas_are_set_shown_and_hold(admin, app, services):
    from ppi.errors import QuotaExceeded
    from ppi.workflows import uploads

    anna = services.users.by_name("anna")
    page = admin.send(f"/admin/people/{anna.id}/quota", lessons="3", gigabytes="1,5").location
    assert page == "/admin/people" and (services.users.get(anna.id).max_lessons, services.users.get(anna.id).max_bytes) == (
        3, 1_500_000_000,
    )  # fmt: skip
    uploads.begin_upload(services, services.users.get(anna.id), file_name="a.mp4", task_name="A", size_bytes=1_000_000_000)
    shown = admin.get("/admin/people").text
    assert "1 of 3 lessons" in shown and "1\u00a0GB of 1.5\u00a0GB" in shown and 'value="1.5"' in shown
    with pytest.raises(QuotaExceeded, match="this one has 501 MB"):
        uploads.begin_upload(services, services.users.get(anna.id), file_name="b.mp4", task_name="B", size_bytes=500_000_001)
    assert services.audit.find(action="set quota")[0].object == "anna: 3 lessons, 1500000000 bytes"
    admin.send(f"/admin/people/{anna.id}/quota", lessons="", gigabytes="")
    assert services.users.get(anna.id).max_lessons is None and "1 of 1 lesson" in admin.get("/admin/people").text


@pytest.mark.parametrize("lessons, gigabytes", [("-1", ""), ("1.5", ""), ("many", ""), ("", "-2"), ("", "nan"), ("", "1e30")])
def test_a_quota_that_is_none_changes_nothing(admin, services, lessons, gigabytes):
    anna = services.users.by_name("anna")
    answer = admin.send(f"/admin/people/{anna.id}/quota", lessons=lessons, gigabytes=gigabytes)
    assert answer.status_code == 400 and "A quota is" in answer.text and services.users.get(anna.id) == anna


def test_storage_is_counted_by_owner_with_totals(admin, services):
    from ppi.workflows import recycle_bin, storage_use, uploads

    put, rows = services.store.put_bytes, {}
    for name in ("anna", "boris", "admin"):
        row = uploads.begin_upload(services, services.users.by_name(name), file_name="v.mp4", task_name="Вода", size_bytes=5)
        services.lessons.move_on(row.id, "uploading", "stored")
        rows[name] = services.lessons.get(row.id)
        put(services.raw, row.video_key, b"12345"), put(services.raw, row.prefix + "v.txt", b"123")
        put(services.final, row.prefix + "dataset/README.md", b"12")
    put(services.raw, "inbox/x.mp4", b"1234567")
    recycle_bin.put_in(services, rows["boris"])
    use = storage_use.look(services)
    counted = {share.owner_name: (share.lessons, share.video_bytes, share.made_bytes, share.dataset_bytes, share.deleted_bytes)
               for share in use.shares}  # fmt: skip
    assert counted == {"anna": (1, 5, 3, 2, 0), "admin": (1, 5, 3, 2, 0), "boris": (0, 0, 0, 0, 10), "": (0, 0, 7, 0, 0)}
    assert use.total.total_bytes == 37 and use.total.lessons == 2
    page = admin.get("/admin/storage").text
    assert "anna" in page and "Files of no lesson" in page and "Everybody" in page
