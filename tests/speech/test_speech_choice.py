"""Which recogniser is used, what the doctor says about it, and what choosing one costs."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from ppi.errors import InputError, WeightsMissing
from ppi.speech import choice, recognizer, wav
from tests.conftest import ROOT, settings_for
from tests.fixtures_speech import RATE_HZ, write_wav


def test_the_settings_choose_and_the_caller_may_choose_otherwise(tmp_path):
    speech = settings_for(tmp_path, SPEECH_ENGINE="whisper", WHISPER_MODEL_SIZE="small").speech
    chosen = [recognizer.create(speech, *asked) for asked in ((), ("whisper", "tiny"), ("pocketsphinx",))]
    assert [(one.engine, one.model) for one in chosen] == [
        ("whisper", "small"), ("whisper", "tiny"), ("pocketsphinx", "en-us"),
    ]  # fmt: skip


def test_without_a_setting_the_fastest_engine_that_can_use_the_model_hears(tmp_path):
    def chosen(**variables):
        speech = settings_for(tmp_path, SPEECH_ENGINE="", **variables).speech
        return recognizer.create(speech).engine, recognizer.create(speech).identity()

    assert chosen()[0] == "faster-whisper"
    assert chosen(WHISPER_MODEL_SIZE="mine.pt")[0] == "whisper"
    speech = settings_for(tmp_path).speech
    measured = [
        {"engine": "faster-whisper", "compute_type": "int8", "encoder_s": 2.0, "token_s": 0.01},
        {"engine": "whisper", "compute_type": "float32", "encoder_s": 1.0, "token_s": 0.01},
    ]
    assert choice.keep(speech, "base", measured)["engine"] == "whisper"
    assert chosen()[0] == "whisper" and chosen(WHISPER_MODEL_SIZE="small")[0] == "faster-whisper"
    measured[0]["encoder_s"], measured[0]["compute_type"] = 0.5, "float32"
    choice.keep(speech, "base", measured)
    assert chosen()[0] == "faster-whisper" and "'float32'" in chosen()[1]
    assert "'int8'" in chosen(WHISPER_COMPUTE_TYPE="int8")[1], "a setting counts more than what was measured"


def test_an_engine_says_which_weights_it_cannot_use(tmp_path):
    with pytest.raises(InputError, match="takes folders"):
        recognizer.create(settings_for(tmp_path).speech, "faster-whisper", "mine.pt")


@pytest.mark.parametrize(("engine", "model"), [("siri", ""), ("whisper", "gigantic")])
def test_an_unknown_engine_or_model_is_refused_at_once(engine, model, tmp_path):
    with pytest.raises(InputError, match=engine if engine == "siri" else model):
        recognizer.create(settings_for(tmp_path).speech, engine, model)


def test_every_model_the_settings_accept_can_be_chosen(tmp_path):
    for model in ("turbo", "weights.pt", "models/lesson-whisper"):
        speech = settings_for(tmp_path, SPEECH_ENGINE="whisper", WHISPER_MODEL_SIZE=model).speech
        assert recognizer.create(speech).model == model


def test_the_doctor_finds_weights_and_misses_them(tmp_path, classroom_model):
    assert "rough" in recognizer.check(settings_for(tmp_path).speech)
    speech = settings_for(tmp_path, SPEECH_ENGINE="whisper", WHISPER_MODEL_SIZE=classroom_model).speech
    assert classroom_model in recognizer.check(speech)
    with pytest.raises(WeightsMissing, match="large-v3.pt"):
        large = {"WHISPER_MODEL_SIZE": "large", "WHISPER_MODEL_DIR": str(tmp_path)}
        recognizer.check(settings_for(tmp_path, SPEECH_ENGINE="whisper", **large).speech)


def test_choosing_an_engine_loads_no_model_library(tmp_path):
    code = (
        "import json, sys\nfrom ppi.settings import Settings\nfrom ppi.speech import recognizer, formats\n"
        "import ppi.summary.engine, ppi.summary.documents\n"
        "for name in ('faster-whisper', 'whisper', 'pocketsphinx'): recognizer.create(Settings.from_env({}).speech, name)\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in json.loads(done.stdout)}
    assert not loaded & {"torch", "sklearn", "scipy", "transformers", "whisper", "pocketsphinx", "numba", "docx"}
    assert not loaded & {"faster_whisper", "ctranslate2"}


@pytest.mark.parametrize("kind", ["another rate", "not a WAV", "cut short"])
def test_a_sound_that_is_not_as_agreed_is_refused(kind, tmp_path):
    path = write_wav(tmp_path / "sound.wav", np.ones(800, np.int16), 8000)
    if kind != "another rate":
        path.write_bytes(b"ID3" if kind == "not a WAV" else path.read_bytes()[:20])
    with pytest.raises(InputError, match="16 kHz, mono, 16 bit"):
        wav.duration_s(path)


def test_stretches_lose_no_sample_and_are_cut_where_it_is_quiet(tmp_path):
    sound = np.random.default_rng(3).normal(0, 3000, 70 * RATE_HZ).astype(np.int16)
    for pause_s in (17.0, 36.0, 52.0):
        sound[int(pause_s * RATE_HZ) : int((pause_s + 0.6) * RATE_HZ)] = 0
    parts = list(wav.stretches(write_wav(tmp_path / "long.wav", sound), longest_s=20.0))
    assert np.array_equal(np.concatenate([part for _, part in parts]), sound)
    starts_s = [start_s for start_s, _ in parts]
    assert starts_s == pytest.approx([0, 17.3, 36.3, 52.3], abs=0.3)
    assert all(len(part) <= 20 * RATE_HZ for _, part in parts)
