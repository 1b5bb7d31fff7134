"""What a chat model wrote is read as data, and compared with what was said."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from ppi.records import KeyPoint, Span
from ppi.summary import answers, prompting
from ppi.summary.answers import Said, best_points, read
from ppi.summary.checking import Checker
from ppi.summary.extractive import summarize
from tests.fixtures_summary import transcript_of

# Raise the version at the top of every prompt when this changes: results that were kept are then made anew.
PROMPTS = {"3": "600d319ba53b77f0"}
LESSON = {
    "en": [
        "Good morning, sit down please.", "The sun heats the ocean, and water evaporates.", "It rises as vapour.",
        "High up it cools down and forms clouds.", "In 1687 Newton wrote his Principia.", "Close your books now.",
    ],
    "ru": [
        "Доброе утро, садитесь.", "Солнце нагревает океан, и вода испаряется.", "Она поднимается в виде пара.",
        "Наверху пар остывает и образует облака.", "В 1687 году Ньютон написал свои «Начала».", "Закройте учебники.",
    ],
}  # fmt: skip


def line(text: str = "Water rises.", **changed) -> str:
    return json.dumps({"at": "00:10", "kind": "point", "text": text} | changed, ensure_ascii=False)


def test_objects_are_found_in_whatever_a_model_puts_around_them():
    said = f"Sure!\n```json\n[{line('One.')},\n {line('Два.')}]\n```\n{line('Three.')} and {{broken: {line('Four.')[:30]}"
    assert [found.text for found in read(said)] == ["One.", "Два.", "Three."]


@pytest.mark.parametrize(
    "said",
    [
        line(kind="order"), line(at="soon"), line(at=[]), line(at=75), line(at=["00:10", 5]), line(at={"a": 1}), line(extra=1),
        json.dumps({"at": "00:10", "text": "No kind."}), line(text=""), line(text="... 12"), line(text=5), "{}", "null",
        line(at="00:99"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_schema_is_left_out(said):
    assert read(said) == []


def test_times_are_minutes_and_seconds_or_hours_and_a_list_of_few():
    assert read(line(at="[75:10]")) == [Said("point", "Water rises.", (4510.0,))]
    assert read(line(at=["1:15:20", "00:01", "00:02", "00:03", "00:04"]))[0].times_s == (4520.0, 1.0, 2.0, 3.0)


def test_repeats_are_said_once_and_endless_text_is_cut():
    assert len(read("\n".join([line(), line("WATER rises.")]))) == 1
    assert len(read(line("word " * 5000))[0].text) <= answers.MAX_CHARACTERS
    assert read("x" * answers.MAX_ANSWER_CHARACTERS + line()) == []


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("See https://evil.example/?q=1 now", "See … now"), ("See [the page](http://evil.example) now", "See the page now"),
        ("![x](http://evil.example/a.png) cat", "x cat"), ("www.evil.example rules", "… rules"),
        ("<a href='http://e.example'>click</a> here", "click here"), ("javascript:alert(1) ran", "… ran"),
        ("//evil.example/x looks", "… looks"), ("a\u202eb\x00c\nd", "a b c d"),
        ("Скорость 5 м/с: и/или", "Скорость 5 м/с: и/или"),
    ],
)  # fmt: skip
def test_links_tags_and_control_characters_are_taken_out(written, shown):
    assert answers.plain(written) == shown


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize(
    ("text", "is_said"),
    [
        ({"en": "Heated by the sun, ocean water evaporates.", "ru": "Вода океана испаряется: её нагрело солнце."}, True),
        ({"en": "Water evaporates and rises as vapour.", "ru": "Вода испаряется и поднимается паром."}, True),
        ({"en": "Volcanoes erupt in Iceland.", "ru": "Вулканы извергаются в Исландии."}, False),
        ({"en": "Photosynthesis turns water into sugar.", "ru": "Фотосинтез превращает углекислый газ в сахар."}, False),
        ({"en": "Newton wrote his Principia.", "ru": "Ньютон написал свои «Начала»."}, False),  # said, but elsewhere
    ],
)  # fmt: skip
def test_a_point_holds_when_its_words_were_said_where_it_says(language, text, is_said):
    checker = Checker(transcript_of(LESSON[language], language))
    assert checker.is_said(text[language], (Span(5.0, 9.5),)) is is_said


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_wrong_number_is_found(language):
    checker = Checker(transcript_of(LESSON[language], language))
    right = {"en": "In 1687 Newton wrote his Principia.", "ru": "В 1687 году Ньютон написал «Начала»."}[language]
    assert checker.is_said(right, (Span(20.0, 24.5),))
    assert not checker.is_said(right.replace("1687", "1678"), (Span(20.0, 24.5),))


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_selected_sentence_passes_the_check_and_none_elsewhere(language, lecture):
    said = lecture(language)
    checker = Checker(said)
    points = summarize(lambda fraction: None, said).key_points
    assert all(checker.is_said(point.text, point.cites) for point in points)
    end = said.segments[-1].end_s
    moved = [checker.is_said(point.text, (Span(end - point.time_s, end - point.time_s + 1),)) for point in points]
    assert sum(moved) <= len(points) // 4


def test_who_spoke_may_stand_in_a_point():
    said = transcript_of(["What happens to the water?"])
    named = replace(said, segments=(replace(said.segments[0], speaker="Teacher"),))
    asked = "Teacher wonders: what happens to water?", (Span(0.0, 4.5),)
    assert Checker(named).is_said(*asked)
    assert not Checker(said).is_said("Teacher greets Anna.", asked[1])


def test_a_word_in_the_other_alphabet_is_found_in_mixed_speech():
    checker = Checker(transcript_of(["Сегодня мы учим present simple.", "Вода по-английски water."], "ru"))
    assert checker.is_said("Учим present simple.", (Span(0.0, 4.5),))
    assert not checker.is_said("Учим past perfect и герундий.", (Span(0.0, 4.5),))


def test_many_points_are_cut_to_the_best_in_order_of_time():
    points = [
        KeyPoint(f"Point {n} about the river and the cloud number{n}.", (Span(float(n), n + 1.0),)) for n in range(60)
    ]  # fmt: skip
    best = best_points(points)
    assert len(best) == 20 and list(best) == sorted(best, key=lambda point: point.time_s)


def test_prompts_have_one_version_and_changed_words_a_new_one():
    files = sorted(prompting.FOLDER.glob("*.md"))
    assert len(files) == len(prompting.PURPOSES) * len(prompting.LANGUAGES)
    texts = [path.read_text(encoding="utf-8") for path in files]
    assert {text.partition("\n")[0] for text in texts} == {f"version: {prompting.version()}"}
    assert hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16] == PROMPTS[prompting.version()]


def test_what_was_said_fills_no_place_of_a_prompt():
    asked = prompting.prompt("map", "en", number=1, count=1, lines="$number {count} $$ ${language}")
    assert "$number {count} $$ ${language}" in asked and "Part 1 of 1" in asked
