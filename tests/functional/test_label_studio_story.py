"""The round trip through a real Label Studio: lesson there, annotations back, dataset built of them, spans exact.

Annotations are submitted through the API that the pages of Label Studio use, in the shapes its pages send.
"""

from __future__ import annotations

import pytest
import requests

from ppi.annotation import label_studio_server
from ppi.services import Services
from ppi.settings import LabelStudioSettings
from tests.conftest import DATA, settings_for, start_server, stop_server, with_people
from tests.functional.test_api_story import Api

TABLE = DATA / "sample_patterns.xlsx"
PRAISE = {"start": 20.095, "end": 23.194, "channel": 0}
FRAMES = {"framesCount": 1598, "duration": 63.92}
SIDES = {"x": 10.5, "y": 20, "width": 30, "height": 40, "rotation": 0}
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def audio(region: str, where: dict, *labels: str, said: str = "") -> list[dict]:
    common = {"original_length": 63.92, "id": region, "to_name": "audio", "origin": "manual"}
    marked = [{**common, "from_name": "patterns", "type": "labels", "value": {**where, "labels": list(labels)}}]
    if said:
        marked.append({**common, "from_name": "description", "type": "textarea", "value": {**where, "text": [said]}})
    return marked


BOX = {
    "id": "b1", "from_name": "box", "to_name": "video", "type": "videorectangle", "origin": "manual",
    "value": {
        **FRAMES, "labels": ["Объяснение"],
        "sequence": [
            {**SIDES, "frame": 26, "enabled": True, "time": 1.04}, {**SIDES, "frame": 126, "enabled": False, "time": 5.04},
        ],
    },
}  # fmt: skip
TIMELINE = {
    "id": "t1", "from_name": "phases", "to_name": "video", "type": "timelinelabels", "origin": "manual",
    "value": {"ranges": [{"start": 251, "end": 375}], "timelinelabels": ["Введение"]},
}  # fmt: skip


@pytest.fixture(scope="module")
def server(label_studio, tmp_path_factory):
    folder, token = tmp_path_factory.mktemp("round-trip") / "data", label_studio.personal_token
    variables = {"LABEL_STUDIO_URL": label_studio.url, "LABEL_STUDIO_TOKEN": token}
    with_people(Services(settings_for(folder, **variables)))
    running = start_server(folder, **variables)
    yield running
    stop_server(running)
    told = (folder / "logs" / "ppi.log").read_text() + (folder / "server.out").read_text()
    assert token not in told


@pytest.fixture(scope="module")
def api(server):
    return Api(server, "anna")


@pytest.fixture(scope="module")
def lesson(api):
    with (DATA / "sample_lesson.mp4").open("rb") as video:
        answer = api.post("/api/process-video", files={"video": ("урок.mp4", video)}, data={"task_name": "Вода"})
    number = answer.json()["file_id"]
    assert api.wait(number)["status"] == "completed"
    heard = api.post("/api/transcribe", json={"file_id": number}).json()["transcription_file_id"]
    assert api.wait(heard)["status"] == "completed"
    return number


def send(api, lesson, table=TABLE, **fields):
    files = {"patterns": (table.name, table.read_bytes())} if table else None
    done = api.wait(api.post(f"/lessons/{lesson}/label-studio/send", data=fields, files=files).json()["job_id"])
    assert done["status"] == "completed", done
    return done["result"]


def fetch(api, lesson):
    done = api.wait(api.post(f"/lessons/{lesson}/label-studio/fetch").json()["job_id"])
    assert done["status"] == "completed", done
    return done["result"]


def tasks_of(label_studio, lesson):
    found = []
    for project in label_studio.ask("GET", "/api/projects/", params={"page_size": 100})["results"]:
        found += label_studio.ask("GET", "/api/tasks/", params={"project": project["id"], "fields": "all"})["tasks"]
    return [task for task in found if task["data"].get("lesson_id") == lesson]


def fresh_task(api, lesson, label_studio, **fields):
    """The one task of the lesson, in a project in which nothing was annotated yet."""
    for task in tasks_of(label_studio, lesson):
        label_studio.ask("DELETE", f"/api/projects/{task['project']}/")
    send(api, lesson, **fields)
    (task,) = tasks_of(label_studio, lesson)
    return task


