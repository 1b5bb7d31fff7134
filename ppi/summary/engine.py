"""The engines of summaries: which there are here, which is meant, and how one is run in a child process."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any

from ppi import fetched
from ppi.errors import InputError
from ppi.processes import WarmChild, run_in_child
from ppi.records import Summary, Transcript
from ppi.settings import SummarySettings
from ppi.summary import prompting, weights

EXTRACTIVE, TRANSFORMERS, CHAT = "extractive", "transformers", "chat"
LANGUAGES = ("ru", "en")
# Raised when the same transcript gives another extractive summary than before.
EXTRACTIVE_RULES = "2"

_MODEL_CHILD = WarmChild()


def available(settings: SummarySettings) -> tuple[str, ...]:
    """The engines that the settings allow, the usual one first: a model on this machine before one elsewhere."""
    models = {TRANSFORMERS: settings.model, CHAT: settings.base_url}
    return (*(engine for engine, is_set in models.items() if is_set), EXTRACTIVE)


def model_of(settings: SummarySettings, engine: str) -> str:
    """The model that an engine uses, "" when it uses none."""
    return {TRANSFORMERS: settings.model, CHAT: settings.chat_model}.get(engine, "")


def choose(settings: SummarySettings, engine: str = "") -> str:
    """The engine meant; "" means the usual one. Raises InputError when it is not available here."""
    known = available(settings)
    if engine and engine not in known:
        raise InputError(
            "There is no summary engine {engine} here. Choose one of {known}.", engine=engine, known=", ".join(known)
        )
    return engine or known[0]


def check_language(language: str) -> None:
    """Raises InputError unless summaries can be had in this language; "" means that of the lesson."""
    if language and language not in LANGUAGES:
        raise InputError(
            "Summaries can be had in {known}, not in {language}. Choose one of these.",
            known=", ".join(LANGUAGES), language=language
        )  # fmt: skip


def identity(settings: SummarySettings, engine: str, transcript: Transcript, language: str) -> dict[str, Any]:
    """What a summary depends on besides the transcript: two runs with the same identity need one run only."""
    if engine == EXTRACTIVE:
        return {"engine": engine, "rules": EXTRACTIVE_RULES}
    found = {
        "engine": engine, "model": model_of(settings, engine), "prompts": prompting.version(),
        "language": language or transcript.language,
    }  # fmt: skip
    if engine == CHAT:
        return found | {"address": settings.base_url, "context_tokens": settings.context_tokens}
    return found | {"files": _files(weights.place(settings))}


def must_be_fetched(settings: SummarySettings, engine: str) -> bool:
    """Whether the engine uses a model of the Hub that is not here yet."""
    return engine == TRANSFORMERS and weights.must_be_fetched(settings)


def fetch(settings: SummarySettings, on_progress: Callable[[float], None]) -> None:
    """Fetch the repository that SUMMARY_MODEL names; see `summarize` for `on_progress`. Raises WeightsMissing."""
    reached = [0.0]
    wanted = {
        "model": settings.model, "folder": str(weights.place(settings)), "hub": settings.hub, "token": settings.hub_token,
    }  # fmt: skip
    run_in_child(
        "ppi.summary.llm_fetch:fetch", wanted,
        on_report=lambda told: reached.append(told[1]), on_tick=lambda: on_progress(max(reached)),
    )  # fmt: skip
    on_progress(1.0)


def summarize(
    transcript: Transcript,
    settings: SummarySettings,
    on_progress: Callable[[float], None],
    engine: str = "",
    language: str = "",
    known: MutableMapping[str, str] | None = None,
) -> Summary:
    """By the engine meant, see `choose`; a text by a chat model is in `language`, by default the lesson's.

    `known` holds what a model answered in an earlier try and gets what it answers now: kept between tries, it spares a model
    the questions it has answered. An empty transcript gives an empty summary. `on_progress` is called about four times a
    second and may raise to stop. Raises InputError, WeightsMissing, and what a chat server gives rise to.
    """
    engine = choose(settings, engine)
    check_language(language)
    if not transcript.text:
        return Summary(transcript.language, engine, "", (), ())
    reached, known = [0.0], {} if known is None else known

    def on_report(told: float | tuple[str, str]) -> None:
        if isinstance(told, tuple):
            known[told[0]] = told[1]
        else:
            reached[0] = max(reached[0], told)

    def on_tick() -> None:
        on_progress(reached[0])

    watched: dict[str, Any] = {"on_report": on_report, "on_tick": on_tick}
    wanted = {"transcript": transcript, "language": language or transcript.language, "known": dict(known)}
    if engine == TRANSFORMERS:
        if must_be_fetched(settings, engine):
            fetch(settings, lambda fraction: on_tick())
        wanted |= {"model": weights.shown(settings), "folder": str(weights.place(settings))}
        return _MODEL_CHILD.call("ppi.summary.llm_child:summarize", wanted, **watched)
    if engine == CHAT:
        return run_in_child("ppi.summary.chat:summarize", wanted | {"settings": settings}, **watched)
    return run_in_child("ppi.summary.extractive:summarize", {"transcript": transcript}, **watched)


def _files(folder: Path) -> list[list[Any]]:
    """Names of a model's files with hashes, or with sizes and times: another model in the same folder is another model."""
    if sums := fetched.sums(folder):
        return sorted(map(list, sums.items()))
    found = sorted(path for path in folder.glob("*") if path.is_file()) if folder.is_dir() else []
    return [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in found]
