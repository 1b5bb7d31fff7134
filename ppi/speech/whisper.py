"""Both Whisper engines as PPI sees them: the same models, run by openai-whisper or by faster-whisper in the model's child."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ppi.errors import ToolFailed, Unexpected
from ppi.notes import ON_PROCESSOR
from ppi.records import Transcript
from ppi.settings import SpeechSettings
from ppi.speech import aligner, doubt, model_child, wav, weights
from ppi.speech.fallback import gpu_failed, joined
from ppi.speech.recognizer import NOTHING, Ears, Heard, Progress
from ppi.speech.words import main_language, segments_from


class Whisper:
    """openai-whisper. `model` is a size or the path of a checkpoint, `phrases` words that the lesson is full of."""

    engine = "whisper"
    package = "openai-whisper"
    child = "ppi.speech.whisper_child"

    def __init__(self, settings: SpeechSettings, model: str, phrases: str, compute_type: str):
        self.model = model
        self._settings, self._phrases, self._compute_type = settings, phrases, compute_type
        self._weights = weights.place(settings, self.engine, model)

    def identity(self) -> str:
        """Version, weights, and all that changes what is heard."""
        known = weights.identity(self.engine, self.model, self._weights)
        asked = (self._settings.device, self._compute_type, self._phrases, *filter(None, [aligner.identity(self._settings)]))
        return " ".join((version(self.package), known, *map(repr, asked)))

    def transcribe(
        self, speech_wav: Path, language: str, on_progress: Progress, heard: Heard = NOTHING,
        on_heard: Callable[[Heard], None] = lambda heard: None, on_fetched: Progress = lambda fraction: None,
    ) -> Transcript:  # fmt: skip
        duration_s = wav.duration_s(speech_wav)
        if wav.is_silent(speech_wav):
            return Transcript((), "", self.engine, self.model, duration_s)
        aligners = [(one.language, one.model, str(one.path)) for one in aligner.ready(self._settings)]
        ears = Ears(heard, duration_s, on_progress, on_heard, on_fetched)
        wanted = {
            "path": str(speech_wav), "model": self.model, "weights": str(self._weights), "hub": self._settings.hub,
            "language": language, "before": heard.language, "device": self._settings.device,
            "compute_type": self._compute_type, "phrases": self._phrases, "from_s": heard.until_s,
            "aligners": aligners,
        }  # fmt: skip
        self._call(wanted, ears)
        segments = segments_from(ears.heard.segments, duration_s)
        spoken, about = main_language(ears.heard.segments), ears.about
        is_off_gpu = "GPU" in about.get("fallback", "")
        return Transcript(
            segments, spoken, self.engine, self.model, duration_s, notes=(ON_PROCESSOR,) if is_off_gpu else (),
            hearing=self._hearing(about),
        )  # fmt: skip

    def _call(self, wanted: dict[str, Any], ears: Ears) -> None:
        """In the model's child; when it dies of a GPU, as it does where a library of CUDA is missing, on the processor."""
        watched = {"on_report": ears.report, "on_tick": ears.tick}
        try:
            model_child.call(f"{self.child}:transcribe", wanted, self._settings.lock_file, **watched)
        except (ToolFailed, Unexpected) as error:
            if ears.about.get("device") != "cuda":
                raise
            model_child.stop()
            so_far = {"from_s": ears.heard.until_s, "before": ears.heard.language, "device": "cpu"}
            model_child.call(f"{self.child}:transcribe", wanted | so_far, self._settings.lock_file, **watched)
            ears.about["fallback"] = joined(gpu_failed(error), ears.about.get("fallback", ""))

    def _hearing(self, about: dict[str, str]) -> dict[str, Any]:
        told = {name: value for name, value in about.items() if value}
        return {**told, **({"phrases": self._phrases} if self._phrases else {}), "thresholds": dict(doubt.THRESHOLDS)}


class FasterWhisper(Whisper):
    """faster-whisper: the same model in CTranslate2, several times cheaper per word. `model` is a size or a folder."""

    engine = "faster-whisper"
    package = "faster-whisper"
    child = "ppi.speech.faster_whisper_child"
