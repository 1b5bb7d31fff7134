"""A GPU that is only said to be there: what is asked of it, and that the processor takes over, once, and says so."""

from __future__ import annotations

from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest

from ppi.errors import ToolFailed
from ppi.notes import ON_PROCESSOR
from ppi.speech import aligner_child, faster_whisper_child, formats, loaded, whisper_child
from ppi.speech.hearing import Ear
from ppi.speech.whisper import FasterWhisper
from ppi.speech.windows import Window
from tests.conftest import DATA, need, settings_for
from tests.fixtures_speech import RATE_HZ, said, write_wav
from tests.speech.test_speech_whisper import quiet

WINDOW = Window(((0, 16_000),), np.zeros(16_000, np.int16), 1.0)
CHILDREN = {"faster-whisper": faster_whisper_child, "whisper": whisper_child}


@pytest.fixture
def gpu(monkeypatch):
    """Both libraries say that there is one. Whatever is put on it fails in its own way, for there is none."""
    import ctranslate2
    import torch

    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(loaded, "_kept", {})
    return SimpleNamespace(ctranslate2=ctranslate2, torch=torch)


def out_of_memory(monkeypatch, gpu, asked: list) -> None:
    """torch without CUDA fails by an assertion; a GPU that is full fails like this."""
    move = gpu.torch.nn.Module.to

    def to(module, *wanted, **more):
        asked.append(wanted[0] if wanted else "")
        if "cuda" in map(str, wanted):
            raise gpu.torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return move(module, *wanted, **more)

    monkeypatch.setattr(gpu.torch.nn.Module, "to", to)


@pytest.mark.parametrize(
    ("wanted", "can", "kind", "words"),
    [
        ("", {"float16", "int8", "float32"}, "float16", ""), ("int8_float16", {"int8_float16", "float16"}, "int8_float16", ""),
        ("", {"int8_float32", "float32"}, "int8_float32", ""),
        ("bfloat16", {"float16", "float32"}, "float16", "bfloat16 cannot be computed on cuda, so float16 was used"),
    ],
)  # fmt: skip
def test_a_gpu_counts_in_float16_where_it_can(wanted, can, kind, words, gpu, monkeypatch):
    import faster_whisper

    asked = []

    def model(weights, **how):
        asked.append((how["device"], how["compute_type"]))
        ears = SimpleNamespace(mel_filters=np.zeros((80, 201)))
        return SimpleNamespace(model=SimpleNamespace(n_mels=80), encode=lambda features: None, feature_extractor=ears)

    monkeypatch.setattr(gpu.ctranslate2, "get_supported_compute_types", lambda device: can)
    monkeypatch.setattr(faster_whisper, "WhisperModel", model)
    _, about = faster_whisper_child._model("weights", "auto", wanted)
    assert asked == [("cuda", kind)] and about == {"device": "cuda", "compute_type": kind, "fallback": words}


def test_openai_whisper_is_put_on_the_gpu_and_counts_in_float16(gpu, classroom_model, monkeypatch):
    asked = []
    monkeypatch.setattr(gpu.torch.nn.Module, "to", lambda module, *wanted, **more: asked.append(wanted[0]) or module)
    _, about = whisper_child._load(classroom_model, classroom_model, "auto")
    assert asked[-1] == "cuda" and about == {"device": "cuda", "compute_type": "float16", "fallback": ""}
    _, about = whisper_child._load(classroom_model, classroom_model, "cpu")
    assert asked.count("cuda") == 1 and about["compute_type"] == "float32"


