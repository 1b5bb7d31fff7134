"""The list of lessons: searched, narrowed, sorted, in pages, always with the same number of questions; many deleted at once."""

from __future__ import annotations

import re

import pytest

from tests.conftest import PASSWORD


@pytest.fixture
def make(services):
    def one(name, owner="anna", state="stored"):
        user = services.users.by_name(owner)
        row = services.lessons.reserve(
            name=name, owner_id=user.id, owner_name=user.name, size_bytes=10, parts=1, max_lessons=None, expires_s=9e12,
            layout=lambda serial: (f"{name}-{serial}/", f"{name}-{serial}/v.mp4"),
        )  # fmt: skip
        services.lessons.move_on(row.id, "uploading", state)
        return services.lessons.get(row.id)

    return one


@pytest.fixture
def person(app):
    """`person("anna")`: a client with a session, and the token for forms."""

    def log_in(name):
        client = app.test_client()
        token = client.post("/api/login", json={"username": name, "password": PASSWORD}).json["csrf_token"]
        return client, token

    return log_in


def titles(page):
    return re.findall(r'<a class="title" [^>]*>([^<]+)</a>', page.text)


def test_pages_searches_filters_and_orders_are_plain_addresses(person, make):
    for number in range(30):
        make(f"урок {number:02}")
    make("Чужой", owner="boris")
    client, _ = person("anna")
    first = client.get("/lessons")
    assert titles(first)[0] == "урок 29" and len(titles(first)) == 25 and "Чужой" not in first.text
    assert titles(client.get("/lessons?page=2")) == [f"урок {number:02}" for number in range(4, -1, -1)]
    assert titles(client.get("/lessons?page=99")) == titles(client.get("/lessons?page=2"))
    assert titles(client.get("/lessons?text=УРОК+07")) == ["урок 07"]
    assert titles(client.get("/lessons?sort=name"))[0] == "урок 00"
    assert titles(client.get("/lessons?sort=nonsense&page=x&state=y"))[0] == "урок 29"
    assert 'rel="next" href="/lessons?page=2&amp;text=' in client.get("/lessons?text=урок").text
    nothing = client.get("/lessons?state=uploading")
    assert titles(nothing) == [] and "No lesson fits" in nothing.text
    assert len(titles(client.get("/"))) == 5


def test_an_administrator_sees_everybodys_lessons_and_others_cannot_ask_for_them(person, make, services):
    make("Анны"), make("Бориса", owner="boris")
    admin, _ = person("admin")
    assert titles(admin.get("/lessons")) == ["Бориса", "Анны"]
    boris = services.users.by_name("boris").id
    assert titles(admin.get(f"/lessons?owner={boris}")) == ["Бориса"]
    anna, _ = person("anna")
    assert titles(anna.get(f"/lessons?owner={boris}")) == ["Анны"]


def test_a_row_says_what_is_done_what_runs_and_what_is_next(person, make, services):
    row = make("Вода")
    job = services.ledger.submit("ingest", row.owner_id, row.id, {}, queue="media")
    services.ledger.claim("1:0:a", "host", ["media"], 4)
    services.ledger.finish(job.id, 1, {"duration_s": 63.9, "has_poster": True})
    client, _ = person("anna")
    page = client.get("/lessons").text
    assert ">01:03<" in page and ".poster.jpg" in page and "Next: transcribe" in page
    services.ledger.submit("transcribe", row.owner_id, row.id, {}, queue="speech")
    page = client.get("/lessons?state=working").text
    assert '<li class="done">Video' in page and '<li class="runs">Transcript' in page and "Next:" not in page


def test_the_number_of_questions_does_not_grow_with_the_list(person, make, services, monkeypatch):
    client, _ = person("admin")
    asked = []
    connection = services.lessons._database._open()
    for count in (2, 22):
        for number in range(count):
            make(f"{count}-{number}")
        asked.append([])
        monkeypatch.setattr(services.lessons._database, "_open", lambda: connection)
        connection.set_trace_callback(asked[-1].append)
        assert client.get("/lessons").status_code == 200
        connection.set_trace_callback(None)
    assert len(asked[0]) == len(asked[1]) > 0


def test_lessons_are_deleted_together_after_a_question_that_names_them(person, make, services):
    rows = [make("Первый"), make("Второй"), make("Занятый")]
    other = make("Чужой", owner="boris")
    services.ledger.submit("transcribe", rows[2].owner_id, rows[2].id, {}, queue="speech")
    client, token = person("anna")
    chosen = {"csrf_token": token, "lesson": [row.id for row in (*rows, other)]}
    question = client.post("/lessons/delete", data=chosen)
    assert all(row.name in question.text for row in rows) and "Чужой" not in question.text and "3 lessons" in question.text
    assert len(services.lessons.list()) == 4
    page = client.post("/lessons/delete", data={**chosen, "sure": "yes"}, follow_redirects=True)
    assert "2 lessons were deleted." in page.text and "Занятый: A job of this lesson is still running" in page.text
    assert {row.name for row in services.lessons.list()} == {"Занятый", "Чужой"}
    acts = services.audit.find(action="delete lesson", limit=9)
    assert {act.object for act in acts} == {rows[0].id, rows[1].id}
    nothing = client.post("/lessons/delete", data={"csrf_token": token})
    assert nothing.status_code == 400 and "Choose at least one lesson." in nothing.text
