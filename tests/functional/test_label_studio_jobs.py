"""Lessons go to Label Studio and annotations come back, by jobs and by the card of step 2, with a server as recorded."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest

from ppi.annotation import label_studio_server
from ppi.errors import AccessDenied, AnnotationError, Conflict, InputError
from ppi.jobs.lessons import LessonRow
from ppi.records import AudioTrack, MediaInfo, VideoTrack
from ppi.services import Services
from ppi.storage import keys
from ppi.web.app import build_app
from ppi.workflows import annotate, build_dataset, lessons, runner, uploads
from ppi.workflows.ingest import describe
from tests.conftest import PASSWORD, settings_for, with_people
from tests.servers.label_studio_stub import PERSONAL_TOKEN, Fault

ADDRESS = "https://ppi.example.org/"
WORDS = [{"text": "Молодец", "start_s": 20.1, "end_s": 21.0, "probability": 0.9}]
TRANSCRIPT = {
    "language": "ru", "engine": "x", "model": "x", "duration_s": 63.92, "notes": [],
    "segments": [{"start_s": 20.1, "end_s": 21.0, "text": " Молодец ", "words": WORDS}],
}  # fmt: skip


@pytest.fixture
def table(tmp_path) -> Path:
    path = tmp_path / "patterns.csv"
    path.write_text("Паттерн,Описание\nПохвала,Учитель хвалит.\nОбъяснение,Новое содержание.\n", encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def without_children(monkeypatch) -> None:
    """Conversations in this process: loading the client anew for each would take minutes. One test elsewhere uses a child."""

    def converse(target, given, **_):
        return getattr(label_studio_server, target.partition(":")[2])(print, **given)

    monkeypatch.setattr(label_studio_server, "run_in_child", converse)


@pytest.fixture
def services(tmp_path, stub) -> Services:
    variables = {"LABEL_STUDIO_URL": stub.url, "LABEL_STUDIO_TOKEN": PERSONAL_TOKEN}
    return with_people(Services(settings_for(tmp_path / "data", **variables)))


@pytest.fixture
def row(services) -> LessonRow:
    """A lesson of anna's as ingest and a transcription leave it, with a stand-in for its video."""
    anna = services.users.by_name("anna")
    made = uploads.begin_upload(services, anna, file_name="урок.mp4", task_name="Урок", size_bytes=4)
    services.lessons.move_on(made.id, "uploading", "stored")
    info = MediaInfo("mov", 63.92, 0.0, 4, VideoTrack("h264", 320, 240, 25.0, False), (AudioTrack("aac", 44_100, 2),))
    kept = {".mp4": b"film", ".sound.mp3": b"sound", ".transcript.json": json.dumps(TRANSCRIPT).encode()}
    kept[".info.json"] = json.dumps(describe(made, info)).encode()
    for suffix, data in kept.items():
        services.store.put_bytes(services.raw, keys.derivative_key(made.video_key, suffix), data)
    return services.lessons.get(made.id)


def request_send(services, row, table=None, **wanted):
    if table is None:
        return annotate.request_send(services, row, address=ADDRESS, **wanted)
    with table.open("rb") as file:
        return annotate.request_send(services, row, address=ADDRESS, table=file, table_name=table.name, **wanted)


def done(services, job):
    assert runner.do_next(services, runner.make_worker(services), job.queue)
    return services.ledger.get(job.id)


def send(services, row, table=None, **wanted):
    ended = done(services, request_send(services, row, table, **wanted))
    assert ended.status == "completed", ended.error
    return ended.result


def fetch(services, row):
    ended = done(services, annotate.request_fetch(services, row))
    assert ended.status == "completed", ended.error
    return ended.result


def mark(start_s: float, end_s: float, label: str) -> dict:
    value = {"start": start_s, "end": end_s, "channel": 0, "labels": [label]}
    return {"id": "r1", "from_name": "patterns", "to_name": "audio", "type": "labels", "value": value}


def test_a_lesson_is_sent_with_links_labels_and_transcript_and_says_where_it_is(services, row, table, stub):
    result = send(services, row, table, project="Уроки 2026", with_transcript=True)
    ((number, task),) = stub.tasks.items()
    project = stub.projects[task["project"]]
    assert result == {"url": f"{stub.url}/projects/{project['id']}/data?task={number}", "project": "Уроки 2026"}
    assert task["data"]["lesson_id"] == row.id and task["data"]["fps"] == 25
    assert re.fullmatch(r"https://ppi\.example\.org/m/[\w-]+/lesson\.mp4", task["data"]["video"])
    assert 'value="Похвала"' in project["label_config"]
    (prediction,) = task["predictions"]
    speech, words = prediction["result"]
    assert speech["value"] | {"labels": []} == {"start": 20.1, "end": 21.0, "channel": 0, "labels": []}
    assert words["value"]["text"] == ["Молодец"] and words["id"] == speech["id"]
    for item in (speech, words):
        assert f'name="{item["from_name"]}"' in project["label_config"]
    known = annotate.sent(services, row)
    assert (known.link, known.project, known.fetched_s) == (result["url"], "Уроки 2026", 0.0)


