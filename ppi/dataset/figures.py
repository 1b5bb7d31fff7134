"""Figures of a dataset as PNG: samples and time by pattern, lengths of samples, and the lessons' timelines.

They are drawn in a child process: matplotlib is heavy and keeps state. The same rows give the same bytes.
"""

from __future__ import annotations

import json
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ppi import palette
from ppi.dataset import changes, charts
from ppi.dataset.card_words import WORDS
from ppi.dataset.layout import FIGURES, REPORT
from ppi.processes import run_in_child
from ppi.settings import tell_library

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TIMEOUT_S = 300.0
SHOWN_PATTERNS, SHOWN_LANES = 25, 16
MAX_LABEL_CHARACTERS = 40
FONT = "DejaVu Sans"  # comes with matplotlib, and has Latin, Greek and Cyrillic letters
ACCENT, GRID = palette.COLOURS[0], "#b8bec7"
Row = dict[str, Any]
Words = Mapping[str, str]
Places = Mapping[str, int]


def draw(folder: Path, language: str, on_tick: Callable[[], None] = lambda: None) -> list[str]:
    """Draw the figures of the dataset in `folder` into it; answers their paths. `on_tick` may raise to stop it.

    `language` is the card's: titles, axes and decimal signs are in it, names of patterns and lessons stay as they are.
    """
    given = {"folder": str(folder), "language": language}
    run_in_child(f"{__name__}:draw_all", given, on_tick=on_tick, timeout_s=TIMEOUT_S)
    return list(FIGURES)


def tools() -> dict[str, str]:
    """What draws them, for the manifest."""
    return {"matplotlib": version("matplotlib")}


def draw_all(report: Callable[[Any], None], folder: str, language: str) -> None:
    """In the child."""
    with canvas():
        rows = changes.rows_of(Path(folder))
        places = charts.places(rows, _report(Path(folder)))
        (Path(folder) / "figures").mkdir()
        for path, paint in zip(FIGURES, (_patterns, _durations, _timeline), strict=True):
            paint(rows, WORDS[language], Path(folder) / path, places)


@contextmanager
def canvas() -> Iterator[None]:
    """matplotlib, ready to draw into files, for a child process. What it wants to remember goes into a folder that is
    removed, not into anybody's home.
    """
    with tempfile.TemporaryDirectory(prefix="ppi-figures-") as home:
        tell_library("MPLCONFIGDIR", home)
        import matplotlib

        matplotlib.use("Agg")
        spines = {"axes.spines.top": False, "axes.spines.right": False}
        matplotlib.rcParams.update({"text.parse_math": False, "font.size": 10, "font.family": FONT, **spines})
        yield


def _report(folder: Path) -> dict[str, Any]:
    """What the dataset's report says, which stands beside its rows when its figures are drawn."""
    path = folder / REPORT
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _colour(name: str, places: Places) -> str:
    return palette.COLOURS[places[name] - 1] if places.get(name) else palette.REST


def _patterns(rows: Sequence[Row], words: Words, path: Path, places: Places) -> None:
    counts, times_s = Counter(), Counter()
    for row in rows:
        for name in _names(row):
            counts[name] += 1
            times_s[name] += row["end_time"] - row["start_time"]
    shown = sorted(counts, key=lambda name: (-counts[name], name))[:SHOWN_PATTERNS]
    shown.reverse()
    figure, (left, right) = subplots(1, 2, (9, 1.7 + 0.32 * len(shown)))
    colours = [_colour(name, places) for name in shown]
    left.barh(range(len(shown)), [counts[name] for name in shown], color=colours)
    right.barh(range(len(shown)), [times_s[name] / 60 for name in shown], color=colours)
    left.set_yticks(range(len(shown)), [readable(name) for name in shown])
    right.set_yticks(range(len(shown)), [])
    _tell(left, words, words["axis_samples"])
    left.xaxis.get_major_locator().set_params(integer=True)
    _tell(right, words, words["axis_minutes"])
    figure.suptitle(words["figure_patterns"])
    save(figure, path)


def _durations(rows: Sequence[Row], words: Words, path: Path, places: Places) -> None:
    figure, axes = subplots(1, 1, (7, 3.5))
    axes.hist([row["end_time"] - row["start_time"] for row in rows], bins=min(30, max(5, len(rows) // 3)), color=ACCENT)
    _tell(axes, words, words["axis_length"])
    axes.set_ylabel(words["axis_samples"])
    axes.yaxis.get_major_locator().set_params(integer=True)  # there is no half of a sample
    figure.suptitle(words["figure_durations"])
    save(figure, path)


def _timeline(rows: Sequence[Row], words: Words, path: Path, places: Places) -> None:
    """A lane for each annotator of each lesson; the most frequent patterns have colours, the others are grey."""
    coloured = [name for name, place in places.items() if place]
    lanes = sorted({(row["lesson"], row["annotator"]) for row in rows})[:SHOWN_LANES]
    figure, axes = subplots(1, 1, (10, 1.9 + 0.5 * len(lanes) + 0.1 * len(coloured)))
    for row in sorted(rows, key=lambda row: row["start_time"] - row["end_time"]):  # the shorter one is seen
        if (row["lesson"], row["annotator"]) in lanes:
            lane = len(lanes) - 1 - lanes.index((row["lesson"], row["annotator"]))
            _mark(axes, row, lane, places)
    axes.set_yticks(range(len(lanes)), [readable(f"{lesson}, {annotator}") for lesson, annotator in reversed(lanes)])
    _tell(axes, words, words["axis_lesson"])
    figure.suptitle(words["figure_timeline"])
    handles = [axes.barh(0, 0, color=_colour(name, places)) for name in coloured]
    figure.legend(handles, [readable(name) for name in coloured], loc="outside lower center", ncols=3, frameon=False)
    save(figure, path)


def _tell(axes: Axes, words: Words, what: str) -> None:
    """Name the horizontal axis, and write its numbers as the language does."""
    axes.set_xlabel(what)
    axes.xaxis.set_major_formatter(lambda value, position: f"{value:.6g}".replace(".", words["decimal_sign"]))


def _mark(axes: Axes, row: Row, lane: int, places: Places) -> None:
    names = _names(row)
    height = 0.8 / len(names)
    for number, name in enumerate(names):
        place = ([(row["start_time"] / 60, (row["end_time"] - row["start_time"]) / 60)], (lane - 0.4 + number * height, height))
        axes.broken_barh(*place, color=_colour(name, places))


def _names(row: Row) -> list[str]:
    return [pattern["type"] for pattern in row["patterns"]] or ["?"]


def subplots(rows: int, columns: int, size_in: tuple[float, float]) -> tuple[Any, Any]:
    from matplotlib import pyplot

    return pyplot.subplots(rows, columns, figsize=size_in, layout="constrained")


def save(figure: Any, path: Path, dpi: int = 110) -> None:
    from matplotlib import pyplot

    figure.savefig(path, dpi=dpi, metadata={"Software": None})
    pyplot.close(figure)


def readable(text: str) -> str:
    """The text in characters that the font of matplotlib has: emoji would become boxes."""
    kept = "".join(char for char in text if ord(char) < 0x2000 and unicodedata.category(char) not in ("Cc", "Cf", "Cs"))
    kept = " ".join(kept.split()) or "?"
    return kept if len(kept) <= MAX_LABEL_CHARACTERS else kept[: MAX_LABEL_CHARACTERS - 1] + "…"
