"""openai-whisper in a warm child process: the model is loaded once and stays in that process's memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from ppi.errors import WeightsMissing
from ppi.processes import WarmChild
from ppi.records import Transcript
from ppi.speech import wav
from ppi.speech.recognizer import NOTHING, Ears, Heard, Progress
from ppi.speech.words import segments_from

# File names of the official weights, as openai-whisper keeps them below ~/.cache/whisper.
WEIGHTS = {
    "tiny": "tiny.pt", "base": "base.pt", "small": "small.pt", "medium": "medium.pt", "large": "large-v3.pt",
    "turbo": "large-v3-turbo.pt",
}  # fmt: skip
_CHILD = WarmChild()


class WhisperRecognizer:
    """`model` is a size or the path of a checkpoint."""

    engine = "whisper"

    def __init__(self, model: str):
        self.model = model

    def identity(self) -> str:
        """A checkpoint of one's own is known by its bytes; the official weights are checked when they are loaded."""
        file = _expected(self.model)
        weights = file.name if self.model in WEIGHTS else _digest(file)
        return f"{version('openai-whisper')} {weights}"

    def transcribe(
        self, speech_wav: Path, language: str, on_progress: Progress, heard: Heard = NOTHING,
        on_heard: Callable[[Heard], None] = lambda heard: None,
    ) -> Transcript:  # fmt: skip
        duration_s = wav.duration_s(speech_wav)
        if wav.is_silent(speech_wav):
            return Transcript((), "", self.engine, self.model, duration_s)
        ears = Ears(heard, duration_s, on_progress, on_heard)
        wanted = {
            "path": str(speech_wav), "model": self.model, "language": heard.language or language,
            "weights": str(_expected(self.model)), "from_s": heard.until_s,
        }  # fmt: skip
        _CHILD.call("ppi.speech.whisper_child:transcribe", wanted, on_report=ears.report, on_tick=ears.tick)
        segments = segments_from(ears.heard.segments, duration_s)
        return Transcript(segments, ears.heard.language if segments else "", self.engine, self.model, duration_s)


def weights_file(model: str) -> Path:
    """The weights on this machine. Raises WeightsMissing."""
    path = _expected(model)
    if not path.is_file():
        raise missing(model, path)
    return path


def missing(model: str, path: Path) -> WeightsMissing:
    """What to do about weights that are not there."""
    return WeightsMissing(
        "The Whisper weights {path} are not on this machine and could not be fetched. Put the file there, or set "
        "WHISPER_MODEL_SIZE to a model that is there, or choose the offline engine pocketsphinx (rough, English only).",
        path=str(path),
        model=model,
    )


def _digest(file: Path) -> str:
    """The SHA-256 in hex, "" for a file that is not there: whoever loads it says so."""
    if not file.is_file():
        return ""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _expected(model: str) -> Path:
    return Path.home() / ".cache" / "whisper" / WEIGHTS[model] if model in WEIGHTS else Path(model)
