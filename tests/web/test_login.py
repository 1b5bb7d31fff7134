"""Logging in, staying logged in, and being logged out for good."""

from __future__ import annotations

import statistics
import time

import pytest

from ppi.web.auth import safe_target

GOOD = {"username": "anna", "password": "admin-password-1"}


def log_in(app, **changed):
    client = app.test_client()
    answer = client.post("/api/login", json={**GOOD, **changed})
    return client, answer


def is_in(client):
    return client.get("/list_files").status_code == 200


def test_a_right_password_logs_in_and_names_the_user(app, services):
    client, answer = log_in(app)
    anna = services.users.by_name("anna")
    assert answer.json["user"] == {"id": anna.id, "username": "anna", "role": "DL-user"}
    assert answer.json["success"] and answer.json["csrf_token"]
    assert is_in(client)


def test_the_way_in_without_scripts_stands_first_and_once(app):
    client = app.test_client()
    for path, follows in (("/", 'class="locked"'), ("/lessons", 'class="panel empty"'), ("/help", "<footer")):
        page = client.get(path, headers={"Accept": "text/html"}).text
        assert page.count('id="plain-username"') == 1, path
        assert (page.index('id="plain-username"') < page.index(follows)) == (path != "/help"), path


@pytest.mark.parametrize("changed", [{"password": "wrong"}, {"username": "nobody"}, {"username": None}, {"password": 5}])
def test_wrong_names_and_passwords_get_the_same_answer(app, changed):
    client, answer = log_in(app, **changed)
    assert (answer.status_code, answer.json["code"]) == (401, "not_logged_in")
    assert answer.json["error"] == "The user name or the password is wrong. Try again, or ask the administrator for a new link."
    assert not is_in(client)


def test_an_unknown_name_takes_as_long_as_a_wrong_password(services):
    def median_s(name):
        took = []
        for _ in range(5):
            began = time.perf_counter()
            services.users.verify(name, "wrong-password")
            took.append(time.perf_counter() - began)
        return statistics.median(took)

    services.users.set_password(services.users.by_name("anna").id, "a-password-of-hers-1")  # hashed as PPI hashes
    services.users.verify("nobody", "x")
    assert 0.5 < median_s("nobody") / median_s("anna") < 2


def test_the_cookie_is_kept_from_scripts_and_other_sites_and_secure_over_https(app):
    plain = app.test_client().post("/api/login", json=GOOD).headers["Set-Cookie"]
    assert "HttpOnly" in plain and "SameSite=Lax" in plain and "Secure" not in plain
    safe = app.test_client().post("/api/login", json=GOOD, base_url="https://ppi.test").headers["Set-Cookie"]
    assert "Secure" in safe


@pytest.mark.parametrize("change", ["logout", "password", "role", "disable", "end_sessions"])
def test_an_old_cookie_is_worth_nothing_afterwards(app, services, change):
    client, _ = log_in(app)
    cookie = client.get_cookie("ppi_session").value
    anna = services.users.by_name("anna")
    assert is_in(client)
    actions = {
        "logout": lambda: client.get("/logout"),
        "password": lambda: services.users.set_password(anna.id, "another-password"),
        "role": lambda: services.users.set_role(anna.id, "admin"),
        "disable": lambda: services.users.set_disabled(anna.id, True),
        "end_sessions": lambda: services.users.end_sessions(anna.id),
    }
    actions[change]()
    thief = app.test_client()
    thief.set_cookie("ppi_session", cookie)
    assert thief.get("/list_files").status_code == 401


def test_an_answer_that_comes_late_undoes_no_log_in(app):
    browser, other_tab = log_in(app)[0], app.test_client()
    other_tab.set_cookie("ppi_session", browser.get_cookie("ppi_session").value)
    page = {"Accept": "text/html"}
    answers = [other_tab.get("/list_files"), other_tab.get("/help"), other_tab.get("/help", headers=page)]
    browser.get("/logout")
    answers += [other_tab.get("/list_files"), other_tab.get("/help", headers=page)]
    assert [one.status_code for one in answers] == [200, 200, 200, 401, 200]
    assert [one.headers.get("Set-Cookie") for one in answers] == [None] * 5


def test_who_looks_at_a_page_within_a_fortnight_stays_logged_in(app, monkeypatch):
    day_s, now_s = 24 * 3600, time.time()
    client, _ = log_in(app)
    for days in (13, 26, 39):
        monkeypatch.setattr(time, "time", lambda: now_s + days * day_s)  # noqa: B023
        assert "Set-Cookie" not in client.get("/list_files").headers
        assert "ppi_session" in client.get("/help", headers={"Accept": "text/html"}).headers["Set-Cookie"]
    monkeypatch.setattr(time, "time", lambda: now_s + 54 * day_s)
    assert not is_in(client)


def test_logging_out_here_leaves_the_other_session_alone(app):
    here, there = log_in(app)[0], log_in(app)[0]
    here.get("/logout")
    assert not is_in(here) and is_in(there)


def test_the_eleventh_try_for_a_name_is_refused_whatever_the_address(app):
    for number in range(10):
        environ = {"REMOTE_ADDR": f"10.0.0.{number}"}
        assert app.test_client().post("/api/login", json={**GOOD, "password": "x"}, environ_base=environ).status_code == 401
    answer = app.test_client().post("/api/login", json=GOOD, environ_base={"REMOTE_ADDR": "10.0.0.99"})
    assert (answer.status_code, answer.json["code"]) == (429, "too_many_tries")


def test_the_eleventh_try_from_an_address_is_refused_whatever_the_name_and_the_count_is_shared(app, services):
    from ppi.web.app import build_app

    for number in range(10):
        app.test_client().post("/api/login", json={"username": f"name{number}", "password": "x"})
    another_process = build_app(services)
    assert another_process.test_client().post("/api/login", json=GOOD).status_code == 429


@pytest.mark.parametrize("body", [b"[]", b'{"username": "\\ud800"}', b'{"username": "' + b"x" * 3_000_000 + b'"}'])
def test_requests_that_cannot_be_read_give_no_new_tries(app, body):
    def tries(number):
        return [app.test_client().post("/api/login", json={**GOOD, "password": "x"}).status_code for _ in range(number)]

    assert tries(8) == [401] * 8
    assert app.test_client().post("/api/login", data=body, content_type="application/json").status_code in (400, 401, 413)
    assert tries(3) == [401, 429, 429]


def test_a_forged_forwarding_header_gives_no_new_tries(app):
    for number in range(10):
        app.test_client().post(
            "/api/login", json={"username": f"n{number}", "password": "x"}, headers={"X-Forwarded-For": f"1.2.3.{number}"}
        )
    assert app.test_client().post("/api/login", json=GOOD, headers={"X-Forwarded-For": "9.9.9.9"}).status_code == 429


@pytest.mark.parametrize("wanted", [
    "https://evil.test/", "//evil.test", "/\\evil.test", "\\\\evil.test", "/\tevil", "javascript:alert(1)", "///evil.test",
    "/api/status/x", "/logout", "", "evil", "/nothing-here", "http:evil.test", "/\x00",
])  # fmt: skip
def test_a_log_in_never_leads_away(app, wanted):
    with app.test_request_context():
        assert safe_target(wanted) == "/"


def test_a_log_in_leads_back_to_a_page(app):
    with app.test_request_context():
        assert safe_target("/dataset?lesson=1") == "/dataset?lesson=1"
