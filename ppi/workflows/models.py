"""Models on this machine, of speech and for summaries: which are here, fetching them, and finding out what is fastest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppi import fetched
from ppi.errors import InputError, ToolFailed
from ppi.processes import run_in_child
from ppi.settings import WHISPER_SIZES, Settings
from ppi.speech import aligner, choice, diarizer, recognizer, vad, weights
from ppi.summary import engine as summaries
from ppi.summary import weights as chats

Progress = Callable[[float], None]
SPEAKERS, ALIGNER, CHAT = "speakers", "aligner", "chat"
CHILDREN = {"faster-whisper": "ppi.speech.faster_whisper_child", "whisper": "ppi.speech.whisper_child"}


@dataclass(frozen=True)
class Weights:
    """The weights of one size for one engine; `size_bytes` is 0 when they are not here."""

    engine: str
    model: str
    path: Path
    size_bytes: int


def all_weights(settings: Settings) -> Iterator[Weights]:
    """Every official size for every engine, and the path of the settings when it is one; then what tells speakers apart,
    and the aligners and the chat model of the settings.
    """
    sizes = [size for size in WHISPER_SIZES if size != "large"]  # which is large-v3
    for engine in CHILDREN:
        for model in dict.fromkeys([*sizes, settings.speech.model]):
            if model in WHISPER_SIZES or model.endswith(".pt") == (engine == "whisper"):
                path = weights.place(settings.speech, engine, model)
                is_here = weights.is_complete(engine, path)
                yield Weights(engine, model, path, fetched.size_bytes(path) if is_here else 0)
    folder = settings.speech.speakers.folder
    yield Weights(diarizer.LIBRARY, SPEAKERS, folder, fetched.size_bytes(folder) if weights.has_speakers(folder) else 0)
    for one in aligner.named(settings.speech):
        yield Weights(ALIGNER, one.model, one.path, fetched.size_bytes(one.path) if one.is_here else 0)
    if settings.summary.model:
        path = chats.place(settings.summary)
        yield Weights(CHAT, settings.summary.model, path, fetched.size_bytes(path) if chats.is_complete(path) else 0)


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
    if not weights.is_complete(engine, path) or fetched.damaged(path):
        wanted = {"weights": str(path), "model": model, "hub": speech.hub}
        run_in_child(f"{CHILDREN[engine]}:fetch", wanted, on_report=lambda told: on_progress(told[1]))
    on_progress(1.0)
    return path


def _fetch_speakers(settings: Settings, on_progress: Progress) -> Path:
    folder = settings.speech.speakers.folder
    if not weights.has_speakers(folder) or fetched.damaged(folder):
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
        if one.is_repository and (not one.is_here or fetched.damaged(one.path)):
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


def fetch_chat(settings: Settings, on_progress: Progress) -> Path:
    """Fetch the chat model of the settings, unless it is here and whole; answers where it is.

    Raises WeightsMissing when it cannot be had, InputError when none is named.
    """
    path = _named_chat(settings)
    if chats.must_be_fetched(settings.summary) or fetched.damaged(path):
        summaries.fetch(settings.summary, on_progress)
    on_progress(1.0)
    return path


def measure_chat(settings: Settings) -> dict[str, Any]:
    """Check the chat model of the settings by hash, and have it answer once: model, context_tokens, tokens_per_s.

    Raises WeightsMissing, and InputError for a damaged one and when none is named.
    """
    path = _named_chat(settings)
    if chats.must_be_fetched(settings.summary):
        raise chats.missing(settings.summary.model)
    _refuse_damaged(path)
    return run_in_child("ppi.summary.llm_child:measure", {"model": chats.shown(settings.summary), "folder": str(path)})


def _named_chat(settings: Settings) -> Path:
    if not settings.summary.model:
        raise InputError("SUMMARY_MODEL is not set. Name a chat model there: a folder, or owner/name, a repository of the Hub.")
    return chats.place(settings.summary)


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
        measured.append({**_measured(engine, path, speech.device, compute_type), "engine": engine})
    on_progress(1.0)
    return measured, choice.keep(speech, model, measured)


def _measured(engine: str, path: Path, device: str, compute_type: str) -> dict[str, Any]:
    """On the processor where the process dies of the GPU, as it does where a library of CUDA is missing."""
    wanted = {"weights": str(path), "device": device, "compute_type": compute_type}
    try:
        return run_in_child(f"{CHILDREN[engine]}:measure", wanted)
    except ToolFailed:
        if device == "cpu":
            raise
        return run_in_child(f"{CHILDREN[engine]}:measure", wanted | {"device": "cpu"})


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
    if names := fetched.damaged(path):
        raise InputError("Damaged in {path}: {names}. Fetch the model again.", path=str(path), names=", ".join(names))


def as_table(rows: list[tuple[str, ...]]) -> str:
    """Columns in line."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
