"""Speakers of a lesson: found out by the real library, named by a person, and carried into everything made of the text."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
import webvtt
from docx import Document

from ppi.dataset import texts as dataset_texts
from ppi.errors import WeightsMissing
from ppi.jobs.run import Run
from ppi.records import Span, Summary
from ppi.services import Services
from ppi.speech import diarizer
from ppi.storage import keys
from ppi.summary import report
from ppi.web.app import build_app
from ppi.workflows import corrections, runner, speakers, transcribe
from tests.conftest import PASSWORD, settings_for, with_people
from tests.web.spoken import lesson_of
from tests.web.test_plain_forms import ACCEPT, Forms


@pytest.fixture
def services(speaker_models, tmp_path) -> Services:
    """Here speakers are told apart."""
    variables = {"PPI_SPEAKERS": "on", "PPI_SPEAKERS_DIR": str(speaker_models)}
    return with_people(Services(settings_for(tmp_path / "data", **variables)))


@pytest.fixture
def row(services, talk):
    """A lesson of two voices, transcribed; the second segment holds the words of both."""
    row = lesson_of(services, "anna", said=talk.transcript(11))
    sound = keys.derivative_key(row.video_key, ".wav")
    services.store.put_bytes(services.raw, sound, talk.wav.read_bytes())
    return row


@pytest.fixture
def anna(client_for):
    return client_for("anna")


def find(client, services, row, **wanted):
    answer = client.post(f"/api/lessons/{row.id}/speakers", json=wanted)
    assert answer.status_code == 200, answer.json
    worker = runner.make_worker(services)
    while runner.do_next(services, worker, "speech"):
        pass
    return services.ledger.get(answer.json["job_id"])


def text(client, row, kind: str) -> str:
    return client.get(f"/lessons/{row.id}/transcript/{kind}").get_data(as_text=True)


def test_speakers_are_told_apart_named_and_stand_in_all_that_is_made_of_the_text(services, row, anna, tmp_path):
    answer = anna.post(
        f"/api/lessons/{row.id}/transcript/edit", json={"version": 1, "segment": 0, "text": "Good morning, all; page seven."}
    )
    assert answer.status_code == 200
    job = find(anna, services, row)
    assert (job.status, dict(job.result)) == ("completed", {"speakers": 2}), job.error
    told = transcribe.stored_transcript(services, row)
    assert told.segments[0].text == "Good morning, all; page seven." and told.edited, "what a person corrected stays"
    assert [segment.speaker for segment in told.segments] == [f"Speaker {n}" for n in (1, 2, 1, 2, 1, 2)]
    assert told.hearing["speakers"]["found"] == 2 and "sherpa-onnx" in told.hearing["speakers"]["engine"]

    named = anna.post(f"/api/lessons/{row.id}/speakers/name", json={"speaker": "Speaker 1", "name": "Teacher"})
    assert set(named.json["speakers"]) == {"Teacher", "Speaker 2"} and named.json["version"] == 4
    turns = text(anna, row, "speakers.txt")
    assert turns.startswith("Teacher [00:00:00]\nGood morning, all; page seven.\n\nSpeaker 2 [")
    (tmp_path / "a.vtt").write_text(text(anna, row, "vtt"))
    assert {cue.voice for cue in webvtt.read(tmp_path / "a.vtt")} == {"Teacher", "Speaker 2"}
    assert '"speaker": "Teacher"' in text(anna, row, "json") and "speech@Teacher" in text(anna, row, "eaf")

    said = transcribe.stored_transcript(services, row)
    sample = dataset_texts.said(said, Span(0.0, said.duration_s))
    assert sample.speakers == ("Teacher", "Speaker 2")
    assert {word["speaker"] for word in sample.words} == {"Teacher", "Speaker 2"}
    made = report.report_of(said, (), Summary("en", "extractive", "", (), ()), "en")
    assert made.has_speakers and [who for who, _ in made.shares] == ["Teacher", "Speaker 2"]

    find(anna, services, row)
    assert [one.what for one in corrections.load(services, row).history.versions] == ["heard", "edited", "told_apart", "named"]
    assert anna.post(f"/api/lessons/{row.id}/transcript/undo", json={"version": 4}).status_code == 200
    assert "Speaker 1 [" in text(anna, row, "speakers.txt")
    restored = anna.post(f"/api/lessons/{row.id}/transcript/restore", json={"version": 5, "of": 2})
    assert restored.status_code == 200 and transcribe.stored_transcript(services, row).segments[0].speaker == ""


def test_a_document_tells_who_speaks_by_voice_and_by_hand_and_hands_stay_when_voices_are_told_apart_again(services, row, anna):
    find(anna, services, row)
    voices = ["Speaker 1", "Speaker 2"] * 3
    for language, title in (("en", "Transcript"), ("ru", "Расшифровка")):
        made = document(anna, row, language)
        assert made.paragraphs[0].text == title and headings(made) == voices
    address, version = f"/api/lessons/{row.id}/transcript/speaker", corrections.load(services, row).version
    given = anna.post(address, json={"version": version, "segment": 3, "speaker": "Speaker 9"})
    assert given.status_code == 200 and headings(document(anna, row)) == [*voices[:3], "Speaker 9", *voices[4:]]
    find(anna, services, row)
    assert headings(document(anna, row)) == [*voices[:3], "Speaker 9", *voices[4:]]
    said = transcribe.stored_transcript(services, row)
    assert [segment.speaker_given for segment in said.segments] == [False] * 3 + [True] + [False] * 2
    made = report.report_of(said, (), Summary("en", "extractive", "", (), ()), "en")
    assert dict(made.shares)["Speaker 9"] == pytest.approx(said.segments[3].end_s - said.segments[3].start_s)
    assert [who for who, _, _ in made.spoken][2:5] == ["Speaker 1", "Speaker 9", "Speaker 1"]


def document(client, row, language: str = "en"):
    answer = client.get(f"/lessons/{row.id}/transcript/docx", headers={"Accept-Language": language})
    return Document(io.BytesIO(answer.data))


def headings(made) -> list[str]:
    return [paragraph.text for paragraph in made.paragraphs if paragraph.style.name == "Heading 2"]


def test_somebody_who_corrects_meanwhile_is_not_disturbed_by_names(services, row, anna):
    find(anna, services, row)
    seen = corrections.load(services, row).version
    anna.post(f"/api/lessons/{row.id}/speakers/name", json={"speaker": "Speaker 2", "name": "Student 1"})
    given = {"version": seen, "segment": 1, "text": "I have left it at home."}
    saved = anna.post(f"/api/lessons/{row.id}/transcript/edit", json=given)
    assert saved.status_code == 200 and saved.json["segments"]["1"]["speaker"] == "Student 1"


def test_after_a_transcription_speakers_are_told_apart_by_themselves_where_that_is_switched_on(services, row, talk):
    for _ in range(2):  # as when the transcription was done twice because its runner died
        speakers.follow(services, row)
    worker = runner.make_worker(services)
    assert runner.do_next(services, worker, "speech") and not runner.do_next(services, worker, "speech")
    assert len({segment.speaker for segment in transcribe.stored_transcript(services, row).segments}) == 2


def test_a_build_that_transcribes_first_tells_speakers_apart_too(services, row, tmp_path):
    services.ledger.submit("build_dataset", row.owner_id, row.id, {})
    run = Run(services.ledger.claim("runner", "host", ("dataset",), 0, services.place), services.ledger)
    speakers.follow_in(services, row, run, tmp_path, 0.3, 0.4)
    assert len(speakers.shares(transcribe.stored_transcript(services, row))) == 2


def test_the_page_has_speakers_found_and_named_without_scripts(services, row, app):
    reader, address = app.test_client(), f"/lessons/{row.id}/transcript"
    reader.post("/api/login", json={"username": "anna", "password": PASSWORD})
    action, fields = Forms(reader.get(address).text).to("/speakers")
    sent = reader.post(action, data={**fields, "count": "2"}, headers=ACCEPT)
    assert (sent.status_code, sent.location) == (302, f"{address}#speakers")
    runner.do_next(services, runner.make_worker(services), "speech")
    page = reader.get(address).text
    assert "Find out who speaks again" in page and "2. speakers told apart" in page and "<b>Speaker 2</b>" in page
    action, fields = Forms(page).to("/speakers/name")
    assert reader.post(action, data={**fields, "name": "Учитель"}, headers=ACCEPT).location == f"{address}#speakers"
    russian = reader.get(address, headers={"Accept-Language": "ru"}).text
    assert "<b>Учитель</b>" in russian and "Узнать заново, кто говорит" in russian and "3. говорящий назван" in russian


def test_what_cannot_be_done_is_said_in_both_languages(services, row, anna, monkeypatch, tmp_path):
    address = f"/api/lessons/{row.id}/speakers"
    for sent in ({"count": -1}, {"count": 51}, {"count": "x"}, {"count": True}):
        assert anna.post(address, json=sent).status_code == 400, sent
    assert anna.post(f"{address}/name", json={"speaker": "Nobody", "name": "Anna"}).status_code == 400
    monkeypatch.setattr(diarizer, "find_spec", lambda name: None)
    admin = build_app(services).test_client()
    _, token = services.users.create_token(services.users.by_name("admin").id, "test")
    admin.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    for client, language, told in (
        (admin, "en", "requirements-speakers.txt"), (admin, "ru", "Библиотека sherpa-onnx не установлена"),
        (anna, "en", "Ask the administrator"), (anna, "ru", "Попросите администратора"),
    ):  # fmt: skip
        refused = client.post(address, json={}, headers={"Accept-Language": language})
        assert (refused.status_code, refused.json["code"]) == (503, "weights_missing") and told in refused.json["error"]
        assert ("pip install" in refused.json["error"]) == (client is admin)
    speakers.follow_in(services, row, None, tmp_path, 0.0, 1.0)  # a build goes on without speakers
    speakers.follow(services, row)
    runner.do_next(services, runner.make_worker(services), "speech")
    page, same = (client.get(f"/lessons/{row.id}/transcript").text for client in (anna, admin))
    assert "Ask the administrator" in page and "pip install" not in page, "and by the job that followed"
    assert "requirements-speakers.txt" in same
    monkeypatch.undo()
    lacking = replace(services.settings.speech.speakers, folder=tmp_path / "nothing")
    with pytest.raises(WeightsMissing):
        diarizer.check(replace(services.settings.speech, speakers=lacking))


def test_where_it_is_switched_off_nothing_is_offered_and_nothing_done(tmp_path, talk):
    here = with_people(Services(settings_for(tmp_path / "off")))
    row = lesson_of(here, "anna")
    client = build_app(here).test_client()
    _, token = here.users.create_token(here.users.by_name("anna").id, "test")
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    page = client.get(f"/lessons/{row.id}/transcript").text
    assert 'id="speakers"' in page and "Find out who speaks" not in page
    assert client.post(f"/api/lessons/{row.id}/speakers", json={}).status_code == 400
    speakers.follow(here, row)
    assert not here.ledger.list(lesson_id=row.id, kind="speakers")