def test_the_whole_round_trip(server, api, lesson, label_studio):
    # There: one project, one task, links that play, the transcript as one prediction.
    sent = send(api, lesson, project=f"Уроки {lesson[:6]}", transcript="1")
    assert send(api, lesson, table=None, transcript="1") == sent
    (task,) = tasks_of(label_studio, lesson)
    assert sent["url"] == f"{label_studio.url}/projects/{task['project']}/data?task={task['id']}"
    assert task["data"]["fps"] == 25 and task["total_predictions"] == 1
    video = requests.get(task["data"]["video"], headers={"Origin": label_studio.url, "Range": "bytes=0-9"}, timeout=20)
    assert video.status_code == 206 and video.headers["Access-Control-Allow-Origin"] in (label_studio.url, "*")
    project = label_studio.ask("GET", f"/api/projects/{task['project']}/")
    assert project["title"] == sent["project"] and 'value="Похвала"' in project["label_config"]
    (prediction,) = label_studio.ask("GET", "/api/predictions/", params={"task": task["id"]})
    assert prediction["model_version"] == "ppi-transcript" and len(prediction["result"]) >= 2

    # Nothing was annotated yet; then two people are, one of whom took the transcript over.
    assert fetch(api, lesson) == {"annotations": 0, "annotators": 0, "new": 0}
    first = label_studio.annotate(
        task["id"], [*audio("r1", PRAISE, "Похвала", said="Хвалит"), BOX, TIMELINE, *prediction["result"]]
    )
    assert fetch(api, lesson) == {"annotations": 1, "annotators": 1, "new": 1}
    assert fetch(api, lesson) == {"annotations": 1, "annotators": 1, "new": 0}
    label_studio.annotate(task["id"], audio("r2", {"start": 33.705, "end": 44.21, "channel": 0}, "Объяснение"))
    skipped = {"result": [], "was_cancelled": True}
    label_studio.ask("POST", f"/api/tasks/{task['id']}/annotations/", json=skipped)
    moved = {**PRAISE, "start": 20.5}
    label_studio.ask(
        "PATCH", f"/api/annotations/{first['id']}/", json={"result": [*audio("r1", moved, "Похвала"), BOX, TIMELINE]}
    )
    assert fetch(api, lesson) == {"annotations": 2, "annotators": 1, "new": 2}

    # Back: a dataset of what was fetched and of the table that the lesson keeps, with exact spans.
    built = api.wait(api.post("/api/datasets", data={"file_id": lesson}).json()["job_id"])
    assert built["status"] == "completed", built
    rows = api.get(f"/api/datasets/{lesson}").json()["rows"]
    spans = {(row["start_time"], row["end_time"]): [pattern["type"] for pattern in row["patterns"]] for row in rows}
    assert spans == {
        (20.5, 23.194): ["Похвала"], (33.705, 44.21): ["Объяснение"],
        (1.0, 5.0): ["Объяснение"],  # frames 26 to 125 at 25 a second
        (10.0, 15.0): ["Введение"],  # frames 251 to 375
    }  # fmt: skip

    # Sent again, links that were revoked are replaced, and the annotations stay.
    api.post(f"/api/lessons/{lesson}/link/revoke")
    assert send(api, lesson, table=None) == sent
    (again,) = tasks_of(label_studio, lesson)
    assert again["id"] == task["id"] and again["data"]["video"] != task["data"]["video"]
    assert again["total_annotations"] == 2


def test_a_deleted_task_is_told_and_made_again_while_what_was_fetched_stays(api, lesson, label_studio):
    task = fresh_task(api, lesson, label_studio)
    label_studio.annotate(task["id"], audio("r1", PRAISE, "Похвала"))
    fetch(api, lesson)
    label_studio.ask("DELETE", f"/api/tasks/{task['id']}/")
    failed = api.wait(api.post(f"/lessons/{lesson}/label-studio/fetch").json()["job_id"])
    assert (failed["status"], failed["code"]) == ("error", "not_found")
    send(api, lesson, table=None)
    assert len(tasks_of(label_studio, lesson)) == 1
    assert api.wait(api.post("/api/datasets", data={"file_id": lesson}).json()["job_id"])["status"] == "completed"


