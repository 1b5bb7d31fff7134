"""Transcripts as files: exact round trips, captions that players accept, and nothing half-written."""

from __future__ import annotations

import html
import json
import random
import re
from dataclasses import replace

import pytest

from ppi.errors import InputError
from ppi.records import Segment, Transcript, Word
from ppi.speech import formats
from ppi.speech.cues import LINE_CHARS, LONGEST_S, READ_CHARS_PER_S, cues_of

TIME = r"\d\d:\d\d:\d\d[.,]\d\d\d"


def said(text: str, start_s: float = 0.0, word_s: float = 0.4) -> Segment:
    words = tuple(
        Word(word, round(start_s + n * word_s, 3), round(start_s + (n + 1) * word_s, 3), 0.1 + n / 1000)
        for n, word in enumerate(text.split())
    )
    return Segment(words[0].start_s, words[-1].end_s, text, words)


LESSON = Transcript(
    (
        said("Доброе утро, ребята. Сегодня мы узнаем, почему идёт дождь & откуда берётся <вода> в реке."),
        said("Who can tell me what happens when the water gets hot? " * 6, 20.0),
        Segment(3700.0, 3702.5, "Без слов."),
    ),
    "ru", "whisper", "base", 3705.25, ("A note.",),
)  # fmt: skip


def test_json_comes_back_exactly_as_it_went():
    assert formats.from_json(formats.to_json(LESSON)) == LESSON
    assert formats.from_json(formats.to_json(LESSON).encode()) == LESSON
    nothing = Transcript((), "", "pocketsphinx", "en-us", 0.0)
    assert formats.from_json(formats.to_json(nothing)) == nothing


def test_json_has_the_fields_other_programs_rely_on():
    raw = json.loads(formats.to_json(LESSON))
    assert {"engine", "model", "language", "duration_s", "notes", "segments"} == set(raw)
    assert {"start_s", "end_s", "text", "words"} == set(raw["segments"][0])
    assert {"text", "start_s", "end_s", "probability"} == set(raw["segments"][0]["words"][0])


def test_speakers_doubts_languages_and_corrections_come_back_as_they_went():
    asked = replace(said("What is water?"), speaker="Teacher", language="en", flags=("low_confidence", "repeated"))
    given = replace(LESSON, segments=(asked, *LESSON.segments), edited=True, edited_segments=2)
    assert formats.from_json(formats.to_json(given)) == given
    raw = json.loads(formats.to_json(given))
    assert (raw["edited"], raw["edited_segments"]) == (True, 2)
    assert (raw["segments"][0]["speaker"], raw["segments"][0]["flags"]) == ("Teacher", ["low_confidence", "repeated"])
    assert "speaker" not in raw["segments"][1], "what nobody knows stands in no file"


WORD = {"text": "a", "start_s": 0, "end_s": 1, "probability": None}


def changed(**fields) -> str:
    return json.dumps({**json.loads(formats.to_json(LESSON)), **fields})


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", "null", "7", b"\xff\xfe\x00", "[" * 100_000, '{"segments": 5}', changed(language=None),
        changed(duration_s="long"), changed(duration_s=float("nan")), changed(duration_s=10**400), changed(segments=[None]),
        changed(segments=[{"start_s": 2, "end_s": 1, "text": "", "words": []}]),
        changed(segments=[{"start_s": 0, "end_s": 1, "text": "a", "words": [["a", 0, 1]]}]),
        changed(segments=[{"start_s": -1, "end_s": 1, "text": "a", "words": []}]),
        changed(segments=[{"start_s": 0, "end_s": 1, "text": "a", "words": [{**WORD, "probability": "x"}]}]),
        changed(notes=["\ud800"]), changed(edited="yes"), changed(edited=True, edited_segments=1.5),
        changed(segments=[{"start_s": 0, "end_s": 1, "text": "a", "words": [], "speaker": 7}]),
        changed(segments=[{"start_s": 0, "end_s": 1, "text": "a", "words": [], "flags": "low"}]),
    ],
    ids=range(22),
)  # fmt: skip
def test_what_is_no_transcript_is_refused_in_one_sentence(text):
    with pytest.raises(InputError, match="not a transcript made by PPI"):
        formats.from_json(text)


def test_captions_fit_the_screen_never_overlap_and_lose_no_word():
    cues = cues_of(LESSON)
    assert all(1 <= len(cue.lines) <= 2 and all(0 < len(line) <= LINE_CHARS for line in cue.lines) for cue in cues)
    assert all(0 < cue.end_s - cue.start_s <= LONGEST_S + 0.01 for cue in cues)
    assert all(earlier.end_s <= later.start_s for earlier, later in zip(cues, cues[1:], strict=False))
    assert " ".join(line for cue in cues for line in cue.lines).split() == LESSON.text.split()


