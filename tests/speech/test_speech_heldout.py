"""Sentences that the checkpoint "words" never learned: it hears the words of each, not the sentence as a whole."""

from __future__ import annotations

import pytest

from tests import espeak
from tests.conftest import need
from tests.data.speech.sentences import HELD_OUT, sentences
from tests.speech.test_speech_whisper import (
    VOICES,
    away_from_truth_s,
    hearer,
    in_silence,
    quiet,
    word_errors,
    words_of,
)


@pytest.mark.parametrize("language", VOICES)
def test_no_sentence_of_these_is_in_the_training_not_even_inside_another(language):
    old, new = sentences(language)
    taught = [" ".join(["", *words_of(one), ""]) for one in [*old, *new]]
    assert len(HELD_OUT[language]) == 10 and len(taught) > 2000
    for held in HELD_OUT[language]:
        assert not any(" ".join(["", *words_of(held), ""]) in one for one in taught), held


@pytest.mark.parametrize("language", VOICES)
@pytest.mark.parametrize("engine", ["faster-whisper", pytest.param("whisper", marks=pytest.mark.slow)])
def test_sentences_that_were_in_no_training_are_heard_at_their_times(engine, language, words_models, tmp_path):
    need(espeak.is_here(), "libespeak-ng")
    hear, errors, count, away_s = hearer(engine, words_models[engine], tmp_path), 0, 0, []
    said = espeak.anew(espeak.all_spoken, HELD_OUT[language], VOICES[language])
    for sentence, spoken in zip(HELD_OUT[language], said, strict=True):
        heard = hear.transcribe(in_silence(tmp_path, (3.0, spoken.sound)), language, quiet)
        errors += word_errors(words_of(sentence), words_of(heard.text))
        count += len(words_of(sentence))
        away_s += away_from_truth_s(heard, [(word, 3.0 + start_s) for word, start_s in spoken.words])
    assert count > 30 and errors / count < 0.2
    assert len(away_s) > 0.8 * count, "the words that were heard right"
    assert max(away_s) < 0.3, "every word of what was heard right"
