"""A lesson of two synthetic voices with known turns, and models small enough to be made on the spot that tell them apart.

The models have the inputs, outputs and descriptions of real ones, so the library does with them all that it does with those;
what they know is where the energy of a voice lies: the low voice has its fundamental below 140 Hz, the high one above.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from ppi.records import Segment, Transcript, Word
from tests import espeak
from tests.conftest import need
from tests.fixtures_speech import RATE_HZ, write_wav

LOW, HIGH = ("en-us+m7", 15), ("en-us+f3", 95)
# (who, sentence, silence after it in seconds)
TALK = (
    ("low", "Good morning everybody, please open your books at page number seven.", 0.8),
    ("high", "I have left my book at home today, may I look into hers?", 0.7),
    ("low", "Of course you may, but bring your own book to the next lesson.", 0.25),
    ("high", "Yes, I will bring it tomorrow morning.", 0.8),
    ("low", "Now tell me what water becomes when it is heated for a long time.", 0.7),
    ("high", "It becomes steam and rises into the air above us.", 0.5),
)
WINDOW, HOP, FIELD = 160_000, 270, 991  # samples, as pyannote's segmentation has them
FRAMES = (WINDOW - FIELD) // HOP + 1


@dataclass(frozen=True)
class Talk:
    """A recording, its words with their true times, and (start_s, end_s, who) of its turns."""

    wav: Path
    words: tuple[tuple[Word, str], ...]
    turns: tuple[tuple[float, float, str], ...]

    def transcript(self, *cuts: int) -> Transcript:
        """The words as one segment, or as several that begin at the words of these numbers; nobody is named."""
        words = [word for word, _ in self.words]
        edges = [0, *cuts, len(words)]
        runs = [words[begin:end] for begin, end in zip(edges, edges[1:], strict=False)]
        segments = tuple(
            Segment(run[0].start_s, run[-1].end_s, " ".join(word.text for word in run), tuple(run)) for run in runs
        )
        return Transcript(segments, "en", "whisper", "base", self.turns[-1][1] + 0.5)


@pytest.fixture(scope="session")
def talk(tmp_path_factory) -> Talk:
    return make_talk(tmp_path_factory.mktemp("talk") / "talk.wav")


@pytest.fixture(scope="session")
def speaker_models(tmp_path_factory) -> Path:
    """The folder of PPI_SPEAKERS_DIR."""
    need(find_spec("sherpa_onnx") is not None, "sherpa-onnx (requirements-speakers.txt)")
    need(find_spec("onnx") is not None, "onnx")
    folder = tmp_path_factory.mktemp("speakers")
    (folder / "segmentation.onnx").write_bytes(segmentation())
    (folder / "embedding.onnx").write_bytes(embedding())
    return folder


def make_talk(path: Path, rounds: int = 1) -> Talk:
    need(espeak.is_here(), "espeak-ng's library")
    sounds, words, turns, now = [np.zeros(RATE_HZ // 2, np.int16)], [], [], RATE_HZ // 2
    for who, text, pause_s in TALK * rounds:
        voice, pitch = LOW if who == "low" else HIGH
        spoken = espeak.spoken(text, voice, pitch=pitch)
        start_s, end_s = now / RATE_HZ, (now + len(spoken.sound)) / RATE_HZ
        begins = [start_s + begin_s for _, begin_s in spoken.words] + [end_s]
        words += [
            (Word(word, round(begins[place], 3), round(begins[place + 1], 3), 0.9), who)
            for place, (word, _) in enumerate(spoken.words)
        ]  # fmt: skip
        turns.append((start_s, end_s, who))
        sounds += [spoken.sound, np.zeros(int(pause_s * RATE_HZ), np.int16)]
        now += len(sounds[-2]) + len(sounds[-1])
    write_wav(path, np.concatenate(sounds))
    return Talk(path, tuple(words), tuple(turns))


def segmentation() -> bytes:
    """Sound (1, 1, 160000) -> for each frame a number for silence, each of three speakers, and each pair of them."""
    from onnx import TensorProto, helper, numpy_helper

    def tone(low_hz: float, high_hz: float) -> np.ndarray:
        """Pairs of filters a quarter of a wave apart, whose energy together is that of the band: (filters, 1, samples)."""
        time_s = (np.arange(FIELD) - FIELD / 2) / RATE_HZ
        window = np.hanning(FIELD) / FIELD
        waves = [wave(2 * np.pi * hz * time_s) for hz in np.arange(low_hz, high_hz, 15.0) for wave in (np.cos, np.sin)]
        return np.stack([wave * window for wave in waves])[:, None].astype(np.float32)

    low, high = tone(60, 140), tone(150, 400)
    given = {
        "low": low, "high": high, "least": np.float32([2e-6]), "tilt": np.float32([0.03]), "sharp": np.float32([200.0]),
        "none": np.full((1, FRAMES, 4), -1e3, np.float32), "tiny": np.float32([1e-9]),
    }  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["x", "low"], ["low_waves"], strides=[HOP]),
        helper.make_node("Conv", ["x", "high"], ["high_waves"], strides=[HOP]),
        *_energy("low"), *_energy("high"),
        helper.make_node("Add", ["low_energy", "high_energy"], ["energy"]),
        helper.make_node("Add", ["energy", "tiny"], ["some"]),
        helper.make_node("Div", ["low_energy", "some"], ["share"]),
        helper.make_node("Sub", ["share", "tilt"], ["off"]),
        helper.make_node("Mul", ["off", "sharp"], ["steep"]),
        helper.make_node("Sigmoid", ["steep"], ["is_low"]),
        helper.make_node("Div", ["some", "least"], ["times"]),
        helper.make_node("Log", ["times"], ["loud"]),
        helper.make_node("Neg", ["loud"], ["silence"]),
        helper.make_node("Mul", ["loud", "is_low"], ["first"]),
        helper.make_node("Sub", ["loud", "first"], ["second"]),
        helper.make_node("Concat", ["silence", "first", "second"], ["told"], axis=1),
        helper.make_node("Transpose", ["told"], ["by_frame"], perm=[0, 2, 1]),
        helper.make_node("Concat", ["by_frame", "none"], ["y"], axis=2),
    ]
    about = {
        "sample_rate": RATE_HZ, "window_size": WINDOW, "receptive_field_size": FIELD, "receptive_field_shift": HOP,
        "num_speakers": 3, "powerset_max_classes": 2, "num_classes": 7,
    }  # fmt: skip
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, WINDOW])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, FRAMES, 7])]
    weights = [numpy_helper.from_array(value, name) for name, value in given.items()]
    return _model(nodes, inputs, outputs, weights, about)


def _energy(band: str) -> list:
    """The mean energy of a band around each frame, half a second wide: (1, 1, frames)."""
    from onnx import helper

    return [
        helper.make_node("Mul", [f"{band}_waves", f"{band}_waves"], [f"{band}_squares"]),
        helper.make_node("ReduceMean", [f"{band}_squares"], [f"{band}_mean"], axes=[1], keepdims=1),
        helper.make_node("AveragePool", [f"{band}_mean"], [f"{band}_energy"], kernel_shape=[29], pads=[14, 14]),
    ]


def embedding() -> bytes:
    """80 log-mel values a frame -> two numbers for a voice: how low it is, and how high."""
    from onnx import TensorProto, helper, numpy_helper

    look = np.zeros((80, 1), np.float32)
    look[1:4] = 1 / 3  # 50 to 150 Hz
    look[5:10] = -1 / 5
    given = {"look": look, "middle": np.float32([-3.0]), "sharp": np.float32([4.0]), "one": np.float32([1.0])}
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["mean", "look"], ["tilt"]),
        helper.make_node("Sub", ["tilt", "middle"], ["off"]),
        helper.make_node("Mul", ["off", "sharp"], ["steep"]),
        helper.make_node("Sigmoid", ["steep"], ["is_low"]),
        helper.make_node("Sub", ["one", "is_low"], ["is_high"]),
        helper.make_node("Concat", ["is_low", "is_high"], ["y"], axis=1),
    ]
    about = {
        "framework": "wespeaker", "language": "en", "output_dim": 2, "sample_rate": RATE_HZ, "normalize_samples": 0,
    }  # fmt: skip
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, "frames", 80])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])]
    weights = [numpy_helper.from_array(value, name) for name, value in given.items()]
    return _model(nodes, inputs, outputs, weights, about)


def _model(nodes, inputs, outputs, weights, about: dict) -> bytes:
    from onnx import checker, helper

    graph = helper.make_graph(nodes, "voices", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, {name: str(value) for name, value in about.items()})
    checker.check_model(model)
    return model.SerializeToString()
