"""A card on a page: its facts and the makers' marks are seen, and nothing of it acts."""

from __future__ import annotations

import pytest

from ppi.dataset import card
from ppi.dataset.card import CardFacts, Recording
from ppi.dataset.card_page import html_of


def rendered(own_text: str, **figures: str) -> str:
    facts = CardFacts("Урок", (Recording("Урок", "урок.mp4", 60.0, 25.0),), own_text=own_text)
    patterns = [{"type": "<b>Похвала</b>", "description": "Хвалит"}]
    texts = {"split": "train", "annotator": "1", "lesson": "Урок", "teacher": ""}
    text = card.render([{"start_time": 0, "end_time": 1, "patterns": patterns, **texts}], facts, (), ("figures/patterns.png",))
    return html_of(text, {name.replace("_", "/", 1) + ".png": link for name, link in figures.items()})


def test_facts_become_tables_and_headings_below_those_of_the_page():
    page = rendered("Наши **слова**.")
    assert "<table>" in page and "<strong>слова</strong>" in page
    assert "<h3>" in page and "<h1>" not in page and "<h2>" not in page
    assert "configs:" not in page and "words of the makers" not in page


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[x](javascript:alert(1))", "![x](https://spy.example/1.png)"],
)  # fmt: skip
def test_what_the_makers_write_never_acts_and_asks_nobody(hostile):
    page = rendered(f"Слова. {hostile}\n\n{hostile}")
    assert "<script" not in page and "<img" not in page and 'href="javascript' not in page
    assert "spy.example" not in page or "src=" not in page
    assert "style=" not in page


def test_names_of_patterns_stay_text():
    assert "<b>Похвала" not in rendered("")


def test_figures_are_shown_from_the_addresses_they_are_given_and_left_out_without():
    assert 'src="/media/p"' in rendered("", figures_patterns="/media/p")
    assert "<img" not in rendered("")


def test_links_open_elsewhere_and_say_nothing_of_where_they_were():
    page = rendered("[наш сайт](https://school.example)")
    assert 'href="https://school.example"' in page and 'rel="noopener nofollow"' in page
