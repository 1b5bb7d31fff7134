"""Consent, the makers' words and the card's language through the API: kept beside the video, put into the stored dataset."""

import datetime
import json
import re

import pytest

from ppi.dataset import consent as consents
from ppi.dataset import manifest, verify
from ppi.errors import AccessDenied
from ppi.jobs.run import Run
from ppi.services import Services
from ppi.workflows import about_lesson, build_dataset, publish, stored_datasets
from tests.conftest import settings_for, with_people


@pytest.fixture
def services(tmp_path) -> Services:
    return with_people(Services(settings_for(tmp_path / "data", HF_TOKEN="hf_of_the_test")))


@pytest.fixture
def lesson(lesson_with_dataset):
    return lesson_with_dataset


def stored(services, lesson, name):
    return b"".join(services.store.read(services.final, build_dataset.dataset_prefix(lesson) + name))


def test_what_is_recorded_is_kept_and_shown(client_for, services, lesson):
    anna = client_for("anna")
    given = {"state": "public", "license": "cc-by-4.0", "embargo_until": "2027-01-31", "teacher": "T7"}
    answer = anna.post(f"/api/lessons/{lesson.id}/consent", json=given)
    assert answer.json == {"success": True, **given}
    assert about_lesson.consent(services, lesson).teacher == "T7"
    assert anna.post(f"/api/lessons/{lesson.id}/consent", json={"state": "yes"}).status_code == 400
    assert anna.post(f"/api/lessons/{lesson.id}/consent", json={"state": 7}).status_code == 400
    assert anna.post(f"/api/lessons/{lesson.id}/consent", json=[]).status_code == 400
    assert about_lesson.consent(services, lesson).state == "public", "what was refused changed nothing"


@pytest.mark.parametrize("content", [b"", b"[]", b'{"state": "public", "x": 1}', b'{"state": "yes"}', b"\xff"])
def test_a_record_that_cannot_be_read_allows_nothing(services, lesson, content):
    about_lesson.save_consent(services, lesson, {"state": "public"})
    services.store.put_bytes(services.raw, lesson.video_key.replace(".mp4", about_lesson.CONSENT), content)
    assert about_lesson.consent(services, lesson).state == "unknown"


def test_a_public_push_needs_a_public_consent(client_for, lesson):
    anna, push = client_for("anna"), f"/api/datasets/{lesson.id}/push"
    refused = anna.post(push, json={"repo_id": "school/x", "private": False})
    assert refused.status_code == 403 and "is “unknown”" in refused.json["error"]
    anna.post(f"/api/lessons/{lesson.id}/consent", json={"state": "public", "embargo_until": "2999-01-01"})
    assert "embargo until January 1, 2999" in anna.post(push, json={"repo_id": "school/x", "private": False}).json["error"]
    anna.post(f"/api/lessons/{lesson.id}/consent", json={"state": "public"})
    assert anna.post(push, json={"repo_id": "school/x", "private": False}).status_code == 200


def test_consent_and_embargo_are_told_in_the_readers_words(client_for, services, lesson):
    anna, russian = client_for("anna"), {"Accept-Language": "ru"}

    def read(text):
        return re.sub(r"[\u00a0\u202f]", " ", text)

    def refusal():
        answer = anna.post(f"/api/datasets/{lesson.id}/push", json={"repo_id": "school/x", "private": False}, headers=russian)
        return read(answer.json["error"])

    about_lesson.save_consent(services, lesson, {"state": "internal"})
    assert "«внутри группы»" in refusal()
    about_lesson.save_consent(services, lesson, {"state": "public", "embargo_until": "2999-01-31"})
    assert "до 31 января 2999 г.: до этого дня" in refusal()
    page = read(anna.get(f"/publish?lesson={lesson.id}", headers=russian).text)
    assert page.count("31 января 2999 г.") == 2 and "2999-01-31" not in page, "beside the push and in the list of checks"
    about_lesson.save_consent(services, lesson, {"state": "public", "embargo_until": "2020-01-31"})
    over = anna.get(f"/publish?lesson={lesson.id}").text
    assert "2020" not in over and "may go into a private repository only" not in over, "it does not hold any more"


def test_a_consent_withdrawn_while_the_push_waits_stops_it(services, lesson):
    about_lesson.save_consent(services, lesson, {"state": "public"})
    job = publish.request_push(services, lesson, repo_id="school/x", is_private=False)
    about_lesson.save_consent(services, lesson, {"state": "internal"})
    with pytest.raises(AccessDenied, match="is “internal”"):
        publish.run_publish(services, job, Run(job, services.ledger))


