"""A corrected segment: words that stay keep their times, new ones share the room between them, nothing runs backwards."""

from __future__ import annotations

import random

import pytest

from ppi.errors import InputError
from ppi.records import Segment, Transcript, Word
from ppi.speech import corrections

HEARD = (("Вода", 1.0, 1.4, 0.9), ("испаряется,", 1.5, 2.2, 0.4), ("когда", 2.3, 2.6, 0.8), ("греется.", 2.8, 3.4, 0.7))
WORDS = tuple(Word(*word) for word in HEARD)
SEGMENT = Segment(0.8, 3.6, "Вода испаряется, когда греется.", WORDS, "Учитель", "ru", ("low_confidence",))
LESSON = Transcript((SEGMENT, Segment(4.0, 5.0, "Да.", (Word("Да.", 4.0, 5.0, 0.2),))), "ru", "whisper", "base", 60.0)


def times(segment: Segment) -> list[tuple[str, float, float]]:
    return [(word.text, word.start_s, word.end_s) for word in segment.words]


def test_a_word_that_is_set_right_takes_the_time_of_the_wrong_one_and_the_others_keep_theirs():
    found = corrections.correct(LESSON, 0, "Вода испаряется, когда нагрета.")
    assert times(found) == [*times(SEGMENT)[:3], ("нагрета.", 2.8, 3.4)]
    assert [word.probability for word in found.words] == [0.9, 0.4, 0.8, None]
    assert (found.text, found.speaker, found.language) == ("Вода испаряется, когда нагрета.", "Учитель", "ru")


def test_case_punctuation_and_yo_do_not_make_another_word():
    words = (Word("все", 0, 0.5, 0.5), Word("ещё", 0.5, 1, 0.5), Word("тут", 1, 2, 0.5))
    lesson = Transcript((Segment(0, 2, "все ещё тут", words),), "ru", "whisper", "base", 2.0)
    found = corrections.correct(lesson, 0, "Всё — еще тут!")
    assert [(word.text, word.start_s, word.probability) for word in found.words] == [
        ("Всё", 0, 0.5), ("—", 0.5, None), ("еще", 0.5, 0.5), ("тут!", 1, 0.5)
    ]  # fmt: skip


def test_new_words_share_the_gap_by_their_letters():
    found = corrections.correct(LESSON, 0, "Вода испаряется, когда сильно её греется.")
    assert times(found)[:3] == times(SEGMENT)[:3] and times(found)[-1] == times(SEGMENT)[-1]
    assert times(found)[3:5] == [("сильно", 2.6, 2.75), ("её", 2.75, 2.8)]


def test_several_words_for_one_share_its_time():
    found = corrections.correct(LESSON, 0, "Вода пар даёт, когда греется.")
    assert times(found)[1:3] == [("пар", 1.5, 1.763), ("даёт,", 1.763, 2.2)]


def test_words_at_the_borders_stay_inside_the_segment():
    found = corrections.correct(LESSON, 0, "Итак вода испаряется, когда греется. Ясно?")
    assert times(found)[0] == ("Итак", 0.8, 1.0) and times(found)[-1] == ("Ясно?", 3.4, 3.6)


def test_what_was_not_said_becomes_an_empty_segment_and_can_be_said_again():
    silent = corrections.correct(LESSON, 1, " ")
    assert (silent.text, silent.words, silent.flags) == ("", (), ())
    again = corrections.correct(corrections.with_segment(LESSON, 1, silent), 1, "Да, да.")
    assert times(again) == [("Да,", 4.0, 4.5), ("да.", 4.5, 5.0)]


def test_somebody_has_listened_so_the_recognisers_doubts_end():
    assert corrections.correct(LESSON, 0, "Вода греется.").flags == ()


def test_words_whose_time_is_shared_out_say_so_and_those_that_were_heard_do_not():
    found = corrections.correct(LESSON, 0, "Вода пар даёт, когда нагрета.")
    assert [word.interpolated for word in found.words] == [False, True, True, False, False]
    again = corrections.correct(corrections.with_segment(LESSON, 0, found), 0, "Вода пар дал, когда нагрета.")
    assert [word.interpolated for word in again.words] == [False, True, True, False, False]


def test_what_is_found_right_keeps_its_probabilities_and_loses_its_doubts():
    word = corrections.check(LESSON, 0, 1)
    assert [one.checked for one in word.words] == [False, True, False, False]
    assert (word.words[1].probability, word.flags, word.checked) == (0.4, ("low_confidence",), False)
    whole = corrections.check(LESSON, 0)
    assert whole.checked and whole.flags == () and all(one.checked for one in whole.words)
    assert [one.probability for one in whole.words] == [0.9, 0.4, 0.8, 0.7]
    lesson = corrections.with_segment(LESSON, 0, whole)
    assert not corrections.mark(lesson, LESSON).edited, "the text is as it was heard"
    assert corrections.is_worked_on(lesson) and not corrections.is_worked_on(LESSON)
    assert [one.checked for one in corrections.correct(lesson, 0, "Вода испаряется, если греется.").words] == [
        True, True, False, True
    ]  # fmt: skip


@pytest.mark.parametrize(("number", "word", "told"), [(2, None, "no segment 3"), (0, 4, "no word 5"), (0, -1, "no word 0")])
def test_what_is_not_there_cannot_be_found_right(number, word, told):
    with pytest.raises(InputError, match=told):
        corrections.check(LESSON, number, word)


def test_the_transcript_says_in_how_many_segments_it_was_corrected():
    once = corrections.with_segment(LESSON, 1, corrections.correct(LESSON, 1, "Нет."))
    assert (corrections.mark(once, LESSON).edited, corrections.mark(once, LESSON).edited_segments) == (True, 1)
    back = corrections.with_segment(once, 1, corrections.correct(once, 1, "Да."))
    assert (corrections.mark(back, LESSON).edited, corrections.mark(back, LESSON).edited_segments) == (False, 0)


@pytest.mark.parametrize(
    ("number", "text", "told"), [(2, "a", "no segment 3"), (-1, "a", "no segment 0"), (0, "a" * 6000, "5000")]
)
def test_no_such_segment_and_endless_texts_are_refused(number, text, told):
    with pytest.raises(InputError, match=told):
        corrections.correct(LESSON, number, text)


def test_whatever_is_typed_the_words_run_forwards_inside_the_segment_and_are_the_text():
    chance = random.Random(7)
    lesson, vocabulary = LESSON, ("вода", "Вода,", "когда", "—", "греется.", "x", "испаряется", "и", "ещё")
    for _ in range(400):
        text = " ".join(chance.choices(vocabulary, k=chance.randint(0, 9)))
        found = corrections.correct(lesson, 0, text)
        assert " ".join(word.text for word in found.words) == found.text == text
        marks = [found.start_s, *(time for word in found.words for time in (word.start_s, word.end_s)), found.end_s]
        assert marks == sorted(marks)
        lesson = corrections.with_segment(lesson, 0, found)
