"""Two hours: flat memory, and killed twice without losing or changing a word."""

from __future__ import annotations

import json
import os
import signal
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from ppi.errors import ToolFailed
from ppi.speech import recognizer
from ppi.speech.recognizer import NOTHING
from tests.conftest import settings_for
from tests.fixtures_speech import RATE_HZ, said

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
LENGTH_S, EVERY_S = 7200, 24
SHORT_S = 480
# A quarter of what the samples of two hours take.
GROWTH_BYTES = 60 * 2**20


@pytest.fixture(scope="module")
def two_hours(tmp_path_factory):
    return lesson(tmp_path_factory.mktemp("long") / "lesson.wav", LENGTH_S)


@pytest.fixture(scope="module")
def eight_minutes(tmp_path_factory):
    return lesson(tmp_path_factory.mktemp("short") / "lesson.wav", SHORT_S)


def lesson(path: Path, length_s: int) -> Path:
    """Sentences among silences, some of them noisy; a shorter one is the beginning of a longer one."""
    sentences = [said(text) for text in ("Look at the board.", "Who can tell me the answer?", "Запишите результат.")]
    chance = np.random.default_rng(2)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        for number in range(length_s // EVERY_S):
            sound = chance.normal(0, (number % 3) * 20, EVERY_S * RATE_HZ)
            spoken = sentences[number % 3]
            sound[: len(spoken)] += spoken
            file.writeframes(np.clip(sound, -32768, 32767).astype("<i2").tobytes())
    return path


def model_process() -> psutil.Process | None:
    """The child with the model: the largest below this process."""
    children = psutil.Process().children(recursive=True)
    return max(children, key=lambda child: child.memory_info().rss, default=None)


def test_two_hours_are_heard_in_flat_memory_and_after_two_kills_to_the_same_text(
    two_hours, eight_minutes, classroom_models, tmp_path
):
    speech = settings_for(
        tmp_path, SPEECH_ENGINE="faster-whisper", WHISPER_MODEL_SIZE=classroom_models["faster-whisper"]
    ).speech
    hear, used = recognizer.create(speech), []

    def watch(fraction: float) -> None:
        """What the model's process uses, and this one, which collects what was heard."""
        used.append((fraction, model_process().memory_info().rss + psutil.Process().memory_info().rss))

    hear.transcribe(eight_minutes, "", watch)
    most_of_short = max(rss for _, rss in used)
    used.clear()
    whole = hear.transcribe(two_hours, "", watch)
    early = max(rss for fraction, rss in used if 0.05 < fraction < 0.3)
    late = max(rss for fraction, rss in used if fraction > 0.7)
    assert late - early < GROWTH_BYTES
    assert max(rss for _, rss in used) - most_of_short < GROWTH_BYTES
    kept = NOTHING
    for broken_at_s in (0.28 * LENGTH_S, 0.7 * LENGTH_S):
        seen = []

        def keep_and_kill(heard, seen=seen, broken_at_s=broken_at_s):
            seen.append(heard)
            if heard.until_s > broken_at_s:
                os.kill(model_process().pid, signal.SIGKILL)

        with pytest.raises(ToolFailed):
            hear.transcribe(two_hours, "", lambda fraction: None, kept, keep_and_kill)
        assert kept.until_s < seen[0].until_s < seen[-1].until_s
        kept = replace(seen[-1], segments=tuple(json.loads(json.dumps(seen[-1].segments))))
    resumed = hear.transcribe(two_hours, "", lambda fraction: None, kept)
    assert resumed == whole and len(whole.words) > 2 * LENGTH_S / EVERY_S
    assert {segment.language for segment in whole.segments} == {"en", "ru"}
