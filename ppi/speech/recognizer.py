"""What a recogniser is, which ones there are, and how one is chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ppi.errors import InputError
from ppi.records import Transcript
from ppi.settings import SPEECH_ENGINES, WHISPER_SIZES, SpeechSettings, is_path
from ppi.speech import aligner, choice, vad, weights

Progress = Callable[[float], None]
# Longer phrase lists would leave a model no room for what is said.
MAX_PHRASES = 500


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
        on_heard: Callable[[Heard], None] = lambda heard: None, on_fetched: Progress = lambda fraction: None,
    ) -> Transcript:  # fmt: skip
        """The transcript; empty for silence. `language` is an ISO 639-1 code, "" to have it found out.

        `on_progress` is called at least twice a second and may raise to stop. `on_heard` gets what was heard so far at
        least every minute of sound; given back as `heard`, the recogniser goes on there, and the transcript is that of
        a run that was never broken off. Raises WeightsMissing and InputError.
        """


class Ears:
    """Collects what a child process reports; begins where `heard` ends.

    ("at", fraction), ("heard", stretch), ("about", what hears on which device), ("fetched", fraction of the model).
    """

    def __init__(
        self, heard: Heard, duration_s: float, on_progress: Progress, on_heard: Callable[[Heard], None],
        on_fetched: Progress = lambda fraction: None,
    ):  # fmt: skip
        self.heard = heard
        self.about: dict[str, str] = {}
        self._on_progress, self._on_heard, self._on_fetched = on_progress, on_heard, on_fetched
        self._fraction = min(heard.until_s / duration_s, 1.0)

    def report(self, told: tuple[str, Any]) -> None:
        kind, value = told
        if kind == "at":
            self._fraction = max(self._fraction, min(value, 1.0))
        elif kind == "fetched":
            self._on_fetched(value)
        elif kind == "about":
            self.about = value
        elif kind == "heard":
            segments = (*self.heard.segments, *value["segments"])
            self.heard = Heard(value["until_s"], value["language"], segments)
            self._on_heard(self.heard)

    def tick(self) -> None:
        self._on_progress(self._fraction)


def create(settings: SpeechSettings, engine: str = "", model: str = "", phrases: str = "") -> Recognizer:
    """The recogniser of this name, by default that of the settings. Loads nothing yet. Raises InputError.

    `phrases` are names and subject words of the lesson, beside those of the settings; pocketsphinx cannot use them.
    """
    model = model or settings.model
    engine = engine or settings.engine or default_engine(settings, model)
    if engine == "pocketsphinx":
        from ppi.speech.pocketsphinx import Pocketsphinx

        return Pocketsphinx()
    if engine not in SPEECH_ENGINES:
        engines = ", ".join(SPEECH_ENGINES)
        raise InputError("There is no speech engine {engine}. Choose one of {engines}.", engine=engine, engines=engines)
    if model not in WHISPER_SIZES and not is_path(model):
        sizes = ", ".join(WHISPER_SIZES)
        raise InputError("There is no Whisper model {model}. Choose one of {sizes}.", model=model, sizes=sizes)
    from ppi.speech.whisper import FasterWhisper, Whisper

    if model.endswith(".pt") and engine == "faster-whisper":
        raise InputError(
            "The engine {engine} cannot use {model}: it takes folders. The engine whisper takes .pt files.",
            engine=engine, model=model,
        )  # fmt: skip
    said = ", ".join(filter(None, (settings.phrases, check_phrases(phrases))))
    kind = Whisper if engine == "whisper" else FasterWhisper
    return kind(settings, model, said, choice.compute_type(settings, engine, model))


def check_phrases(phrases: str) -> str:
    """The phrases on one line. Raises InputError when they are more than a model has room for."""
    phrases = " ".join(phrases.split())
    if len(phrases) > MAX_PHRASES:
        raise InputError(
            "Names and subject words have {count} characters together; the recogniser takes {limit} at most. Leave some out.",
            count=len(phrases), limit=MAX_PHRASES,
        )  # fmt: skip
    return phrases


def default_engine(settings: SpeechSettings, model: str = "") -> str:
    """The engine when none is named: the one a .pt file needs, the one measured to be faster here, else faster-whisper."""
    if (model or settings.model).endswith(".pt") or not vad.is_here():
        return "whisper"
    return choice.engine(settings, model or settings.model) or "faster-whisper"


def check(settings: SpeechSettings) -> str:
    """One line about the engine of the settings. Raises WeightsMissing."""
    engine = settings.engine or default_engine(settings)
    if engine == "pocketsphinx":
        return "pocketsphinx: offline, rough, English only"
    return f"{engine} {settings.model}: {weights.required(settings, engine, settings.model)}{aligner.check(settings)}"
