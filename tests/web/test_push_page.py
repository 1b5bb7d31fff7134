"""The push on the last page: what it would do stands there before the button, its tag after it, and the record stays."""

from __future__ import annotations

from hashlib import sha256

import pytest

from ppi.dataset.findings import fault
from ppi.errors import DatasetError
from ppi.publishing.hub import FileChange, Preview
from ppi.services import Services
from ppi.workflows import about_lesson, publish, pushes
from ppi.workflows.pushes import DryRun, Push
from tests.conftest import settings_for, with_people

PUSH = Push("school/x", "https://hub/datasets/school/x", "a" * 40, "v3", 3, True, 14, "2026-11-29T12:00:00+00:00", "anna")
PREVIEW = Preview(
    "https://hub/datasets/school/x", "school-bot", False, True, "v3",
    (FileChange("added", "videos/pattern_1.mp4", 2_000_000), FileChange("deleted", "videos/pattern_9.mp4", 7)), 5,
)  # fmt: skip


@pytest.fixture
def services(tmp_path) -> Services:
    return with_people(Services(settings_for(tmp_path / "data", HF_TOKEN="hf_of_the_test")))


@pytest.fixture
def lesson(lesson_with_dataset):
    return lesson_with_dataset


def dry_run(services, lesson, **changed) -> DryRun:
    """One that found `PREVIEW` for the lesson's dataset."""
    manifest = b"".join(services.store.read(services.final, about_lesson.dataset_prefix(lesson) + "manifest.json"))
    given = {
        "repo_id": "school/x", "preview": PREVIEW, "version": 3, "checks": {"files": "pass"}, "problems": (), "warnings": 0,
        "manifest_sha256": sha256(manifest).hexdigest(), "made_at": PUSH.pushed_at, "by": "anna",
    }  # fmt: skip
    return DryRun(**{**given, **changed})


def test_the_button_to_push_comes_with_what_it_would_do(client_for, services, lesson):
    anna, page = client_for("anna"), f"/publish?lesson={lesson.id}"
    assert 'id="push-now"' not in anna.get(page).text and "Show what would be sent" in anna.get(page).text
    pushes.keep_dry_run(services, lesson, dry_run(services, lesson))
    shown = anna.get(page).text
    fields = ('name="repo_id" value="school/x"', 'name="private" value="true"')
    said = ('id="push-now"', *fields, "videos/pattern_9.mp4", "school-bot", "2\u00a0MB")
    for words in said:
        assert words in shown, words
    told = anna.get(f"/api/datasets/{lesson.id}/pushes").json["dry_run"]
    assert [change["kind"] for change in told["preview"]["changes"]] == ["added", "deleted"]


def test_a_dataset_that_fails_its_check_has_no_button_to_press_and_says_why_in_the_readers_language(
    client_for, services, lesson
):
    problem = fault("pattern_1", "{path} is empty.", path="videos/pattern_1.mp4").as_message()
    pushes.keep_dry_run(services, lesson, dry_run(services, lesson, problems=(problem,)))
    anna, page = client_for("anna"), f"/publish?lesson={lesson.id}"
    form = anna.get(page).text.split('id="push-now"')[1].split("</form>")[0]
    assert "disabled>Push the dataset" in form
    said = {"en": "pattern_1: videos/pattern_1.mp4 is empty.", "ru": "pattern_1: videos/pattern_1.mp4\u00a0— пустой файл."}
    for language, words in said.items():
        headers = {"Accept-Language": language}
        assert words in anna.get(page, headers=headers).text
        assert anna.get(f"/api/datasets/{lesson.id}/pushes", headers=headers).json["dry_run"]["problems"] == [words]


def test_a_dry_run_that_an_earlier_version_of_ppi_kept_is_made_again(client_for, services, lesson):
    pushes.keep_dry_run(services, lesson, dry_run(services, lesson, problems=("pattern_1: broken.",)))
    assert 'id="push-now"' not in client_for("anna").get(f"/publish?lesson={lesson.id}").text


def test_a_dry_run_of_another_build_counts_no_more(client_for, services, lesson):
    pushes.keep_dry_run(services, lesson, dry_run(services, lesson, manifest_sha256="0" * 64))
    assert publish.fresh_dry_run(services, lesson) is None
    assert 'id="push-now"' not in client_for("anna").get(f"/publish?lesson={lesson.id}").text


def test_what_was_pushed_is_listed_once_with_its_tag(client_for, services, lesson):
    pushes.keep_push(services, lesson, PUSH)
    pushes.keep_push(services, lesson, Push(**{**vars(PUSH), "pushed_at": "2027-01-01T00:00:00+00:00", "by": "boris"}))
    assert pushes.pushes(services, lesson) == [PUSH]
    other = Push(**{**vars(PUSH), "revision": "b" * 40, "tag": "v3.1"})
    pushes.keep_push(services, lesson, other)
    assert pushes.pushes(services, lesson) == [PUSH, other]
    assert 'href="https://hub/datasets/school/x/tree/v3.1"' in client_for("anna").get(f"/publish?lesson={lesson.id}").text


def test_a_record_that_cannot_be_read_is_said_and_not_taken_for_none(client_for, services, lesson):
    services.store.put_bytes(services.raw, lesson.video_key.replace(".mp4", pushes.PUSHES), b'[{"x": 1}]')
    with pytest.raises(DatasetError, match="record of what was published"):
        pushes.pushes(services, lesson)
    assert client_for("anna").get(f"/api/datasets/{lesson.id}/pushes").status_code == 422


def test_one_push_or_dry_run_at_a_time(client_for, services, lesson):
    anna, path = client_for("anna"), f"/api/datasets/{lesson.id}/push"
    assert anna.post(path, json={"repo_id": "school/x", "dry_run": True}).status_code == 200
    assert anna.post(path, json={"repo_id": "school/x"}).status_code == 409
    job = services.ledger.list(lesson_id=lesson.id, kind="preview_push")[0]
    assert dict(job.input) == {"repo_id": "school/x", "is_private": True, "by": "anna"}


def test_a_public_dry_run_needs_the_consent_of_a_public_push(client_for, lesson):
    path = f"/api/datasets/{lesson.id}/push"
    given = {"repo_id": "school/x", "private": False, "dry_run": True}
    assert client_for("anna").post(path, json=given).status_code == 403
