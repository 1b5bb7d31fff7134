"""Runs inside the child process: the one importer of faster_whisper (but for its voice activity detection) and ctranslate2."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ppi.errors import InputError
from ppi.speech import doubt, loaded, wav
from ppi.speech.aligner_child import refine
from ppi.speech.fallback import NO_GPU, gpu_failed, joined
from ppi.speech.hearing import NO_PAUSE_S, Ear, Report, hear, pieces_of, placed, plain_words
from ppi.speech.languages import Piece, choose, hear_each
from ppi.speech.weights import is_complete
from ppi.speech.windows import Window

# The usual types of numbers, the best first; not every GPU has each.
USUAL = {"cpu": ("int8", "float32"), "cuda": ("float16", "int8_float32", "float32")}
PREPENDED, APPENDED = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"
# Of Whisper's pictures of sound, and of what its encoder makes of them.
FRAME_S, STEP_S = 0.01, 0.02
# More threads than that make a processor no faster.
MAX_THREADS = 8


def transcribe(
    report: Report, path: str, weights: str, model: str, hub: str, language: str, before: str, device: str,
    compute_type: str, phrases: str, from_s: float = 0.0, aligners: Sequence[tuple[str, str, str]] = (),
) -> None:  # fmt: skip
    """Hear the WAV at `path` from `from_s`: see `hearing.hear`. One encoder pass a window, whatever the model is unsure of.

    `language` is "" to have it found out window by window, `before` the one heard last. First reports ("about", what hears
    on which device).
    """

    def load(used: str) -> tuple[Any, dict[str, str]]:
        report(("about", {"device": _devices(used)[0]}))  # whoever starts this process knows then what it may have died of
        return _load(report, weights, model, hub, used, compute_type)

    def hear_window(heard_by, window: Window, so_far: str) -> tuple[list[dict[str, Any]], str]:
        if language and language not in heard_by.supported_languages:
            raise InputError("Whisper does not know the language {language}. Give a code such as ru or en.", language=language)
        return _hear(heard_by, window, language, so_far, phrases)

    ear = Ear(load, hear_window, device)
    hear(report, path, from_s, language or before, ear, refine(report, path, aligners, hub, device))


def fetch(report: Report, weights: str, model: str, hub: str) -> None:
    """Fetch the weights of an official size; reports ("fetched", fraction). Raises WeightsMissing."""
    from ppi.speech.weights_child import fetch_folder

    fetch_folder(report, model, Path(weights), hub)


def measure(report: Report, weights: str, device: str, compute_type: str, tokens: int = 48) -> dict[str, Any]:
    """Seconds of one encoder pass and of one token, the least of three tries on random sound; and the device that was used."""
    import time

    model, about = _model(weights, device, compute_type)
    sound = np.random.default_rng(0).normal(0, 0.1, 30 * wav.RATE_HZ).astype(np.float32)
    features = _features(model, sound)
    prompt = model.get_prompt(_tokenizer(model, "en"), [])
    passes_s, texts_s = [], []
    for _ in range(3):
        began_s = time.perf_counter()
        encoded = model.encode(features)
        np.asarray(encoded.to_device(_cpu())) if about["device"] == "cuda" else np.asarray(encoded)
        middle_s = time.perf_counter()
        model.model.generate(
            encoded, [prompt], beam_size=1, max_length=len(prompt) + tokens, suppress_tokens=[_tokenizer(model, "en").eot]
        )
        passes_s.append(middle_s - began_s)
        texts_s.append(time.perf_counter() - middle_s)
    return {**about, "encoder_s": min(passes_s), "token_s": min(texts_s) / tokens}


def compute_types(report: Report, device: str) -> list[str]:
    """What this machine can compute with on the device that is used, the usual one first."""
    import ctranslate2

    used = _devices(device)[0]
    found = ctranslate2.get_supported_compute_types(used)
    usual = _usual(used)
    return sorted(found & {"int8", "int8_float16", "float16", "bfloat16", "float32"}, key=lambda name: name != usual)


def _hear(model, window: Window, language: str, before: str, phrases: str) -> tuple[list[dict[str, Any]], str]:
    features = _features(model, wav.as_float(window.sound))
    frames = min(int(window.length_s / FRAME_S), features.shape[-1])
    encoded = model.encode(features)

    def hear_in(spoken: str) -> list[Piece]:
        return _pieces(model, window, encoded, frames, spoken, phrases)

    if language or not model.model.is_multilingual:
        spoken = language or "en"
        segments = [piece.segment | {"language": spoken} for piece in hear_in(spoken)]
    else:
        chances = _chances(model, encoded)
        spoken = choose(chances, before)
        sound, n_mels = _as_array(encoded), model.model.n_mels
        segments = hear_each(spoken, hear_in, lambda *span_s: _chances(model, _part(sound, n_mels, *span_s)), chances)
    return segments, spoken if segments else before


def _pieces(model, window: Window, encoded, frames: int, language: str, phrases: str) -> list[Piece]:
    """What is said in a window, heard in one language. `frames` is how many of the half minute are the recording's."""
    tokenizer = _tokenizer(model, language)
    result, measures = _text(model, encoded, tokenizer, phrases)
    pieces = [
        {"seek": 0, "start": start_s, "end": end_s, "tokens": tokens, "said": (start_s, end_s)}
        for start_s, end_s, tokens in pieces_of(result, tokenizer.timestamp_begin, window.length_s)
        if tokenizer.decode(tokens).strip()
    ]
    if pieces:
        model.add_word_timestamps([pieces], tokenizer, encoded, frames, PREPENDED, APPENDED, NO_PAUSE_S)
    return [
        Piece(*said, placed(window, *said, plain_words(piece["words"]), text=tokenizer.decode(piece["tokens"]), **measures))
        for piece in pieces
        for said in [piece["said"]]
    ]


