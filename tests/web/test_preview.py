"""Step 2 before anything is built: files are kept and understood at once, odd labels get a meaning that builds obey."""

from __future__ import annotations

import io
import json
import re

import pytest

from ppi.storage import keys
from ppi.workflows import annotate, build_dataset, meanings, plain_plan, plain_understood, preview
from tests.web.test_dataset_form import lesson  # noqa: F401

TABLE = "Паттерн;Описание\nОбъяснение;Объясняет\nПохвала;Хвалит\nВопрос;Спрашивает\n".encode()
MARKS = (
    "start,end,label,annotator\n1,4,Обьяснение,1\n10,12,Похвала,1\n20,22,Обьяснение,2\n30,31,тест,2\n90,95,Похвала,1\n"
).encode()
FORM = {"Accept": "text/html"}


@pytest.fixture
def browser(session_for):
    """Anna without scripts: a session, and forms with the token as a field."""
    return session_for("anna")


def give(client, lesson, marks=None, table=None, name="marks.csv", **fields):  # noqa: F811
    files = {"annotations": (io.BytesIO(marks), name)} if marks is not None else {}
    files |= {"patterns": (io.BytesIO(table), "p.csv")} if table is not None else {}
    return client.post(f"/api/lessons/{lesson.id}/annotations", data={**fields, **files}, content_type="multipart/form-data")


def shown(client, lesson):  # noqa: F811
    return client.get(f"/api/lessons/{lesson.id}/preview").json


def choose(client, lesson, **chosen):  # noqa: F811
    return client.post(f"/api/lessons/{lesson.id}/meanings", json={"meanings": chosen})


def token(page: str) -> str:
    return re.search(r'name="csrf_token" value="([^"]+)"', page)[1]


def test_segments_odd_labels_and_what_is_left_out_are_told_before_a_build(anna, services, lesson):  # noqa: F811
    assert shown(anna, lesson)["segments"] is None
    assert give(anna, lesson, MARKS, TABLE).json == {"success": True, "segments": 4, "undecided": 2, "dropped": 1}
    found = shown(anna, lesson)
    assert [(one["start_s"], one["annotator"], one["patterns"]) for one in found["segments"]] == [
        (1.0, "1", ["Обьяснение"]), (10.0, "1", ["Похвала"]), (20.0, "2", ["Обьяснение"]), (30.0, "2", ["тест"]),
    ]  # fmt: skip
    odd, test = found["labels"]
    assert (odd["name"], odd["marks"], odd["near"], odd["meaning"]) == ("Обьяснение", 2, ["Объяснение"], None)
    assert (test["name"], test["near"]) == ("тест", [])
    assert [item["reason"] for item in found["dropped"]] == ["outside_recording"]
    assert found["unused"] == ["Объяснение", "Вопрос"]
    assert not [job for job in services.ledger.list(lesson_id=lesson.id) if job.kind == "build_dataset"]


def test_the_page_shows_them_in_words(anna, lesson):  # noqa: F811
    give(anna, lesson, MARKS, TABLE)
    page = anna.get(f"/dataset?lesson={lesson.id}", headers={"Accept-Language": "ru"}).text
    assert "лежит за пределами записи" in page or "outside_recording" not in page
    assert page.count("<tr><td") == 4 and 'value="=Объяснение"' in page


def test_the_next_page_of_a_preview_works_nothing_out_again_until_something_changes(anna, lesson, monkeypatch):  # noqa: F811
    give(anna, lesson, MARKS, TABLE)
    before = shown(anna, lesson)
    planned = plain_plan.planned
    monkeypatch.setattr(plain_plan, "planned", lambda *given: pytest.fail("it was worked out again"))
    assert shown(anna, lesson) == before and "Обьяснение" in anna.get(f"/dataset?lesson={lesson.id}&segments=2").text
    monkeypatch.setattr(plain_plan, "planned", planned)
    choose(anna, lesson, тест="Похвала")
    assert [one["patterns"] for one in shown(anna, lesson)["segments"]][3] == ["Похвала"]
    give(anna, lesson, MARKS.split(b"\n10,")[0])
    assert len(shown(anna, lesson)["segments"]) == 1