def test_captions_end_with_sentences_and_lines_with_clauses_where_that_does_not_make_them_short():
    text = "Сегодня мы узнаем, откуда берётся вода в реке. Кто мне скажет, что с ней бывает летом? Подумайте."
    cues = cues_of(replace(LESSON, segments=(said(text, 0.0, 0.3),)))
    assert [cue.lines for cue in cues] == [
        ("Сегодня мы узнаем,", "откуда берётся вода в реке."), ("Кто мне скажет, что с ней бывает летом?", "Подумайте."),
    ]  # fmt: skip


def test_who_speaks_faster_than_people_read_is_shown_longer_as_far_as_the_next_caption_lets_it():
    quick = said("Запишите пожалуйста домашнее задание в тетрадь.", 1.0, 0.1)
    cues = cues_of(replace(LESSON, segments=(quick, said("Готово?", 10.0), said("Да.", 10.5), said("Нет.", 12.0))))
    assert cues[0].end_s == pytest.approx(1.0 + sum(map(len, cues[0].lines)) / READ_CHARS_PER_S, abs=0.001)
    assert (cues[1].start_s, cues[1].end_s) == (10.0, 10.5), "never into the next caption"


def test_speakers_are_voices_in_vtt():
    turns = (replace(said("Да."), speaker="Анна <К>"), replace(said("Нет.", 5.0)))
    assert formats.to_vtt(replace(LESSON, segments=turns)).splitlines()[3:7:3] == ["<v Анна &lt;К>Да.", "Нет."]


def test_a_new_caption_begins_after_a_pause():
    first, second = said("Think about it."), said("Yes, Anna?", 8.0)
    spoken = Segment(0.0, 9.0, "Think about it. Yes, Anna?", first.words + second.words)
    cues = cues_of(replace(LESSON, segments=(spoken,)))
    assert [(cue.start_s, cue.lines) for cue in cues] == [(0.0, ("Think about it.",)), (8.0, ("Yes, Anna?",))]


def test_a_quick_word_can_be_read_but_never_into_the_next_caption():
    quick = (Segment(1.0, 1.1, "Да.", (Word("Да.", 1.0, 1.1),)), Segment(1.5, 1.6, "Нет.", (Word("Нет.", 1.5, 1.6),)))
    assert [(cue.start_s, cue.end_s) for cue in cues_of(replace(LESSON, segments=quick))] == [(1.0, 1.5), (1.5, 2.5)]


def test_words_of_a_script_without_blanks_stay_together_and_long_ones_are_cut():
    words = tuple(Word(letter, n * 0.2, n * 0.2 + 0.2) for n, letter in enumerate("今天我们学习"))
    long = Segment(5.0, 6.0, "a" * 100, (Word("a" * 100, 5.0, 6.0),))
    cues = cues_of(replace(LESSON, segments=(Segment(0.0, 1.2, "今天我们学习", words), long)))
    assert cues[0].lines == ("今天我们学习",)
    assert [len(line) for cue in cues[1:] for line in cue.lines] == [42, 42, 16]


def test_overlapping_segments_of_another_program_make_captions_in_order():
    messy = (Segment(0.0, 5.0, "One two."), Segment(2.0, 3.0, "Three."), Segment(2.5, 2.5, "Four."))
    cues = cues_of(replace(LESSON, segments=messy))
    assert all(earlier.end_s <= later.start_s for earlier, later in zip(cues, cues[1:], strict=False))
    assert all(cue.start_s < cue.end_s for cue in cues)


def test_srt_is_numbered_and_uses_commas():
    blocks = formats.to_srt(LESSON).strip().split("\n\n")
    for number, block in enumerate(blocks, start=1):
        lines = block.split("\n")
        assert lines[0] == str(number) and re.fullmatch(f"{TIME} --> {TIME}", lines[1]) and "," in lines[1]
        assert 3 <= len(lines) <= 4
    assert blocks[-1].split("\n")[1].startswith("01:01:40,000")


