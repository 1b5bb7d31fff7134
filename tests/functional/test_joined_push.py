"""A joined dataset goes to a Hub: what a push would do, the push, its tag, going on after a break, and who must agree."""

from __future__ import annotations

import pytest

from ppi.services import Services
from ppi.workflows import about_lesson, joined, publish, pushes
from ppi.workflows.joined import Wanted
from tests.conftest import settings_for, with_people
from tests.functional.stored import lesson_with_dataset, work_off
from tests.servers.hub_stub import TOKEN, Fault, HubStub

REPO = "school/two-weeks"


@pytest.fixture(scope="module")
def hub():
    stub = HubStub().start()
    yield stub
    stub.stop()


@pytest.fixture
def services(tmp_path, hub) -> Services:
    hub.reset()
    return with_people(Services(settings_for(tmp_path / "data", HF_TOKEN=TOKEN, HF_ENDPOINT=hub.url)))


@pytest.fixture
def lessons(services, real_plan, tiny_cut):
    return [lesson_with_dataset(services, real_plan, name, samples=2, cut=tiny_cut) for name in ("А", "Б")]


def join(services, rows):
    job = joined.request_join(
        services, services.users.by_name("admin"), wanted=Wanted(tuple(row.id for row in rows)), name="Все"
    )
    assert work_off(services, job.id).status == "completed"
    return joined.get(services, job.lesson_id)


def stored(services, found) -> dict[str, bytes]:
    items = services.store.list(services.final, found.prefix)
    return {item.key.removeprefix(found.prefix): b"".join(services.store.read(services.final, item.key)) for item in items}


def test_a_joined_dataset_is_previewed_pushed_tagged_and_goes_on_after_a_break(services, lessons, hub, client_for):
    found, admin = join(services, lessons), client_for("admin")
    address = f"/api/joined/{found.id}/push"
    asked = admin.post(address, json={"repo_id": REPO, "dry_run": True}).json["job_id"]
    seen = work_off(services, asked)
    assert (seen.status, seen.result["tag"], hub.repositories) == ("completed", "v1", {}), seen
    promised = {change.path: change.size_bytes for change in publish.fresh_dry_run(services, found).preview.changes}
    assert promised == {path: len(data) for path, data in stored(services, found).items()}

    hub.faults.append(Fault("POST .*/commit/main", 503))
    job = services.ledger.get(admin.post(address, json={"repo_id": REPO}).json["job_id"])
    assert work_off(services, job.id).status == "queued", "it is tried again by itself"
    sent = [line for line in hub.requests if line.startswith("PUT /lfs/")]
    assert sent and pushes.pushes(services, found) == []
    hub.faults.clear()
    hub.requests.clear()
    services.ledger.cancel(job.id)
    services.ledger.retry(job.id)
    assert work_off(services, job.id).status == "completed"
    assert not [line for line in hub.requests if line.startswith("PUT /lfs/")], "what had arrived is not sent again"

    repository = hub.repositories[REPO]
    assert repository.is_private and repository.tags == {"v1": repository.revision}
    arrived = {path: data for path, data in repository.files.items() if path != ".gitattributes"}
    assert arrived == stored(services, found)
    (push,) = pushes.pushes(services, found)
    assert (push.tag, push.revision, push.samples, push.by) == ("v1", repository.revision, 4, "admin")
    assert set(push.lessons) == {row.id for row in lessons} and publish.fresh_dry_run(services, found) is None
    page = admin.get(f"/joined/{found.id}", headers={"Accept": "text/html"})
    assert [(one.repo_id, alone) for one, alone in pushes.of_lesson(services, lessons[0])] == [(REPO, False)], page


def test_a_push_that_waits_is_refused_when_one_lesson_is_withdrawn_meanwhile(services, lessons, hub, client_for):
    found = join(services, lessons)
    about_lesson.save_consent(services, lessons[0], {"state": "internal", "license": "cc-by-4.0"})
    public = client_for("admin").post(f"/api/joined/{found.id}/push", json={"repo_id": REPO, "private": False})
    assert (public.status_code, public.json["code"]) == (403, "access_denied") and "internal" in public.json["error"]
    job = publish.request_push(services, found, repo_id=REPO, is_private=True)
    about_lesson.record_withdrawal(services, lessons[1])
    ended = work_off(services, job.id)
    assert ended.status == "error" and "withdrawn" in ended.error
    assert hub.repositories == {} and pushes.pushes(services, found) == []
