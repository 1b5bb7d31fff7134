"""What a recogniser is, which ones there are, and how one is chosen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from ppi.errors import InputError
from ppi.records import Transcript
from ppi.settings import WHISPER_SIZES, SpeechSettings

Progress = Callable[[float], None]


class Recognizer(Protocol):
    """Hears speech in a 16 kHz mono 16-bit WAV."""

    engine: str
    model: str

    def transcribe(self, speech_wav: Path, language: str, on_progress: Progress) -> Transcript:
        """The transcript; empty for silence. `language` is an ISO 639-1 code, "" to have it found out.

        `on_progress` is called at least twice a second and may raise to stop. Raises WeightsMissing and InputError.
        """


def create(settings: SpeechSettings, engine: str = "", model: str = "") -> Recognizer:
    """The recogniser of this name, by default that of the settings. Loads nothing yet. Raises InputError."""
    engine = engine or settings.engine
    if engine == "pocketsphinx":
        from ppi.speech.pocketsphinx import Pocketsphinx

        return Pocketsphinx()
    if engine == "whisper":
        from ppi.speech.whisper import WhisperRecognizer

        model = model or settings.model
        if model not in WHISPER_SIZES and "/" not in model and not model.endswith(".pt"):
            sizes = ", ".join(WHISPER_SIZES)
            raise InputError("There is no Whisper model {model}. Choose one of {sizes}.", model=model, sizes=sizes)
        return WhisperRecognizer(model)
    raise InputError("There is no speech engine {engine}. Choose whisper or pocketsphinx.", engine=engine)


def check(settings: SpeechSettings) -> str:
    """One line about the engine of the settings. Raises WeightsMissing."""
    if settings.engine == "pocketsphinx":
        return "pocketsphinx: offline, rough, English only"
    from ppi.speech.whisper import weights_file

    return f"whisper {settings.model}: {weights_file(settings.model)}"
