"""The colours that tell patterns apart: labels in Label Studio, lanes under a waveform, figures on pages and in documents.

A pattern has a number in its lesson, and each number a colour. Here are those for white ground, as in Label Studio and in
documents; `static/css/tokens.css` has the same ones, and `static/css/dark.css` one of the same hue for each on dark ground.
`tests/test_palette.py` holds all of them to a contrast of 3:1 (WCAG 2.2, 1.4.11) and to distances that people without and
with colour blindness see.

The first eight are the project's own ink and the hues of Okabe and Ito, "Color Universal Design" (2008,
https://jfly.uni-koeln.de/color/), darkened until they show on white. Each of the others is the one farthest from all before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

COLOURS = (
    "#45399b", "#968e28", "#4391bd", "#735000", "#b8629a", "#c54b00", "#0068b0", "#00855f", "#a000ff", "#a00060", "#2000e0",
    "#e040ff", "#e02060", "#c000c0", "#802020", "#806080", "#8080e0", "#a08080", "#a04040", "#800080", "#6000c0", "#a040a0",
    "#6060e0", "#ff4000", "#604040", "#4040e0", "#ff4080", "#c00000", "#804080", "#4080ff", "#a06040", "#204080", "#ff20c0",
    "#606040", "#006080", "#20a040", "#4000ff", "#e060a0", "#608000", "#808040",
)  # fmt: skip
# What has no colour of its own: seen on white and, turned dark by the page's theme, on #1f1f1f.
REST = "#858aa3"


def place(number: int) -> int:
    """The colour of a pattern, counted from 1 as the tokens `--ppi-lane-1` are. After the last they come again."""
    return number % len(COLOURS) + 1


def colour(number: int) -> str:
    """Of the pattern with that number, counted from 0, such as "#45399b"."""
    return COLOURS[place(number) - 1]


def numbers(known: Iterable[str], others: Iterable[str]) -> Mapping[str, int]:
    """Numbers for names: `known` ones in their order, then `others` that are not among them, each once."""
    return {name: number for number, name in enumerate(dict.fromkeys((*known, *others)))}
