"""The form for a joined dataset: lessons are searched page by page, and what was chosen stays, without scripts too."""

# ruff: noqa: F811  (fixtures of another module)
from __future__ import annotations

import re

import pytest

from tests.web.test_lesson_list import make, person  # noqa: F401  (fixtures)
from tests.web.test_plain_forms import ACCEPT


@pytest.fixture
def build(make, services):
    """`build(name)`: a lesson that has a dataset, as far as lists can know."""

    def one(name, owner="anna"):
        row = make(name, owner)
        job = services.ledger.submit("build_dataset", row.owner_id, row.id, {}, queue="media")
        services.ledger.claim(f"1:0:{row.id}", "host", ["media"], 4)
        services.ledger.finish(job.id, 1, {})
        return row

    return one


def boxes(page: str, part: str) -> list[tuple[str, str]]:
    """The boxes of a part of the form, `found` or `chosen`: number of the lesson, and what else stands in the box."""
    return re.findall(rf'value="([^"]+)" id="{part}-[^"]+"([^>]*)>', page)


def test_what_was_chosen_stays_through_searches_and_pages_without_a_script(person, build):
    client, token = person("anna")
    rows = [build(f"Урок {number:02}") for number in range(20)]
    foreign = build("Урок Бориса", "boris")
    page = client.get("/joined").text
    assert [one for one, _ in boxes(page, "found")] == [row.id for row in rows[:11:-1]] and boxes(page, "chosen") == []

    form = {"csrf_token": token, "name": "Две недели", "seed": "3", "by": "lesson"}
    form |= {"train": "60", "validation": "20", "test": "20"}
    ticked = {"lessons": [rows[19].id, foreign.id], "find": "урок 0", "page": "1"}
    page = client.post("/joined", data=form | ticked, headers=ACCEPT).text
    assert [one for one, _ in boxes(page, "chosen")] == [rows[19].id], "nobody else's lesson"
    assert [one for one, _ in boxes(page, "found")] == [row.id for row in rows[9:1:-1]]
    assert 'value="Две недели"' in page and 'value="60"' in page and re.search(r'value="lesson" id="by-lesson" checked', page)
    page = client.post("/joined", data=form | ticked | {"page": "2"}, headers=ACCEPT).text
    assert [one for one, _ in boxes(page, "found")] == [rows[1].id, rows[0].id] and len(boxes(page, "chosen")) == 1

    ticked = {"lessons": [rows[19].id], "find": "урок 0", "all": "2"}
    page = client.post("/joined", data=form | ticked, headers=ACCEPT).text
    assert {one for one, _ in boxes(page, "chosen")} == {rows[number].id for number in (0, 1, 19)}
    assert all("checked disabled" in state for _, state in boxes(page, "found")), "sent from the list of the chosen alone"
    part = client.get("/lessons?part=choice&to=joined&find=урок 0&page=2").text
    assert [one for one, _ in boxes(part, "found")] == [rows[1].id, rows[0].id] and "<html" not in part


def test_a_lesson_that_was_withdrawn_is_not_offered_until_it_is_built_again(person, build, services):
    client, _ = person("anna")
    row = build("Вода")
    job = services.ledger.submit("withdraw", row.owner_id, row.id, {}, queue="media")
    services.ledger.claim("1:0:w", "host", ["media"], 4)
    services.ledger.finish(job.id, 1, {})
    assert boxes(client.get("/joined").text, "found") == []
    job = services.ledger.submit("build_dataset", row.owner_id, row.id, {}, queue="media")
    services.ledger.claim("1:0:b", "host", ["media"], 4)
    services.ledger.finish(job.id, 1, {})
    assert len(boxes(client.get("/joined").text, "found")) == 1


@pytest.mark.parametrize("many", [False, True])
def test_the_form_asks_as_many_questions_for_hundreds_of_lessons_as_for_two(person, build, services, monkeypatch, many):
    client, token = person("admin")
    connection, asked, rows = services.lessons._database._open(), [], []
    monkeypatch.setattr(services.lessons._database, "_open", lambda: connection)
    for count in (2, 30):
        rows += [build(f"{count}-{number}") for number in range(count)]
        asked.append([])
        connection.set_trace_callback(asked[-1].append)
        if many:
            chosen = {"csrf_token": token, "lessons": [row.id for row in rows], "page": "1"}
            page = client.post("/joined", data=chosen, headers=ACCEPT).text
            assert len(boxes(page, "chosen")) == len(rows)
        else:
            page = client.get("/joined").text
        connection.set_trace_callback(None)
        assert len(boxes(page, "found")) == min(8, len(rows))
    assert len(asked[0]) == len(asked[1]) > 0
