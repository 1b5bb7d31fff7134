"""Push, withdrawal, deletion of joined datasets and the agreement of annotators work as plain forms, answered with pages."""

from __future__ import annotations

import io

import pytest

from ppi.services import Services
from ppi.workflows import about_lesson, joined, pushes
from ppi.workflows.joined import Wanted
from tests.conftest import PASSWORD, settings_for, with_people
from tests.functional.stored import work_off
from tests.web.test_agreement_pages import TWO, export, here, lesson, work  # noqa: F401  (two fixtures)
from tests.web.test_plain_forms import ACCEPT, Forms
from tests.web.test_push_page import dry_run


@pytest.fixture
def services(tmp_path) -> Services:
    return with_people(Services(settings_for(tmp_path / "data", HF_TOKEN="hf_of_the_test")))


@pytest.fixture
def anna(app):
    client = app.test_client()
    client.post("/api/login", json={"username": "anna", "password": PASSWORD})
    return client


def send(client, page, ending, **fields):
    """Send the form of a page that goes to an address with this ending, as a browser without scripts does."""
    address, hidden = Forms(client.get(page, headers=ACCEPT).text).to(ending)
    came = {"Referer": f"http://localhost{page}"}
    return client.post(address, data={**hidden, **fields}, headers=ACCEPT | came, content_type="multipart/form-data")


def newest(services, lesson_id):
    job = services.ledger.list(lesson_id=lesson_id, limit=1)[0]
    return job.kind, dict(job.input)


def test_a_dry_run_and_a_push_come_back_to_the_page_with_what_goes_on(anna, services, lesson_with_dataset):
    row, page = lesson_with_dataset, f"/publish?lesson={lesson_with_dataset.id}"
    asked = send(anna, page, "/push", repo_id=" school/x ", private="true")
    assert (asked.status_code, asked.location) == (302, f"{page}#push")
    wanted = {"repo_id": "school/x", "is_private": True, "by": "anna"}
    assert newest(services, row.id) == ("preview_push", wanted)
    waiting = anna.get(page).text
    assert "Look again" in waiting and 'id="push-now"' not in waiting
    services.ledger.cancel(services.ledger.list(lesson_id=row.id, limit=1)[0].id)

    pushes.keep_dry_run(services, row, dry_run(services, row))
    assert send(anna, page, "/push").location == f"{page}#push"  # the first such form is the button below the dry run
    assert newest(services, row.id) == ("publish", wanted)


def test_a_refused_push_says_why_on_a_page(anna, services, lesson_with_dataset):
    page = f"/publish?lesson={lesson_with_dataset.id}"
    refused = send(anna, page, "/push", repo_id="school/x", private="false")
    assert refused.status_code == 403 and "<h1" in refused.text and "private" in refused.text
    assert send(anna, page, "/push", repo_id="Школа", private="true").status_code == 400


def test_a_lesson_is_withdrawn_and_a_joined_dataset_deleted(anna, services, lesson_with_dataset):
    row = lesson_with_dataset
    user = services.users.by_name("anna")
    job = joined.request_join(services, user, wanted=Wanted((row.id,)), name="Все")
    assert work_off(services, job.id).status == "completed"
    page = f"/joined/{job.lesson_id}"
    question = send(anna, page, "/delete")
    assert question.status_code == 200 and "Delete the joined dataset?" in question.text
    assert joined.everything(services)
    _, fields = Forms(question.text).found[-1]
    assert anna.post(f"/api/joined/{job.lesson_id}/delete", data=fields, headers=ACCEPT).location == "/joined"
    assert joined.everything(services) == []

    page = f"/lessons/{row.id}/withdraw"
    wrong = send(anna, page, "/withdraw", name="another")
    assert wrong.status_code == 400 and "type its name" in wrong.text
    assert about_lesson.consent(services, row).state != "withdrawn"
    done = send(anna, page, "/withdraw", name=row.name)
    assert (done.status_code, done.location) == (302, page)
    assert about_lesson.consent(services, row).state == "withdrawn"


def test_annotations_are_added_and_the_gold_set_built(anna, services, lesson, here):  # noqa: F811
    page = f"/lessons/{lesson.id}/agreement"
    for number, data in enumerate((TWO, export({7: [(1, 5, "Похвала П")]}))):
        file = (io.BytesIO(data), f"{number}.json")
        assert send(anna, page, "/agreement/annotations", annotations=file).location == page
    table = "Паттерн;Описание\nПохвала;Ободрение\n".encode()
    services.store.put_bytes(services.raw, lesson.prefix + "урок.patterns.csv", table)
    anna.get(page, headers=ACCEPT)
    while services.ledger.due():  # also the comparisons that the page began after each file
        work(services)
    built = send(anna, page, "/agreement/build")
    assert built.location == f"/dataset?lesson={lesson.id}" and newest(services, lesson.id)[0] == "build_dataset"
    wrong = send(anna, page, "/agreement/annotations", annotations=(io.BytesIO(b"[1]"), "x.json"))
    assert wrong.status_code == 422 and "<h1" in wrong.text
