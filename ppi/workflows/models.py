"""Speech models on this machine: which are here, fetching them, and finding out what is fastest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppi.errors import InputError
from ppi.processes import run_in_child
from ppi.settings import WHISPER_SIZES, Settings
from ppi.speech import aligner, choice, diarizer, recognizer, vad, weights

Progress = Callable[[float], None]
SPEAKERS, ALIGNER = "speakers", "aligner"
CHILDREN = {"faster-whisper": "ppi.speech.faster_whisper_child", "whisper": "ppi.speech.whisper_child"}


@dataclass(frozen=True)
class Weights:
    """The weights of one size for one engine; `size_bytes` is 0 when they are not here."""

    engine: str
    model: str
    path: Path
    size_bytes: int


def all_weights(settings: Settings) -> Iterator[Weights]:
    """Every official size for every engine, and the path of the settings when it is one; then what tells speakers apart, and
    the aligners of the settings.
    """
    sizes = [size for size in WHISPER_SIZES if size != "large"]  # which is large-v3
    for engine in CHILDREN:
        for model in dict.fromkeys([*sizes, settings.speech.model]):
            if model in WHISPER_SIZES or model.endswith(".pt") == (engine == "whisper"):
                path = weights.place(settings.speech, engine, model)
                is_here = weights.is_complete(engine, path)
                yield Weights(engine, model, path, weights.size_bytes(path) if is_here else 0)
    folder = settings.speech.speakers.folder
    yield Weights(diarizer.LIBRARY, SPEAKERS, folder, weights.size_bytes(folder) if weights.has_speakers(folder) else 0)
    for one in aligner.named(settings.speech):
        yield Weights(ALIGNER, one.model, one.path, weights.size_bytes(one.path) if one.is_here else 0)


def fetch(settings: Settings, model: str, engine: str, on_progress: Progress) -> Path:
    """Fetch the weights of a size, or of SPEAKERS, unless they are here and whole; answers where they are.

    Raises WeightsMissing when they cannot be had, InputError for an unknown size.
    """
    speech = settings.speech
    model = model or speech.model
    if model == SPEAKERS:
        return _fetch_speakers(settings, on_progress)
    if model not in WHISPER_SIZES:
        sizes = ", ".join(WHISPER_SIZES)
        raise InputError("There is no Whisper model {model}. Choose one of {sizes}.", model=model, sizes=sizes)
    path = weights.place(speech, engine, model)
    if not weights.is_complete(engine, path) or weights.damaged(path):
        wanted = {"weights": str(path), "model": model, "hub": speech.hub}
        run_in_child(f"{CHILDREN[engine]}:fetch", wanted, on_report=lambda told: on_progress(told[1]))
    on_progress(1.0)
    return path


def _fetch_speakers(settings: Settings, on_progress: Progress) -> Path:
    folder = settings.speech.speakers.folder
    if not weights.has_speakers(folder) or weights.damaged(folder):
        wanted = {"folder": str(folder), "hub": settings.speech.hub}
        run_in_child("ppi.speech.weights_child:fetch_speakers", wanted, on_report=lambda told: on_progress(told[1]))
    on_progress(1.0)
    return folder


def check_speakers(settings: Settings) -> str:
    """One line about what tells speakers apart. Raises WeightsMissing, and InputError for damaged models."""
    told, folder = diarizer.check(settings.speech), settings.speech.speakers.folder
    _refuse_damaged(folder)
    return told


def fetch_aligners(settings: Settings, on_progress: Progress) -> list[Path]:
    """Fetch the aligners of the settings, unless they are here and whole; answers where they are.

    Raises WeightsMissing when one cannot be had, InputError when none is named.
    """
    wanted = _named_aligners(settings)
    for number, one in enumerate(wanted):
        if one.is_repository and (not one.is_here or weights.damaged(one.path)):
            asked = {"model": one.model, "folder": str(one.path), "hub": settings.speech.hub}
            run_in_child(
                "ppi.speech.aligner_child:fetch", asked,
                on_report=lambda told, before=number: on_progress((before + told[1]) / len(wanted)),
            )  # fmt: skip
    on_progress(1.0)
    return [one.path for one in wanted]


def _named_aligners(settings: Settings) -> list[aligner.Named]:
    if not settings.speech.aligner:
        raise InputError("ALIGNER_MODEL is not set. Name an aligner there, such as facebook/wav2vec2-base-960h.")
    return aligner.ready(settings.speech)


def measure_aligners(settings: Settings) -> list[dict[str, Any]]:
    """Check the aligners of the settings by hash and measure each.

    Raises WeightsMissing, and InputError for damaged ones and when none is named.
    """
    measured = []
    for one in _named_aligners(settings):
        if not one.is_here:
            raise aligner.missing(one.model, one.path)
        _refuse_damaged(one.path)
        wanted = {"model": one.model, "folder": str(one.path), "device": settings.speech.device}
        measured.append(run_in_child("ppi.speech.aligner_child:measure", wanted))
    return measured


def measure(settings: Settings, model: str, on_progress: Progress) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Measure every engine whose weights of `model` are here, in every type it can compute with, and keep the fastest.

    Answers (what was measured, the fastest). Raises WeightsMissing when no engine has them, InputError for damaged ones.
    """
    speech = settings.speech
    model = model or speech.model
    tries = list(_tries(settings, model))
    measured = []
    for number, (engine, path, compute_type) in enumerate(tries):
        on_progress(number / len(tries))
        wanted = {"weights": str(path), "device": speech.device, "compute_type": compute_type}
        found = run_in_child(f"{CHILDREN[engine]}:measure", wanted)
        measured.append({**found, "engine": engine})
    on_progress(1.0)
    return measured, choice.keep(speech, model, measured)


def _tries(settings: Settings, model: str) -> Iterator[tuple[str, Path, str]]:
    speech, is_any = settings.speech, False
    for engine, child in CHILDREN.items():
        if engine == "faster-whisper" and not vad.is_here():
            continue
        path = weights.place(speech, engine, model)
        if not weights.is_complete(engine, path):
            continue
        is_any = True
        _refuse_damaged(path)
        types = run_in_child(f"{child}:compute_types", {"device": speech.device}) if engine == "faster-whisper" else [""]
        for compute_type in types:
            yield engine, path, compute_type
    if not is_any:
        engine = speech.engine or recognizer.default_engine(speech, model)
        raise weights.missing(model, weights.place(speech, engine, model))


def _refuse_damaged(path: Path) -> None:
    if names := weights.damaged(path):
        raise InputError("Damaged in {path}: {names}. Fetch the model again.", path=str(path), names=", ".join(names))


def as_table(rows: list[tuple[str, ...]]) -> str:
    """Columns in line."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