def test_no_secret_lies_in_a_job_or_beside_the_lesson(services, row, table):
    job = request_send(services, row, table)
    done(services, job)
    told = json.dumps(dict(services.ledger.get(job.id).input)) + json.dumps(dict(services.ledger.get(job.id).result))
    kept = b"".join(services.store.read(services.raw, keys.derivative_key(row.video_key, annotate.SENT))).decode()
    assert PERSONAL_TOKEN not in told + kept and "/m/" not in told + kept
    assert PERSONAL_TOKEN not in repr(services.settings)


def test_a_job_that_died_after_the_import_finds_its_task_when_it_is_repeated(services, row, table, stub, monkeypatch):
    job = request_send(services, row, table)
    with monkeypatch.context() as broken:
        broken.setattr(annotate, "_remember", lambda *given: 1 / 0)
        done(services, job)
    assert annotate.sent(services, row) is None
    (first,) = stub.tasks
    services.ledger.cancel(job.id)
    result = send(services, row)
    assert list(stub.tasks) == [first] and result["url"].endswith(f"task={first}")


def test_asking_twice_is_one_job(services, row, table):
    assert request_send(services, row, table).id == request_send(services, row).id
    done(services, request_send(services, row))
    assert annotate.request_fetch(services, row).id == annotate.request_fetch(services, row).id


def test_annotations_come_back_bit_by_bit_and_stay_when_the_task_is_gone(services, row, table, stub):
    send(services, row, table)
    ((number, _),) = stub.tasks.items()
    assert fetch(services, row) == {"annotations": 0, "annotators": 0, "new": 0}
    first = stub.annotate(number, [mark(20.095, 23.194, "Похвала")], author=1)
    assert fetch(services, row) == {"annotations": 1, "annotators": 1, "new": 1}
    stub.annotate(number, [mark(33.705, 44.21, "Объяснение")], author=2)
    stub.annotate(number, [], author=3, cancelled=True)
    assert fetch(services, row) == {"annotations": 2, "annotators": 2, "new": 1}
    stub.change(first, [mark(20.5, 23.194, "Похвала")])
    assert fetch(services, row) == {"annotations": 2, "annotators": 2, "new": 1}
    stub.requests.clear()
    assert fetch(services, row) == {"annotations": 2, "annotators": 2, "new": 0}
    assert not any(re.search(r"/api/tasks/\d", request) for request in stub.requests)
    kept = json.loads(annotate.fetched_annotations(services, row))
    assert [given["result"][0]["value"]["start"] for given in kept[0]["annotations"][:2]] == [20.5, 33.705]
    stub.tasks.clear()
    failed = done(services, annotate.request_fetch(services, row))
    assert (failed.status, failed.error_code) == ("error", "not_found")
    assert json.loads(annotate.fetched_annotations(services, row)) == kept
    # Made anew there, the task is another one: what it has is counted from the beginning.
    send(services, row)
    ((number, _),) = stub.tasks.items()
    stub.annotate(number, [mark(1, 2, "Похвала")])
    assert fetch(services, row) == {"annotations": 1, "annotators": 1, "new": 1}


def test_a_dataset_is_built_of_what_was_fetched_and_the_table_that_was_sent(services, row, table, stub):
    with pytest.raises(InputError, match="Fetch them from Label Studio"):
        with table.open("rb") as file:
            build_dataset.request_build(services, row, table=file, table_name=table.name)
    send(services, row, table)
    ((number, _),) = stub.tasks.items()
    stub.annotate(number, [mark(20.095, 23.194, "Похвала")])
    fetch(services, row)
    job = build_dataset.request_build(services, row)
    assert job.input["table"] == ".patterns.csv"
    kept = keys.derivative_key(row.video_key, ".annotations.json")
    assert b"".join(services.store.read(services.raw, kept)) == annotate.fetched_annotations(services, row)


def test_what_cannot_be_read_is_not_kept(services, row, table, stub):
    send(services, row, table)
    ((number, _),) = stub.tasks.items()
    stub.annotate(number, [mark(1, "two", "Похвала")])
    failed = done(services, annotate.request_fetch(services, row))
    assert (failed.status, failed.error_code) == ("error", AnnotationError.code)
    assert annotate.sent(services, row).fetched_s == 0.0


def test_a_failing_server_is_tried_again_and_a_refusal_is_not(services, row, table, stub):
    fault = Fault("/api/projects/", 503)
    stub.faults.append(fault)
    job = request_send(services, row, table)
    assert done(services, job).status == "queued"
    services.ledger.cancel(job.id)
    fault.status = 403
    refused = done(services, request_send(services, row))
    assert (refused.status, refused.error_code) == ("error", AccessDenied.code)


def test_another_label_studio_knows_nothing_of_the_lesson(services, row, table, tmp_path):
    send(services, row, table)
    moved = Services(settings_for(tmp_path / "data", LABEL_STUDIO_URL="http://elsewhere:8080", LABEL_STUDIO_TOKEN="x"))
    assert annotate.sent(moved, row) is None
    with pytest.raises(Conflict, match="Send it first"):
        annotate.request_fetch(moved, row)


