"""Models as large as the real ones, with random weights made on the spot: shapes, memory, progress, an end when asked for."""

from __future__ import annotations

import shutil
import time

import numpy as np
import psutil
import pytest

from bench.speech import DIMS, make_models
from ppi.errors import Cancelled
from ppi.processes import run_in_child
from ppi.speech import model_child, recognizer
from tests.conftest import settings_for

pytestmark = pytest.mark.slow
# Random weights would talk until they are stopped.
TOKENS = 30
# A model is loaded when its process is so large, and a lesson may make it no larger than that, in megabytes.
LOADED_MB = {"base": 250, "small": 450}
MOST_MB = {"base": 900, "small": 1400}
GROWTH_MB = 100


@pytest.fixture(scope="module", params=sorted(DIMS.keys() & LOADED_MB))
def size(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def models(size, tmp_path_factory):
    folder = tmp_path_factory.mktemp("full") / size
    make_models(folder, size, ends_at=TOKENS)
    shutil.rmtree(folder / "ct2.transformers")
    yield {"whisper": str(folder / "whisper.pt"), "faster-whisper": str(folder / "ct2")}
    model_child.stop()
    shutil.rmtree(folder)


def memory_mb() -> float:
    """Of the child with the model: servers that other tests started, and their helpers, are not meant."""
    children = [child for child in psutil.Process().children() if _is_helper(child)]
    return max((child.memory_info().rss for child in children), default=0) / 2**20


def _is_helper(process: psutil.Process) -> bool:
    try:
        return any("multiprocessing.spawn" in word for word in process.cmdline())
    except psutil.NoSuchProcess:
        return False


def shapes(report, weights: str) -> tuple[tuple[int, ...], int]:
    """In a child: of the encoder's answer to half a minute, and how many bands the sound has."""
    from ppi.speech import faster_whisper_child as child

    model, _ = child._model(weights, "cpu", "int8")
    return np.asarray(model.encode(child._features(model, np.zeros(16_000, np.float32)))).shape, model.model.n_mels


def test_a_model_of_real_size_hears_in_bounded_memory_and_tells_how_far_it_is(speak, size, models, tmp_path):
    found = run_in_child(f"{__name__}:shapes", {"weights": models["faster-whisper"]})
    assert found == ((1, 1500, DIMS[size][0]), 80)
    speech = settings_for(tmp_path, SPEECH_ENGINE="faster-whisper", WHISPER_MODEL_SIZE=models["faster-whisper"]).speech
    told, used, heard = [], [], []

    def watch(fraction: float) -> None:
        told.append(fraction)
        used.append(memory_mb())

    def keep(so_far) -> None:
        heard.append((so_far.until_s, memory_mb()))

    lesson = speak(*["Compare your results with your friends.", 0.4] * 24)
    found = recognizer.create(speech).transcribe(lesson, "en", watch, on_heard=keep)
    times = [moment for word in found.words for moment in (word.start_s, word.end_s)]
    assert times and times == sorted(times) and times[-1] <= found.duration_s and all(one.flags for one in found.segments)
    assert told == sorted(told) and 0 < len(set(told)) >= len(heard) >= 3
    assert max(used) < MOST_MB[size], max(used)
    assert heard[-1][1] - heard[0][1] < GROWTH_MB


@pytest.mark.parametrize("engine", ["faster-whisper", "whisper"])
def test_a_model_of_real_size_stops_within_two_seconds(speak, size, engine, models, tmp_path):
    speech = settings_for(tmp_path, SPEECH_ENGINE=engine, WHISPER_MODEL_SIZE=models[engine]).speech
    asked = []

    def cancel(fraction: float) -> None:
        asked.append((time.monotonic(), memory_mb() > LOADED_MB[size]))
        if sum(is_loaded for _, is_loaded in asked) > 6:
            raise Cancelled("The job was cancelled.")

    lesson = speak(*["Compare your results with your friends.", 0.4] * 24)
    with pytest.raises(Cancelled):
        recognizer.create(speech).transcribe(lesson, "en", cancel)
    assert time.monotonic() - asked[-1][0] < 2
    assert max(later - earlier for (earlier, _), (later, _) in zip(asked, asked[1:], strict=False)) < 1
    assert memory_mb() < LOADED_MB[size], "nothing of it is left in memory"