def test_what_is_large_is_understood_alike_in_a_child_which_is_stopped_when_it_takes_too_long(
    anna, services, lesson, monkeypatch  # noqa: F811
):
    give(anna, lesson, MARKS, TABLE)
    here = shown(anna, lesson)
    monkeypatch.setattr(plain_understood, "QUICK_TABLE_BYTES", 0)
    assert give(anna, lesson, MARKS.replace(b"1,4,", b"1,5,")).json["segments"] == 4
    apart = shown(anna, lesson)
    assert apart["segments"][0].pop("end_s") == 5.0 and here["segments"][0].pop("end_s") == 4.0 and apart == here
    monkeypatch.setattr(plain_understood, "CHILD_TIMEOUT_S", 0)
    refused = give(anna, lesson, MARKS)
    assert refused.status_code == 422 and "too much time or memory" in refused.json["error"]
    assert len(shown(anna, lesson)["segments"]) == 4, "what was there stays"


def test_annotations_are_understood_without_a_table_and_no_label_is_odd_then(anna, lesson):  # noqa: F811
    assert give(anna, lesson, MARKS).json["segments"] == 4
    assert shown(anna, lesson)["labels"] == []
    page = anna.get(f"/dataset?lesson={lesson.id}").text
    assert "Give the table of patterns" in page and re.search(r'type="submit" disabled aria-describedby="build-needs"', page)
    give(anna, lesson, table=TABLE)
    assert len(shown(anna, lesson)["labels"]) == 2


def test_a_bad_file_is_refused_with_a_reason_and_what_was_there_stays(anna, lesson):  # noqa: F811
    give(anna, lesson, MARKS, TABLE)
    before = shown(anna, lesson)
    for bad in (b"", b"PK\x03\x04 no annotations", b"start,end,label\n1,x,A\n", b"start,end,label\n90,95,A\n", b"[{]"):
        answer = give(anna, lesson, bad)
        assert answer.status_code in (400, 422) and answer.json["error"], bad
        assert answer.json["code"] in ("annotation", "dataset", "input"), bad
        assert shown(anna, lesson) == before, bad
    assert give(anna, lesson, table=b"Nothing;useful\n").status_code == 422
    assert shown(anna, lesson) == before


def test_a_form_gets_its_page_again_with_the_message_and_what_is_kept(browser, anna, lesson):  # noqa: F811
    give(anna, lesson, MARKS, TABLE)
    page = browser.get(f"/dataset?lesson={lesson.id}").text
    answer = browser.post(
        f"/api/lessons/{lesson.id}/annotations", headers=FORM, content_type="multipart/form-data",
        data={"csrf_token": token(page), "annotations": (io.BytesIO(b"PK zip"), "x.json")},
    )  # fmt: skip
    assert answer.status_code == 422 and "holds no annotations that PPI knows" in answer.text
    assert answer.text.count("<tr><td") == 4


def test_a_meaning_is_kept_used_and_taken_back(anna, services, lesson):  # noqa: F811
    give(anna, lesson, MARKS, TABLE)
    assert choose(anna, lesson, **{"Обьяснение": "Объяснение", "тест": ""}).json["undecided"] == 0
    found = shown(anna, lesson)
    assert [one["patterns"] for one in found["segments"]] == [["Объяснение"], ["Похвала"], ["Объяснение"]]
    assert [item["reason"] for item in found["dropped"]].count("label_left_out") == 1
    give(anna, lesson, MARKS.replace(b"10,12", b"11,12"))  # another file: the choice stays
    assert shown(anna, lesson)["segments"][0]["patterns"] == ["Объяснение"]
    choose(anna, lesson, **{"Обьяснение": None})
    assert meanings.kept(services, lesson) == {"тест": ""}
    anna.post(f"/api/lessons/{lesson.id}/meanings", json={"reset": True})
    assert meanings.kept(services, lesson) == {}
    assert [one["patterns"] for one in shown(anna, lesson)["segments"]][0] == ["Обьяснение"]


