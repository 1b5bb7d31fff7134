"""Speech recognition: PPI and openai-whisper by CPU seconds, at the sizes of `base` and `small` with random weights.

`python -m bench.speech [SECONDS] [CLIPS] [SIZES]`; 600, 40 and base,small when not given. Random weights hear nothing, so
every window is made to yield a fixed number of tokens for each second of sound it holds; the work is that of real weights,
except for second tries at what is doubtful. Three ways take turns on one lesson of synthetic speech: PPI (voices found, one
encoder pass a window, words aligned), openai-whisper on the whole lesson, and the notebook way, `transcribe` on each clip,
which finds the language anew for each.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import wave
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from bench.measure import ROOT, scratch

RATE_HZ = 16_000
DIMS = {"tiny": (384, 6, 4), "base": (512, 8, 6), "small": (768, 12, 12)}
# Whisper's token for the end of a text.
END = 50257
# As much as people say, about.
TOKENS_PER_S = 3.5
PPI, WHOLE, CLIPS = "PPI", "openai-whisper, whole lesson", "openai-whisper, notebook way"
SENTENCES = (
    "Good morning, class. Please open your books on page seven.", "Who can tell me the answer? Raise your hand, please.",
    "Today we will study gravity and the solar system.", "Compare your results with your friends.",
)  # fmt: skip


@dataclass(frozen=True)
class Spent:
    """Of one way: CPU seconds without loading, encoder passes, and the most memory in use."""

    way: str
    cpu_s: float
    passes: int
    peak_mb: float


def main(length_s: int = 600, clips: int = 40, sizes: str = "base,small") -> None:
    folder = scratch()
    lesson = make_lesson(folder / "lesson.wav", length_s)
    for size in sizes.split(","):
        make_models(folder / size, size)
        rows = [spend(way, folder / size, lesson, clips) for way in (PPI, WHOLE, CLIPS)]
        print(f"\n{size}, {length_s} s, {clips} clips\n\n| way | CPU s | of PPI's | encoder passes | peak MB |")
        print("| --- | --- | --- | --- | --- |")
        for row in rows:
            ratio = row.cpu_s / rows[0].cpu_s
            print(f"| {row.way} | {row.cpu_s:.1f} | {ratio:.2f} | {row.passes} | {row.peak_mb:.0f} |", flush=True)


def make_lesson(path: Path, length_s: int) -> Path:
    """Sentences by espeak-ng with pauses of half a second to two seconds."""
    spoken = [_say(sentence) for sentence in SENTENCES]
    chance, parts, count = np.random.default_rng(7), [], 0
    while count < length_s * RATE_HZ:
        pause = np.zeros(int(chance.uniform(0.5, 2.0) * RATE_HZ), np.int16)
        parts += [spoken[len(parts) // 2 % len(spoken)], pause]
        count += len(parts[-1]) + len(parts[-2])
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.concatenate(parts)[: length_s * RATE_HZ].tobytes())
    return path


def _say(text: str) -> np.ndarray:
    raw = subprocess.run(["espeak-ng", "-s", "145", "--stdout", text], capture_output=True, check=True).stdout
    sound = np.frombuffer(raw[44 : len(raw) // 2 * 2], np.int16).astype(np.float64)
    length = int(len(sound) * RATE_HZ / 22_050)
    return np.interp(np.linspace(0, len(sound) - 1, length), np.arange(len(sound)), sound).astype(np.int16)


def make_models(folder: Path, size: str, ends_at: int = 0) -> None:
    """`whisper.pt` and `ct2/` of the same random weights, which say nothing after `ends_at` tokens, 0 for no such end."""
    import torch
    from whisper.model import ModelDimensions, Whisper

    from tests.ct2 import convert

    width, heads, layers = DIMS[size]
    torch.manual_seed(0)
    model = Whisper(ModelDimensions(80, 1500, width, heads, layers, 51865, 448, width, heads, layers))
    torch.nn.init.normal_(model.decoder.positional_embedding, std=0.01)
    if ends_at:
        with torch.no_grad():
            model.decoder.positional_embedding[ends_at:] += 50 * model.decoder.token_embedding.weight[END]
    folder.mkdir()
    torch.save({"dims": vars(model.dims), "model_state_dict": model.state_dict()}, folder / "whisper.pt")
    convert(str(folder / "whisper.pt"), folder / "ct2")


def spend(way: str, folder: Path, lesson: Path, clips: int) -> Spent:
    """One way in a process of its own, on one thread; numba, which finds Whisper's words, would make torch take two."""
    command = [sys.executable, "-m", "bench.speech", "--way", way, str(folder), str(lesson), str(clips)]
    environment = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(done.stderr[-3000:])
    return Spent(way, **json.loads(done.stdout.splitlines()[-1]))


