"""Conversations with a running Label Studio, as recorded, and everything that can go wrong in one."""

from __future__ import annotations

import json
import time

import pytest

from ppi.annotation import label_studio_server as server
from ppi.annotation.label_studio_server import Place
from ppi.errors import AccessDenied, BackendError, Cancelled, Conflict, InputError, NotFound
from ppi.settings import LabelStudioSettings
from tests.servers.label_studio_stub import LEGACY_TOKEN, PERSONAL_TOKEN, RECORDED, Fault, LabelStudioStub, jwt

CONFIG = '<View><Audio name="audio" value="$audio"/></View>'
OTHER_CONFIG = '<View><Video name="video" value="$video"/></View>'
DATA = {"video": "http://ppi/m/v.mp4", "audio": "http://ppi/m/a.wav", "fps": 25, "duration_s": 12.0, "lesson_id": "abc"}
MARK = {
    "id": "r1", "from_name": "patterns", "to_name": "audio", "type": "labels", "original_length": 12,
    "value": {"start": 1.9758507135016465, "end": 3.951701427003293, "channel": 0, "labels": ["Похвала"]},
}  # fmt: skip


def put(stub, token=LEGACY_TOKEN, url="", **changed) -> Place:
    """Send without a child process of its own: each would load the client again."""
    given = {
        "title": "PPI anna", "config": CONFIG, "data": DATA, "predictions": None, "project_id": None, "may_replace": False,
    }  # fmt: skip
    return Place(**server.put_lesson(print, url or stub.url, token, **(given | changed)))


def read(stub, place, seen=None, lesson_id="abc"):
    return server.read_annotations(print, stub.url, LEGACY_TOKEN, place.project_id, lesson_id, seen)


def seen_of(task):
    return task["id"], task["updated_at"]


def test_a_project_may_read_the_folder_in_which_media_were_placed(stub):
    for _ in range(2):
        place = put(stub, media_folder="/srv/label-studio/ppi")
    assert [(made["project"], made["path"]) for made in stub.storages] == [(place.project_id, "/srv/label-studio/ppi")]
    put(stub)
    assert len(stub.storages) == 1


@pytest.mark.parametrize("token", [LEGACY_TOKEN, PERSONAL_TOKEN], ids=["legacy token", "personal access token"])
def test_a_lesson_becomes_one_task_of_a_project_with_its_configuration(stub, token):
    place = put(stub, token)
    assert stub.projects[place.project_id]["label_config"] == CONFIG
    assert place.project == "PPI anna"
    assert {number: task["data"] for number, task in stub.tasks.items()} == {place.task_id: DATA}


def test_in_a_process_of_its_own_the_same_happens_and_the_job_is_told_to_go_on(stub):
    ticks = []
    settings = LabelStudioSettings(stub.url, PERSONAL_TOKEN)
    place = server.send(settings, title="  PPI anna ", config=CONFIG, data=DATA, on_tick=lambda: ticks.append(1))
    assert list(stub.tasks) == [place.task_id]
    assert ticks
    stub.faults.append(Fault("GET /api/tasks/", 200, hang_s=20))

    def cancelled():
        raise Cancelled("The job was cancelled.")

    began = time.monotonic()
    with pytest.raises(Cancelled):
        server.fetch(settings, place.project_id, "abc", on_tick=cancelled)
    assert time.monotonic() - began < 10


def test_sending_again_makes_nothing_twice_and_brings_links_up_to_date(stub):
    first = put(stub)
    stub.tasks[first.task_id]["data"] |= {"note": "somebody's own field"}
    fresh = DATA | {"video": "http://ppi/m/other.mp4"}
    assert put(stub, data=fresh) == first
    assert put(stub, data=fresh, project_id=first.project_id) == first
    assert len(stub.projects) == len(stub.tasks) == 1
    assert stub.tasks[first.task_id]["data"] == fresh | {"note": "somebody's own field"}


@pytest.mark.parametrize("lost", ["POST /api/projects/$", "POST /api/projects/.*/import"])
def test_after_an_answer_that_was_lost_a_repetition_finds_what_was_made(stub, lost):
    stub.faults.append(Fault(lost, 502, times=1, is_after=True))
    with pytest.raises(BackendError, match="status 502"):
        put(stub)
    assert len([request for request in stub.requests if request.startswith("POST") and "import" in request]) <= 1
    put(stub)
    assert len(stub.projects) == len(stub.tasks) == 1


def test_of_two_that_import_at_once_the_later_takes_its_task_back(stub):
    place = put(stub)
    # What the search before the import did not see yet.
    stub.faults.append(Fault("GET /api/tasks/$", 200, times=1, body=b'{"tasks": [], "total": 0}'))
    assert put(stub) == place
    assert list(stub.tasks) == [place.task_id]


