"""Chooses the engine of a summary and runs it in a child process."""

from __future__ import annotations

from collections.abc import Callable

from ppi.processes import WarmChild, run_in_child
from ppi.records import Summary, Transcript
from ppi.settings import SummarySettings

_MODEL_CHILD = WarmChild()


def summarize(transcript: Transcript, settings: SummarySettings, on_progress: Callable[[float], None]) -> Summary:
    """Extractive unless the settings name a chat model; an empty transcript gives an empty summary.

    `on_progress` is called about four times a second and may raise to stop. Raises WeightsMissing.
    """
    reached = [0.0]

    def on_report(fraction: float) -> None:
        reached[0] = max(reached[0], fraction)

    def on_tick() -> None:
        on_progress(reached[0])

    if not transcript.text:
        return Summary(transcript.language, "extractive", "", (), ())
    if not settings.model:
        return run_in_child(
            "ppi.summary.extractive:summarize", {"transcript": transcript}, on_report=on_report, on_tick=on_tick
        )  # fmt: skip
    wanted = {"transcript": transcript, "model": settings.model}
    return _MODEL_CHILD.call("ppi.summary.llm_child:summarize", wanted, on_report=on_report, on_tick=on_tick)
