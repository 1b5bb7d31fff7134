"""Runs inside the child process: the one importer of whisper and torch for speech."""

from __future__ import annotations

import io
import pickle
import threading
from collections.abc import Sequence
from http.client import HTTPException
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from ppi.errors import InputError
from ppi.settings import WHISPER_SIZES
from ppi.speech import loaded, wav
from ppi.speech.aligner_child import refine
from ppi.speech.fallback import NO_GPU, gpu_failed
from ppi.speech.hearing import NO_PAUSE_S, Ear, Report, hear, placed, plain_words
from ppi.speech.languages import Piece, choose, hear_each
from ppi.speech.weights import missing
from ppi.speech.windows import Window

# What a file that is no checkpoint makes torch and whisper raise.
UNREADABLE = (RuntimeError, KeyError, TypeError, ValueError, AttributeError, EOFError, pickle.UnpicklingError)
# Where whisper is unsure it tries again by lot. Each window begins with the same lots, whatever was heard before it.
SEED = 0
# Of Whisper's pictures of sound; words are looked for in at least so many.
FRAMES_PER_S, FEWEST_FRAMES = 100, 50
# Of what its encoder makes of them, and of its times.
STEP_S = 0.02
# Its names for the sizes, where they are not PPI's.
NAMES = {"large": "large-v3", "turbo": "large-v3-turbo"}


def transcribe(
    report: Report, path: str, weights: str, model: str, hub: str, language: str, before: str, device: str,
    compute_type: str, phrases: str, from_s: float = 0.0, aligners: Sequence[tuple[str, str, str]] = (),
) -> None:  # fmt: skip
    """Hear the WAV at `path` from `from_s`: see `hearing.hear`. Each window is heard without the text before it.

    `language` is "" to have it found out window by window, `before` the one heard last. First reports ("about", what hears
    on which device). `hub` and `compute_type` are those of faster-whisper; whisper has its own server, and computes in
    float16 on a GPU and in float32 elsewhere.
    """
    import whisper

    if language and language not in whisper.tokenizer.LANGUAGES:
        raise InputError("Whisper does not know the language {language}. Give a code such as ru or en.", language=language)

    def hear_window(heard_by, window: Window, so_far: str) -> tuple[list[dict[str, Any]], str]:
        return _hear(heard_by, window, language, so_far, phrases)

    def load(used: str) -> tuple[Any, dict[str, str]]:
        report(("about", {"device": _device(used)}))  # whoever starts this process knows then what it may have died of
        _tell_progress(report)
        return _load(model, weights, used)

    ear = Ear(load, hear_window, device)
    hear(report, path, from_s, language or before, ear, refine(report, path, aligners, hub, device))


def fetch(report: Report, weights: str, model: str, hub: str) -> None:
    """Fetch the weights of an official size, checked by their hash; reports ("fetched", fraction). Raises WeightsMissing."""
    _tell_progress(report)
    _read(model, Path(weights))


def measure(report: Report, weights: str, device: str, compute_type: str, tokens: int = 48) -> dict[str, Any]:
    """Seconds of one encoder pass and of one token, the least of three tries on random sound; and the device that was used."""
    import time

    import torch
    from whisper.decoding import DecodingOptions
    from whisper.tokenizer import get_tokenizer

    model, about = _load(weights, weights, device)
    sound = np.random.default_rng(0).normal(0, 0.5, (1, model.dims.n_mels, 3000)).astype(np.float32)
    is_half = about["compute_type"] == "float16"
    mel = torch.from_numpy(sound).to(model.device, torch.float16 if is_half else torch.float32)
    passes_s, texts_s = [], []
    end = get_tokenizer(model.is_multilingual).eot
    asked = DecodingOptions(language="en", fp16=is_half, without_timestamps=True, sample_len=tokens, suppress_tokens=[end])
    for _ in range(3):
        began_s = time.perf_counter()
        with torch.no_grad():
            encoded = model.encoder(mel)
            encoded[0, 0, 0].item()  # a GPU is waited for
        middle_s = time.perf_counter()
        found = model.decode(encoded[0], asked)
        texts_s.append((time.perf_counter() - middle_s) / max(len(found.tokens), 1))
        passes_s.append(middle_s - began_s)
    return {**about, "encoder_s": min(passes_s), "token_s": min(texts_s)}


def _hear(model, window: Window, language: str, before: str, phrases: str) -> tuple[list[dict[str, Any]], str]:
    import whisper

    sound = whisper.pad_or_trim(wav.as_float(window.sound))

    def hear_in(spoken: str) -> list[Piece]:
        return _pieces(model, window, sound, spoken, phrases)

    if language or not model.is_multilingual:
        spoken = language or "en"
        segments = [piece.segment | {"language": spoken} for piece in hear_in(spoken)]
    else:
        encoded = _encoded(model, sound)
        chances = _chances(model, encoded)
        spoken = choose(chances, before)
        segments = hear_each(spoken, hear_in, lambda *span_s: _chances(model, _part(encoded, *span_s)), chances)
    return segments, spoken if segments else before


def _pieces(model, window: Window, sound: np.ndarray, language: str, phrases: str) -> list[Piece]:
    """What is said in a window, heard in one language."""
    import torch

    torch.manual_seed(SEED)
    found = model.transcribe(
        sound, language=language, verbose=None, condition_on_previous_text=False,
        fp16=model.device.type == "cuda", initial_prompt=phrases or None, no_speech_threshold=None,
    )  # fmt: skip
    spoken = [segment for segment in found["segments"] if segment["text"].strip()]
    _find_words(model, sound, spoken, language, round(window.length_s * FRAMES_PER_S))
    first = _tokenizer(model, language).timestamp_begin
    return [_placed(window, segment, first) for segment in spoken]


