"""The colours of patterns are seen on every ground they lie on, by all eyes, and are the same on pages and in documents."""

from __future__ import annotations

import re
from itertools import combinations, pairwise, product

import pytest

from ppi import palette
from tests import eyes
from tests.conftest import ROOT

ENOUGH = 3.0  # WCAG 2.2, 1.4.11, for what is no text
FIRST = 8
LEVELS = (*range(0, 256, 32), 255)
# What style sheets make of drawings on white in the dark theme: see `dark.css`.
INVERT, WHITE = 0.88, "#ffffff"


def tokens(sheet: str) -> dict[str, str]:
    text = (ROOT / "static" / "css" / f"{sheet}.css").read_text()
    return dict(re.findall(r"--ppi-([\w-]+): (#[0-9a-f]{6})", text))


LIGHT, DARK = tokens("tokens"), tokens("dark")


def lanes(found: dict[str, str]) -> list[str]:
    return [found[f"lane-{number}"] for number in range(1, len(palette.COLOURS) + 1)]


def test_pages_documents_and_label_studio_have_the_same_colours():
    assert lanes(LIGHT) == list(palette.COLOURS) and LIGHT["edge"] == palette.REST
    assert [name for name in LIGHT if name.startswith("lane-")] == [name for name in DARK if name.startswith("lane-")]
    assert [palette.place(number) for number in (0, 39, 40)] == [1, 40, 1]
    assert palette.colour(40) == palette.colour(0) == LIGHT["lane-1"]


@pytest.mark.parametrize("found", [LIGHT, DARK], ids=["light", "dark"])
def test_every_colour_is_seen_on_the_grounds_of_its_theme(found):
    """Panels, what floats above them, and the tracks on which bars lie."""
    for ground in ("card", "raised", "sunken"):
        too_faint = [colour for colour in (*lanes(found), found["edge"]) if eyes.contrast(colour, found[ground]) < ENOUGH]
        assert too_faint == [], ground


def test_drawings_on_white_keep_their_contrast_when_the_dark_theme_turns_them():
    assert f"filter: invert({INVERT:g}) hue-rotate(180deg)".replace("0.", ".") in (ROOT / "static/css/dark.css").read_text()
    ground = eyes.turned_dark(WHITE, INVERT)
    assert ground == "#1f1f1f"
    for colour in (*palette.COLOURS, palette.REST):
        assert eyes.contrast(colour, WHITE) >= ENOUGH, colour
        assert eyes.contrast(eyes.turned_dark(colour, INVERT), ground) >= ENOUGH, colour


@pytest.mark.parametrize("found", [lanes(LIGHT), lanes(DARK)], ids=["light", "dark"])
def test_colours_are_told_apart_by_all_eyes(found):
    assert len(set(found)) == 40
    for (one, other), (usual_least, others_least) in [
        *((pair, (0.12, 0.055)) for pair in combinations(found[:FIRST], 2)),
        *((pair, (0.15, 0.1)) for pair in pairwise(found[:FIRST])),
    ]:
        usual, *others = eyes.distances(one, other)
        assert usual > usual_least and min(others) > others_least, (one, other)


def test_the_first_24_of_label_studio_are_told_apart_by_all_eyes():
    for one, other in combinations(palette.COLOURS[:24], 2):
        usual, *others = eyes.distances(one, other)
        assert usual > 0.09 and min(others) > 0.04, (one, other)


def test_each_colour_has_the_same_hue_in_both_themes():
    for light, dark in zip(lanes(LIGHT), lanes(DARK), strict=True):
        apart = abs(eyes.hue_deg(light) - eyes.hue_deg(dark)) % 360
        assert min(apart, 360 - apart) <= 30, (light, dark)


def test_the_colours_behind_the_first_are_each_the_farthest_from_all_before():
    def is_seen(colour: str) -> bool:
        """On a light track, on dark when it is turned, and not taken for black."""
        on_dark = eyes.contrast(eyes.turned_dark(colour, INVERT), "#1f1f1f")
        return min(on_dark, eyes.contrast(colour, LIGHT["sunken"])) >= ENOUGH and eyes.contrast(colour) <= 10

    offered = [colour for colour in product(LEVELS, repeat=3) if is_seen("#{:02x}{:02x}{:02x}".format(*colour))]
    assert tuple(eyes.farthest(palette.COLOURS[:FIRST], offered, len(palette.COLOURS))) == palette.COLOURS


def test_contrast_and_distance_are_those_of_their_definitions():
    """WCAG 2.2: black on white is 21, #767676 on white 4.54; OKLab: black and white are 1 apart (Ottosson 2020)."""
    assert eyes.contrast("#000000") == pytest.approx(21)
    assert eyes.contrast("#767676") == pytest.approx(4.54, abs=0.005)
    assert eyes.distances("#000000", "#ffffff")[0] == pytest.approx(1, abs=1e-4)
    usual, protan, deutan = eyes.distances("#ff0000", "#008000")
    assert protan < usual / 2 and deutan < usual
