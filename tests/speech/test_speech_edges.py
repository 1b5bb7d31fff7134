"""Edges of words are moved out of pauses, and only where a pause can be told from speech."""

from __future__ import annotations

import numpy as np

from ppi.speech.edges import pauses, snapped

RATE_HZ = 16_000


def sound(*parts: tuple[float, int]) -> np.ndarray:
    """(seconds, loudness) of noise."""
    chance = np.random.default_rng(3)
    return np.concatenate([chance.normal(0, loud, int(length_s * RATE_HZ)) for length_s, loud in parts]).astype(np.int16)


def edges(words, quiet):
    return [(word["start"], word["end"]) for word in snapped([{"start": start, "end": end} for start, end in words], quiet)]


def test_pauses_are_where_it_is_much_quieter_than_speech_for_a_while():
    spoken = sound((0.3, 3), (0.5, 3000), (0.06, 3), (0.4, 2000), (0.4, 5), (0.5, 3000), (0.2, 0))
    assert pauses(spoken) == [(0.0, 0.3), (1.26, 1.66), (2.16, 2.36)]
    assert pauses(sound((0.3, 800), (1.0, 3000))) == [], "a noisy room"
    noisy = sound((0.3, 200), (0.5, 3000), (0.06, 200), (0.4, 2000), (0.4, 200), (0.5, 3000), (0.2, 200))
    assert pauses(noisy) == pauses(spoken), "a fan, 20 dB below speech"
    assert pauses(sound((1.0, 3000))) == [] and pauses(np.zeros(100, np.int16)) == []


def test_words_begin_and_end_where_the_sound_does():
    quiet = [(0.0, 0.3), (1.26, 1.66), (2.16, 2.36)]
    assert edges([(0.0, 0.6), (0.6, 1.4), (1.4, 2.3)], quiet) == [(0.3, 0.6), (0.6, 1.26), (1.66, 2.16)]
    assert edges([(0.5, 2.0)], quiet) == [(0.5, 2.0)], "a word may hold a pause"
    assert edges([(1.3, 1.5)], quiet) == [(1.3, 1.5)], "what is said in a pause as a whole is not known better"
