"""A transcript made elsewhere is uploaded: taken, shown, refused, and never put over a person's corrections unasked."""

from __future__ import annotations

import io

from ppi.workflows import corrections
from tests.web.spoken import SAID, edit, lesson_of
from tests.web.test_plain_forms import ACCEPT, Forms


def give(client, row, data, name="a.srt", **fields):
    form = {"transcript": (io.BytesIO(data), name), **fields}
    return client.post(f"/api/lessons/{row.id}/transcript", data=form, content_type="multipart/form-data")


SRT = "1\n00:00:01,000 --> 00:00:03,000\nДоброе утро!\n".encode()


def test_a_transcript_made_elsewhere_is_taken_instead_of_recognition(services, anna):
    row = lesson_of(services, "anna", said=None)
    answer = give(anna, row, SRT, language="ru")
    assert answer.status_code == 200 and (answer.json["segments"], answer.json["words"]) == (1, 2)
    kept = corrections.load(services, row).transcript
    assert (kept.engine, kept.model, kept.language, kept.duration_s) == ("uploaded", "srt", "ru", 64.0)
    page = anna.get(f"/lessons/{row.id}/transcript").text
    assert "2 words, uploaded as SRT." in page and "time was shared among its words" in page
    assert anna.get(f"/lessons/{row.id}/transcript/vtt").text.startswith("WEBVTT")
    assert '<span class="state good">Transcribed</span>' in anna.get("/lessons").text
    lesson = anna.get(f"/lessons/{row.id}").text
    assert "2 words, uploaded as SRT." in lesson and '<li class="done">Transcript' in lesson and "Next: annotate" in lesson
    assert services.usual.of("transcribe") is None, "an upload says nothing of how long a transcription takes"


def test_an_upload_waits_for_a_transcription_under_way(anna, row):
    assert anna.post("/api/transcribe", json={"file_id": row.id}).status_code == 200
    assert give(anna, row, SRT).json["code"] == "conflict"


def test_an_upload_over_corrections_asks_first_and_keeps_them(services, anna, row):
    edit(anna, row, 1, 0, "Почему идёт дождь?")
    assert give(anna, row, SRT).json["code"] == "conflict"
    assert give(anna, row, SRT, replace="1").json["version"] == 3
    assert "дождь" in anna.get(f"/lessons/{row.id}/transcript/txt?version=2").text
    recognise = anna.post("/api/transcribe", json={"file_id": row.id})
    assert recognise.status_code == 200, "an uploaded text that nobody corrected needs no asking"


def test_captions_without_times_of_words_say_so_once_and_mark_no_word(anna, row):
    give(anna, row, SRT, language="ru", replace="1")
    page = anna.get(f"/lessons/{row.id}/transcript").text
    assert 'class="said times-shared"' in page and '<span id="rough" hidden>' in page and "word-marks" not in page
    assert 'title="its time was shared' not in page
    assert "each caption&#39;s time was shared among its words" in page and "<dt>Recogniser</dt>" not in page


def test_a_transcript_is_uploaded_and_a_summary_asked_for_by_plain_forms(services, session_for, row):
    reader, page = session_for("anna"), f"/lessons/{row.id}/transcript"
    action, fields = Forms(reader.get(page).text).to(f"{row.id}/transcript")
    came = ACCEPT | {"Referer": f"http://localhost{page}"}
    given = {**fields, "transcript": (io.BytesIO(SRT), "a.srt"), "language": "ru"}
    sent = reader.post(action, data=given, headers=came, content_type="multipart/form-data")
    assert (sent.status_code, sent.location) == (302, page)
    assert corrections.load(services, row).transcript.text == "Доброе утро!"
    none = {**fields, "transcript": (io.BytesIO(b"hello"), "a.srt")}
    refused = reader.post(action, data=none, headers=came, content_type="multipart/form-data")
    assert refused.status_code == 400 and "<h1" in refused.text and f'href="{page}"' in refused.text
    page = f"/lessons/{row.id}/summary"
    action, fields = Forms(reader.get(page).text).to("/api/summarize")
    asked = reader.post(action, data={**fields, "style": "abstract"}, headers=ACCEPT | {"Referer": f"http://localhost{page}"})
    assert (asked.status_code, asked.location) == (302, page)
    assert services.ledger.list(lesson_id=row.id, kind="summarize")[0].input["style"] == "abstract"


def test_what_is_no_transcript_of_this_lesson_is_refused(services, anna, row):
    for data in (b"", b"PK\x03\x04", b"hello", "1\n00:10:01,000 --> 00:10:03,000\nпозже\n".encode()):
        assert give(anna, row, data).status_code == 400, data
    assert corrections.load(services, row).transcript == SAID
