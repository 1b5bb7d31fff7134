"""Transcripts made elsewhere: what is read of SRT, WebVTT and JSON, and what is refused in one sentence."""

from __future__ import annotations

import contextlib
import json
import random

import pytest

from ppi.errors import InputError
from ppi.notes import INTERPOLATED
from ppi.records import Segment, Transcript, Word
from ppi.speech import formats, uploaded

SRT = (
    "1\r\n00:00:01,000 --> 00:00:03,000\r\nДоброе утро,\r\n<i>ребята</i>!\r\n\r\n"
    "2\r\n00:00:04,500 --> 00:00:05,250\r\nДа.\r\n"
)
VTT = (
    "WEBVTT - урок\n\nNOTE сделано\n\n00:01.000 --> 00:03.000 align:start\n<v Анна>Вода &amp; лёд\n\n"
    "00:04.000 --> 00:05.000\nДа."
)
WHISPER = {
    "text": " Hi there. 7", "language": "en",
    "segments": [
        {"id": 0, "start": 0.5, "end": 2.0, "text": " Hi there.", "words": [
            {"word": " Hi", "start": 0.5, "end": 0.9, "probability": 0.25}, {"word": " there.", "start": 0.9, "end": 1.8}]},
        {"start": 2.0, "end": 3.0, "text": "7", "words": [{"word": "7"}], "speaker": "SPEAKER_01"},
    ],
}  # fmt: skip


def test_srt_becomes_segments_whose_words_share_the_time_and_the_transcript_says_so():
    found = uploaded.read(SRT.encode(), "урок.srt", duration_s=60.0, language="ru")
    assert [(one.start_s, one.end_s, one.text) for one in found.segments] == [
        (1.0, 3.0, "Доброе утро, ребята!"), (4.5, 5.25, "Да.")
    ]  # fmt: skip
    assert (found.engine, found.model, found.language, found.duration_s) == ("uploaded", "srt", "ru", 60.0)
    assert [word.text for word in found.segments[0].words] == ["Доброе", "утро,", "ребята!"]
    assert found.segments[0].words[1].start_s == pytest.approx(1 + 2 * 6 / 18, abs=0.001)
    assert all(word.probability is None and word.interpolated for word in found.words)
    assert found.notes == (INTERPOLATED,)


def test_vtt_keeps_who_speaks():
    found = uploaded.read(VTT.encode(), "a.vtt", duration_s=None)
    assert [(one.speaker, one.text, one.start_s) for one in found.segments] == [("Анна", "Вода & лёд", 1.0), ("", "Да.", 4.0)]
    assert found.duration_s == 5.0 and found.model == "vtt"


def test_whispers_json_keeps_its_word_times_and_whisperx_its_speakers():
    found = uploaded.read(json.dumps(WHISPER).encode(), "a.json", duration_s=10.0, language="ru")
    assert found.segments[0].words == (Word("Hi", 0.5, 0.9, 0.25), Word("there.", 0.9, 1.8))
    assert (found.segments[1].speaker, found.segments[1].words) == ("SPEAKER_01", (Word("7", 2.0, 3.0, interpolated=True),))
    assert (found.language, found.model, found.notes) == ("en", "whisper", (INTERPOLATED,))


def test_what_ppi_writes_it_reads_again():
    words = (Word("Доброе", 1.0, 1.5, 0.5), Word("утро.", 1.5, 2.0, 0.9))
    lesson = Transcript((Segment(1.0, 2.0, "Доброе утро.", words, "Анна", "ru"),), "ru", "whisper", "base", 9.0)
    assert uploaded.read(formats.to_json(lesson).encode(), "", duration_s=9.0).segments == lesson.segments
    for text in (formats.to_srt(lesson), formats.to_vtt(lesson)):
        found = uploaded.read(text.encode(), "", duration_s=9.0)
        assert [(one.start_s, one.end_s, one.text) for one in found.segments] == [(1.0, 2.0, "Доброе утро.")]
    assert uploaded.read(formats.to_vtt(lesson).encode(), "", duration_s=9.0).segments[0].speaker == "Анна"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
def test_text_of_old_programs_is_read_too(encoding):
    assert uploaded.read(SRT.encode(encoding), "a.srt", duration_s=60.0).segments[0].text == "Доброе утро, ребята!"


def test_times_that_cross_or_outlast_the_recording_are_put_in_order():
    crossing = "1\n00:00:03,000 --> 00:00:09,000\nтри\n\n2\n00:00:01,000 --> 00:00:05,000\nодин два\n"
    found = uploaded.read(crossing.encode(), "", duration_s=6.0)
    assert [(one.start_s, one.end_s, one.text) for one in found.segments] == [(1.0, 5.0, "один два"), (5.0, 6.0, "три")]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "neither SRT nor VTT"), (b"hello\nworld", "neither SRT nor VTT"), (b"\x00\x01\x02", "not text"),
        (b"\x89PNG\r\n\xa4" * 9, "not text"), (b"WEBVTT\n\n", "no captions"), (b"{}", "no transcript of PPI or Whisper"),
        (b"[" * 100_000, "no transcript of PPI or Whisper"), (b'{"segments": 5}', "no transcript of PPI or Whisper"),
        (b'[{"start": NaN, "end": 1, "text": "a"}]', "no transcript of PPI or Whisper"),
        (b'[{"start": 0, "end": 1, "text": "\\ud800"}]', "no transcript of PPI or Whisper"),
        (b'{"segments": []}', "no captions"), (b'[{"start": 70, "end": 71, "text": "a"}]', "another recording"),
        (b"1\n00:00:01,000 --> 00:00:02,000\n" + b"a " * 2_000_000, "more text than any lesson"),
        (b" " * 20_000_001, "larger than 20 MB"),
    ],
    ids=range(14),
)  # fmt: skip
def test_what_is_no_transcript_of_this_recording_is_refused_in_one_sentence(data, told):
    with pytest.raises(InputError, match=told):
        uploaded.read(data, "file", duration_s=60.0)


@pytest.mark.timeout(60)
def test_no_file_keeps_the_reader_busy():
    """Repeated pieces of what readers look for: a pattern that looks back would take minutes over them."""
    chance = random.Random(5)
    pieces = ("1\n", "00:00:01,000 --> ", "-->", "\n\n", "<v ", "<c", "&amp", "0" * 50, "WEBVTT", "NOTE ", "STYLE\n", ":", " ")
    for head in ("WEBVTT\n\n", "1\n00:00:01,000 --> 00:00:02,000\n") * 8:
        body = (chance.choice(pieces) * 3 + chance.choice(pieces)) * 2000
        with contextlib.suppress(InputError):
            uploaded.read((head + body).encode(), "", duration_s=60.0)