def _hear(way: str, folder: Path, lesson: Path, clips: int) -> None:
    """Inside the process: hear, and print the figures as JSON."""
    if way == PPI:
        passes, listen = ppi_ears(folder)
        hear = partial(listen, lesson)
    else:
        passes, hear = _openai(way, folder, lesson, clips)
    began_s = _cpu_s()
    hear()
    print(json.dumps({"cpu_s": _cpu_s() - began_s, "passes": passes[0], "peak_mb": _peak_mb()}))


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak_mb() -> float:
    """Of this program alone: the kernel's other figure begins with what the parent had."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def _tokens(length_s: float) -> int:
    return max(int(min(length_s, 30.0) * TOKENS_PER_S), 4)


def ppi_ears(folder: Path) -> tuple[list[int], Callable[..., None]]:
    """PPI's own child, with the number of tokens fixed and without second tries, which random weights would always need.

    Answers its count of encoder passes, and what hears a WAV; the model of `folder` is loaded.
    """
    from faster_whisper import WhisperModel

    from ppi.speech import faster_whisper_child as child

    passes, encode, held_s = [0], WhisperModel.encode, [0.0]
    features = child._features

    def counted(model, found):
        passes[0] += 1
        return encode(model, found)

    def measured(model, sound):
        held_s[0] = len(sound) / RATE_HZ
        return features(model, sound)

    def fixed(model, encoded, tokenizer, phrases):
        prompt, count = model.get_prompt(tokenizer, []), _tokens(held_s[0])
        unwanted = [*range(tokenizer.eot, tokenizer.timestamp_begin + 1501)]
        found = model.model.generate(
            encoded, [prompt], beam_size=1, max_length=max(2 * count, count + len(prompt)), suppress_tokens=unwanted,
            return_scores=True, return_no_speech_prob=True,
        )[0]  # fmt: skip
        return found.sequences_ids[0][:count], {"avg_logprob": -0.5}

    WhisperModel.encode, child._features, child._text = counted, measured, fixed
    wanted = {
        "weights": str(folder / "ct2"), "model": str(folder / "ct2"), "hub": "", "language": "en",
        "before": "", "device": "cpu", "compute_type": "int8", "phrases": "",
    }  # fmt: skip
    child._threads = lambda: 1
    child._load(lambda told: None, wanted["weights"], wanted["model"], "", "cpu", "int8")
    return passes, lambda lesson, report=lambda told: None: child.transcribe(report, path=str(lesson), **wanted)


def openai_ears(folder: Path) -> tuple[list[int], Callable[..., None]]:
    """openai-whisper as its makers run it; greedy and without second tries. Answers as `ppi_ears`; what hears takes samples
    and how many seconds they are, and what `transcribe` of that library takes.

    With the times of words it goes on at the end of the last word. Random weights put that anywhere in the window, and it
    would encode most seconds twice: so each window follows the one before, as with real weights after a pause.
    """
    import torch
    import whisper

    sys.modules["whisper.transcribe"].get_end = lambda segments: None
    torch.set_num_threads(1)
    model, passes = whisper.load_model(str(folder / "whisper.pt")), [0]
    model.encoder.register_forward_hook(lambda *given: passes.__setitem__(0, passes[0] + 1))
    return passes, partial(_transcribe, model)


def _openai(way: str, folder: Path, lesson: Path, clips: int):
    passes, hear = openai_ears(folder)
    with wave.open(str(lesson)) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768
    if way == WHOLE:
        return passes, lambda: hear(sound, 30.0, language="en", word_timestamps=True)
    length = int(6.0 * RATE_HZ)
    starts = np.linspace(0, max(len(sound) - length, 0), clips).astype(int)
    return passes, lambda: [hear(sound[start : start + length], 6.0) for start in starts]


def _transcribe(model, sound: np.ndarray, held_s: float, **asked) -> None:
    from whisper.tokenizer import get_tokenizer

    model.transcribe(
        sound, fp16=False, temperature=0.0, condition_on_previous_text=False, sample_len=_tokens(held_s),
        suppress_tokens=[*range(get_tokenizer(True).eot, 51865)], without_timestamps=True, verbose=None, **asked,
    )  # fmt: skip


if __name__ == "__main__":
    given = sys.argv[1:]
    if given[:1] == ["--way"]:
        _hear(given[1], Path(given[2]), Path(given[3]), int(given[4]))
    else:
        main(*map(int, given[:2]), *given[2:])
