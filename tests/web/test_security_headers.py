"""Every answer of every address carries the headers that keep browsers from running, framing or leaking anything."""

from __future__ import annotations

import re

import pytest

from ppi.web.access import ACCESS
from ppi.web.app import build_app
from tests.web.test_access import addresses, call, lesson  # noqa: F401  (a fixture)

# Bytes that people gave us are shown, never run.
STORED_POLICY = "default-src 'none'; sandbox"
PAGES = (
    "/", "/files", "/dataset", "/publish", "/account", "/help", "/api/docs", "/admin/system", "/admin/audit", "/styleguide",
    "/nothing",
)  # fmt: skip


def faults_of(answer) -> list[str]:
    """What is wrong with the headers of this answer."""
    policy = answer.headers.get("Content-Security-Policy", "")
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split(";") if rule.strip()}
    scripts = rules.get("script-src", rules.get("default-src", ["*"]))
    framing = rules.get("frame-ancestors") == ["'none'"] or policy == STORED_POLICY
    kept = {
        "scripts of our own only": set(scripts) in ({"'self'"}, {"'none'"}),
        "nothing unsafe": "unsafe" not in policy,
        "no frames": framing and answer.headers.get("X-Frame-Options") == "DENY",
        "nosniff": answer.headers.get("X-Content-Type-Options") == "nosniff",
        "referrer": answer.headers.get("Referrer-Policy") in ("same-origin", "no-referrer"),
    }
    return [name for name, is_kept in kept.items() if not is_kept]


@pytest.mark.parametrize("caller", ["", "anna", "boris", "admin"])
def test_every_address_answers_everybody_with_the_headers(app, client_for, lesson, caller):  # noqa: F811
    client, statuses, endpoints = client_for(caller), set(), set()
    for endpoint, method, path in addresses(app, lesson):
        answer = call(client, method, path)
        assert faults_of(answer) == [], (endpoint, method, answer.status_code)
        statuses.add(answer.status_code)
        endpoints.add(endpoint)
    assert endpoints == set(ACCESS)
    assert {200, 302} <= statuses and statuses & {401, 403, 404}


def test_bytes_of_the_store_come_with_the_headers_whole_in_part_and_refused(client_for, services, lesson):  # noqa: F811
    client = client_for()
    link = services.store.presign_get(services.raw, lesson.video_key, expires_s=60)
    for headers, status in (({}, 200), ({"Range": "bytes=0-1"}, 206), ({"Range": "bytes=99-"}, 416)):
        answer = client.get(link, headers=headers)
        assert (answer.status_code, faults_of(answer)) == (status, [])
        if status < 400:
            assert answer.headers["Content-Security-Policy"] == STORED_POLICY
    refused = client.get(link.replace("sig=", "sig=0"))
    assert refused.status_code >= 400 and faults_of(refused) == []


def test_static_files_come_with_the_headers_also_when_nothing_changed(client_for):
    client = client_for()
    first = client.get("/static/x/css/base.css")
    again = client.get("/static/x/css/base.css", headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code) == (200, 304)
    assert faults_of(first) == faults_of(again) == []


def test_refusals_of_every_kind_come_with_the_headers(app, client_for, services, monkeypatch):
    client = client_for("anna")
    assert faults_of(client.get("/nothing")) == []
    assert faults_of(client.put("/list_files")) == []
    large = client.post("/delete_file", data=b"x" * 3_000_000, content_type="application/json")
    assert (large.status_code, faults_of(large)) == (413, [])
    for _ in range(11):
        tried = client_for().post("/api/login", json={"username": "x", "password": "y"})
    assert (tried.status_code, faults_of(tried)) == (429, [])

    def broken(*_):
        raise RuntimeError("a fault nobody foresaw")

    monkeypatch.setattr(services.lessons, "list", broken)
    for accept in ("text/html", "application/json"):
        fault = client.get("/files", headers={"Accept": accept})
        assert (fault.status_code, faults_of(fault)) == (500, [])


def test_pages_hold_nothing_that_the_policy_would_refuse(client_for, lesson):  # noqa: F811
    """No scripts or styles inside the page, no handlers in attributes: data for scripts is no script."""
    client = client_for("admin")
    for path in (*PAGES, f"/lessons/{lesson.id}"):
        page = client.get(path).text
        for script in re.findall(r"<script\b[^>]*>", page):
            assert "src=" in script or 'type="application/json"' in script, (path, script)
        assert "<style" not in page and "javascript:" not in page, path
        assert not re.findall(r"<[^>]+\s(?:on[a-z]+|style)\s*=", page), path
        assert not re.findall(r'<(?:script|link|img|iframe|source)\b[^>]*(?:src|href)="(?:https?:)?//', page), path


def test_an_answer_without_the_headers_would_be_noticed(services, monkeypatch):
    monkeypatch.setattr("ppi.web.app._headers", lambda response: response)
    assert len(faults_of(build_app(services).test_client().get("/help"))) >= 4
