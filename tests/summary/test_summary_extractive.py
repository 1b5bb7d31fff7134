"""The summary without a model finds what matters, in both languages, and survives whatever was said."""

from __future__ import annotations

import random
import time

import pytest

from ppi.errors import Cancelled
from ppi.records import Segment, Transcript, Word
from ppi.settings import SummarySettings
from ppi.summary import engine, ranking
from ppi.summary.extractive import summarize
from ppi.summary.sections import sections_of
from ppi.summary.sentences import sentences_of
from tests.conftest import own_children
from tests.fixtures_summary import KEY_SENTENCES, transcript_of

TOPICS = {
    "en": (
        "water rain cloud river vapour ocean evaporation snow lake stream",
        "fraction numerator denominator quarter division number third equation decimal remainder",
        "poem verse rhyme poet metaphor line stanza rhythm image voice",
    ),
    "ru": (
        "вода дождь облако река пар океан испарение снег озеро ручей",
        "дробь числитель знаменатель четверть деление число треть уравнение остаток слагаемое",
        "стихотворение рифма поэт метафора строка строфа ритм образ голос слог",
    ),
}
FRAMES = {
    "en": ("Here is the {} and there the {} with a {}.", "See how the {} turns into a {} beside the {}."),
    "ru": ("Здесь {}, а там {} и ещё {}.", "Видите, как {} и {} связаны, а рядом {}."),
}


def quiet(fraction: float) -> None:
    pass


def on_topics(language: str, minutes_each: float) -> Transcript:
    """A lecture on three topics, one after another."""
    chance = random.Random(4)
    count = round(minutes_each * 60 / 5)
    sentences = [
        chance.choice(FRAMES[language]).format(*chance.sample(topic.split(), 3))
        for topic in TOPICS[language]
        for _ in range(count)
    ]
    return transcript_of(sentences, language)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_sentences_that_matter_are_chosen(language, lecture):
    said = lecture(language)
    summary = summarize(quiet, said)
    chosen = {point.text for point in summary.key_points}
    assert len(chosen & set(KEY_SENTENCES[language])) >= 4
    times = [point.time_s for point in summary.key_points]
    assert times == sorted(times) and 5 <= len(times) <= 20
    starts = {segment.text: segment.start_s for segment in said.segments if segment.text in KEY_SENTENCES[language]}
    assert all(point.time_s == starts.get(point.text, point.time_s) for point in summary.key_points)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_lesson_falls_into_its_topics_and_each_gives_key_points(language):
    summary = summarize(quiet, on_topics(language, 6))
    starts = [section.span.start_s for section in summary.sections]
    assert starts == pytest.approx([0, 360, 720], abs=61)
    for section, topic in zip(summary.sections, TOPICS[language], strict=True):
        assert {word.strip().lower() for word in section.title.split(",")} <= set(topic.split())
        assert [point for point in summary.key_points if section.span.holds(point.time_s)]
        assert 3 <= len(section.points) <= 5


def test_a_lesson_on_one_topic_is_one_section_or_few():
    sentences = sentences_of(transcript_of([text for _ in range(40) for text in KEY_SENTENCES["en"]]))
    assert len(sections_of(sentences)) <= 2


def test_three_hours_take_less_than_five_seconds():
    said = on_topics("en", 60)
    summarize(quiet, transcript_of(["A first run loads the libraries."]))
    began = time.process_time()
    summary = summarize(quiet, said)
    assert time.process_time() - began < 5
    assert len(summary.sections) <= 15 and len(summary.key_points) == 20
    assert summary.key_points[-1].time_s > 120 * 60


def test_the_same_lesson_gives_the_same_summary_whatever_the_process(lecture):
    said = lecture("ru")
    once = engine.summarize(said, SummarySettings(model=""), quiet)
    assert once == engine.summarize(said, SummarySettings(model=""), quiet) == summarize(quiet, said)
    assert (once.engine, once.model, once.language) == ("extractive", "", "ru")


