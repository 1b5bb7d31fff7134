"""What was said during a sample: words by their middle, doubts marked, speakers kept."""

from __future__ import annotations

from dataclasses import replace

from ppi.dataset.texts import NO_SPEECH, UNCERTAIN_BELOW, said
from ppi.records import Segment, Span, Transcript, Word


def spoken(*words, **about):
    segment = Segment(0, 9, "", tuple(Word(*word) for word in words), **about)
    return Transcript((segment,), "ru", "whisper", "tiny", 12.0)


def test_the_text_of_a_span_is_the_words_whose_middle_lies_in_it():
    heard = spoken((" Добрый", 0.0, 1.0), (" день", 1.2, 1.6), (",", 1.6, 1.6), (" класс", 1.8, 2.4), ("!", 2.4, 2.4))
    assert said(heard, Span(1.0, 2.0)).text == "день,"
    assert said(heard, Span(0.5, 3.0)).text == "Добрый день, класс!"
    assert [word["text"] for word in said(heard, Span(1.0, 2.0)).words] == ["день", ","]


def test_silence_is_stated_and_no_transcript_is_something_else():
    heard = spoken((" Да", 0.0, 1.0))
    silent, unheard = said(heard, Span(5, 6)), said(None, Span(0, 1))
    assert (silent.text, silent.words, silent.origin) == (NO_SPEECH, (), "recognized")
    assert (unheard.text, unheard.words, unheard.origin) == ("", (), "none")


def test_parts_of_a_word_are_put_together_and_bare_words_apart():
    assert said(spoken((" само", 1, 1.2), ("-", 1.2, 1.2), ("контроль", 1.3, 1.5)), Span(1, 2)).text == "само-контроль"
    assert said(spoken(("ask", 1, 1.2), ("not", 1.3, 1.4), ("?", 1.4, 1.5)), Span(1, 2)).text == "ask not?"


def test_words_below_the_threshold_are_marked_and_unknown_probabilities_are_not():
    low, high = UNCERTAIN_BELOW - 0.01, UNCERTAIN_BELOW
    found = said(spoken((" a", 0, 1, low), (" b", 1, 2, high), (" c", 2, 3, None)), Span(0, 3)).words
    assert [(word["probability"], word["is_uncertain"]) for word in found] == [(low, True), (high, False), (None, False)]
    assert (found[0]["start_time"], found[0]["end_time"]) == (0, 1)


def test_words_that_a_person_found_right_are_not_marked_and_shared_times_are():
    words = (Word(" a", 0, 1, 0.1, checked=True), Word(" b", 1, 2, interpolated=True))
    found = said(Transcript((Segment(0, 2, "a b", words),), "en", "whisper", "base", 2.0), Span(0, 2)).words
    assert [(word["probability"], word["is_uncertain"]) for word in found] == [(0.1, False), (None, False)]
    assert [word["is_interpolated"] for word in found] == [False, True]


def test_speakers_flags_and_corrections_are_kept():
    asked = Segment(0, 1, "Кто?", (Word(" Кто?", 0, 1),), "Учитель", flags=("low_confidence",))
    answered = Segment(1, 2, "Я.", (Word(" Я.", 1, 2),), "Ученик")
    heard = Transcript((asked, answered), "ru", "whisper", "tiny", 12.0)
    found = said(heard, Span(0, 2))
    assert found.speakers == ("Учитель", "Ученик") and found.flags == ("low_confidence",)
    assert [word["speaker"] for word in found.words] == ["Учитель", "Ученик"]
    assert said(heard, Span(1, 2)).flags == ()
    assert said(replace(heard, edited=True, edited_segments=1), Span(0, 2)).origin == "corrected"


def test_a_segment_without_words_is_not_lost():
    heard = Transcript((Segment(0, 2, "Доброе утро."), Segment(2, 4, "Да.")), "ru", "other", "", 12.0)
    assert said(heard, Span(0, 3)).text == "Доброе утро."
    assert said(heard, Span(0, 4)).text == "Доброе утро. Да."


def test_segments_that_write_their_spaces_differently_stand_in_one_transcript():
    bare = Segment(0, 2, "Доброе утро!", (Word("Доброе", 0, 1), Word("утро!", 1, 2)))
    whole = Segment(3, 4, "Well done.")
    spaced = Segment(5, 6, "Yes, sir", (Word(" Yes", 5, 5.4), Word(",", 5.4, 5.4), Word(" sir", 5.5, 6)))
    heard = Transcript((bare, whole, spaced), "ru", "whisper", "tiny", 12.0)
    assert said(heard, Span(0, 6)).text == "Доброе утро! Well done. Yes, sir"
