"""Lessons of joined datasets whose consent changes, that are withdrawn or deleted: what every dataset says and does then."""

# ruff: noqa: F811  (fixtures of another module)
from __future__ import annotations

import io
import json
import zipfile

import pytest
from click.testing import CliRunner

from ppi.cli import main
from ppi.errors import AccessDenied, ServerAway
from ppi.records import Consent
from ppi.workflows import about_lesson, joined, joined_consent, lessons, publish, pushes, stored_datasets, withdraw
from ppi.workflows.joined import Joined
from ppi.workflows.pushes import Push
from tests.functional.stored import build_dataset, work_off
from tests.functional.test_joined_datasets import join, lesson, lessons_in, services  # noqa: F401  (two are fixtures)


def test_the_strictest_consent_counts_when_a_joined_dataset_is_published(services, lesson):
    rows = [lesson("А"), lesson("Б")]
    found = join(services, rows)
    assert joined_consent.standing(services, found).consent.state == "public"
    about_lesson.save_consent(services, rows[1], {"state": "internal"})
    with pytest.raises(AccessDenied, match="internal"):
        publish.request_push(services, found, repo_id="school/all", is_private=False)
    job = publish.request_push(services, found, repo_id="school/all", is_private=True)
    services.ledger.cancel(job.id)
    services.lessons.remove(rows[0].id)
    assert joined_consent.standing(services, found).consent == Consent()


def test_withdrawing_takes_a_lesson_out_of_every_dataset(services, lesson, client_for):
    rows = [lesson("А", owner="anna"), lesson("Б"), lesson("В")]
    both, alone, other = join(services, rows[:2]), join(services, rows[:1], name="Одна"), join(services, rows[1:])
    published(services, both, "school/all", "v1")
    published(services, other, "school/other", "v1")
    anna = client_for("anna")
    told = anna.get(f"/lessons/{rows[0].id}/withdraw").json
    assert len(told["samples"]) == 3 and told["version"] == 1
    assert {one["name"]: len(one["samples"]) for one in told["joined"]} == {"Все": 3, "Одна": 3}
    assert [(one["repo_id"], one["revision"], one["tag"]) for one in told["pushes"]] == [("school/all", "c0ffee", "v1")]

    wrong = anna.post(f"/api/lessons/{rows[0].id}/withdraw", json={"name": "Б"})
    assert wrong.status_code == 400 and about_lesson.consent(services, rows[0]).state == "public"
    begun = anna.post(f"/api/lessons/{rows[0].id}/withdraw", json={"name": " А "}).json
    assert about_lesson.consent(services, rows[0]).state == "withdrawn"
    ended = work_off(services, begun["job_id"])
    assert (ended.status, ended.result) == ("completed", {"samples": 3, "pushes": 1})

    assert lessons_in(services, joined.get(services, both.id)) == ["Б"]
    assert {one.id for one in joined.everything(services)} == {both.id, other.id}
    assert joined.get(services, other.id) == other and services.store.list(services.final, alone.prefix) == []
    assert services.store.list(services.final, about_lesson.dataset_prefix(rows[0])) == []
    left = [json.dumps(told, ensure_ascii=False) for told in stored_rows(services)]
    assert not any('"lesson": "А"' in row for row in left)
    left = anna.get(f"/lessons/{rows[0].id}/withdraw").json
    withdrawals = services.audit.find(action="withdraw lesson")
    assert (left["samples"], left["joined"], len(left["pushes"])) == ([], [], 1)
    assert [(act.outcome, act.object) for act in withdrawals] == [("ok", rows[0].id), ("refused:input", rows[0].id)]


def published(services, found, repo_id, tag, held=None):
    lessons_of_it = found.wanted.lessons if isinstance(found, Joined) else ()
    url = f"https://hub/{repo_id}"
    made = Push(repo_id, url, "c0ffee", tag, 1, True, 6, pushes.now(), "admin", lessons_of_it, held or {})
    pushes.keep_push(services, found, made)