@pytest.mark.parametrize("kind", ["srt", "vtt"])
def test_captions_are_read_back_by_a_strict_reader_whatever_was_said(kind):
    chance = random.Random(2)
    for _ in range(150):
        given = strange(chance)
        text = formats.to_srt(given) if kind == "srt" else formats.to_vtt(given)
        cues = read_captions(kind, text)
        assert all(start_ms < end_ms for start_ms, end_ms, _ in cues)
        assert all(earlier[1] <= later[0] for earlier, later in zip(cues, cues[1:], strict=False))
        assert all(1 <= len(lines) <= 2 and all(0 < len(line) <= LINE_CHARS for line in lines) for *_, lines in cues)


def strange(chance: random.Random) -> Transcript:
    """Times that meet between two milliseconds or run backwards, and words that formats trip over."""
    vocabulary = ("слово", "-->", "<b>", "&", "x" * 60, "", " ", "\u2028", "\x85", "a\nb", "今天", "–" * 50)
    segments, now_s = [], 0.0
    for _ in range(chance.randint(0, 4)):
        start_s = max(0.0, now_s + chance.choice((0, 0.0005, 1 / 3, 5, -1)))
        words, now_s = [], start_s
        for _ in range(chance.randint(0, 12)):
            end_s = now_s + chance.choice((0, 0.0005, 0.001, 0.25, 3.3))
            words.append(Word(chance.choice(vocabulary), now_s, end_s))
            now_s = end_s
        segments.append(Segment(start_s, now_s, " ".join(word.text for word in words), tuple(words)))
    return Transcript(tuple(segments), "ru", "whisper", "base", now_s)


def read_captions(kind: str, text: str) -> list[tuple[int, int, list[str]]]:
    """(start_ms, end_ms, lines) of each caption; fails on anything a strict reader would refuse."""
    mark = "," if kind == "srt" else "."
    clock = rf"(\d\d):([0-5]\d):([0-5]\d){re.escape(mark)}(\d\d\d)"
    if kind == "vtt":
        header, _, text = text.partition("\n\n" if "-->" in text else "\n")
        assert header == "WEBVTT"
    cues = []
    for number, block in enumerate(filter(None, text.strip("\n").split("\n\n")), start=1):
        lines = block.split("\n")
        if kind == "srt":
            assert lines.pop(0) == str(number)
        found = re.fullmatch(f"{clock} --> {clock}", lines.pop(0))
        numbers = [int(part) for part in found.groups()]
        start_ms, end_ms = (((h * 60 + m) * 60 + s) * 1000 + ms for h, m, s, ms in (numbers[:4], numbers[4:]))
        assert not any("-->" in line or line.splitlines() != [line] for line in lines)
        assert kind == "srt" or not any(re.search(r"[<>]|&(?!amp;|lt;|gt;)", line) for line in lines)
        cues.append((start_ms, end_ms, [html.unescape(line) for line in lines]))
    return cues


def test_a_lesson_without_speech_has_files_without_captions(tmp_path):
    nothing = Transcript((), "", "whisper", "base", 60.0)
    made = formats.write_all(nothing, tmp_path, "silent")
    assert [path.read_text().strip() for path in made[:3]] == ["", "", "WEBVTT"]
    assert formats.from_json(made[3].read_text()) == nothing


def test_vtt_has_its_header_and_escapes():
    text = formats.to_vtt(LESSON)
    assert text.startswith("WEBVTT\n\n00:00:00.000 --> ")
    assert "&lt;вода&gt;" in text and "&amp;" in text and "<вода>" not in text


def test_an_arrow_that_somebody_says_breaks_no_captions():
    spoken = replace(LESSON, segments=(said("a --> b"),))
    assert formats.to_srt(spoken).count("-->") == formats.to_vtt(spoken).count("-->") == 1


def test_txt_has_one_line_a_segment():
    broken = replace(LESSON, segments=(Segment(0, 1, " One\n two. "), Segment(1, 2, "Three.")))
    assert formats.to_txt(broken) == "One two.\nThree.\n"


def test_all_four_files_are_written_and_nothing_else(tmp_path):
    (tmp_path / "lesson.txt").write_text("old")
    made = formats.write_all(LESSON, tmp_path, "lesson")
    assert [path.name for path in made] == ["lesson.txt", "lesson.srt", "lesson.vtt", "lesson.transcript.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in made)
    assert formats.from_json(made[-1].read_bytes()) == LESSON


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path):
    (tmp_path / "lesson.txt").write_text("old")
    unwritable = replace(LESSON, segments=(Segment(0, 1, "\ud800"),))
    with pytest.raises(UnicodeEncodeError):
        formats.write_all(unwritable, tmp_path, "lesson")
    assert [path.name for path in tmp_path.iterdir()] == ["lesson.txt"]
    assert (tmp_path / "lesson.txt").read_text() == "old"
