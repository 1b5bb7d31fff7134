"""The last step through the API: datasets are pushed to a Hub, private, and their files arrive as they were built.

On one machine, and on S3, Redis and workers: a lesson's dataset, and one that is joined of two of which one is withdrawn.
"""

from __future__ import annotations

import pytest

from ppi.services import Services
from tests.conftest import DATA, settings_for, start_server, stop_server, with_people
from tests.functional.stored import lesson_with_dataset
from tests.functional.test_api_story import Api
from tests.servers.hub_stub import TOKEN, HubStub


@pytest.fixture(scope="module")
def hub():
    stub = HubStub().start()
    yield stub
    stub.stop()


@pytest.fixture(scope="module")
def more_variables(hub):
    return {"HF_TOKEN": TOKEN, "HF_ENDPOINT": hub.url}


def build(api):
    """Upload the sample lesson and build its dataset; answers the lesson's id."""
    with (DATA / "sample_lesson.mp4").open("rb") as video:
        answer = api.post("/api/process-video", files={"video": ("a.mp4", video)}, data={"task_name": "A"})
    lesson = answer.json()["file_id"]
    api.wait(lesson)
    with (DATA / "sample_annotations.json").open("rb") as marks, (DATA / "sample_patterns.xlsx").open("rb") as table:
        files = {"annotations": marks, "patterns": ("p.xlsx", table)}
        answer = api.post("/api/datasets", data={"file_id": lesson}, files=files)
    assert api.wait(answer.json()["job_id"])["status"] == "completed"
    return lesson


@pytest.mark.slow
def test_a_stored_dataset_is_pushed_privately_and_arrives_whole(tmp_path, hub, whole_ground):
    folder = tmp_path / "data"
    hub.repositories.clear()
    with_people(Services(settings_for(folder, **whole_ground)))
    server = start_server(folder, **whole_ground)
    try:
        api = Api(server, "anna")
        assert api.post("/api/datasets/0123456789abcdef/push", json={"repo_id": "school/x"}).status_code == 404
        lesson = build(api)
        for wrong in ({"repo_id": "Школа/уроки"}, {"repo_id": "a b"}, {}):
            assert api.post(f"/api/datasets/{lesson}/push", json=wrong).status_code == 400
        name = f"{hub.owner}/water-lesson"
        asked = api.post(f"/api/datasets/{lesson}/push", json={"repo_id": name, "dry_run": True}).json()["job_id"]
        seen = api.wait(asked)
        assert seen["status"] == "completed" and seen["result"]["tag"] == "v1", seen
        assert hub.repositories == {}, "a dry run sends nothing"
        told = api.get(f"/api/datasets/{lesson}/pushes").json()
        assert told["pushes"] == [] and told["dry_run"]["by"] == "anna" and told["dry_run"]["problems"] == []
        promised = {change["path"]: change["size_bytes"] for change in told["dry_run"]["preview"]["changes"]}
        pushed = api.wait(api.post(f"/api/datasets/{lesson}/push", json={"repo_id": name}).json()["job_id"])
        assert pushed["status"] == "completed", pushed
        assert name in pushed["result"]["url"]
        repository = hub.repositories[name]
        assert repository.is_private and repository.tags == {"v1": repository.revision}
        assert promised == {path: len(data) for path, data in repository.files.items() if path != ".gitattributes"}
        told = api.get(f"/api/datasets/{lesson}/pushes").json()
        assert told["dry_run"] is None
        assert [(push["repo_id"], push["revision"], push["tag"], push["by"]) for push in told["pushes"]] == [
            (name, repository.revision, "v1", "anna")
        ]
        services = server.services
        prefix = next(row.prefix for row in services.lessons.list()) + "dataset/"
        stored = {item.key.removeprefix(prefix): item.key for item in services.store.list(services.final, prefix)}
        arrived = repository.files
        assert set(stored) <= set(arrived) | {".gitattributes"}
        for path, key in stored.items():
            assert arrived[path] == b"".join(services.store.read(services.final, key)), path
        assert TOKEN not in (folder / "logs" / "ppi.log").read_text() + (folder / "server.out").read_text()
    finally:
        stop_server(server)


@pytest.mark.slow
def test_lessons_are_joined_pushed_and_one_is_withdrawn(tmp_path, hub, whole_ground, real_plan, tiny_cut):
    folder, name = tmp_path / "data", f"{hub.owner}/two-weeks"
    hub.repositories.clear()
    services = with_people(Services(settings_for(folder, **whole_ground)))
    leaving, staying = (
        lesson_with_dataset(services, real_plan, one, samples=2, cut=tiny_cut) for one in ("Вода", "Воздух")
    )
    server = start_server(folder, **whole_ground)
    try:
        api = Api(server, "admin")
        begun = api.post("/joined", json={"name": "Две недели", "lessons": [leaving.id, staying.id]}).json()
        assert api.wait(begun["job_id"])["result"] == {"samples": 4, "lessons": 2}
        address = f"/api/joined/{begun['dataset_id']}/push"
        pushed = api.wait(api.post(address, json={"repo_id": name}).json()["job_id"])
        assert (pushed["status"], pushed["result"]["tag"]) == ("completed", "v1"), pushed
        assert sorted(path for path in hub.repositories[name].files if path.startswith("videos/")) == [
            f"videos/pattern_{number}.mp4" for number in (1, 2, 3, 4)
        ]

        told = api.get(f"/lessons/{leaving.id}/withdraw").json()
        assert [one["name"] for one in told["joined"]] == ["Две недели"] and len(told["samples"]) == 2
        assert [(push["repo_id"], push["tag"]) for push in told["pushes"]] == [(name, "v1")]
        asked = api.post(f"/api/lessons/{leaving.id}/withdraw", json={"name": "Вода"}).json()
        assert api.wait(asked["job_id"])["result"] == {"samples": 2, "pushes": 1}
        left = api.get(f"/joined/{begun['dataset_id']}").json()
        assert {row["lesson"] for row in left["rows"]} == {"Воздух"} and left["lessons"] == [staying.id]
        again = api.wait(api.post(address, json={"repo_id": name}).json()["job_id"])
        assert (again["status"], again["result"]["tag"]) == ("completed", "v2"), again
        repository = hub.repositories[name]
        assert set(repository.tags) == {"v1", "v2"} and repository.tags["v2"] == repository.revision
        assert b"\xd0\x92\xd0\xbe\xd0\xb4\xd0\xb0" not in repository.files["metadata.jsonl"], "Вода is gone"
        assert api.post(f"/api/datasets/{leaving.id}/push", json={"repo_id": name}).status_code in (403, 404)
    finally:
        stop_server(server)
