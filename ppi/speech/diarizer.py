"""Finding out who speaks when: sherpa-onnx in the model's child, on an extra of its own (requirements-speakers.txt)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ppi.errors import InputError, WeightsMissing
from ppi.settings import MOST_SPEAKERS, SpeechSettings
from ppi.speech import model_child, wav, weights
from ppi.speech.speakers import Turn

CHILD = "ppi.speech.speakers_child"
LIBRARY = "sherpa-onnx"


@dataclass(frozen=True)
class Found:
    """Who spoke when, in order of time. `about` says how that was found out, for the transcript."""

    turns: tuple[Turn, ...]
    about: dict[str, Any]


def check(settings: SpeechSettings) -> str:
    """One line about what tells speakers apart. Raises WeightsMissing when the library or its models are not here."""
    if find_spec("sherpa_onnx") is None:
        raise WeightsMissing(
            "Speakers cannot be told apart on this machine: the library {library} is not installed. Run “pip install -r "
            "requirements-speakers.txt”, start PPI again, then try again.",
            library=LIBRARY,
        )  # fmt: skip
    folder = settings.speakers.folder
    if not weights.has_speakers(folder):
        raise weights.speakers_missing(folder)
    return f"{LIBRARY} {version(LIBRARY)}: {folder}"


def check_count(count: int) -> int:
    """How many people speak, 0 when that is not known. Raises InputError."""
    if not 0 <= count <= MOST_SPEAKERS:
        raise InputError("Give the number of people who speak, 1 to {most}; nothing, to have it found out.", most=MOST_SPEAKERS)
    return count


def find(settings: SpeechSettings, speech_wav: Path, count: int, on_progress: Callable[[float], None]) -> Found:
    """Who speaks when in a 16 kHz mono 16-bit WAV; `count` is how many people speak, 0 for that of the settings.

    `on_progress` is called about four times a second and may raise to stop. Raises WeightsMissing and InputError.
    """
    check(settings)
    count = check_count(count) or settings.speakers.count
    if wav.is_silent(speech_wav):
        return Found((), {})
    wanted = {"path": str(speech_wav), "folder": str(settings.speakers.folder), "count": count}
    now = {"fraction": 0.0}
    told = model_child.call(
        f"{CHILD}:find", wanted, settings.lock_file, on_report=lambda value: now.update(fraction=value[1]),
        on_tick=lambda: on_progress(now["fraction"]),
    )  # fmt: skip
    turns = tuple(Turn(*turn) for turn in told)
    voices = len({turn.speaker for turn in turns})
    return Found(turns, {"engine": f"{LIBRARY} {version(LIBRARY)}", "found": voices, **({"asked": count} if count else {})})
