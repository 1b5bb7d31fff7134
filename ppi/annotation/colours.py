"""Colours for labels: told apart by people with and without colour blindness, and the same every time.

Distances are those of OKLab (Ottosson 2020, https://bottosson.github.io/posts/oklab/), as people without and with
protanopia and deuteranopia see the colours (Machado, Oliveira and Fernandes 2009, severity 1.0, in linear RGB). Contrast
is that of WCAG 2.2.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from math import dist

LEVELS = (*range(0, 256, 32), 255)
FIRST = (0, 96, 192)
MIN_CONTRAST = 3.0  # WCAG 2.2, 1.4.11, for what is no text
MAX_CONTRAST = 10.0
OTHERS_COUNT = 2.0
MOST = 40

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


def colours(count: int) -> list[str]:
    """`count` colours such as "#0060c0"; the first of more are those of fewer. After 40 they come again."""
    chosen = _chosen()
    return [chosen[number % MOST] for number in range(count)]


def contrast(colour: str, other: str = "#ffffff") -> float:
    """The contrast ratio of two colours, 1 to 21."""
    light, dark = sorted((_luminance(_parsed(colour)), _luminance(_parsed(other))), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def distances(colour: str, other: str) -> tuple[float, ...]:
    """How far apart two colours are to each kind of eyes; 0 is alike, black and white are 1."""
    return tuple(map(dist, _seen(_parsed(colour)), _seen(_parsed(other))))


@lru_cache(maxsize=1)
def _chosen() -> list[str]:
    """One after the other, each the farthest from all before it."""
    seen = {colour: _seen(colour) for colour in product(LEVELS, repeat=3) if _is_readable(colour)}
    chosen = [FIRST]
    nearest = dict.fromkeys(seen, float("inf"))
    while len(chosen) < MOST:
        for colour, eyes in seen.items():
            usual, *others = map(dist, eyes, seen[chosen[-1]])
            # With weight one theirs, which are always shorter, would leave only shades of two hues.
            nearest[colour] = min(nearest[colour], usual, OTHERS_COUNT * min(others))
        chosen.append(max(nearest, key=nearest.__getitem__))
    return ["#{:02x}{:02x}{:02x}".format(*colour) for colour in chosen]


def _is_readable(colour: Colour) -> bool:
    """Neither lost on a white page nor taken for black."""
    return MIN_CONTRAST <= 1.05 / (_luminance(colour) + 0.05) <= MAX_CONTRAST


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
