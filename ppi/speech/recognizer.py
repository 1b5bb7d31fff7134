"""What a recogniser is, which ones there are, and how one is chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ppi.errors import InputError
from ppi.records import Transcript
from ppi.settings import WHISPER_SIZES, SpeechSettings

Progress = Callable[[float], None]


@dataclass(frozen=True)
class Heard:
    """What was heard of a recording up to `until_s`, enough to go on from there.

    `segments` are in the shape `ppi.speech.words.segments_from` takes; `language` is "" while it is not known.
    """

    until_s: float = 0.0
    language: str = ""
    segments: tuple[dict[str, Any], ...] = ()


NOTHING = Heard()


class Recognizer(Protocol):
    """Hears speech in a 16 kHz mono 16-bit WAV."""

    engine: str
    model: str

    def identity(self) -> str:
        """Which program and weights hear, beyond their names; two that differ may hear differently."""

    def transcribe(
        self, speech_wav: Path, language: str, on_progress: Progress, heard: Heard = NOTHING,
        on_heard: Callable[[Heard], None] = lambda heard: None,
    ) -> Transcript:  # fmt: skip
        """The transcript; empty for silence. `language` is an ISO 639-1 code, "" to have it found out.

        `on_progress` is called at least twice a second and may raise to stop. `on_heard` gets what was heard so far at
        least every minute of sound; given back as `heard`, the recogniser goes on there, and the transcript is that of
        a run that was never broken off. Raises WeightsMissing and InputError.
        """


class Ears:
    """Collects what a child process reports: ("at", fraction) and ("heard", stretch). Begins where `heard` ends."""

    def __init__(self, heard: Heard, duration_s: float, on_progress: Progress, on_heard: Callable[[Heard], None]):
        self.heard = heard
        self._on_progress, self._on_heard = on_progress, on_heard
        self._fraction = min(heard.until_s / duration_s, 1.0)

    def report(self, told: tuple[str, Any]) -> None:
        kind, value = told
        if kind == "at":
            self._fraction = max(self._fraction, min(value, 1.0))
            return
        segments = (*self.heard.segments, *value["segments"])
        self.heard = Heard(value["until_s"], value["language"], segments)
        self._on_heard(self.heard)

    def tick(self) -> None:
        self._on_progress(self._fraction)


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
