"""Speech made on the spot with known words, real speech, and checkpoints of Whisper small enough for tests."""

from __future__ import annotations

import lzma
import shutil
import subprocess
import wave
from collections.abc import Callable
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import DATA, need
from tests.ct2 import convert

RATE_HZ = 16_000
JFK = "and so my fellow americans ask not what your country can do for you ask what you can do for your country"


@pytest.fixture(scope="session")
def speak(tmp_path_factory) -> Callable[..., Path]:
    """`speak("Good morning, class.", 8.0, "Урок окончен.")` is a 16 kHz mono WAV: sentences, and silences in seconds."""
    need(shutil.which("espeak-ng") is not None, "espeak-ng")
    folder = tmp_path_factory.mktemp("spoken")

    def make(*parts: str | float) -> Path:
        path = folder / f"{len(list(folder.iterdir()))}.wav"
        sounds = [np.zeros(int(part * RATE_HZ), np.int16) if isinstance(part, float) else said(part) for part in parts]
        return write_wav(path, np.concatenate(sounds))

    return make


@pytest.fixture(scope="session")
def jfk(tmp_path_factory) -> Path:
    """Real speech, eleven seconds: see JFK for the words."""
    need(shutil.which("ffmpeg") is not None, "ffmpeg")
    path = tmp_path_factory.mktemp("jfk") / "speech.wav"
    source = DATA / "speech" / "jfk.flac"
    subprocess.run(["ffmpeg", "-loglevel", "error", "-i", source, "-ar", str(RATE_HZ), "-ac", "1", path], check=True)
    return path


@pytest.fixture(scope="session")
def classroom_model(once) -> str:
    """A checkpoint that knows the sentences of synthetic lessons, and when each word is said."""
    return str(once("classroom", lambda folder: with_times("classroom", folder)) / "classroom.pt")


def read_checkpoint(path: Path) -> dict:
    """Put back what `path`, packed by xz, leaves out.

    These are the encoder's places, which are the same in all of Whisper, and the rows of tokens never said, which are all one.
    """
    import torch
    from whisper.model import sinusoids

    kept = torch.load(BytesIO(lzma.decompress(path.read_bytes())), map_location="cpu", weights_only=True)
    places = sinusoids(kept["dims"]["n_audio_ctx"], kept["dims"]["n_audio_state"]).half()
    kept["model_state_dict"]["encoder.positional_embedding"] = places
    name = "decoder.token_embedding.weight"
    whole = kept.pop("other_row").repeat(kept["dims"]["n_vocab"], 1)
    whole[kept.pop("rows").long()] = kept["model_state_dict"][name]
    kept["model_state_dict"][name] = whole
    return kept


def read_model(path: Path):
    """The checkpoint as openai-whisper's model, in full precision."""
    from whisper.model import ModelDimensions, Whisper

    kept = read_checkpoint(path)
    model = Whisper(ModelDimensions(**kept["dims"]))
    model.load_state_dict({name: value.float() for name, value in kept["model_state_dict"].items()})
    return model


def with_times(name: str, folder: Path) -> str:
    """Write the checkpoint of that name into `folder`, with two more layers, which look where a word is said.

    They change nothing in the text. Whisper finds the times of words in the attention of the later half of the decoder's
    layers, so in those two.
    """
    import torch

    kept = read_checkpoint(DATA / "speech" / f"{name}.pt.xz")
    weights, layers = kept["model_state_dict"], kept["dims"]["n_text_layer"]
    trained = torch.load(DATA / "speech" / f"{name}-times.pt", map_location="cpu", weights_only=True)
    for part, value in list(weights.items()):
        if part.startswith("decoder.blocks.0."):
            is_scale = part.endswith("ln.weight")
            for layer in (layers, layers + 1):
                new = part.replace("blocks.0.", f"blocks.{layer}.")
                weights[new] = trained.get(new, torch.ones_like(value) if is_scale else torch.zeros_like(value))
    kept["dims"]["n_text_layer"] = layers + 2
    torch.save(kept, folder / f"{name}.pt")
    return str(folder / f"{name}.pt")


