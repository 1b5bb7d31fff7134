"""Runs inside the child process: the one importer of whisper and torch for speech."""

from __future__ import annotations

import contextlib
import io
import pickle
import threading
from collections.abc import Callable
from functools import lru_cache
from http.client import HTTPException
from pathlib import Path
from typing import Any

from ppi.errors import InputError
from ppi.speech import wav
from ppi.speech.whisper import WEIGHTS, missing

# What a file that is no checkpoint makes torch and whisper raise.
UNREADABLE = (RuntimeError, KeyError, TypeError, ValueError, AttributeError, EOFError, pickle.UnpicklingError)
# Where whisper is unsure it tries again by lot. Each stretch begins with the same lots, whatever was heard before it.
SEED = 0


def transcribe(
    report: Callable[[tuple[str, Any]], None], path: str, model: str, language: str, weights: str, from_s: float = 0.0,
    longest_s: float = wav.STRETCH_S,
) -> None:
    """Hear the WAV at `path` from `from_s` in stretches of at most `longest_s`, so in flat memory.

    Reports ("at", fraction heard), and after every stretch ("heard", {until_s, language, segments}) with segments in the
    shape `ppi.speech.words.segments_from` takes. Each stretch is heard for itself, without the text before it, so that
    going on later finds the same. A language that was not given is found out in the first stretch where something is
    said.
    """
    import whisper

    if language and language not in whisper.tokenizer.LANGUAGES:
        raise InputError("Whisper does not know the language {language}. Give a code such as ru or en.", language=language)
    loaded = _load(model, weights)
    total_s = wav.duration_s(Path(path))
    for start_s, sound in wav.stretches(Path(path), longest_s, from_s):
        length_s = len(sound) / wav.RATE_HZ
        segments: list[dict[str, Any]] = []
        if not wav.is_quiet(sound):
            _report_through_tqdm(lambda part, at=start_s, all=length_s: report(("at", (at + part * all) / total_s)))
            found = _hear(loaded, sound, language)
            segments = [_moved(segment, start_s) for segment in found["segments"]]
            language = language or (found["language"] if segments else "")
        report(("heard", {"until_s": start_s + length_s, "language": language, "segments": segments}))


def _hear(loaded, sound, language: str) -> dict[str, Any]:
    import torch

    torch.manual_seed(SEED)
    with contextlib.redirect_stdout(io.StringIO()):  # whisper prints the language it found
        return loaded.transcribe(
            wav.as_float(sound), language=language or None, word_timestamps=True, verbose=False,
            condition_on_previous_text=False, fp16=loaded.device.type == "cuda",
        )  # fmt: skip


@lru_cache(maxsize=1)
def _load(model: str, weights: str):
    """One model at a time stays in memory."""
    import whisper

    file = Path(weights)
    if model not in WEIGHTS and not file.is_file():
        raise missing(model, file)
    try:
        return whisper.load_model(model, download_root=str(file.parent))
    except (OSError, HTTPException) as error:
        raise missing(model, file) from error
    except UNREADABLE as error:
        if model in WEIGHTS:  # a download whose checksum is wrong
            raise missing(model, file) from error
        reason = str(error)[:200]
        raise InputError("{path} is not a usable Whisper checkpoint: {reason}", path=weights, reason=reason) from error


def _moved(segment: dict[str, Any], by_s: float) -> dict[str, Any]:
    """What is kept of whisper's segment, with times counted from the start of the recording."""
    words = [
        {"word": word["word"], "start": word["start"] + by_s, "end": word["end"] + by_s, "probability": word["probability"]}
        for word in segment.get("words", ())
    ]
    return {"start": segment["start"] + by_s, "end": segment["end"] + by_s, "text": segment["text"], "words": words}


def _report_through_tqdm(report: Callable[[float], None]) -> None:
    """whisper tells its progress only to a tqdm bar, so it gets one that passes it on."""
    import sys

    import tqdm

    # A lock between processes, tqdm's default, is never given back when the child is killed.
    tqdm.tqdm.set_lock(threading.RLock())

    class Bar(tqdm.tqdm):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **{**kwargs, "file": io.StringIO()})

        def update(self, amount: float = 1) -> bool | None:
            shown = super().update(amount)
            report(self.n / self.total if self.total else 0.0)
            return shown

    class Bars:
        tqdm = Bar

    sys.modules["whisper.transcribe"].tqdm = Bars