def stored_rows(services):
    for item in services.store.list(services.final):
        if item.key.endswith("metadata.jsonl"):
            yield from stored_datasets.rows_of(services, item.key.removesuffix("metadata.jsonl"))


def test_a_withdrawn_lesson_is_neither_built_nor_joined_nor_published_until_consent_changes(
    services, lesson, client_for, real_plan
):
    row = lesson("А")
    job = withdraw.request_withdraw(services, row, name="А")
    work_off(services, job.id)
    admin = client_for("admin")
    build_dataset(services, row, real_plan, 2)  # as somebody could who has the files
    assert admin.post("/api/datasets", data={"file_id": row.id}).status_code == 403
    assert admin.post(f"/api/datasets/{row.id}/push", json={"repo_id": "school/a"}).status_code == 403
    assert admin.post("/joined", json={"name": "x", "lessons": [row.id]}).status_code == 403
    assert admin.post(f"/api/lessons/{row.id}/consent", json={"state": "internal"}).status_code == 200
    assert admin.post(f"/api/datasets/{row.id}/push", json={"repo_id": "school/a"}).status_code == 200


def test_a_lesson_is_withdrawn_by_withdrawing_only(services, lesson, client_for):
    answer = client_for("admin").post(f"/api/lessons/{lesson('А').id}/consent", json={"state": "withdrawn"})
    assert answer.status_code == 400 and "Withdraw this lesson" in answer.json["error"]


def test_a_withdrawal_that_is_interrupted_goes_on(services, lesson, monkeypatch):
    rows = [lesson("А"), lesson("Б")]
    found = join(services, rows)
    job = withdraw.request_withdraw(services, rows[0], name="А")
    real = services.store.copy
    monkeypatch.setattr(services.store, "copy", lambda *_: (_ for _ in ()).throw(ServerAway("The store is away.")))
    assert work_off(services, job.id).status == "queued"
    monkeypatch.setattr(services.store, "copy", real)
    services.ledger.cancel(job.id)
    services.ledger.retry(job.id)
    assert work_off(services, job.id).status == "completed"
    assert lessons_in(services, joined.get(services, found.id)) == ["Б"]


def test_what_a_joined_dataset_cannot_be_rebuilt_of_does_not_keep_a_withdrawn_lesson_in(services, lesson):
    rows = [lesson("А"), lesson("Б"), lesson("В")]
    found = join(services, rows)
    services.store.put_bytes(services.final, about_lesson.dataset_prefix(rows[1]) + "videos/pattern_1.mp4", b"damaged")
    job = withdraw.request_withdraw(services, rows[0], name="А")
    assert work_off(services, job.id).status == "completed"
    left = joined.get(services, found.id)
    assert (left.build, left.wanted.lessons) == ("", (rows[1].id, rows[2].id))
    assert services.store.list(services.final, "~joined/data/") == []


def test_a_lesson_is_withdrawn_on_the_command_line_by_its_name(services, lesson, monkeypatch, tmp_path):
    rows = [lesson("А"), lesson("Б")]
    found = join(services, rows)
    published(services, found, "school/all", "v1")
    monkeypatch.setenv("PPI_DATA_DIR", str(tmp_path / "data"))

    def withdraw(*more):
        return CliRunner().invoke(main, ["dataset", "withdraw", rows[0].id, *more])

    listed = withdraw()
    assert listed.exit_code == 0, listed.output
    lines = listed.output.splitlines()
    assert sum(line.startswith("its own dataset, version 1: pattern_") for line in lines) == 3
    assert sum(line.startswith("Все, version 1: pattern_") for line in lines) == 3
    assert "published: https://hub/school/all revision c0ffee v1" in lines and '--confirm "А"' in lines[-1]
    wrong = withdraw("--confirm", "Б")
    assert wrong.exit_code == 1 and "type its name: А" in wrong.output
    assert about_lesson.consent(services, rows[0]).state == "public"
    done = withdraw("--confirm", "А")
    assert done.exit_code == 0 and "Withdrawn: 3 samples" in done.output
    assert lessons_in(services, joined.get(services, found.id)) == ["Б"]
    assert services.store.list(services.final, about_lesson.dataset_prefix(rows[0])) == []
    assert [(act.way, act.object) for act in services.audit.find(action="withdraw lesson")] == [("command", rows[0].id)]