def _chances(model, encoded) -> list[tuple[str, float]]:
    """The languages of encoded sound of any length, the most probable first."""
    return [(token[2:-2], probability) for token, probability in model.model.detect_language(encoded)[0]]


def _as_array(encoded) -> np.ndarray:
    import ctranslate2

    on_processor = encoded.to_device(_cpu()) if encoded.device == "cuda" else encoded
    return np.asarray(on_processor.to(ctranslate2.DataType.float32))


def _part(sound: np.ndarray, n_mels: int, start_s: float, end_s: float):
    """A span of encoded sound. As long as a picture of sound is high it would be taken for one, so it is a step longer then."""
    import ctranslate2

    first = int(start_s / STEP_S)
    count = max(int(end_s / STEP_S) - first, 1)
    part = sound[:, first : first + count + (count == n_mels)]
    return ctranslate2.StorageView.from_array(np.ascontiguousarray(part))


def _text(model, encoded, tokenizer, phrases: str) -> tuple[list[int], dict[str, float]]:
    """(tokens, measures): greedily, and where that is doubtful once more with five beams. Nothing is drawn by lot."""
    from faster_whisper.transcribe import get_suppressed_tokens

    prompt = model.get_prompt(tokenizer, [], hotwords=phrases or None)
    suppressed = get_suppressed_tokens(tokenizer, [-1])
    tries = []
    for beams in (1, 5):
        found = model.model.generate(
            encoded, [prompt], beam_size=beams, max_length=model.max_length, return_scores=True, return_no_speech_prob=True,
            suppress_tokens=suppressed, max_initial_timestamp_index=50, repetition_penalty=1.0 if beams == 1 else 1.1,
        )[0]  # fmt: skip
        tokens = found.sequences_ids[0]
        text = tokenizer.decode([token for token in tokens if token < tokenizer.eot]).strip()
        logprob = found.scores[0] * len(tokens) / (len(tokens) + 1)
        ratio = doubt.compression(text)
        is_loop = ratio > doubt.THRESHOLDS["compression_ratio_above"]
        measures = {"avg_logprob": logprob, "compression_ratio": ratio, "no_speech_prob": found.no_speech_prob}
        tries.append((not is_loop, logprob, tokens, {name: round(float(value), 3) for name, value in measures.items()}))
        if not is_loop and logprob >= doubt.THRESHOLDS["avg_logprob_below"]:
            break
    _, _, tokens, measures = max(tries, key=lambda one: one[:2])
    return tokens, measures


def _features(model, sound: np.ndarray) -> np.ndarray:
    """Of 30 s: what is missing is silence."""
    padded = np.pad(sound, (0, max(30 * wav.RATE_HZ - len(sound), 0)))
    return model.feature_extractor(padded, padding=0)[..., : model.feature_extractor.nb_max_frames]


def _tokenizer(model, language: str):
    from faster_whisper.tokenizer import Tokenizer

    return Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=language)


def _load(report: Report, weights: str, model: str, hub: str, device: str, compute_type: str) -> tuple[Any, dict[str, str]]:
    """The model and what to say about it; official weights that are not there are fetched. Raises WeightsMissing."""
    if not is_complete("faster-whisper", Path(weights)):
        fetch(report, weights, model, hub)
    try:
        return loaded.keep(("faster-whisper", weights, device, compute_type), lambda: _model(weights, device, compute_type))
    except (RuntimeError, ValueError, OSError) as error:
        reason = str(error)[:200]
        raise InputError(
            "{path} is not a usable Whisper checkpoint ({reason}). Fetch the model again.", path=weights, reason=reason
        ) from error  # fmt: skip


def _model(weights: str, device: str, compute_type: str) -> tuple[Any, dict[str, str]]:
    """The model on the first device that takes it; a device or type that was wanted and could not be had is named."""
    from faster_whisper import WhisperModel
    from faster_whisper.feature_extractor import FeatureExtractor

    tried = _devices(device)
    told = NO_GPU if device == "cuda" and tried == ["cpu"] else ""
    for used in tried:
        try:
            kind, other = _computed(used, compute_type)
            model = WhisperModel(weights, device=used, compute_type=kind, cpu_threads=_threads(), local_files_only=True)
            if used == "cuda":
                model.encode(np.zeros((1, model.model.n_mels, 3000), np.float32))
            if model.feature_extractor.mel_filters.shape[0] != model.model.n_mels:  # a folder without preprocessor_config.json
                model.feature_extractor = FeatureExtractor(feature_size=model.model.n_mels)
            break
        except RuntimeError as error:
            if used == tried[-1]:
                raise
            told = gpu_failed(error)
    return model, {"device": used, "compute_type": kind, "fallback": joined(told, other)}


def _devices(wanted: str) -> list[str]:
    """What to try, in order."""
    import ctranslate2

    has_gpu = wanted != "cpu" and ctranslate2.get_cuda_device_count() > 0
    return ["cuda", "cpu"] if has_gpu else ["cpu"]


def _computed(device: str, wanted: str) -> tuple[str, str]:
    """(what is computed with, what to say of it when another type was wanted)."""
    import ctranslate2

    usual = _usual(device)
    if not wanted or wanted in ctranslate2.get_supported_compute_types(device):
        return wanted or usual, ""
    return usual, f"{wanted} cannot be computed on {device}, so {usual} was used"


def _usual(device: str) -> str:
    import ctranslate2

    found = ctranslate2.get_supported_compute_types(device)
    return next(kind for kind in USUAL[device] if kind in found)


def _threads() -> int:
    return min(len(os.sched_getaffinity(0)), MAX_THREADS)


def _cpu():
    import ctranslate2

    return ctranslate2.Device.cpu