@pytest.fixture(scope="session")
def classroom_models(classroom_model, once) -> dict[str, str]:
    """The same checkpoint for each engine that takes Whisper's models."""
    need(find_spec("faster_whisper") is not None, "faster-whisper")
    converted = once("classroom-ct2", lambda folder: convert(classroom_model, folder / "classroom"))
    return {"whisper": classroom_model, "faster-whisper": str(converted / "classroom")}


@pytest.fixture(scope="session")
def words_models(once) -> dict[str, str]:
    """One for each engine that hears single sentences of words it knows, whatever their order."""
    need(find_spec("faster_whisper") is not None, "faster-whisper")
    folder = once("words", lambda folder: convert(with_times("words", folder), folder / "words"))
    return {"whisper": str(folder / "words.pt"), "faster-whisper": str(folder / "words")}


@pytest.fixture(scope="session")
def random_models(random_model, once) -> dict[str, str]:
    need(find_spec("faster_whisper") is not None, "faster-whisper")

    def make(folder: Path) -> None:
        convert(_random_checkpoint(folder / "random.pt", text_tokens=448), folder / "random")

    return {"whisper": random_model, "faster-whisper": str(once("random-ct2", make) / "random")}


@pytest.fixture(scope="session")
def random_model(once) -> str:
    """A checkpoint of random weights in the shape of a multilingual Whisper: it knows nothing, and says so many times.

    It writes at most sixteen tokens a window, because one that knows nothing tries each window six times over.
    """
    return str(once("random", lambda folder: _random_checkpoint(folder / "random.pt", text_tokens=64)) / "random.pt")


@pytest.fixture(scope="session")
def large_shaped_models(tmp_path_factory) -> dict[str, str]:
    """Random weights in the shape of large-v3 and turbo, but for its size: 128 bands of sound, and a hundred languages."""
    need(find_spec("faster_whisper") is not None, "faster-whisper")
    folder = tmp_path_factory.mktemp("large")
    short, longer = (
        _random_checkpoint(folder / f"{tokens}.pt", text_tokens=tokens, bands=128, vocabulary=51866) for tokens in (64, 448)
    )
    return {"whisper": short, "faster-whisper": convert(longer, folder / "random")}


def _random_checkpoint(path: Path, text_tokens: int, bands: int = 80, vocabulary: int = 51865) -> str:
    import torch
    from whisper.model import ModelDimensions, Whisper

    torch.manual_seed(7)
    dims = ModelDimensions(
        n_mels=bands, n_audio_ctx=1500, n_audio_state=64, n_audio_head=2, n_audio_layer=1, n_vocab=vocabulary,
        n_text_ctx=text_tokens, n_text_state=64, n_text_head=2, n_text_layer=1,
    )  # fmt: skip
    model = Whisper(dims)
    # Whisper leaves this one as it finds the memory, which may be no numbers at all.
    torch.nn.init.normal_(model.decoder.positional_embedding, std=0.01)
    torch.save({"dims": vars(dims), "model_state_dict": model.state_dict()}, path)
    return str(path)


def said(text: str) -> np.ndarray:
    """The sentence as int16 samples at 16 kHz; Cyrillic is spoken as Russian."""
    voice = "ru" if any("а" <= letter <= "я" for letter in text.lower()) else "en-us"
    raw = subprocess.run(["espeak-ng", "-v", voice, "-s", "145", "--stdout", text], capture_output=True, check=True).stdout
    # espeak-ng cannot know the length when it writes the 44 bytes of the header.
    sound = np.frombuffer(raw[44 : len(raw) // 2 * 2], np.int16).astype(np.float64)
    length = int(len(sound) * RATE_HZ / 22_050)
    return np.interp(np.linspace(0, len(sound) - 1, length), np.arange(len(sound)), sound).astype(np.int16)


def write_wav(path: Path, samples: np.ndarray, rate_hz: int = RATE_HZ) -> Path:
    """Write int16 samples as a mono WAV."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(samples.astype("<i2").tobytes())
    return path
