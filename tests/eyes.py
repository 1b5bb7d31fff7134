"""What eyes make of colours: contrast, and how far two colours are apart to people with and without colour blindness.

Distances are those of OKLab (Ottosson 2020, https://bottosson.github.io/posts/oklab/), as people without and with
protanopia and deuteranopia see the colours (Machado, Oliveira and Fernandes 2009, severity 1.0, in linear RGB). Contrast
is that of WCAG 2.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import atan2, degrees, dist

Colour = tuple[int, int, int]
Vector = tuple[float, float, float]
Matrix = tuple[Vector, Vector, Vector]

_CONES = ((0.4122214708, 0.5363325363, 0.0514459929), (0.2119034982, 0.6806995451, 0.1073969566),
          (0.0883024619, 0.2817188376, 0.6299787005))  # fmt: skip
_LAB = ((0.2104542553, 0.7936177850, -0.0040720468), (1.9779984951, -2.4285922050, 0.4505937099),
        (0.0259040371, 0.7827717662, -0.8086757660))  # fmt: skip
_PROTANOPIA = ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998))
_DEUTERANOPIA = ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881))
_ALL = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_EYES = (_ALL, _PROTANOPIA, _DEUTERANOPIA)
# hue-rotate(180deg) of Filter Effects Module Level 1, 9.5.
_HALF_TURN = ((-0.574, 1.430, 0.144), (0.426, 0.430, 0.144), (0.426, 1.430, -0.856))


def contrast(colour: str, other: str = "#ffffff") -> float:
    """The contrast ratio of two colours, 1 to 21."""
    light, dark = sorted((_luminance(_parsed(colour)), _luminance(_parsed(other))), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def distances(colour: str, other: str) -> tuple[float, ...]:
    """How far apart two colours are to each kind of eyes; 0 is alike, black and white are 1."""
    return tuple(map(dist, _seen(_parsed(colour)), _seen(_parsed(other))))


def hue_deg(colour: str) -> float:
    """Its angle in OKLab."""
    _, a, b = _seen(_parsed(colour))[0]
    return degrees(atan2(b, a))


def turned_dark(colour: str, invert: float) -> str:
    """What the filter `invert(...) hue-rotate(180deg)` of a style sheet makes of it."""
    inverted = tuple(invert + (1 - 2 * invert) * part / 255 for part in _parsed(colour))
    return "#" + "".join(f"{round(255 * min(1.0, max(0.0, part))):02x}" for part in _times(_HALF_TURN, inverted))


def farthest(seeds: Iterable[str], offered: Iterable[Colour], count: int) -> list[str]:
    """`count` colours: the seeds, and one after the other that of `offered` which is the farthest from all before it."""
    seen = {colour: _seen(colour) for colour in offered}
    nearest = dict.fromkeys(seen, float("inf"))
    chosen: list[str] = []
    left = list(seeds)
    while len(chosen) < count:
        chosen.append(left.pop(0) if left else "#{:02x}{:02x}{:02x}".format(*max(nearest, key=nearest.__getitem__)))
        last = _seen(_parsed(chosen[-1]))
        for colour, eyes in seen.items():
            usual, *others = map(dist, eyes, last)
            # With weight one theirs, which are always shorter, would leave only shades of two hues.
            nearest[colour] = min(nearest[colour], usual, 2 * min(others))
    return chosen


def _seen(colour: Colour) -> list[Vector]:
    """The colour in OKLab, for each kind of eyes."""
    linear = _linear(colour)
    return [_oklab(_times(eyes, linear)) for eyes in _EYES]


def _oklab(linear: Vector) -> Vector:
    cones = _times(_CONES, tuple(min(max(part, 0.0), 1.0) for part in linear))
    return _times(_LAB, tuple(cone ** (1 / 3) for cone in cones))


def _times(matrix: Matrix, vector: Vector) -> Vector:
    return tuple(sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)


def _linear(colour: Colour) -> Vector:
    return tuple(part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour)


def _luminance(colour: Colour) -> float:
    red, green, blue = _linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _parsed(colour: str) -> Colour:
    return tuple(bytes.fromhex(colour[1:]))
