"""Jobs as people see them: the list, the calls for programs, and the stream of events with its limits."""

from __future__ import annotations

import contextvars
import json
import re

import pytest

from ppi.errors import ServerAway, ToolFailed
from ppi.jobs.watch import Watch
from ppi.media.failures import failure
from ppi.services import Services
from ppi.web import events
from ppi.web.app import build_app
from ppi.workflows import uploads
from tests.conftest import PASSWORD, settings_for, with_people
from tests.web.test_plain_forms import ACCEPT, Forms

EVENTS = "/api/jobs/events"


@pytest.fixture
def lesson(services):
    """A stored lesson of anna's, without jobs."""
    row = uploads.begin_upload(services, services.users.by_name("anna"), file_name="a.mp4", task_name="Вода", size_bytes=4)
    services.lessons.move_on(row.id, "uploading", "stored")
    return services.lessons.get(row.id)


@pytest.fixture
def person(app):
    """`person(name)`: a client with a session."""

    def make(name):
        client = app.test_client()
        token = client.post("/api/login", json={"username": name, "password": PASSWORD}).json["csrf_token"]
        return client, token

    return make


class Stream:
    """A stream that is read bit by bit, in a context of its own, as each request has on the server."""

    def __init__(self, client, **how):
        self._context = contextvars.copy_context()
        self.answer = self._context.run(client.get, EVENTS, **how)
        self._said = self.answer.iter_encoded()

    def __iter__(self):
        return self

    def __next__(self) -> str:
        return self._context.run(next, self._said).decode()

    def jobs(self):
        """The next list of jobs that is told."""
        return json.loads(next(text for text in self if "data: " in text).partition("data: ")[2])["jobs"]

    def close(self):
        self._context.run(self.answer.close)


@pytest.fixture
def listen():
    """`listen(client)`: a stream, shut at the test's end."""
    opened = []

    def make(client, **how):
        opened.append(Stream(client, **how))
        return opened[-1]

    yield make
    for stream in opened:
        stream.close()


@pytest.fixture
def quick(monkeypatch):
    """Streams look again at once, and so does the watch."""
    monkeypatch.setattr(events, "EVERY_S", 0.005)
    monkeypatch.setattr("ppi.jobs.watch.EVERY_S", 0.0)
    monkeypatch.setattr("ppi.jobs.watch.REST", 0)


def submit(services, row, kind="transcribe"):
    return services.ledger.submit(kind, row.owner_id, row.id, {}, place="elsewhere")


def claim(services, queue="speech"):
    return services.ledger.claim("1:0:a", "another host", [queue], 0, "elsewhere")


def fail(services, job):
    services.ledger.fail(job.id, job.attempt, ToolFailed("ffmpeg failed: {why}", why="<b>no sound</b>"))


def test_what_a_program_said_stands_below_the_reason_in_the_readers_language(person, services, lesson):
    client, _ = person("anna")
    job = (submit(services, lesson), claim(services))[1]
    services.ledger.fail(job.id, job.attempt, failure(1, "moov atom not found\nInvalid data found when processing input"))
    page = client.get("/jobs", headers={"Accept-Language": "ru"}).text
    reason = re.search(r'class="jobs-error">([^<]*)<', page)[1]
    assert "у него нет конца" in reason and "Invalid data" not in reason
    assert 'Словами самой программы: <q lang="en">Invalid data found' in page


def test_a_reason_that_nobody_knows_is_told_in_whole_sentences_of_the_readers_language(person, services, lesson):
    client, _ = person("anna")
    earlier = "ffmpeg stopped with an error ({reason}). Convert the file to MP4 and try again."
    for error in (failure(3, "a new <word>"), failure(1, "a new <word>"), ToolFailed(earlier, reason="", words="a new <word>")):
        job = (submit(services, lesson), claim(services))[1]
        services.ledger.fail(job.id, job.attempt, error)
        page = client.get("/jobs", headers={"Accept-Language": "ru"}).text
        reason = re.search(r'class="jobs-error">([^<]*)<', page)[1]
        assert "другую копию" in reason and not re.search("new|word|file|error", reason)
        assert 'Словами самой программы: <q lang="en">a new &lt;word&gt;</q>' in page


def test_the_list_tells_what_waits_what_runs_and_what_became_of_the_rest(person, services, lesson):
    client, _ = person("anna")
    assert "nothing has run yet" in client.get("/jobs").text
    fail(services, (submit(services, lesson), claim(services))[1])
    submit(services, lesson, "build_dataset")
    running = (submit(services, lesson), claim(services))[1]
    services.ledger.report(running.id, 1, "transcribing", "Minute {done} of {all}", {"done": 3, "all": 9}, 33)
    page = client.get("/jobs").text
    assert "33 %" in page and "Minute 3 of 9" in page and "Transcribing" in page and "Waiting" in page
    assert "&lt;b&gt;no sound" in page and "(tool_failed)" in page and page.count(f'href="/lessons/{lesson.id}"') == 3
    forms = [action for action, _ in Forms(page).found if action.startswith("/api/jobs/")]
    # A newer transcription is under way: the failed one is not offered again.
    assert len(forms) == 2 and all(action.endswith("/cancel") for action in forms)
    part = client.get("/jobs?part=list").text
    assert "33 %" in part and "<html" not in part and "<header" not in part


