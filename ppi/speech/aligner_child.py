"""Runs inside the child process, beside the recogniser: an aligner. The one importer of ctc_segmentation."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ppi.errors import InputError
from ppi.fetched import is_repository
from ppi.fetching import Source, fill
from ppi.speech import alignment, loaded, wav
from ppi.speech.aligner import PATTERNS, is_complete, missing
from ppi.speech.alignment import Found, Letters
from ppi.speech.edges import pauses, snapped
from ppi.speech.fallback import gpu_failed, joined

Report = Callable[[tuple[str, Any]], None]
Segments = Sequence[dict[str, Any]]
# So much of the sound around a segment is looked through for its words.
MARGIN_S = 0.5
# What a folder that holds no model makes transformers raise.
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError)


class Aligner:
    """One model and what it can write."""

    def __init__(self, folder: Path, device: str):
        import torch
        from transformers import AutoFeatureExtractor, AutoModelForCTC

        here = {"local_files_only": True, "trust_remote_code": False}
        self._extract = AutoFeatureExtractor.from_pretrained(folder, **here)
        model = AutoModelForCTC.from_pretrained(folder, use_safetensors=True, dtype=torch.float32, **here)
        self._model, self.device, self.fallback = model.eval(), "cpu", ""
        if device != "cpu" and torch.cuda.is_available():
            self.device = "cuda"
            self._or_else_on_processor(lambda: self._model.to(self.device))
        vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
        self.letters: Letters = alignment.letters_of(vocabulary, model.config.pad_token_id)

    def hear(self, sound: np.ndarray) -> np.ndarray:
        """Log probabilities, frames by letters and the star, of int16 samples at 16 kHz."""
        given = self._extract(wav.as_float(sound), sampling_rate=wav.RATE_HZ, return_tensors="pt").input_values
        return self.letters.with_star(self._or_else_on_processor(lambda: self._frames(given)))

    def _frames(self, given) -> np.ndarray:
        import torch

        with torch.inference_mode():
            return self._model(given.to(self.device)).logits[0].float().log_softmax(-1).cpu().numpy()

    def _or_else_on_processor(self, work: Callable[[], Any]) -> Any:
        """What `work` gives; when a GPU fails at it, the model moves to the processor for good and works there."""
        try:
            return work()
        except RuntimeError as error:
            if self.device != "cuda":
                raise
            self.fallback = gpu_failed(error)
        self.device, self._model = "cpu", self._model.to("cpu")
        return work()

    def find(self, sound: np.ndarray, words: Sequence[str]) -> list[Found | None]:
        """Where each word is said in the sound, in seconds; None for what the model cannot write."""
        text, places = self.letters.written(words)
        if all(column == self.letters.star or column == self.letters.gap for column in text):
            return [None] * len(words)
        frames = self.hear(sound)
        if len(text) + 2 > len(frames):
            return [None] * len(words)
        frame_s = len(sound) / wav.RATE_HZ / len(frames)
        begins = _path(frames, text, self.letters.blank)
        return alignment.found_of(begins, frames, text, places, frame_s, self.letters.star)


class Refine:
    """Gives the segments of one recording the times that aligners find; `names` is what the settings call these."""

    def __init__(self, path: str, aligners: Mapping[str, Aligner], names: str):
        self._path, self._aligners, self._names = Path(path), aligners, names

    @property
    def about(self) -> dict[str, str]:
        """Which aligners find the words, on which device, for the transcript."""
        devices = dict.fromkeys(aligner.device for aligner in self._aligners.values())
        fallbacks = dict.fromkeys(aligner.fallback for aligner in self._aligners.values())
        return {"aligner": self._names, "aligner_device": ", ".join(devices), "aligner_fallback": joined(*fallbacks)}

    def __call__(self, segments: Segments, from_s: float, until_s: float) -> list[dict[str, Any]]:
        """The segments of a window, which reaches from `from_s` to `until_s`, with their words moved inside it.

        Depends on nothing before the window. The sound of one segment is in memory at a time.
        """
        if not self._aligners:
            return list(segments)
        moved = []
        for segment in segments:
            moved.append(self._refined(segment, from_s, until_s))
            from_s = max(from_s, moved[-1]["end"])
        return moved

    def _refined(self, segment: dict[str, Any], from_s: float, until_s: float) -> dict[str, Any]:
        words = segment.get("words")
        if not words:
            return segment
        begin_s = max(min(segment["start"], words[0]["start"]) - MARGIN_S, from_s)
        end_s = min(max(segment["end"], words[-1]["end"]) + MARGIN_S, until_s)
        sound = wav.read(self._path, round(begin_s * wav.RATE_HZ), max(round((end_s - begin_s) * wav.RATE_HZ), 0))
        aligner = self._aligners.get(segment.get("language", "")) or self._aligners.get("")
        found = aligner.find(sound, [word["word"] for word in words]) if aligner and len(sound) else [None] * len(words)
        moved = _out_of_pauses(alignment.refined(words, found, begin_s), sound, begin_s)
        start_s, stop_s = min(segment["start"], moved[0]["start"]), max(segment["end"], moved[-1]["end"])
        return {**segment, "words": moved, "start": start_s, "end": stop_s}


def refine(report: Report, path: str, aligners: Sequence[tuple[str, str, str]], hub: str, device: str) -> Refine:
    """What refines the segments of the recording at `path`, by (language, model, folder); changes nothing without aligners.

    A repository that is not here is fetched; reports ("fetched", fraction). Raises WeightsMissing and InputError.
    """
    found = {language: _kept(report, language, model, Path(folder), hub, device) for language, model, folder in aligners}
    return Refine(path, found, ", ".join(f"{language}={model}".lstrip("=") for language, model, _ in aligners))


def fetch(report: Report, model: str, folder: str, hub: str) -> None:
    """Fetch a repository; reports ("fetched", fraction). Raises WeightsMissing."""
    fill(report, [Source.of(model, {name: name for name in PATTERNS}.get)], Path(folder), hub, missing(model, Path(folder)))


def measure(report: Report, model: str, folder: str, device: str) -> dict[str, Any]:
    """Seconds of one pass over half a minute, the least of three tries on random sound; and the device that was used."""
    import time

    aligner = _load(Path(folder), device)
    sound = np.random.default_rng(0).normal(0, 3000, 30 * wav.RATE_HZ).astype(np.int16)
    passes_s = []
    for _ in range(3):
        began_s = time.perf_counter()
        aligner.hear(sound)
        passes_s.append(time.perf_counter() - began_s)
    return {"model": model, "device": aligner.device, "pass_s": min(passes_s)}


def _kept(report: Report, language: str, model: str, folder: Path, hub: str, device: str) -> Aligner:
    if not is_complete(folder) and is_repository(model):
        fetch(report, model, str(folder), hub)
    if not is_complete(folder):
        raise missing(model, folder)
    return loaded.keep((str(folder), device), lambda: _load(folder, device), role=f"aligner {language}")


def _load(folder: Path, device: str) -> Aligner:
    try:
        return Aligner(folder, device)
    except UNREADABLE as error:
        reason = str(error)[:200]
        raise InputError(
            "{path} is not a usable aligner: {reason}. ALIGNER_MODEL takes Wav2Vec2 models with a CTC head.",
            path=str(folder), reason=reason,
        ) from error  # fmt: skip


def _path(frames: np.ndarray, text: Sequence[int], blank: int) -> np.ndarray:
    """The frame where each column of the text begins, and one more: where the last has ended.

    What is said before the text and behind it costs nothing, so a margin may hold other words.
    """
    from ctc_segmentation import CtcSegmentationParameters, ctc_segmentation

    columns = frames.shape[1]
    wanted = CtcSegmentationParameters(index_duration=1.0, blank=blank, char_list=[""] * columns)
    truth = np.array([-1, *(column % columns for column in text), blank], dtype=np.int64).reshape(-1, 1)
    begins, _, _ = ctc_segmentation(wanted, frames, truth)
    return np.rint(begins[1:]).astype(int)


def _out_of_pauses(words: Segments, sound: np.ndarray, from_s: float) -> list[dict[str, Any]]:
    """Those that were found, with their edges where the sound is; the others have theirs from the recogniser."""
    quiet = [(from_s + low_s, from_s + high_s) for low_s, high_s in pauses(sound)]
    return [word if word.get("unaligned") else snapped([word], quiet)[0] for word in words]