def test_what_cannot_be_sent_is_refused_before_anything_is_queued(services, row, table, tmp_path):
    with pytest.raises(InputError, match="no table of patterns"):
        request_send(services, row)
    with pytest.raises(InputError, match="3 to 50 characters"):
        request_send(services, row, table, project="x" * 51)
    with pytest.raises(InputError, match="variant"):
        request_send(services, row, table, variant="everything")
    bad = tmp_path / "table.csv"
    bad.write_text("nothing,here\n")
    with pytest.raises(AnnotationError):
        request_send(services, row, bad)
    services.store.delete(services.raw, keys.derivative_key(row.video_key, ".transcript.json"))
    with pytest.raises(Conflict, match="Transcribe it first"):
        request_send(services, row, table, with_transcript=True)
    assert services.ledger.list(lesson_id=row.id) == []
    assert ".patterns.csv" not in lessons.view(services, row).files


def test_without_a_token_nothing_can_be_asked_for(services, row, table, tmp_path):
    alone = Services(settings_for(tmp_path / "data"))
    for ask in (lambda: request_send(alone, row, table), lambda: annotate.request_fetch(alone, row)):
        with pytest.raises(AccessDenied, match="LABEL_STUDIO_TOKEN"):
            ask()


class Visitor:
    """Anna's browser on step 2, without scripts."""

    def __init__(self, app, lesson_id: str):
        self.client, self.lesson_id = app.test_client(), lesson_id
        self.client.post("/api/login", json={"username": "anna", "password": PASSWORD})

    def page(self) -> str:
        return self.client.get(f"/dataset?lesson={self.lesson_id}").text

    def card(self) -> str:
        return re.search(r'<section class="panel" id="label-studio".*?</section>', self.page(), re.DOTALL)[0]

    def submit(self, form: str, table: Path | None = None, **fields: str) -> None:
        card, action = self.card(), f"/lessons/{self.lesson_id}/label-studio/{form}"
        assert f'action="{action}"' in card
        sent = {"csrf_token": re.search(r'name="csrf_token" value="([^"]+)"', card)[1], **fields, **given(table)}
        answer = self.client.post(action, data=sent, content_type="multipart/form-data")
        assert answer.status_code == 302
        assert answer.location.endswith(f"/dataset?lesson={self.lesson_id}#label-studio")


@pytest.fixture
def visitor(app, row) -> Visitor:
    return Visitor(app, row.id)


def given(table: Path | None) -> dict:
    return {"patterns": (io.BytesIO(table.read_bytes()), table.name)} if table else {}


def work(services) -> None:
    assert runner.do_next(services, runner.make_worker(services), "publish")


def test_the_card_leads_there_and_back_without_scripts(services, table, stub, visitor):
    fresh = visitor.card()
    assert 'value="PPI anna"' in fresh and "Fetch annotations" not in fresh
    visitor.submit("send", table, project="Уроки", transcript="1")
    assert "Look again" in visitor.card()
    work(services)
    ((number, task),) = stub.tasks.items()
    sent = visitor.card()
    assert f'href="{stub.url}/projects/{task["project"]}/data?task={number}"' in sent
    assert "Уроки" in sent and "not yet" in sent and len(task["predictions"]) == 1
    assert task["data"]["video"].startswith("http://localhost/m/")
    stub.annotate(number, [mark(1, 2, "Похвала")], author=1)
    stub.annotate(number, [mark(3, 4, "Похвала")], author=2)
    visitor.submit("fetch")
    work(services)
    assert "2 finished, 2 new" in visitor.card()
    # The build asks for no file any more.
    assert "required" not in re.search(r'<input[^>]*id="annotations"[^>]*>', visitor.page())[0]


def test_what_went_wrong_stands_on_the_card_until_it_goes_well(services, table, stub, visitor):
    stub.faults.append(Fault("/api/", 401, times=1))
    visitor.submit("send", table)
    work(services)
    assert "does not accept the token" in visitor.card()
    visitor.submit("send")
    work(services)
    assert "does not accept" not in visitor.card()


def test_a_form_without_the_pages_token_changes_nothing(services, row, table, stub, visitor):
    sent = visitor.client.post(
        f"/lessons/{row.id}/label-studio/send", data=given(table), content_type="multipart/form-data"
    )
    assert sent.status_code == 403
    assert services.ledger.list(lesson_id=row.id) == [] and stub.requests == []


def test_the_page_never_holds_the_token_and_waits_for_no_other_server(services, row, table, stub, visitor):
    send(services, row, table)
    stub.requests.clear()
    assert PERSONAL_TOKEN not in visitor.page()
    assert stub.requests == []


def test_without_a_connection_the_card_says_who_can_make_one(row, services, tmp_path):
    client = build_app(Services(settings_for(tmp_path / "data"))).test_client()
    for name, advice in (("anna", "An administrator can connect it."), ("admin", "LABEL_STUDIO_TOKEN")):
        client.post("/api/login", json={"username": name, "password": PASSWORD})
        page = client.get(f"/dataset?lesson={row.id}").text
        assert advice in page and 'name="project"' not in page