def test_the_project_is_found_among_many_whose_names_contain_its_own(stub):
    for number in range(5):
        stub.add_project(f"PPI anna {number}")
    wanted = stub.add_project("PPI anna", CONFIG)
    stub.add_project("PPI anna", CONFIG)
    assert put(stub).project_id == wanted["id"]
    assert len(stub.projects) == 7


def test_a_project_and_a_task_that_were_deleted_there_are_made_again(stub):
    place = put(stub)
    stub.tasks.clear()
    again = put(stub, project_id=place.project_id)
    assert again.project_id == place.project_id and again.task_id != place.task_id
    stub.tasks.clear()
    stub.projects.clear()
    assert put(stub, project_id=place.project_id).project_id != place.project_id


def test_a_task_of_another_lesson_is_never_taken_for_this_one(stub):
    place = put(stub)
    other = put(stub, data=DATA | {"lesson_id": "other"})
    assert other.project_id == place.project_id and other.task_id != place.task_id
    assert read(stub, place, lesson_id="other")["id"] == other.task_id


def test_a_configuration_is_replaced_while_nobody_annotated_with_it_and_later_only_when_asked(stub):
    place = put(stub)
    put(stub, config=OTHER_CONFIG)
    assert stub.projects[place.project_id]["label_config"] == OTHER_CONFIG
    stub.annotate(place.task_id, [MARK])
    with pytest.raises(Conflict, match="another labelling configuration"):
        put(stub)
    assert stub.projects[place.project_id]["label_config"] == OTHER_CONFIG
    put(stub, may_replace=True)
    assert stub.projects[place.project_id]["label_config"] == CONFIG


def test_a_configuration_that_differs_in_colours_only_is_left_as_annotators_know_it(stub):
    coloured = CONFIG.replace("<Audio", '<Labels name="p" toName="audio"><Label value="a" background="{}"/></Labels><Audio')
    place = put(stub, config=coloured.format("#0060c0"))
    stub.annotate(place.task_id, [MARK])
    assert put(stub, config=coloured.format("#45399b")).project_id == place.project_id
    assert stub.projects[place.project_id]["label_config"] == coloured.format("#0060c0")


def test_a_configuration_that_differs_in_spaces_at_its_ends_is_the_same(stub):
    place = put(stub, config=CONFIG + "\n")
    stub.annotate(place.task_id, [MARK])
    assert put(stub, config="\n" + CONFIG) == place
    assert not any(request.startswith("PATCH") for request in stub.requests)


def test_a_transcript_is_one_prediction_however_often_it_is_sent(stub):
    place = put(stub, predictions=[MARK])
    put(stub, predictions=[MARK])
    assert [made["result"] for made in stub.tasks[place.task_id]["predictions"]] == [[MARK]]
    put(stub, predictions=[MARK, MARK])
    put(stub)
    assert [made["result"] for made in stub.tasks[place.task_id]["predictions"]] == [[MARK, MARK]]


def test_predictions_of_others_stay(stub):
    place = put(stub)
    foreign = {"id": 900, "model_version": "their model", "result": [MARK], "task": place.task_id}
    stub.tasks[place.task_id]["predictions"].append(foreign)
    put(stub, predictions=[MARK])
    assert [made["model_version"] for made in stub.tasks[place.task_id]["predictions"]] == ["their model", "ppi-transcript"]


def test_annotations_come_back_exactly_and_without_names(stub):
    place = put(stub)
    stub.annotate(place.task_id, [MARK], author=7)
    stub.annotate(place.task_id, [], author=8, cancelled=True)
    task = read(stub, place)
    assert [given["result"] for given in task["annotations"]] == [[MARK], []]
    assert [given["completed_by"] for given in task["annotations"]] == [7, 8]
    assert [given["was_cancelled"] for given in task["annotations"]] == [False, True]
    assert "example.org" not in str(task) and "Anna" not in str(task)


def test_only_what_changed_is_fetched_again(stub):
    place = put(stub)
    mark = stub.annotate(place.task_id, [MARK])
    seen = seen_of(read(stub, place))
    stub.requests.clear()
    assert read(stub, place, seen) is None
    assert stub.requests == ["GET /api/tasks/"]
    stub.change(mark, [])
    assert read(stub, place, seen)["annotations"][0]["result"] == []


def test_a_task_that_is_gone_is_told(stub):
    place = put(stub)
    stub.tasks.clear()
    with pytest.raises(NotFound, match="Send the lesson again"):
        read(stub, place)
    stub.projects.clear()
    with pytest.raises(NotFound, match="Send the lesson again"):
        read(stub, place)


