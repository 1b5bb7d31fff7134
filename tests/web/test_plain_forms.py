"""Pages work without scripts: their forms are sent as a browser sends them, and answered with pages."""

from __future__ import annotations

import io
from html.parser import HTMLParser

import pytest

from ppi.workflows import about_lesson
from tests.conftest import DATA, PASSWORD
from tests.web.test_access import lesson  # noqa: F401  (a fixture)

ACCEPT = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class Forms(HTMLParser):
    """The forms of a page: where they go, and their hidden fields."""

    def __init__(self, page: str):
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "form" and given.get("method") == "post":
            self.found.append((given.get("action") or "", {}))
        if tag == "input" and given.get("type") == "hidden" and self.found:
            self.found[-1][1][given["name"]] = given.get("value") or ""

    def to(self, ending: str) -> tuple[str, dict[str, str]]:
        return next((action, fields) for action, fields in self.found if action.endswith(ending))


@pytest.fixture
def anna(app):
    client = app.test_client()
    client.post("/api/login", json={"username": "anna", "password": PASSWORD})
    return client


def test_a_file_is_deleted_after_a_question_that_names_it(anna, services, lesson):  # noqa: F811
    key = lesson.prefix + "заметки.txt"
    services.store.put_bytes(services.raw, key, b"x")
    row_form = [fields for action, fields in Forms(anna.get("/files").text).found if fields.get("object_name") == key]
    question = anna.post("/delete_file", data=row_form[0], headers={**ACCEPT, "Referer": "http://localhost/files"})
    assert question.status_code == 200 and key in question.text and "Delete?" in question.text
    assert services.store.stat(services.raw, key) and services.audit.find(action="delete file", limit=1) == []
    _, fields = Forms(question.text).found[-1]
    answer = anna.post("/delete_file", data=fields, headers=ACCEPT)
    assert (answer.status_code, answer.location) == (302, "/files")
    assert [act.object for act in services.audit.find(action="delete file", limit=2)] == [key]
    assert key not in anna.get("/files").text


def test_a_failure_of_a_plain_form_is_a_page_and_of_a_script_is_json(anna, services, lesson):  # noqa: F811
    _, fields = Forms(anna.get("/files").text).to("/delete_file")
    gone = {**fields, "object_name": "nobody/has/this", "sure": "yes"}
    page = anna.post("/delete_file", data=gone, headers=ACCEPT)
    assert page.status_code == 404 and "<h1" in page.text
    token = {"X-CSRFToken": fields["csrf_token"]}
    assert anna.post("/delete_file", json={"object_name": "x"}, headers=token).json["code"] == "not_found"


def test_a_plain_form_without_the_token_is_refused(anna, services, lesson):  # noqa: F811
    for address in ("/delete_file", "/api/datasets", f"/api/lessons/{lesson.id}/consent", f"/api/jobs/{lesson.id}/retry"):
        answer = anna.post(address, data={"object_name": lesson.video_key, "sure": "yes"}, headers=ACCEPT)
        assert answer.status_code == 403 and "open too long" in answer.text, address
    assert services.store.stat(services.raw, lesson.video_key)


def test_nobody_is_led_elsewhere_after_a_form(anna, services, lesson):  # noqa: F811
    _, fields = Forms(anna.get("/files").text).to("/delete_file")
    for number, back in enumerate(("//evil.example", "https://evil.example", "/\\evil.example", "javascript:x")):
        key = f"{lesson.prefix}{number}.txt"
        services.store.put_bytes(services.raw, key, b"x")
        sent = {**fields, "object_name": key, "sure": "yes", "back": back}
        assert anna.post("/delete_file", data=sent, headers=ACCEPT | {"Referer": "https://evil.example/"}).location == "/"


def test_consent_retry_and_the_build_are_sent_as_forms(anna, services, lesson):  # noqa: F811
    token = Forms(anna.get("/files").text).to("/delete_file")[1]["csrf_token"]
    came = {**ACCEPT, "Referer": f"http://localhost/lessons/{lesson.id}"}
    consent = {"csrf_token": token, "state": "public", "license": "cc-by-4.0", "embargo_until": "", "teacher": "T1"}
    answer = anna.post(f"/api/lessons/{lesson.id}/consent", data=consent, headers=came)
    assert (answer.status_code, answer.location) == (302, f"/lessons/{lesson.id}")
    assert about_lesson.consent(services, lesson).state == "public"
    retried = anna.post(f"/api/jobs/{lesson.id}/retry", data={"csrf_token": token}, headers=came)
    assert retried.location == f"/lessons/{lesson.id}" and services.ledger.get(lesson.id).status == "queued"
    marks = (io.BytesIO((DATA / "sample_annotations.json").read_bytes()), "a.json")
    build = anna.post(
        "/api/datasets", data={"csrf_token": token, "file_id": lesson.id, "annotations": marks}, headers=ACCEPT,
        content_type="multipart/form-data",
    )  # fmt: skip
    assert build.status_code == 409 and "still being prepared" in build.text and "<h1" in build.text


def test_forms_of_files_take_as_much_as_their_scripts_may_send(anna, lesson):  # noqa: F811
    token = Forms(anna.get("/files").text).to("/delete_file")[1]["csrf_token"]
    marks = (io.BytesIO(b"[" + b" " * 3_000_000 + b"]"), "a.json")
    answer = anna.post(
        "/api/datasets", data={"csrf_token": token, "file_id": lesson.id, "annotations": marks}, headers=ACCEPT,
        content_type="multipart/form-data",
    )  # fmt: skip
    assert answer.status_code == 409


def test_every_button_of_a_page_that_changes_something_stands_in_a_form(anna, lesson):  # noqa: F811
    for page in ("/", "/files", "/account", f"/lessons/{lesson.id}"):
        for part in anna.get(page).text.split("data-post=")[:-1]:
            assert part.rfind("<form") > part.rfind("</form>"), (page, part[-120:])


def test_a_token_is_made_without_a_script_and_shown_this_once(anna):
    _, fields = Forms(anna.get("/account").text).to("/account/tokens")
    page = anna.post("/account/tokens", data={**fields, "label": "ноутбук"}, headers=ACCEPT).text
    token = page.split('id="token" readonly value="')[1].split('"')[0]
    assert token.startswith("ppi_") and "ноутбук" in page
    later = anna.get("/account").text
    assert token not in later and "ноутбук" in later