def _find_words(model, sound: np.ndarray, spoken: list[dict[str, Any]], language: str, frames: int) -> None:
    """Give the segments their words. `frames` is how many of the half minute are the recording's.

    Whisper itself would look for words in what fills up the half minute, too, and find the last ones there.
    """
    import whisper
    from whisper.timing import add_word_timestamps

    mel = whisper.log_mel_spectrogram(sound, n_mels=model.dims.n_mels, padding=whisper.audio.N_SAMPLES).to(model.device)
    mel = mel.half() if model.device.type == "cuda" else mel
    tokenizer = _tokenizer(model, language)
    whole = whisper.audio.N_FRAMES
    for seek, found in groupby(spoken, key=lambda segment: segment["seek"]):
        left = frames - seek
        add_word_timestamps(
            segments=list(found), model=model, tokenizer=tokenizer, mel=mel[:, seek : seek + whole],
            num_frames=left if left >= FEWEST_FRAMES else whole - seek, last_speech_timestamp=NO_PAUSE_S,
        )  # fmt: skip


def _encoded(model, sound: np.ndarray):
    import torch
    import whisper

    mel = whisper.log_mel_spectrogram(sound, n_mels=model.dims.n_mels).to(model.device)
    with torch.no_grad():
        return model.encoder(mel.unsqueeze(0))


def _part(encoded, start_s: float, end_s: float):
    first = int(start_s / STEP_S)
    return encoded[:, first : max(int(end_s / STEP_S), first + 1)]


def _chances(model, encoded) -> list[tuple[str, float]]:
    """The languages of encoded sound, the most probable first; as whisper's own function, which takes half minutes only."""
    import torch

    tokenizer = _tokenizer(model, "en")
    with torch.no_grad():
        begun = torch.tensor([[tokenizer.sot]], device=model.device)
        asked = model.logits(begun, encoded)[0, 0, list(tokenizer.all_language_tokens)]
    found = zip(tokenizer.all_language_codes, asked.softmax(-1).tolist(), strict=True)
    return sorted(found, key=lambda chance: -chance[1])


def _placed(window: Window, segment: dict[str, Any], first_time: int) -> Piece:
    words, said = plain_words(segment.get("words", ())), _said(segment, first_time)
    measures = {name: round(float(segment[name]), 3) for name in ("avg_logprob", "compression_ratio", "no_speech_prob")}
    return Piece(*said, placed(window, *said, words, text=segment["text"], **measures))


def _tokenizer(model, language: str):
    """The model's own: where its times begin depends on how many languages it knows."""
    from whisper.tokenizer import get_tokenizer

    return get_tokenizer(model.is_multilingual, num_languages=model.num_languages, language=language, task="transcribe")


def _said(segment: dict[str, Any], first_time: int) -> tuple[float, float]:
    """The segment's time as the model said it, in tokens that count from `first_time`; whisper itself puts the times of the
    words, found otherwise, in its place.
    """
    at_s = segment["seek"] * 0.01
    said = [at_s + (token - first_time) * STEP_S for token in segment["tokens"] if token >= first_time]
    return (said[0], said[-1]) if len(said) > 1 else (float(segment["start"]), float(segment["end"]))


def _load(model: str, weights: str, device: str) -> tuple[Any, dict[str, str]]:
    """The model and what to say about it; a GPU that cannot be used is named. Official weights are fetched by whisper."""
    return loaded.keep(("whisper", model, weights, device), lambda: _on_device(model, Path(weights), device))


def _device(wanted: str) -> str:
    import torch

    return "cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu"


def _on_device(model: str, file: Path, device: str) -> tuple[Any, dict[str, str]]:
    used = _device(device)
    told = NO_GPU if device == "cuda" and used == "cpu" else ""
    read = _read(model, file)
    if used == "cuda":
        try:
            read = read.to("cuda")
        except RuntimeError as error:
            used, read, told = "cpu", read.to("cpu"), gpu_failed(error)
    return read, {"device": used, "compute_type": "float16" if used == "cuda" else "float32", "fallback": told}


def _read(model: str, file: Path):
    import whisper

    if model not in WHISPER_SIZES and not file.is_file():
        raise missing(model, file)
    try:
        return whisper.load_model(NAMES.get(model, model), device="cpu", download_root=str(file.parent))
    except (OSError, HTTPException) as error:
        raise missing(model, file) from error
    except UNREADABLE as error:
        if model in WHISPER_SIZES:  # a download whose checksum is wrong
            raise missing(model, file) from error
        reason = str(error)[:200]
        raise InputError(
            "{path} is not a usable Whisper checkpoint ({reason}). Fetch the model again.", path=str(file), reason=reason
        ) from error  # fmt: skip


def _tell_progress(report: Report) -> None:
    """whisper tells how far a download is only to a tqdm bar, so it gets one that reports ("fetched", fraction)."""
    import sys

    import tqdm
    import whisper  # noqa: F401 (changed below)

    # A lock between processes, tqdm's default, is never given back when the child is killed.
    tqdm.tqdm.set_lock(threading.RLock())

    class Bar(tqdm.tqdm):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **{**kwargs, "file": io.StringIO()})

        def update(self, amount: float = 1) -> bool | None:
            shown = super().update(amount)
            report(("fetched", self.n / self.total if self.total else 0.0))
            return shown

    sys.modules["whisper"].tqdm = Bar
