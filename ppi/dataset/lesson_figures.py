"""Figures of one lesson as PNG, for its report: what was marked and who spoke over time, and shares of talk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ppi import palette
from ppi.dataset import figures
from ppi.processes import run_in_child

TIMELINE, SHARES = "timeline.png", "talk.png"
MOST_LANES = 24
# As wide as the text of a document, so that letters keep their size on paper, and fine enough for a printer.
WIDTH_IN, DPI = 7, 160
MOST_TICKS, STEPS_S = 9, (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
# A name, spans in seconds, and the number of the colour; None for what is no pattern.
Lane = tuple[str, Sequence[tuple[float, float]], int | None]


def draw(
    folder: Path,
    *,
    lanes: Sequence[Lane],
    shares: Sequence[tuple[str, float]],
    duration_s: float,
    on_tick: Callable[[], None],
) -> list[Path]:
    """Draw in a child process into `folder`; answers the files, of which there may be none.

    The topmost of the `lanes` is the first; `shares` are (name, seconds).
    `on_tick` may raise to stop it.
    """
    given = {"folder": str(folder), "lanes": lanes, "shares": shares, "duration_s": duration_s}
    run_in_child(f"{__name__}:draw_all", given, on_tick=on_tick, timeout_s=figures.TIMEOUT_S)
    return [folder / name for name in (TIMELINE, SHARES) if (folder / name).is_file()]


def draw_all(report: Callable[[Any], None], folder: str, lanes: Any, shares: Any, duration_s: float) -> None:
    """In the child."""
    with figures.canvas():
        if lanes:
            _timeline(lanes[:MOST_LANES], duration_s, Path(folder) / TIMELINE)
        if shares:
            _shares(shares, Path(folder) / SHARES)


def _timeline(lanes: Sequence[Lane], duration_s: float, path: Path) -> None:
    figure, axes = figures.subplots(1, 1, (WIDTH_IN, 0.9 + 0.34 * len(lanes)))
    for place, (_, spans, number) in enumerate(lanes):
        bars = [(start_s, end_s - start_s) for start_s, end_s in spans]
        colour = palette.REST if number is None else palette.colour(number)
        axes.broken_barh(bars, (len(lanes) - 1 - place - 0.35, 0.7), color=colour)
    axes.set_yticks(range(len(lanes)), [figures.readable(name) for name, *_ in reversed(lanes)])
    axes.set_ylim(-0.6, len(lanes) - 0.4)
    _time_axis(axes, max(duration_s, 1.0))
    axes.grid(axis="x", color=figures.GRID, linewidth=0.4, alpha=0.6)
    axes.set_axisbelow(True)
    figures.save(figure, path, DPI)


def _shares(shares: Sequence[tuple[str, float]], path: Path) -> None:
    figure, axes = figures.subplots(1, 1, (WIDTH_IN, 0.8 + 0.36 * len(shares)))
    shown = list(reversed(shares))
    whole_s = sum(seconds for _, seconds in shares) or 1.0
    bars = axes.barh(range(len(shown)), [seconds for _, seconds in shown], color=figures.ACCENT, height=0.6)
    axes.bar_label(bars, [f"{100 * seconds / whole_s:.0f} %" for _, seconds in shown], padding=4)
    axes.set_yticks(range(len(shown)), [figures.readable(name) for name, _ in shown])
    _time_axis(axes, 1.12 * max(1.0, *(seconds for _, seconds in shown)))
    figures.save(figure, path, DPI)


def _time_axis(axes: Any, until_s: float) -> None:
    """With the time codes that stand in documents, so that a moment is found in the recording."""
    step_s = next((step_s for step_s in STEPS_S if until_s / step_s <= MOST_TICKS), STEPS_S[-1])
    moments_s = range(0, int(until_s) + 1, step_s)
    axes.set_xlim(0, until_s)
    axes.set_xticks(moments_s, [_code(moment_s) for moment_s in moments_s])


def _code(time_s: int) -> str:
    hours, minutes, seconds = time_s // 3600, time_s // 60 % 60, time_s % 60
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"
