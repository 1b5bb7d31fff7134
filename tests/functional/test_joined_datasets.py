"""Several lessons in one dataset, in the store: who may join what, what a version holds, what a build leaves."""

from __future__ import annotations

import io
import zipfile

import pytest

from ppi.errors import ServerAway
from ppi.workflows import about_lesson, joined, stored_datasets, withdraw
from ppi.workflows.joined import Wanted
from tests.conftest import settings_for, with_people
from tests.functional.stored import lesson_with_dataset, work_off


@pytest.fixture
def services(tmp_path):
    from ppi.services import Services

    return with_people(Services(settings_for(tmp_path / "data", HF_TOKEN="hf_of_the_test")))


@pytest.fixture
def lesson(services, real_plan):
    """`lesson("А", owner="anna")` is a stored lesson with a small dataset."""

    def make(name, **given):
        return lesson_with_dataset(services, real_plan, name, **given)

    return make


def join(services, rows, name="Все", user="admin", joined_id="", **given):
    """Join lessons and answer the joined dataset."""
    asked = services.users.by_name(user)
    wanted = Wanted(tuple(row.id for row in rows), **given)
    old = joined.get(services, joined_id) if joined_id else None
    job = joined.request_join(services, asked, wanted=wanted, name=name, joined=old)
    ended = work_off(services, job.id)
    assert ended.status == "completed", ended
    return joined.get(services, job.lesson_id)


def counting(monkeypatch, store):
    """The keys that are copied to inside the store from now on."""
    copied, real = [], store.copy

    def counted(bucket, source, target):
        copied.append(target)
        real(bucket, source, target)

    monkeypatch.setattr(store, "copy", counted)
    return copied


def lessons_in(services, found):
    return sorted({row["lesson"] for row in stored_datasets.rows_of(services, found.prefix)})


def test_two_lessons_are_joined_shown_downloaded_and_a_third_comes_later(services, lesson, client_for, monkeypatch):
    rows = [lesson("А"), lesson("Б", samples=4)]
    admin = client_for("admin")
    fields = {"name": "Две недели", "lessons": [row.id for row in rows], "shares": "50,0,50"}
    planned = admin.post("/joined", json={**fields, "action": "plan"}).json
    assert (planned["samples"], planned["consent"]) == (7, "public")
    assert {entry["name"]: entry["samples"] for entry in planned["lessons"]} == {"А": 3, "Б": 4}
    begun = admin.post("/joined", json=fields).json
    assert work_off(services, begun["job_id"]).status == "completed"

    shown = admin.get(f"/joined/{begun['dataset_id']}").json
    splits = {entry["name"]: entry["split"] for entry in planned["lessons"]}
    assert len(shown["rows"]) == 7 and all(row["split"] == splits[row["lesson"]] for row in shown["rows"])
    bundle = zipfile.ZipFile(io.BytesIO(admin.get(f"/joined/{begun['dataset_id']}.zip").data))
    assert bundle.read("Две недели/videos/pattern_4.mp4") == "Б pattern_1.mp4".encode()

    copied = counting(monkeypatch, services.store)
    found = join(services, [*rows, lesson("В")], joined_id=begun["dataset_id"])
    assert len(copied) == 20 and all(key.startswith(found.prefix) for key in copied), "clips are copied inside the store"
    page = admin.get(f"/joined/{found.id}", headers={"Accept": "text/html"}).json
    assert len(page["rows"]) == 10
    versions = stored_datasets.versions_of(services, found.prefix)
    assert [(one["version"], one["counts"]) for one in versions] == [(1, {}), (2, {"added": 3})]
    assert "| 2 |" in shown["card"] or "added 3" in stored_datasets.text_of(services, found.prefix + "README.md")
    builds = {item.key.split("/")[3] for item in services.store.list(services.final, "~joined/data/")}
    assert builds == {found.build}, "the version before is gone"


def test_people_join_their_own_lessons_and_administrators_any(services, lesson, client_for):
    hers, theirs = lesson("А", owner="anna"), lesson("Б", owner="boris")
    refused = client_for("anna").post("/joined", json={"name": "x", "lessons": [hers.id, theirs.id]})
    assert (refused.status_code, refused.json["code"]) == (404, "not_found")
    found = join(services, [hers, theirs])
    assert client_for("anna").get(f"/joined/{found.id}").status_code == 404
    assert client_for("anna").get("/joined").json["datasets"] == []
    assert [one["name"] for one in client_for("admin").get("/joined").json["datasets"]] == ["Все"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"lessons": []}, "from 1 to 500"), ({"name": " "}, "a name"), ({"shares": "0,50,50"}, "train more than 0"),
        ({"shares": "a,b,c"}, "three numbers"), ({"seed": "x"}, "whole number"), ({"by": "moon"}, "not by moon"),
        ({"lessons": [0, 0, 1]}, "has no dataset"),
    ],
)  # fmt: skip
def test_what_cannot_be_joined_is_refused_before_anything_is_queued(services, lesson, client_for, fields, said):
    row, bare = lesson("А"), lesson("Б")
    stored_datasets.remove(services, about_lesson.dataset_prefix(bare))
    ids = [row.id, bare.id]
    if "lessons" in fields:
        fields = {"lessons": [ids[number] for number in fields["lessons"]]}
    answer = client_for("admin").post("/joined", json={"name": "x", "lessons": [row.id], **fields})
    assert answer.status_code == 400 and said in answer.json["error"]
    assert joined.everything(services) == []