@pytest.mark.parametrize("engine", ["faster-whisper", pytest.param("whisper", marks=pytest.mark.slow)])
def test_a_gpu_that_takes_no_model_is_tried_once_and_the_processor_hears(engine, gpu, classroom_models, tmp_path, monkeypatch):
    """Two windows; CTranslate2 itself says here what is wrong with the driver."""
    told, asked = [], []
    if engine == "whisper":
        out_of_memory(monkeypatch, gpu, asked)
    else:
        find = gpu.ctranslate2.get_supported_compute_types
        monkeypatch.setattr(
            gpu.ctranslate2, "get_supported_compute_types", lambda device: asked.append(device) or find(device)
        )
    sound = np.pad(said("The lesson is over."), (0, 20 * RATE_HZ))
    path = write_wav(tmp_path / "lesson.wav", np.concatenate([sound] * 3))
    weights = classroom_models[engine]
    CHILDREN[engine].transcribe(told.append, str(path), weights, weights, "", "en", "", "auto", "", "")
    about = [value for kind, value in told if kind == "about"]
    assert about[0] == {"device": "cuda"} and about[-1]["device"] == "cpu" and asked.count("cuda") == 1
    assert "the GPU could not be used (CUDA" in about[-1]["fallback"]
    assert len([1 for kind, value in told if kind == "heard"]) > 1 and any(
        value["segments"] for kind, value in told if kind == "heard"
    )


def test_a_gpu_that_fails_in_the_middle_is_left_once_and_the_window_is_heard_again():
    loads, tries = [], []

    def load(device: str):
        loads.append(device)
        used = "cpu" if device == "cpu" else "cuda"
        return used, {"device": used, "compute_type": "int8", "fallback": ""}

    def hear_window(model, window, language):
        tries.append(model)
        if model == "cuda" and len(tries) > 1:
            raise RuntimeError("CUDA failed with error out of memory\nmore")
        return [model], language

    ear = Ear(load, hear_window, "auto")
    assert [ear(WINDOW, "en")[0] for _ in range(4)] == [["cuda"], ["cpu"], ["cpu"], ["cpu"]]
    assert loads == ["auto", "cpu"] and tries == ["cuda", "cuda", "cpu", "cpu", "cpu"]
    assert ear.about["device"] == "cpu" and "(CUDA failed with error out of memory)" in ear.about["fallback"]


def test_what_fails_on_the_processor_is_not_hidden():
    ear = Ear(lambda device: ("model", {"device": "cpu", "fallback": ""}), lambda *given: 1 / 0, "auto")
    with pytest.raises(ZeroDivisionError):
        ear(WINDOW, "en")

    def fail(*given):
        raise RuntimeError("wrong shape")

    with pytest.raises(RuntimeError, match="wrong shape"):
        Ear(lambda device: ("model", {"device": "cpu", "fallback": ""}), fail, "auto")(WINDOW, "en")


class Crashing(FasterWhisper):
    child = "tests.speech.crashing_child"


def test_a_process_that_dies_of_the_gpu_is_followed_by_one_on_the_processor(classroom_models, speak, tmp_path, monkeypatch):
    settings = settings_for(tmp_path, SPEECH_ENGINE="faster-whisper").speech
    hear = Crashing(settings, classroom_models["faster-whisper"], "", "")
    heard = hear.transcribe(speak("The lesson is over."), "en", quiet)
    assert heard.words and heard.hearing["device"] == "cpu" and "exit code -6" in heard.hearing["fallback"]
    assert heard.notes == (ON_PROCESSOR,) and formats.from_json(formats.to_json(heard)) == heard
    monkeypatch.setattr(Crashing, "child", "tests.speech.test_speech_gpu")
    with pytest.raises(ToolFailed):  # of what died before it said that it has a GPU, nobody knows why
        hear.transcribe(speak("The lesson is over."), "en", quiet)


def transcribe(report, **wanted) -> None:
    import os

    os.abort()


def test_an_aligner_leaves_a_full_gpu_once_and_says_so(gpu, monkeypatch, tmp_path):
    need(find_spec("ctc_segmentation") is not None, "ctc-segmentation")
    asked, folder = [], DATA / "speech" / "aligner"
    out_of_memory(monkeypatch, gpu, asked)
    refine = aligner_child.refine(lambda told: None, str(tmp_path), [("", "own", str(folder))], "", "auto")
    told = refine.about
    assert told["aligner_device"] == "cpu" and "the GPU could not be used (CUDA out of memory" in told["aligner_fallback"]
    [aligner] = refine._aligners.values()
    for _ in range(2):
        assert len(aligner.hear(said("The lesson is over.")))
    assert asked.count("cuda") == 1
