"""Runs inside the child process: the one importer of whisper and torch for speech."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.error import URLError

from ppi.errors import InputError
from ppi.speech import wav
from ppi.speech.whisper import missing


def transcribe(report: Callable[[float], None], path: str, model: str, language: str, weights: str) -> dict[str, Any]:
    """Hear the WAV at `path`; reports the fraction heard. Answers {language, segments} in whisper's own shape."""
    import whisper

    if language and language not in whisper.tokenizer.LANGUAGES:
        raise InputError("Whisper does not know the language {language}. Give a code such as ru or en.", language=language)
    loaded = _load(model, weights)
    _report_through_tqdm(report)
    found = loaded.transcribe(
        wav.samples(Path(path)), language=language or None, word_timestamps=True, verbose=False,
        condition_on_previous_text=False, fp16=loaded.device.type == "cuda",
    )  # fmt: skip
    return {"language": found["language"], "segments": found["segments"]}


@lru_cache(maxsize=1)
def _load(model: str, weights: str):
    """One model at a time stays in memory."""
    import whisper

    is_path = model.endswith(".pt")
    if is_path and not Path(model).is_file():
        raise missing(model, Path(weights))
    try:
        return whisper.load_model(model)
    except (URLError, OSError) as error:
        raise missing(model, Path(weights)) from error
    except (RuntimeError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
        raise InputError("{path} is not a usable Whisper checkpoint: {reason}", path=weights, reason=str(error)[:200]) from error


def _report_through_tqdm(report: Callable[[float], None]) -> None:
    """whisper tells its progress only to a tqdm bar, so it gets one that passes it on."""
    import sys

    import tqdm

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