def test_a_change_of_consent_reaches_the_joined_dataset_at_once(services, lesson, client_for):
    rows = [lesson("А"), lesson("Б")]
    found, admin = join(services, rows), client_for("admin")
    zip_address = f"/joined/{found.id}.zip"

    def card():
        return zipfile.ZipFile(io.BytesIO(admin.get(zip_address).data)).read("Все/README.md").decode()

    assert "agreed that it is published" in card()
    admin.post(f"/api/lessons/{rows[0].id}/consent", json={"state": "internal", "license": "cc-by-4.0"})
    stored = stored_datasets.text_of(services, found.prefix + "README.md")
    assert "inside the research group only" in stored and stored == card()
    assert admin.get(f"/joined/{found.id}").json["consent"] == "internal"
    admin.post(f"/api/lessons/{rows[0].id}/consent", json={"state": "public", "license": "cc-by-4.0"})
    assert "agreed that it is published" in card()

    about_lesson.record_withdrawal(services, rows[0])  # as the page does before its job begins
    shown = admin.get(f"/joined/{found.id}").json
    assert (shown["consent"], shown["withdrawn"]) == ("withdrawn", ["А"])
    refused = admin.get(zip_address)
    assert (refused.status_code, refused.json["code"]) == (403, "access_denied")
    assert admin.get(f"/datasets/{rows[0].id}.zip").status_code == 403
    assert admin.post(f"/api/joined/{found.id}/push", json={"repo_id": "school/all"}).status_code == 403
    about_lesson.save_consent(services, rows[0], {"state": "public", "license": "cc-by-4.0"})
    lessons.delete_lesson(services, rows[0])
    shown = admin.get(f"/joined/{found.id}").json
    assert (shown["consent"], shown["deleted"]) == ("unknown", ["А"])
    assert "Nobody has recorded" in card()
    assert admin.post(f"/api/joined/{found.id}/push", json={"repo_id": "x/y", "private": False}).status_code == 403


def test_what_was_published_of_a_lesson_stays_on_record_when_it_is_deleted(
    services, lesson, client_for, monkeypatch, tmp_path
):
    row, other, quiet = lesson("А", owner="anna"), lesson("Б"), lesson("В")
    found = join(services, [row, other])
    published(services, row, "school/a", "v1", held={row.id: ("pattern_1", "pattern_2")})
    published(services, found, "school/all", "v2", held={row.id: ("pattern_1",), other.id: ("pattern_2",)})
    for one in (row, quiet):
        lessons.delete_lesson(services, one)
    anna, boris = client_for("anna"), client_for("boris")
    assert [one.id for one in pushes.deleted_lessons(services, services.users.by_name("anna"))] == [row.id]
    assert services.store.list(services.raw, row.prefix) == []
    told = anna.get(f"/lessons/{row.id}/withdraw").json
    assert [(one["repo_id"], one["held"][row.id]) for one in told["pushes"]] == [
        ("school/a", ["pattern_1", "pattern_2"]), ("school/all", ["pattern_1"]),
    ]  # fmt: skip
    assert [one["name"] for one in told["joined"]] == ["Все"]
    assert f"/lessons/{row.id}/withdraw" in anna.get("/lessons", headers={"Accept": "text/html"}).text
    for client, address in ((boris, row.id), (anna, quiet.id), (anna, "..")):
        assert client.get(f"/lessons/{address}/withdraw").status_code == 404
    monkeypatch.setenv("PPI_DATA_DIR", str(tmp_path / "data"))
    listed = CliRunner().invoke(main, ["dataset", "withdraw", row.id])
    assert listed.exit_code == 0 and "revision c0ffee v1: pattern_1, pattern_2\n" in listed.output
    assert "А was deleted on " in listed.output
    assert boris.get(f"/lessons/{row.id}/withdraw").json == anna.get(f"/lessons/{quiet.id}/withdraw").json