@pytest.mark.parametrize(
    "sentences",
    [
        [""], ["Hello."], ["Evaporation begins again."], ["The rain falls down."] * 30,
        ["🎉 🎉", "123 456", "—"], ["the of and"],
        ["Сегодня мы учим present simple и слово water.", "Repeat after me: вода is water.", "Хорошо, well done."],
        ["a" * 5000], ["и" * 5000 + " да"], ["слово " * 3000],
    ],
    ids=["empty", "greeting", "one", "all equal", "no words", "stop words", "mixed", "huge word", "huge ru word", "no end"],
)  # fmt: skip
def test_strange_lessons_give_a_summary_without_an_error(sentences):
    summary = summarize(quiet, transcript_of(sentences))
    assert all(point.text and point.cites for point in summary.points)
    assert all(section.span.start_s <= section.span.end_s for section in summary.sections)


def test_nothing_said_is_an_empty_summary():
    summary = engine.summarize(Transcript((), "", "whisper", "base", 10.0), SummarySettings(model=""), quiet)
    assert (summary.points, summary.sections) == ((), ())


def test_repeats_are_chosen_once():
    repeated = [text for _ in range(6) for text in KEY_SENTENCES["en"]]
    points = summarize(quiet, transcript_of(repeated)).key_points
    assert {point.text for point in points} == set(KEY_SENTENCES["en"])


def test_greetings_and_fragments_weigh_less_and_definitions_more():
    import numpy as np

    texts = ["Good morning, dear children of my class.", "And so on.", "Rivers flow into the big ocean."]
    weights = ranking.weigh([*texts, "Remember what the cycle is called."], np.full(4, 0.25))
    assert weights[3] > weights[2] > weights[0] == weights[1]


@pytest.mark.parametrize(
    "said",
    ["For your home work, write about the river.", "Homework: read page seven.", "Запишите задание на дом: параграф пять."],
)
def test_homework_is_found_by_how_it_is_said(said):
    found = summarize(quiet, transcript_of([said, "Look at the board, please."])).of_kind("homework")
    assert [point.text for point in found] == [said]


def test_a_sentence_over_two_segments_is_one_with_the_time_of_its_first_word():
    words = ("Evaporation", "is", "the", "change", "of", "water", "into", "vapour.", "It", "needs", "heat.")
    timed = tuple(Word(word, n * 0.5, n * 0.5 + 0.5) for n, word in enumerate(words))
    segments = (
        Segment(0.0, 2.0, "Evaporation is the change", timed[:4]),
        Segment(2.0, 5.5, "of water into vapour. It needs heat.", timed[4:]),
    )
    found = sentences_of(Transcript(segments, "en", "whisper", "base", 6.0))
    assert [(one.text, one.span.start_s, one.span.end_s) for one in found] == [
        ("Evaporation is the change of water into vapour.", 0.0, 4.0), ("It needs heat.", 4.0, 5.5),
    ]  # fmt: skip


def test_abbreviations_end_no_sentence():
    english = sentences_of(transcript_of(["Dr. Smith came, e.g. to the lake. He saw it."]))
    russian = sentences_of(transcript_of(["Это было в IX в. н. э., т.е. давно. Потом всё изменилось."], "ru"))
    assert [len(found) for found in (english, russian)] == [2, 2]


def test_speech_without_punctuation_is_taken_segment_by_segment():
    found = sentences_of(transcript_of(["so the water goes up", "and the rain comes down", "why is that"]))
    assert [one.text for one in found] == ["so the water goes up", "and the rain comes down", "why is that"]


def test_no_sentence_is_longer_than_can_be_read():
    found = sentences_of(transcript_of(["water " * 1000]))
    assert sum(len(one.text.split()) for one in found) == 1000
    assert max(len(one.text.split()) for one in found) <= 45


def test_progress_grows_and_cancelling_kills_the_child():
    said, seen = on_topics("en", 30), []
    engine.summarize(said, SummarySettings(model=""), seen.append)
    assert seen and seen == sorted(seen)

    def cancel(fraction: float) -> None:
        raise Cancelled("The job was cancelled.")

    before = {child.pid for child in own_children()}
    with pytest.raises(Cancelled):
        engine.summarize(said, SummarySettings(model=""), cancel)
    left = [child for child in own_children() if child.pid not in before]
    assert not [child for child in left if "spawn_main" in " ".join(child.cmdline())]