def test_a_meaning_that_the_table_does_not_hold_is_refused(anna, services, lesson):  # noqa: F811
    give(anna, lesson, MARKS, TABLE)
    answer = choose(anna, lesson, **{"тест": "Придумано"})
    assert answer.status_code == 400 and "Придумано" in answer.json["error"]
    assert meanings.kept(services, lesson) == {}
    for wrong in ({"meanings": ["тест"]}, {"meanings": {"тест": 1}}, ["x"], {}):
        assert anna.post(f"/api/lessons/{lesson.id}/meanings", json=wrong).status_code == 400


def test_a_meaning_whose_pattern_left_the_table_is_shown_as_lost(anna, lesson):  # noqa: F811
    give(anna, lesson, MARKS, TABLE)
    choose(anna, lesson, **{"Обьяснение": "Объяснение"})
    give(anna, lesson, table="Паттерн;Описание\nПохвала;Хвалит\n".encode())
    odd = next(label for label in shown(anna, lesson)["labels"] if label["name"] == "Обьяснение")
    assert odd["is_lost"] and odd["meaning"] == "Объяснение"
    assert "has no “Объяснение” any more" in anna.get(f"/dataset?lesson={lesson.id}").text


def test_the_form_of_the_page_chooses_without_a_script(browser, anna, services, lesson):  # noqa: F811
    give(anna, lesson, MARKS, TABLE)
    page = browser.get(f"/dataset?lesson={lesson.id}").text
    form = {
        "csrf_token": token(page), "label-0": "Обьяснение", "meaning-0": "another", "other-0": "Вопрос", "label-1": "тест",
        "meaning-1": "left-out", "other-1": "",
    }  # fmt: skip
    answer = browser.post(f"/api/lessons/{lesson.id}/meanings?labels=1", data=form, headers=FORM)
    assert (answer.status_code, answer.location) == (302, f"/dataset?lesson={lesson.id}&labels=1&saved=1")
    assert 'role="status" tabindex="-1" autofocus>The decisions are saved.' in browser.get(answer.location).text
    assert meanings.kept(services, lesson) == {"Обьяснение": "Вопрос", "тест": ""}
    wrong = browser.post(f"/api/lessons/{lesson.id}/meanings", data=form | {"other-0": "Нет такого"}, headers=FORM)
    assert wrong.status_code == 400 and wrong.text.count("<tr><td") == 3
    assert re.search(r'<section[^>]* id="labels">.*role="alert" [^>]*autofocus>[^<]*Нет такого', wrong.text, re.DOTALL)
    assert 'value="Нет такого"' in wrong.text, "what was typed is not lost"
    form |= {"meaning-0": "as-written", "other-0": ""}
    browser.post(f"/api/lessons/{lesson.id}/meanings", data=form, headers=FORM)
    assert meanings.kept(services, lesson) == {"тест": ""}
    answer = browser.post(f"/api/lessons/{lesson.id}/meanings", data=form | {"reset": "1", "sure": "yes"}, headers=FORM)
    assert meanings.kept(services, lesson) == {}
    # The page says at its head what happened, and the focus is there: a place in the address would take it.
    assert answer.location == f"/dataset?lesson={lesson.id}"
    assert 'role="status" tabindex="-1" autofocus>All choices are taken back.' in browser.get(answer.location).text


def labels_page(browser, lesson, number):  # noqa: F811
    """The page's text, and the fields of its labels as they stand in it."""
    page = browser.get(f"/dataset?lesson={lesson.id}&labels={number}").text
    hidden = re.findall(r'<input type="hidden" name="((?:label|seen)-\d+)" value="([^"]*)"', page)
    marked = re.findall(r'type="radio" id="[^"]+" name="(meaning-\d+)" value="([^"]*)" checked', page)
    return page, dict(hidden) | dict(marked) | {"csrf_token": token(page)}


