"""Runs inside the child process, beside the recogniser: an aligner. The one importer of ctc_segmentation."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ppi.errors import InputError
from ppi.speech import alignment, loaded, wav
from ppi.speech.aligner import PATTERNS, is_complete, is_repository, missing
from ppi.speech.alignment import Found, Letters
from ppi.speech.edges import pauses, snapped

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
        self.device, self._model = _on_device(model.eval(), device)
        vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
        self.letters: Letters = alignment.letters_of(vocabulary, model.config.pad_token_id)

    def hear(self, sound: np.ndarray) -> np.ndarray:
        """Log probabilities, frames by letters and the star, of int16 samples at 16 kHz."""
        import torch

        given = self._extract(wav.as_float(sound), sampling_rate=wav.RATE_HZ, return_tensors="pt").input_values
        with torch.inference_mode():
            frames = self._model(given.to(self.device)).logits[0].float().log_softmax(-1).cpu().numpy()
        return self.letters.with_star(frames)

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
    """Gives the segments of one recording the times that aligners find; `about` says which hear, for the transcript."""

    def __init__(self, path: str, aligners: Mapping[str, Aligner], about: dict[str, str]):
        self._path, self._aligners, self.about = Path(path), aligners, about

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
    about = {}
    if found:
        about["aligner"] = ", ".join(f"{language}={model}".lstrip("=") for language, model, _ in aligners)
        about["aligner_device"] = ", ".join(dict.fromkeys(aligner.device for aligner in found.values()))
    return Refine(path, found, about)


def fetch(report: Report, model: str, folder: str, hub: str) -> None:
    """Fetch a repository; reports ("fetched", fraction). Raises WeightsMissing."""
    from ppi.speech.weights_child import fill

    fill(report, {model: {name: name for name in PATTERNS}}, Path(folder), hub, missing(model, Path(folder)))


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


def _on_device(model, wanted: str) -> tuple[str, Any]:
    """A GPU is used when there is one that takes the model."""
    import torch

    if wanted != "cpu" and torch.cuda.is_available():
        try:
            return "cuda", model.to("cuda")
        except RuntimeError:
            model = model.to("cpu")
    return "cpu", model


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
