"""JSON of every shape at every address that takes a body: a clear answer, soon, below 500."""

from __future__ import annotations

import json
import random
import time

import pytest

from tests.hostile import bombs
from tests.web.test_access import addresses, lesson  # noqa: F401  (a fixture)

SOON_S = 5


@pytest.fixture
def changing(app, lesson) -> list[str]:  # noqa: F811
    """The paths that take a POST, for anna's lesson; deleting it comes last."""
    found = {path for _, method, path in addresses(app, lesson) if method == "POST"}
    assert len(found) > 12
    return sorted(found, key=lambda path: ("delete" in path, path))


def send(client, path: str, body: bytes) -> int:
    began = time.monotonic()
    answer = client.post(path, data=body, content_type="application/json", headers={"Tus-Resumable": "1.0.0"})
    assert answer.status_code < 500, (path, body[:80], answer.text)
    assert time.monotonic() - began < SOON_S, (path, body[:80])
    if answer.status_code >= 400 and answer.is_json:
        assert answer.json["error"] and answer.json["code"]
    return answer.status_code


@pytest.mark.parametrize("caller", ["anna", pytest.param("admin", marks=pytest.mark.slow), ""])
def test_no_body_breaks_an_address(client_for, changing, caller):
    client, seen = client_for(caller), set()
    for path in changing:
        for body in bombs.JSON:
            seen.add(send(client, path, body))
    assert 400 in seen or not caller


@pytest.mark.parametrize("share", [0.1, pytest.param(1.0, marks=pytest.mark.slow)])
def test_no_value_in_a_field_breaks_an_address(client_for, changing, lesson, share):  # noqa: F811
    """Each field in turn is strange, the others are as they should be."""
    client, good = client_for("anna"), {"file_id": lesson.id, "object_name": lesson.video_key, "username": "anna"}
    chance = random.Random(9)
    for path in (path for path in changing if "delete" not in path):
        for field in bombs.FIELDS:
            for value in (value for value in bombs.VALUES if chance.random() < share):
                others = json.dumps({name: kept for name, kept in good.items() if name != field})
                assert send(client, path, f'{others[:-1]}, "{field}": {value}}}'.encode()) < 500


def test_numbers_that_are_none_are_not_taken(client_for):
    for value in ("1e999", "NaN", "Infinity"):
        body = f'{{"object_name": "x/y.mp4", "parts": {value}}}'
        answer = client_for("anna").post("/api/process-video", data=body, content_type="application/json")
        assert (answer.status_code, answer.json["code"]) == (400, "input")


@pytest.mark.parametrize("parts", [0, -1, 101, 10**400])
def test_a_lesson_is_not_cut_anew_into_a_number_of_parts_that_none_may_have(client_for, lesson, parts):  # noqa: F811
    answer = client_for("anna").post("/api/process-video", json={"object_name": lesson.video_key, "parts": parts})
    assert (answer.status_code, answer.json["code"]) == (400, "input")