def test_a_form_that_is_refused_keeps_what_was_typed(services, lesson, client_for):
    rows = [lesson("А"), lesson("Б")]
    stored_datasets.remove(services, about_lesson.dataset_prefix(rows[1]))
    form = {"name": "Моя", "lessons": [row.id for row in rows], "train": "70", "validation": "0", "test": "30", "seed": "5"}
    headers = {"Accept": "text/html"}
    client = client_for("admin")
    client.environ_base.pop("HTTP_AUTHORIZATION")
    client.post("/api/login", json={"username": "admin", "password": "admin-password-1"})
    token = client.post("/api/login", json={"username": "admin", "password": "admin-password-1"}).json["csrf_token"]
    page = client.post("/joined", data=form | {"action": "build", "csrf_token": token}, headers=headers)
    assert page.status_code == 400 and "The lesson Б has no dataset." in page.text
    assert all(f'id="chosen-{row.id}" checked' in page.text for row in rows)
    assert 'id="by-teacher" checked' in page.text and 'value="Моя"' in page.text and 'value="70"' in page.text


def test_grouping_by_lesson_divides_the_lessons_of_a_teacher(services, lesson):
    rows = [lesson("А", teacher="T1"), lesson("Б", teacher="T1")]
    admin = services.users.by_name("admin")
    together = joined.preview(services, admin, Wanted(tuple(row.id for row in rows), "50,0,50"))
    apart = joined.preview(services, admin, Wanted(tuple(row.id for row in rows), "50,0,50", by="lesson"))
    assert {split for *_, split in together.lessons} == {"train"}
    assert {split for *_, split in apart.lessons} == {"train", "test"}


def test_a_build_that_fails_leaves_the_version_before(services, lesson, monkeypatch):
    rows = [lesson("А"), lesson("Б")]
    found = join(services, rows)
    real = services.store.put_file

    def failing(bucket, key, *args, **given):
        if key.startswith("~joined/") and key.endswith(".parquet"):
            raise ServerAway("The store is away.")
        return real(bucket, key, *args, **given)

    monkeypatch.setattr(services.store, "put_file", failing)
    admin = services.users.by_name("admin")
    job = joined.request_join(services, admin, wanted=Wanted((rows[0].id,)), joined=found)
    assert work_off(services, job.id).status == "queued"
    assert joined.get(services, found.id) == found and lessons_in(services, found) == ["А", "Б"]
    builds = {item.key.split("/")[3] for item in services.store.list(services.final, "~joined/data/")}
    assert builds == {found.build}


def test_a_clip_that_changes_while_it_is_joined_comes_as_it_was_read(services, lesson, monkeypatch):
    row = lesson("А")
    real = services.store.copy

    def copy(bucket, source, target):
        if source.endswith("pattern_1.mp4"):
            services.store.put_bytes(bucket, source, b"of a build that came between")
        real(bucket, source, target)

    monkeypatch.setattr(services.store, "copy", copy)
    found = join(services, [row])
    assert stored_datasets.text_of(services, found.prefix + "videos/pattern_1.mp4") == "А pattern_1.mp4"


@pytest.mark.slow
def test_lessons_of_the_same_name_are_told_apart_and_one_is_withdrawn(services, lesson, client_for):
    rows = [lesson("А"), lesson("А", samples=2)]
    found = join(services, rows)
    names = {row.id: f"А [{row.id[:6]}]" for row in rows}
    assert lessons_in(services, found) == sorted(names.values()) and found.labels == names
    page = client_for("admin").get(f"/joined/{found.id}", headers={"Accept": "text/html"})
    assert page.status_code == 200
    told = client_for("admin").get(f"/lessons/{rows[1].id}/withdraw").json
    assert [len(one["samples"]) for one in told["joined"]] == [2]
    job = withdraw.request_withdraw(services, rows[1], name="А")
    assert work_off(services, job.id).status == "completed"
    left = joined.get(services, found.id)
    assert lessons_in(services, left) == ["А"] and left.labels == {rows[0].id: "А"}
    assert stored_datasets.versions_of(services, left.prefix)[-1]["counts"] == {"removed": 2}