def test_words_for_the_card_are_put_into_it_and_the_dataset_stays_whole(client_for, services, lesson, tmp_path):
    anna, path = client_for("anna"), f"/api/datasets/{lesson.id}/card"
    card = anna.post(path, json={"text": "## О нас\r\n\r\nШкола № 1 <!-- тайна -->"}).json["card"]
    assert "## О нас\n\nШкола № 1  тайна" in card and card.startswith("---\n")
    assert stored(services, lesson, "README.md").decode() == card
    listed = {file["path"]: file for file in json.loads(stored(services, lesson, "manifest.json"))["files"]}
    (tmp_path / "card").write_text(card, encoding="utf-8", newline="")
    assert listed["README.md"]["sha256"] == manifest.sha256(tmp_path / "card")
    assert listed["README.md"]["size_bytes"] == len(card.encode())
    again = anna.post(path, json={"text": "Короче."}).json["card"]
    assert "Короче." in again and "Школа" not in again
    assert about_lesson.own_text(services, lesson) == "Короче."
    assert anna.post(path, json={"text": "x" * 20_001}).status_code == 400


def test_a_consent_takes_effect_at_once_in_the_stored_dataset_and_cuts_nothing(client_for, services, lesson, tmp_path):
    anna = client_for("anna")
    before = {item.key: item.etag for item in services.store.list(services.final, build_dataset.dataset_prefix(lesson))}
    anna.post(f"/api/datasets/{lesson.id}/card", json={"text": "Наши слова."})
    given = {"state": "public", "license": "cc-by-4.0"}
    assert anna.post(f"/api/lessons/{lesson.id}/consent", json=given).status_code == 200
    card = stored(services, lesson, "README.md").decode()
    assert "license: cc-by-4.0" in card and "agreed that it is published" in card and "Наши слова." in card
    after = {item.key: item.etag for item in services.store.list(services.final, build_dataset.dataset_prefix(lesson))}
    changed = {key.rpartition("/")[2] for key in after if after[key] != before[key]}
    assert changed == {"README.md", "croissant.json", "manifest.json"}
    stored_datasets.lay_out(services, about_lesson.dataset_prefix(lesson), tmp_path / "fetched", lambda fraction: None)
    assert verify.check(tmp_path / "fetched").problems == ()
    consents.check_push(consents.of_settings(manifest.read(tmp_path / "fetched")["settings"]), False, datetime.date.today())
    anna.post(f"/api/lessons/{lesson.id}/consent", json={"state": "internal"})
    assert "inside the research group only" in stored(services, lesson, "README.md").decode()


def test_a_consent_recorded_while_a_job_runs_comes_into_the_dataset_afterwards(services, lesson):
    job = services.ledger.submit("build_dataset", lesson.owner_id, lesson.id, {})
    about_lesson.save_consent(services, lesson, {"state": "internal"})
    assert "Nobody has recorded" in stored(services, lesson, "README.md").decode()
    services.ledger.cancel(job.id)
    about_lesson.refresh(services, lesson)
    assert "inside the research group only" in stored(services, lesson, "README.md").decode()


def test_a_dataset_of_an_earlier_version_keeps_its_card_and_the_consent_is_recorded(client_for, services, lesson):
    report = json.loads(stored(services, lesson, "report.json"))
    del report["card"]
    services.store.put_bytes(
        services.final, build_dataset.dataset_prefix(lesson) + "report.json", json.dumps(report).encode()
    )  # fmt: skip
    anna, before = client_for("anna"), stored(services, lesson, "README.md")
    assert anna.post(f"/api/lessons/{lesson.id}/consent", json={"state": "internal"}).status_code == 200
    assert about_lesson.consent(services, lesson).state == "internal"
    refused = anna.post(f"/api/datasets/{lesson.id}/card", json={"text": "Слова"})
    assert refused.status_code == 422 and "Build the dataset again" in refused.json["error"]
    assert stored(services, lesson, "README.md") == before


def test_the_card_speaks_the_language_that_was_chosen(client_for, services, lesson):
    anna, path = client_for("anna"), f"/api/datasets/{lesson.id}/card"
    anna.post(path, json={"text": "Наши слова."})
    card = anna.post(path, json={"language": "ru"}).json["card"]
    assert "## Согласие и лицензия" in card and "Наши слова." in card and "\nconfigs:\n" in card
    assert about_lesson.card_language(services, lesson) == "ru"
    assert '<option value="ru" selected>' in anna.get(f"/datasets/{lesson.id}/card").text
    assert anna.post(path, json={"language": "de"}).status_code == 400


def test_words_wait_while_the_dataset_is_being_built(client_for, services, lesson):
    services.ledger.submit("build_dataset", lesson.owner_id, lesson.id, {})
    assert client_for("anna").post(f"/api/datasets/{lesson.id}/card", json={"text": "x"}).status_code == 409


def test_the_pages_show_the_form_the_check_and_the_changes(client_for, lesson):
    anna = client_for("anna")
    shown = anna.get(f"/publish?lesson={lesson.id}").text
    for words in (
        "What the check found",
        "Version 1 of this dataset",
        "Edit the card",
        "private repository only",
    ):
        assert words in shown
    assert "Педагог (рамка)" in shown


def test_half_a_character_in_what_is_refused_is_answered_in_words(client_for, lesson):
    body = '{"text": "", "language": "\\ud800"}'
    answer = client_for("anna").post(f"/api/datasets/{lesson.id}/card", data=body, content_type="application/json")
    assert (answer.status_code, answer.json["code"]) == (400, "input")
    assert "not in ?." in answer.json["error"]