def test_who_turns_the_labels_without_a_script_loses_no_choice_and_takes_back_nobody_elses(
    browser, anna, services, lesson  # noqa: F811
):
    many = "start,end,label\n" + "".join(f"{n},{n + 1},Метка {n:02}\n" for n in range(40))
    give(anna, lesson, many.encode(), TABLE)
    first, form = labels_page(browser, lesson, 1)
    turned = re.search(r'form="meanings" formaction="([^"]+)" data-there="[^"]+#labels"', first)[1].replace("&amp;", "&")
    nothing = browser.post(turned, data=form, headers=FORM)
    assert (nothing.status_code, nothing.location) == (302, f"/dataset?lesson={lesson.id}&labels=2#labels")
    choose(anna, lesson, **{"Метка 01": "Похвала"})  # elsewhere, while the page is open
    answer = browser.post(turned, data=form | {"meaning-0": "left-out"}, headers=FORM)
    assert answer.status_code == 302 and "labels=2" in answer.location
    assert meanings.kept(services, lesson) == {"Метка 00": "", "Метка 01": "Похвала"}
    second = browser.get(answer.location).text
    assert "The decisions are saved." in second and 'value="Метка 15"' in second and 'value="Метка 00"' not in second
    refused = browser.post(turned, data=form | {"meaning-2": "another", "other-2": "Нет такого"}, headers=FORM)
    assert refused.status_code == 400 and 'value="Нет такого"' in refused.text, "the page where it was typed, not the next one"
    assert 'value="Метка 00"' in refused.text and "labels=1" in re.search(r'<form[^>]* id="meanings"', refused.text)[0]


def test_nothing_changes_under_a_build(anna, services, lesson):  # noqa: F811
    give(anna, lesson, MARKS, TABLE)
    services.ledger.submit("build_dataset", lesson.owner_id, lesson.id, {})
    assert give(anna, lesson, MARKS).status_code == 409
    assert choose(anna, lesson, **{"тест": ""}).status_code == 409


def test_long_lists_come_in_pages(anna, lesson):  # noqa: F811
    many = "start,end,label\n" + "".join(f"{n % 60},{n % 60 + 1 + n // 60 * 0.05},Метка {n % 40}\n" for n in range(3_000))
    give(anna, lesson, many.encode(), TABLE)
    page = anna.get(f"/dataset?lesson={lesson.id}").text
    assert page.count("<tr><td") == 40 and "3000 samples will be made" in page and len(page) < 60_000
    second = anna.get(f"/dataset?lesson={lesson.id}&segments=2&labels=2").text
    assert ">41</td>" in second and "labels=2" in re.search(r'rel="next" href="([^"]+segments=3[^"]*)"', second)[1]


def test_of_what_was_brought_and_what_was_fetched_the_newest_is_used_and_the_other_offered(anna, services, lesson):  # noqa: F811
    fetched = json.dumps([{"id": 1, "data": {}, "annotations": [{"id": 2, "completed_by": 7, "result": [
        {"id": "a", "type": "labels", "value": {"start": 2, "end": 3, "labels": ["Похвала"]}}]}]}])  # fmt: skip
    key = keys.derivative_key(lesson.video_key, annotate.FETCHED)
    services.store.put_bytes(services.raw, key, fetched.encode())
    assert shown(anna, lesson)["is_fetched"] is True
    give(anna, lesson, MARKS, TABLE)
    found = shown(anna, lesson)
    assert found["is_fetched"] is False and len(found["segments"]) == 4
    assert "Use those fetched from Label Studio" in anna.get(f"/dataset?lesson={lesson.id}").text
    assert give(anna, lesson, fetched="1").json["segments"] == 1
    assert build_dataset.request_build(services, lesson).kind == "build_dataset"


def test_choices_of_two_people_at_once_are_both_kept(services, anna, lesson):  # noqa: F811
    give(anna, lesson, MARKS, TABLE)
    preview.choose(services, lesson, {"тест": ""})
    preview.choose(services, lesson, {"Обьяснение": "Объяснение"})
    assert meanings.kept(services, lesson) == {"тест": "", "Обьяснение": "Объяснение"}
