"""A long mixed recording: the words and their times hold there as they do in single sentences."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

import numpy as np
import pytest

from tests import espeak
from tests.conftest import DATA, need
from tests.fixtures_speech import RATE_HZ, write_wav
from tests.speech.test_speech_whisper import SENTENCES, VOICES, away_from_truth_s, hearer, quiet, word_errors, words_of

# openai-whisper hears each window twice where two languages are spoken in it.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
ROUNDS = 3
# Standard deviations of the noise in a room, in samples; in the last the small model of the tests begins to fail.
STILL, FAN, LOUD_FAN = 3, 60, 120


@cache
def lesson(noise: int) -> tuple[np.ndarray, list[tuple[str, float]]]:
    """As `said_lesson`, and the same whatever was said before."""
    return espeak.anew(said_lesson, noise)


def said_lesson(noise: int) -> tuple[np.ndarray, list[tuple[str, float]]]:
    """(samples, (word, moment it begins) of all sentences) of about five minutes in two languages in turn.

    Between the sentences are pauses of many lengths, now and then with a stretch of loud noise in which nobody speaks.
    """
    chance, parts, truth, now_s = np.random.default_rng(8), [], [], 0.0
    pairs = [(language, SENTENCES[language][place]) for place in range(6) for language in ("en", "ru")]
    for number, (language, sentence) in enumerate(pairs * ROUNDS):
        pause = np.zeros(int(chance.choice([0.6, 1.2, 2.5, 6.0, 12.0]) * RATE_HZ))
        if number % 7 == 3:
            pause = np.concatenate([pause, chance.normal(0, 1500, 8 * RATE_HZ), np.zeros(RATE_HZ)])
        spoken = espeak.spoken(sentence, VOICES[language])
        now_s += len(pause) / RATE_HZ
        truth += [(word, now_s + start_s) for word, start_s in spoken.words]
        now_s += len(spoken.sound) / RATE_HZ
        parts += [pause, spoken.sound.astype(np.float64)]
    sound = np.concatenate(parts)
    noisy = sound + chance.normal(0, noise, len(sound))
    return np.clip(noisy, -32768, 32767).astype(np.int16), truth


@pytest.mark.parametrize(
    ("engine", "noise", "is_aligned", "half_s", "most_s"),
    [
        ("faster-whisper", STILL, False, 0.1, 0.3), ("faster-whisper", FAN, False, 0.1, 0.3), ("whisper", FAN, False, 0.1, 0.3),
        ("faster-whisper", FAN, True, 0.04, 0.15), ("faster-whisper", LOUD_FAN, True, 0.04, 0.15),
    ],
)  # fmt: skip
def test_words_and_their_times_hold_in_a_long_mixed_recording(
    engine, noise, is_aligned, half_s, most_s, classroom_models, tmp_path
):
    """Half of the words begin within `half_s` of the truth, 95 of a hundred within `most_s`."""
    need(espeak.is_here(), "libespeak-ng")
    need(not is_aligned or find_spec("ctc_segmentation") is not None, "ctc-segmentation")
    aligner = {"ALIGNER_MODEL": str(DATA / "speech" / "aligner")} if is_aligned else {}
    sound, truth = lesson(noise)
    path = write_wav(tmp_path / "lesson.wav", sound)
    heard = hearer(engine, classroom_models[engine], tmp_path, **aligner).transcribe(path, "", quiet)
    wanted, found = words_of(" ".join(word for word, _ in truth)), words_of(heard.text)
    assert word_errors(wanted, found) / len(wanted) < 0.2
    away_s = away_from_truth_s(heard, truth)
    assert len(away_s) > 0.8 * len(wanted)
    assert np.median(away_s) < half_s and np.quantile(away_s, 0.95) < most_s
    times = [moment for word in heard.words for moment in (word.start_s, word.end_s)]
    assert times == sorted(times) and times[0] >= 0 and times[-1] <= heard.duration_s