def test_the_older_kind_of_token_fetches_the_same(api, lesson, label_studio):
    task = fresh_task(api, lesson, label_studio)
    mark = audio("r1", PRAISE, "Похвала")
    label_studio.annotate(task["id"], mark)
    settings = LabelStudioSettings(label_studio.url, label_studio.legacy_token)
    fetched = label_studio_server.fetch(settings, task["project"], lesson)
    assert [given["result"] for given in fetched["annotations"]] == [mark]
    assert label_studio_server.fetch(settings, task["project"], lesson, seen=(fetched["id"], fetched["updated_at"])) is None


def test_labels_that_annotations_were_made_with_are_replaced_only_when_asked(api, lesson, label_studio, tmp_path):
    task = fresh_task(api, lesson, label_studio)
    label_studio.annotate(task["id"], audio("r1", PRAISE, "Похвала"))
    other = tmp_path / "other.csv"
    other.write_text("Паттерн,Описание\nСовсем другой,…\n", encoding="utf-8")
    asked = {"files": {"patterns": (other.name, other.read_bytes())}}
    refused = api.wait(api.post(f"/lessons/{lesson}/label-studio/send", **asked).json()["job_id"])
    assert (refused["status"], refused["code"]) == ("error", "conflict")
    send(api, lesson, table=None, replace="1")
    config = label_studio.ask("GET", f"/api/projects/{task['project']}/")["label_config"]
    assert "Совсем другой" in config and "Похвала" not in config


def box(region: str, first: int, hidden_from: int, label: str) -> dict:
    sequence = [
        {**SIDES, "frame": first, "enabled": True, "time": first / 25},
        {**SIDES, "x": 40, "frame": hidden_from, "enabled": False, "time": hidden_from / 25},
    ]
    return {**BOX, "id": region, "value": {**FRAMES, "labels": [label], "sequence": sequence}}


def answers(region: str, where: dict, **given: list[str]) -> list[dict]:
    """What the questions of the speech acts' variant send for a region."""
    common = {"original_length": 63.92, "id": region, "to_name": "audio", "origin": "manual"}
    kinds = {"description": ("textarea", "text")}
    return [
        {**common, "from_name": name, "type": kind, "value": {**where, key: values}}
        for name, values in given.items()
        for kind, key in [kinds.get(name, ("choices", "choices"))]
    ]


VARIANTS = {
    "boxes": (
        ["<VideoRectangle", 'toName="video"'], [box("b1", 26, 126, "Объяснение"), box("b2", 251, 376, "Похвала")],
        {(1.0, 5.0): ["Объяснение"], (10.0, 15.0): ["Похвала"]}, {},
    ),
    "speech_acts": (
        ['name="speech_act"', 'name="modality"', 'name="initiator"', 'name="significance"'],
        [*audio("r1", PRAISE, "Похвала"),
         *answers("r1", PRAISE, initiator=["teacher"], speech_act=["expressive"], modality=["verbal", "gesture"],
                  significance=["high"], description=["Хвалит за опыт"])],
        {(20.095, 23.194): ["Похвала"]},
        {"initiator": ["teacher"], "modality": ["verbal", "gesture"], "significance": ["high"], "speech_act": ["expressive"]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_other_variants_go_there_and_come_back_exactly(variant, api, lesson, label_studio):
    named, result, spans, chosen = VARIANTS[variant]
    task = fresh_task(api, lesson, label_studio, variant=variant, project=f"{variant} {lesson[:6]}")
    config = label_studio.ask("GET", f"/api/projects/{task['project']}/")["label_config"]
    assert all(name in config for name in named)
    label_studio.annotate(task["id"], result)
    assert fetch(api, lesson)["new"] == 1
    built = api.wait(api.post("/api/datasets", data={"file_id": lesson}).json()["job_id"])
    assert built["status"] == "completed", built
    rows = api.get(f"/api/datasets/{lesson}").json()["rows"]
    found = {(row["start_time"], row["end_time"]): [pattern["type"] for pattern in row["patterns"]] for row in rows}
    assert found == spans
    assert {answer["name"]: sorted(answer["values"]) for answer in rows[0]["choices"]} == {
        name: sorted(values) for name, values in chosen.items()
    }
    said = {answer["name"]: answer["values"] for answer in rows[0]["comments"]}
    assert said == ({"description": ["Хвалит за опыт"]} if variant == "speech_acts" else {})