@pytest.mark.parametrize(
    ("status", "error", "advice"),
    [
        (401, AccessDenied, "LABEL_STUDIO_TOKEN"), (403, AccessDenied, "another token"), (404, InputError, "LABEL_STUDIO_URL"),
        (429, BackendError, "in some minutes"), (500, BackendError, "Try again later"), (503, BackendError, "Try again later"),
        (400, InputError, "as the test wished"), (302, InputError, "Set LABEL_STUDIO_URL"),
    ],
)  # fmt: skip
def test_every_refusal_says_what_to_do_and_is_not_repeated_behind_the_jobs_back(stub, status, error, advice):
    stub.faults.append(Fault("/api/", status, headers={"Location": "http://127.0.0.1:9/api/projects/"}))
    with pytest.raises(error, match=advice) as told:
        put(stub)
    assert type(told.value) is error
    assert LEGACY_TOKEN not in str(told.value)
    assert len(stub.requests) == 1


def test_a_refusal_is_told_in_the_servers_words(stub):
    body = json.dumps(RECORDED["title_refused"]["body"]).encode()
    stub.faults.append(Fault("POST /api/projects/", 400, body=body))
    with pytest.raises(InputError, match=r"refuses the lesson \(Ensure this field has no more than 50 characters\)\. Mend"):
        put(stub)


def test_a_server_that_repeats_the_token_gets_it_into_no_message(stub):
    stub.faults.append(Fault("POST /api/projects/", 400, body=json.dumps({"detail": f"no {LEGACY_TOKEN} here"}).encode()))
    with pytest.raises(InputError, match=r"refuses the lesson \(no \*\*\* here"):
        put(stub)


@pytest.mark.parametrize(
    "token", ["f" * 40, jwt(time.time() + 60, "refresh"), jwt(time.time() - 60, "refresh")],
    ids=["unknown", "personal and unknown", "personal and expired"],
)  # fmt: skip
def test_a_token_that_is_not_accepted_is_told(stub, token):
    with pytest.raises(AccessDenied, match="does not accept the token") as told:
        put(stub, token)
    assert token not in str(told.value)
    assert stub.projects == {}


def test_a_server_that_is_not_there_is_told_with_its_address_and_without_passwords():
    with pytest.raises(BackendError, match=r"http://127\.0\.0\.1:9 cannot be reached.*LABEL_STUDIO_URL") as told:
        put(None, url="http://anna:hidden@127.0.0.1:9")
    assert "hidden" not in str(told.value)


def test_a_server_that_says_nothing_is_given_up(stub, monkeypatch):
    monkeypatch.setattr(server, "SILENCE_S", 0.3)
    stub.faults.append(Fault("/api/", 200, hang_s=2))
    with pytest.raises(BackendError, match="cannot be reached"):
        put(stub)


@pytest.mark.parametrize("body", [b"<html>Log in</html>", b"[]", b'{"results": 7}', b'"x"', b"{"])
def test_something_else_at_the_address_is_told(stub, body):
    stub.faults.append(Fault("/api/", 200, body=body))
    with pytest.raises(InputError, match="not a Label Studio that PPI knows"):
        put(stub)


def test_no_redirect_is_followed_anywhere(stub):
    other = LabelStudioStub().start()
    try:
        stub.faults.append(Fault("/api/", 307, headers={"Location": f"{other.url}/api/projects/"}))
        for token in (LEGACY_TOKEN, PERSONAL_TOKEN):
            with pytest.raises(InputError, match="leads to another address"):
                put(stub, token)
        assert other.requests == []
    finally:
        other.stop()


def test_an_answer_without_end_is_cut_off(stub, monkeypatch):
    monkeypatch.setattr(server, "MAX_ANSWER_BYTES", 100_000)
    stub.faults.append(Fault("/api/", 200, body=b" " * 200_000))
    with pytest.raises(InputError, match="more than"):
        put(stub)


def test_a_compressed_answer_is_refused_before_it_is_unpacked(stub):
    stub.faults.append(Fault("/api/", 200, headers={"Content-Encoding": "gzip"}, body=b"\x1f\x8b"))
    with pytest.raises(InputError, match="compresses"):
        put(stub)


def test_without_a_token_nothing_is_asked(stub):
    with pytest.raises(AccessDenied, match="LABEL_STUDIO_TOKEN"):
        server.send(LabelStudioSettings(stub.url, ""), title="PPI anna", config=CONFIG, data=DATA)
    assert stub.requests == []


@pytest.mark.parametrize("title", ["x" * 51, "ab", "  a  "])
def test_a_name_that_label_studio_refuses_is_refused_here(stub, title):
    with pytest.raises(InputError, match="3 to 50 characters"):
        server.send(LabelStudioSettings(stub.url, LEGACY_TOKEN), title=title, config=CONFIG, data=DATA)
    assert stub.requests == []


def test_the_token_is_not_shown_with_the_settings():
    assert LEGACY_TOKEN not in repr(LabelStudioSettings("http://x", LEGACY_TOKEN))
