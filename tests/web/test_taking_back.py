"""A file that another one was given in place of is kept, and taken back with one press, with scripts and without."""

from __future__ import annotations

import io

import pytest

from ppi.storage import keys
from ppi.workflows import lessons
from tests.web.test_dataset_form import lesson  # noqa: F401
from tests.web.test_plain_forms import ACCEPT
from tests.web.test_preview import MARKS, TABLE, give, shown, token

OTHER = b"start,end,label,annotator\n5,6,X,7\n"
AGAIN = "Take it back"


@pytest.fixture
def anna(client_for):
    return client_for("anna")


def kept(services, row):  # noqa: F811
    """What lies with the lesson of annotations and tables: {suffix: bytes}."""
    found = lessons.view(services, row).files
    return {
        suffix: b"".join(services.store.read(services.raw, item.key))
        for suffix, item in found.items() if "annotations" in suffix or "patterns" in suffix
    }  # fmt: skip


def test_annotations_that_were_replaced_come_back_and_those_instead_of_them_too(anna, services, lesson):  # noqa: F811
    page = f"/dataset?lesson={lesson.id}"
    give(anna, lesson, MARKS, TABLE)
    give(anna, lesson, MARKS)
    assert AGAIN not in anna.get(page).text and len(kept(services, lesson)) == 2, "the same file replaces nothing"
    give(anna, lesson, OTHER)
    assert AGAIN in anna.get(page).text and "stood here until" in anna.get(page).text
    back = f"/api/lessons/{lesson.id}/before/annotations"
    assert anna.post(back).json == {"success": True, "segments": 4, "undecided": 2, "dropped": 1}
    assert kept(services, lesson) == {".annotations.csv": MARKS, ".before.annotations.csv": OTHER, ".patterns.csv": TABLE}
    anna.post(back)
    assert [one["annotator"] for one in shown(anna, lesson)["segments"]] == ["7"]
    assert [act.object for act in services.audit.find(action="take file back")] == [lesson.id] * 2


def test_of_annotations_of_several_formats_the_last_one_is_kept_and_a_bad_file_takes_nothing_away(anna, services, lesson):  # noqa: F811
    give(anna, lesson, MARKS, TABLE)
    sheet = b'{"annotations": 1}'
    give(anna, lesson, sheet, name="bad.json")
    assert ".before.annotations.csv" not in kept(services, lesson)
    give(anna, lesson, OTHER)
    give(anna, lesson, MARKS + b"40,41,X,1\n")
    found = kept(services, lesson)
    assert found[".before.annotations.csv"] == OTHER and sum(name.startswith(".before.") for name in found) == 1


def test_a_table_comes_back_without_a_script_and_goes_with_the_lesson(session_for, services, lesson):  # noqa: F811
    browser, page = session_for("anna"), f"/dataset?lesson={lesson.id}"
    form = {"csrf_token": token(browser.get(page).text)}
    other = "Паттерн;Описание\nДругой;Иначе\n".encode()
    for number, table in enumerate((TABLE, other)):
        given = {**form, "patterns": (io.BytesIO(table), f"{number}.csv")}
        browser.post(f"/api/lessons/{lesson.id}/annotations", data=given, headers=ACCEPT, content_type="multipart/form-data")
    address = f"/api/lessons/{lesson.id}/before/patterns"
    assert f'formaction="{address}"' in browser.get(page).text
    answer = browser.post(address, data=form, headers=ACCEPT, content_type="multipart/form-data")
    assert (answer.status_code, answer.location) == (302, f"{page}#given")
    assert kept(services, lesson) == {".patterns.csv": TABLE, ".before.patterns.csv": other}
    services.store.delete(services.raw, keys.derivative_key(lesson.video_key, ".before.patterns.csv"))
    gone = browser.post(address, data=form, headers=ACCEPT, content_type="multipart/form-data")
    assert gone.status_code == 404 and "Give the file again." in gone.text
