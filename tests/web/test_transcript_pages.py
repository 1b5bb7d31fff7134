"""The transcript's page and its API: what is shown, corrected and downloaded; readable without scripts."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace

import pytest
import srt
import webvtt

from ppi.dataset import texts as dataset_texts
from ppi.errors import Conflict
from ppi.notes import ON_PROCESSOR
from ppi.records import Segment, Span, Transcript, Word
from ppi.workflows import corrections
from tests.web.spoken import SAID, edit, lesson_of
from tests.web.test_plain_forms import ACCEPT, Forms


def test_the_page_is_readable_without_scripts(anna, row):
    page = anna.get(f"/lessons/{row.id}/transcript?t=3").text
    plain = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))
    assert "Почему идёт дощь?" in plain and "Вода &amp; &lt;лёд&gt;." in plain
    assert 'href="?t=3.0#s1"' in page and re.search(r'<video id="player"[^>]* src="[^"]+#t=3.0"', page)
    assert "Words heard with less than 40\u00a0% certainty" in page
    assert page.count('class="doubtful" title=') == 1 and "heard with a certainty of 21 %" in page
    assert "the same words again and again" in page and "<b>Аня</b>" in page and '<span class="tag">English</span>' in page


def test_strange_moments_to_begin_at_are_the_beginning(anna, row):
    for asked in ("nan", "inf", "-5", "x"):
        assert 'data-start="0.0"' in anna.get(f"/lessons/{row.id}/transcript?t={asked}").text


def test_a_lesson_without_a_transcript_says_how_to_get_one(services, anna):
    row = lesson_of(services, "anna", said=None)
    page = anna.get(f"/lessons/{row.id}/transcript")
    assert page.status_code == 200 and "This lesson has no transcript yet." in page.text and 'id="give-form"' in page.text
    assert anna.get(f"/api/lessons/{row.id}/transcript").status_code == 404


def test_a_correction_is_saved_undone_redone_and_restored(anna, row):
    answer = edit(anna, row, 1, 0, "Почему идёт дождь?").json
    assert (answer["version"], answer["undo"], answer["redo"], answer["edited"]) == (2, True, False, 1)
    assert answer["segments"] == {"0": {
        "start_s": 0.5, "end_s": 2.0, "text": "Почему идёт дождь?", "speaker": "Учитель", "language": "", "doubts": [],
        "words": [
            ["", "Почему", 0.5, 0.9, False, ""], [" ", "идёт", 1.0, 0.8, False, ""], [" ", "дождь?", 1.4, None, False, ""],
        ],
        "marks": "", "checked": False,
    }}  # fmt: skip
    address = f"/api/lessons/{row.id}/transcript"
    assert anna.post(f"{address}/undo", json={"version": 2}).json["segments"]["0"]["text"] == "Почему идёт дощь?"
    assert anna.post(f"{address}/redo", json={"version": 3}).json["segments"]["0"]["text"] == "Почему идёт дождь?"
    assert anna.post(f"{address}/restore", json={"version": 4, "of": 1}).json["segments"]["0"]["text"] == "Почему идёт дощь?"
    page = anna.get(f"/lessons/{row.id}/transcript").text
    assert "5. restored" in page and "as in version 1" in page and "anna" in page


def test_two_editors_of_one_segment_are_told_and_of_two_segments_both_see_all(client_for, anna, row):
    admin = client_for("admin")
    assert edit(anna, row, 1, 0, "Почему идёт дождь?").status_code == 200
    late = edit(admin, row, 1, 0, "Почему идут дожди?")
    assert (late.status_code, late.json["code"]) == (409, "conflict") and "anna changed this segment" in late.json["error"]
    other = edit(admin, row, 1, 2, "Well done!")
    assert sorted(other.json["segments"]) == ["0", "2"]
    one = anna.get(f"/api/lessons/{row.id}/transcript?segment=0").json
    assert one["segments"]["0"]["text"] == "Почему идёт дождь?" and list(one["segments"]) == ["0"]


ROUGH = replace(
    SAID,
    segments=(
        replace(SAID.segments[0], words=(*SAID.segments[0].words[:2], replace(SAID.segments[0].words[2], unaligned=True))),
        replace(SAID.segments[1], words=tuple(replace(w, unaligned=True, interpolated=True) for w in SAID.segments[1].words)),
        SAID.segments[2],
    ),
    hearing={
        "device": "cpu", "compute_type": "int8", "aligner": "ru=/srv/private/letters-ru, en=facebook/letters",
        "phrases": "лёд", "word_list": "Физика 7Б", "thresholds": {"word_probability_below": 0.4, "repeats_from": 4},
        "speakers": {"engine": "sherpa-onnx 1.12"},
    },
)  # fmt: skip


def test_words_without_an_exact_time_are_marked_for_eyes_and_ears_and_the_page_says_how_it_was_heard(services, anna):
    row = lesson_of(services, "anna", said=ROUGH)
    page = anna.get(f"/lessons/{row.id}/transcript").text
    assert page.count('class="unaligned" title=') == 0 and page.count('class="shared unaligned" title=') == 3
    assert 'class="doubtful unaligned" title="heard with a certainty of 21 %; not found by the aligner' in page
    spoken = re.findall(r'class="word-marks visually-hidden">([^<]+)<', page)
    assert len(spoken) == 2
    assert spoken[0].startswith("the recogniser was not sure of these words: дощь; not found by the aligner")
    assert '<span id="rough" >Words whose time is not exact are <mark class="shared">dotted so</mark>' in page
    facts = dict(re.findall(r"<dt>([^<]+)</dt><dd[^>]*>([^<]*)</dd>", page[page.index('id="hearing"') :]))
    assert facts["Times of words refined by"] == "letters-ru (ru), facebook/letters (en)" and "/srv/private" not in page
    assert facts["Words the aligner did not find"] == "4 of 8" and facts["Words whose time was shared out"] == "3 of 8"
    assert (facts["Recogniser"], facts["Model"], facts["Device"]) == ("whisper", "base", "cpu, int8")
    assert (facts["Names and subject words"], facts["From the list"]) == ("лёд", "Физика 7Б")
    assert "below 0.4" in facts["Doubtful is a segment"] and "4 times in a row" in facts["Doubtful is a segment"]
    russian = anna.get(f"/lessons/{row.id}/transcript", headers={"Accept-Language": "ru"}).text
    assert "4 из 8" in russian and "меньше 0,4" in russian
    found = anna.get(f"/api/lessons/{row.id}/transcript?segment=1").json["segments"]["1"]
    assert found["words"][0][5] == "shared unaligned" and "Вода" in found["marks"]


def test_a_gpu_that_failed_is_said_to_readers_in_their_language_and_why(services, anna):
    told = "the GPU could not be used (CUDA failed with error out of memory), so the processor was used"
    heard = {"device": "cpu", "fallback": told, "aligner_fallback": "the same of the aligner"}
    row = lesson_of(services, "anna", said=replace(SAID, notes=(ON_PROCESSOR,), hearing=heard))
    page = anna.get(f"/lessons/{row.id}/transcript").text
    assert "The GPU could not be used, so the processor heard this lesson." in page
    assert f"{told}; the same of the aligner" in page
    russian = anna.get(f"/lessons/{row.id}/transcript", headers={"Accept-Language": "ru"}).text
    assert "Видеокартой воспользоваться не удалось, поэтому урок распознан на процессоре." in russian


def give_speaker(client, row, version, segment, speaker, **more):
    given = {"version": version, "segment": segment, "speaker": speaker, **more}
    return client.post(f"/api/lessons/{row.id}/transcript/speaker", json=given)


def test_who_speaks_is_said_by_hand_undone_redone_and_stands_in_every_download(services, client_for, anna, row):
    given = give_speaker(anna, row, 1, 1, "Петя").json
    assert (given["version"], given["undo"], given["edited"]) == (2, True, 0), "the text is as it was heard"
    assert list(given["segments"]) == ["1"] and given["segments"]["1"]["speaker"] == "Петя"
    assert give_speaker(anna, row, 2, 1, "Петя").json["version"] == 2, "the same again is no version"
    address = f"/api/lessons/{row.id}/transcript"
    assert anna.post(f"{address}/undo", json={"version": 2}).json["segments"]["1"]["speaker"] == "Аня"
    assert anna.post(f"{address}/redo", json={"version": 3}).json["segments"]["1"]["speaker"] == "Петя"
    for kind in ("speakers.txt", "vtt", "json", "eaf", "docx"):
        data = anna.get(f"/lessons/{row.id}/transcript/{kind}").data
        data = zipfile.ZipFile(io.BytesIO(data)).read("word/document.xml") if kind == "docx" else data
        assert "Петя" in data.decode() and "Аня" not in data.decode(), kind
    assert anna.get(f"/lessons/{row.id}/transcript/json").json["segments"][1]["speaker_given"] is True
    sample = dataset_texts.said(corrections.load(services, row).transcript, Span(0.0, 64.0))
    assert sample.speakers == ("Учитель", "Петя")
    page = anna.get(f"/lessons/{row.id}/transcript").text
    assert "2. speaker set, 00:03" in page and "<b>Петя</b>" in page
    with pytest.raises(Conflict, match="A person has corrected"):
        corrections.ask_first(services, row)


def test_a_speaker_holds_up_to_the_next_change_where_nobody_was_named(services, anna, row):
    nobody = tuple(replace(segment, speaker="") for segment in SAID.segments)
    corrections.keep_new(services, row, replace(SAID, segments=nobody))
    version = corrections.load(services, row).version
    assert "The transcript does not say who speaks." in anna.get(f"/lessons/{row.id}/transcript").text
    whole = give_speaker(anna, row, version, 0, "Teacher", on=True).json
    assert [one["speaker"] for one in whole["segments"].values()] == ["Teacher"] * 3
    part = give_speaker(anna, row, version + 1, 1, "Student 1", on=True).json
    assert sorted(part["segments"]) == ["1", "2"]
    back = anna.post(f"/api/lessons/{row.id}/transcript/undo", json={"version": version + 2}).json
    assert [one["speaker"] for one in back["segments"].values()] == ["Teacher"] * 2
    assert "speaker set up to the next change" in anna.get(f"/lessons/{row.id}/transcript").text
    panel = anna.get(f"/lessons/{row.id}/transcript?part=speakers").text
    assert panel.lstrip().startswith('<section class="panel" id="speakers">') and "100 %" in panel


def test_of_two_who_say_who_speaks_the_later_is_told_but_corrections_of_the_text_are_no_hindrance(client_for, anna, row):
    assert edit(client_for("admin"), row, 1, 0, "Почему идёт дождь?").status_code == 200
    assert give_speaker(anna, row, 1, 0, "Аня").status_code == 200
    late = give_speaker(client_for("admin"), row, 2, 0, "Петя", on=True)
    assert late.status_code == 409 and "anna said meanwhile who speaks here" in late.json["error"]
    assert edit(client_for("admin"), row, 2, 0, "Почему идут дожди?").json["segments"]["0"]["speaker"] == "Аня"


REFUSED = (
    ("speaker", '{"version": 1, "segment": 0}', 400), ("speaker", '{"version": 1, "segment": 9, "speaker": "a"}', 400),
    ("speaker", '{"version": 1, "segment": -1, "speaker": "a", "on": true}', 400),
    ("speaker", '{"version": 1, "segment": 0, "speaker": 5}', 400),
    ("speaker", '{"version": 7, "segment": 0, "speaker": "a"}', 404),
    ("edit", '{"version": 1, "segment": 9, "text": "a"}', 400), ("edit", '{"version": 1, "segment": 0}', 400),
    ("edit", '{"version": "1", "segment": 0, "text": "a"}', 400), ("edit", "[]", 400), ("edit", "{", 400),
    ("edit", '{"version": 7, "segment": 0, "text": "a"}', 404), ("undo", "{}", 400), ("undo", '{"version": 1}', 409),
    ("redo", '{"version": 1}', 409), ("restore", '{"version": 1, "of": 9}', 404),
    ("edit", '{"version": 1, "segment": 0, "text": "\\ud800"}', 400),
    ("edit", '{"version": true, "segment": 0, "text": ""}', 400), ("check", '{"version": 1}', 400),
    ("check", '{"version": 1, "segment": 0, "word": 3}', 400), ("check", '{"version": 1, "segment": 0, "word": null}', 400),
)  # fmt: skip


def test_what_cannot_be_done_is_refused_and_changes_nothing(services, anna, row):
    for way, given, status in REFUSED:
        answer = anna.post(f"/api/lessons/{row.id}/transcript/{way}", data=given, content_type="application/json")
        assert (answer.status_code, bool(answer.json["error"])) == (status, True), (way, given)
    assert corrections.load(services, row).transcript == SAID


def test_what_is_right_is_ticked_off_and_no_longer_marked(services, anna, row):
    address = f"/api/lessons/{row.id}/transcript"
    word = anna.post(f"{address}/check", json={"version": 1, "segment": 0, "word": 2}).json
    assert word["segments"]["0"]["words"][2] == [" ", "дощь?", 1.4, 0.21, False, ""] and word["edited"] == 0
    whole = anna.post(f"{address}/check", json={"version": 2, "segment": 1}).json["segments"]["1"]
    assert (whole["doubts"], whole["checked"]) == ([], True)
    page = anna.get(f"/lessons/{row.id}/transcript").text
    assert 'class="doubtful" title=' not in page and "the same words again" not in page and "✓ checked by a person" in page
    assert "3. found right" in page
    given = anna.get(f"/lessons/{row.id}/transcript/json").json
    assert given["segments"][1]["checked"] and "flags" not in given["segments"][1]
    undone = anna.post(f"{address}/undo", json={"version": 3}).json["segments"]["1"]
    assert undone["doubts"] == ["the same words again and again"] and not undone["checked"]


@pytest.fixture
def reader(session_for):
    """A browser without scripts, logged in."""
    return session_for("anna")


def test_a_segment_is_corrected_by_a_plain_form(services, reader, row):
    address = f"/lessons/{row.id}/transcript"
    assert 'href="?edit=1#s1"' in reader.get(address).text
    action, fields = Forms(reader.get(f"{address}?edit=1").text).to("/edit")
    sent = reader.post(action, data={**fields, "text": "Вода и\r\nлёд."}, headers=ACCEPT)
    assert (sent.status_code, sent.location) == (302, f"{address}#s1")
    assert corrections.load(services, row).transcript.segments[1].text == "Вода и лёд."
    back, of = Forms(reader.get(address).text).to("/restore")
    assert reader.post(back, data=of, headers=ACCEPT).status_code == 302
    assert corrections.load(services, row).transcript == SAID
    reader.post(action.replace("/edit", "/check"), data={**fields, "version": "3"}, headers=ACCEPT)
    assert corrections.load(services, row).transcript.segments[1].checked


def test_who_speaks_is_said_by_a_plain_form(services, reader, row):
    address = f"/lessons/{row.id}/transcript"
    assert 'href="?who=1#s1"' in reader.get(address).text
    page = reader.get(f"{address}?who=1").text
    assert 'name="known" value="Учитель" formnovalidate>' in page and "<textarea" not in page
    assert 'name="known" value="Аня" formnovalidate aria-pressed="true">' in page
    action, fields = Forms(page).to("/transcript/speaker")
    typed = {name: fields[name] for name in ("csrf_token", "version", "segment", "back")}
    sent = reader.post(action, data={**typed, "speaker": "Петя"}, headers=ACCEPT)
    assert (sent.status_code, sent.location) == (302, f"{address}#s1")
    assert corrections.load(services, row).transcript.segments[1].speaker == "Петя"
    pressed = {**typed, "version": "2", "speaker": "", "known": "Учитель", "on": "on"}
    assert reader.post(action, data=pressed, headers=ACCEPT).status_code == 302
    assert [segment.speaker for segment in corrections.load(services, row).transcript.segments] == ["Учитель"] * 3


def test_a_plain_form_shows_both_texts_when_somebody_was_first_and_loses_neither(services, reader, row):
    address = f"/lessons/{row.id}/transcript"
    action, fields = Forms(reader.get(f"{address}?edit=0").text).to("/edit")
    corrections.edit(services, row, who="boris", base=1, number=0, text="Почему идут дожди?")
    late = reader.post(action, data={**fields, "text": "Почему идёт <дождь>?"}, headers=ACCEPT)
    assert late.status_code == 409 and "boris changed this segment meanwhile" in late.text
    assert "<blockquote>Почему идут дожди?" in late.text and ">Почему идёт &lt;дождь&gt;?</textarea>" in late.text
    again, fields = Forms(late.text).to("/edit")
    assert reader.post(again, data={**fields, "text": "Почему идёт <дождь>?"}, headers=ACCEPT).location == f"{address}#s0"
    assert corrections.load(services, row).transcript.segments[0].text == "Почему идёт <дождь>?"
    long = reader.post(action, data={**fields, "version": "3", "text": "a" * 6000}, headers=ACCEPT)
    assert long.status_code == 400 and "a" * 6000 in long.text


KINDS = ("txt", "times.txt", "speakers.txt", "docx", "srt", "vtt", "json", "textgrid", "eaf")


def test_every_download_has_the_corrected_text_and_the_lessons_name(anna, row):
    edit(anna, row, 1, 0, "Почему идёт дождь?")
    for kind in KINDS:
        answer = anna.get(f"/lessons/{row.id}/transcript/{kind}")
        assert answer.status_code == 200 and "attachment" in answer.headers["Content-Disposition"], kind
        assert "%D0%B4%D0%BE%D0%B6%D0%B4%D1%8C." in answer.headers["Content-Disposition"]
        data = zipfile.ZipFile(io.BytesIO(answer.data)).read("word/document.xml") if kind == "docx" else answer.data
        assert "дождь?" in data.decode() and "дощь" not in data.decode(), kind


def test_captions_are_valid_for_the_fields_own_parsers(anna, row):
    given = anna.get(f"/lessons/{row.id}/transcript/srt").text
    assert [cue.content for cue in srt.parse(given)] == ["Почему идёт дощь?", "Вода & <лёд>.", "Well done."]
    cues = webvtt.WebVTT.from_string(anna.get(f"/lessons/{row.id}/transcript/vtt").text, strict=True)
    assert [(cue.voice, cue.start) for cue in cues] == [
        ("Учитель", "00:00:00.500"), ("Аня", "00:00:03.000"), ("Учитель", "00:00:05.000")
    ]  # fmt: skip


def test_texts_say_when_and_who(anna, row):
    assert anna.get(f"/lessons/{row.id}/transcript/times.txt").text.splitlines()[1] == "[00:00:03] Вода & <лёд>."
    turns = anna.get(f"/lessons/{row.id}/transcript/speakers.txt").text
    assert turns.startswith("Учитель [00:00:00]\nПочему идёт дощь?\n\nАня")


def test_an_earlier_version_can_be_read_and_an_unknown_format_is_refused(anna, row):
    edit(anna, row, 1, 0, "Почему идёт дождь?")
    assert "дощь" in anna.get(f"/lessons/{row.id}/transcript/txt?version=1").text
    assert anna.get(f"/lessons/{row.id}/transcript/txt?version=9").status_code == 404
    assert anna.get(f"/lessons/{row.id}/transcript/pdf").status_code == 400


def test_the_texts_of_several_lessons_come_as_one_zip_without_scripts(services, client_for):
    rows = [lesson_of(services, "admin", name) for name in ("Первый", "Второй")]
    silent = lesson_of(services, "admin", "Третий", said=None)
    client = client_for("admin")
    query = "&".join(f"lesson={row.id}" for row in [*rows, silent])
    answer = client.get(f"/transcripts.zip?{query}")
    found = zipfile.ZipFile(io.BytesIO(answer.data))
    assert found.testzip() is None
    assert {name.split("/")[0] for name in found.namelist()} == {row.prefix.rstrip("/") for row in rows}
    assert {name.split("/")[1] for name in found.namelist()} == {
        "дождь.txt", "дождь.times.txt", "дождь.speakers.txt", "дождь.srt", "дождь.vtt", "дождь.transcript.docx",
        "дождь.transcript.json",
    }  # fmt: skip
    sent = client.post("/transcripts.zip", data={"lesson": [row.id for row in rows]})
    assert sorted(zipfile.ZipFile(io.BytesIO(sent.data)).namelist()) == sorted(found.namelist())
    assert 'formaction="/transcripts.zip"' in client.get("/lessons").text
    assert client.get("/transcripts.zip").status_code == 400
    assert client.get(f"/transcripts.zip?lesson={silent.id}").status_code == 400
    assert client_for("boris").get(f"/transcripts.zip?{query}").status_code == 404


def test_a_new_recognition_over_corrections_asks_first(anna, row):
    edit(anna, row, 1, 0, "Почему идёт дождь?")
    asked = anna.post("/api/transcribe", json={"file_id": row.id})
    assert (asked.status_code, asked.json["code"]) == (409, "conflict")
    assert anna.post("/api/transcribe", json={"file_id": row.id, "replace": True}).status_code == 200


def test_a_two_hour_transcript_is_one_light_page(services, anna):
    words = tuple(Word("слово", n * 0.4, n * 0.4 + 0.4, 0.9) for n in range(10))
    segments = tuple(
        Segment(4.8 * n, 4.8 * n + 4, " ".join(["слово"] * 10), tuple(
            replace(word, start_s=round(word.start_s + 4.8 * n, 3), end_s=round(word.end_s + 4.8 * n, 3)) for word in words))
        for n in range(1500)
    )  # fmt: skip
    row = lesson_of(services, "anna", said=Transcript(segments, "ru", "whisper", "base", 7200.0))
    page = anna.get(f"/lessons/{row.id}/transcript")
    assert page.text.count("data-t=") == 15_000 and len(page.data) < 2_000_000