def test_an_upload_that_was_refused_is_not_offered_again(person, services, lesson):
    client, _ = person("anna")
    services.ledger.submit("ingest", lesson.owner_id, lesson.id, {}, job_id=lesson.id, queue="speech", place="elsewhere")
    fail(services, claim(services))
    assert f"/api/jobs/{lesson.id}/retry" in client.get("/jobs").text
    services.lessons.remove(lesson.id)
    page = client.get("/jobs").text
    assert "no sound" in page and "/retry" not in page


def test_who_may_not_see_a_lesson_sees_none_of_its_jobs(listen, person, services, lesson):
    job = submit(services, lesson)
    for name, is_seen in (("anna", True), ("boris", False), ("admin", True)):
        client, _ = person(name)
        assert (job.id in client.get("/jobs").text) == is_seen
        assert [one["job_id"] for one in client.get("/api/jobs").json["jobs"]] == [job.id] * is_seen
        assert [one["job_id"] for one in listen(client).jobs()] == [job.id] * is_seen
    assert [one["is_own"] for one in client.get("/api/jobs").json["jobs"]] == [False]


def test_jobs_are_cancelled_and_tried_again_by_plain_forms(person, services, lesson):
    client, _ = person("anna")
    job = submit(services, lesson)
    came = {**ACCEPT, "Referer": "http://localhost/jobs"}
    for ending, status in (("/cancel", "cancelled"), ("/retry", "queued")):
        action, fields = Forms(client.get("/jobs").text).to(ending)
        answer = client.post(action, data=fields, headers=came)
        assert (answer.status_code, answer.location) == (302, "/jobs") and services.ledger.get(job.id).status == status


def test_a_stream_tells_what_another_process_writes_and_nothing_twice(listen, open_services, quick):
    """On both grounds: the SQLite file, and Redis."""
    client = build_app(with_people(open_services())).test_client()
    client.post("/api/login", json={"username": "anna", "password": PASSWORD})
    services = open_services()
    job = services.ledger.submit("transcribe", services.users.by_name("anna").id, "lesson-1", {}, place="elsewhere")
    stream = listen(client)
    answer = stream.answer
    assert answer.mimetype == "text/event-stream" and answer.headers["X-Accel-Buffering"] == "no"
    assert answer.headers["Cache-Control"] == "no-store"
    states = lambda: [(one["status"], one["progress"]) for one in stream.jobs()]  # noqa: E731
    assert states() == [("queued", 0)]
    claim(services)
    services.ledger.report(job.id, 1, "transcribing", "", {}, 40)
    assert states() == [("transcribing", 40)]
    services.ledger.finish(job.id, 1, {})
    assert states() == []


@pytest.mark.parametrize("end", ["log out", "end all sessions", "disable"])
def test_a_stream_ends_with_the_session(listen, person, services, quick, monkeypatch, end):
    monkeypatch.setattr(events, "CHECK_S", 0.0)
    client, token = person("anna")
    said = listen(client)
    next(said), next(said)
    anna = services.users.by_name("anna").id
    if end == "log out":
        client.get("/logout")
    elif end == "disable":
        services.users.set_disabled(anna, True)
    else:
        services.users.end_sessions(anna)
    assert list(said) == []
    assert client.get(EVENTS).status_code == 401


def test_a_stream_ends_when_the_ledger_is_away(listen, person, services, quick, monkeypatch):
    client, _ = person("anna")
    said = listen(client)
    next(said), next(said)

    def away(self):
        raise ServerAway("away")

    monkeypatch.setattr(Watch, "look", away)
    assert list(said) == []
    assert client.get("/api/jobs").status_code == 503 and client.get("/help").status_code == 200


def test_a_stream_ends_after_a_while_and_with_the_server(listen, person, quick, monkeypatch):
    client, _ = person("anna")
    assert "data:" not in "".join(listen(client, environ_overrides={"ppi.is_over": lambda: True}))
    monkeypatch.setattr(events, "LIFE_S", 0.05)
    assert "".join(listen(client)).count("data:") == 1


def test_places_are_few_are_given_back_and_who_gets_none_is_told_not_to_come_again(listen, person):
    anna, boris = person("anna")[0], person("boris")[0]
    taken = [listen(anna) for _ in range(events.MOST_OF_ONE)]
    assert [one.answer.status_code for one in taken] == [200] * events.MOST_OF_ONE
    refused = listen(anna).answer
    assert (refused.status_code, refused.data) == (204, b"") and listen(boris).answer.status_code == 200
    taken[0].close()
    looked = anna.head(EVENTS)
    assert looked.status_code == 200
    looked.close()
    assert [listen(anna).answer.status_code for _ in range(2)] == [200, 204]


def test_all_streams_of_a_process_are_limited_by_the_setting(listen, tmp_path):
    app = build_app(with_people(Services(settings_for(tmp_path / "data", PPI_EVENT_STREAMS="1"))))
    clients = [app.test_client(), app.test_client()]
    for client, name in zip(clients, ("anna", "boris"), strict=True):
        client.post("/api/login", json={"username": name, "password": PASSWORD})
    held = listen(clients[0])
    assert (held.answer.status_code, listen(clients[1]).answer.status_code) == (200, 204)
    held.close()
    assert listen(clients[1]).answer.status_code == 200
