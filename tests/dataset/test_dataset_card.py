"""The card, with text of people who do not wish us well."""

import pytest
import yaml

from ppi.dataset import card, layout
from ppi.records import Pattern, Sample, Span

HOSTILE = "a|b\n| c <script>alert(1)</script> [x](javascript:y) `code` *b* {{t}} \x07 <!-- --> & \u2028---"


def rendered(samples=None, **given):
    recording = card.Recording("урок", given.pop("source_video", "a.mp4"), 3700.0, 29.97, given.pop("language", ""))
    rows = [layout.row(made, "") for made in (samples if samples is not None else [sample(1)])]
    text = card.render(rows, card.CardFacts(**{"pretty_name": "Урок", "recordings": (recording,)} | given))
    front, body = text.removeprefix("---\n").split("\n---\n", 1)
    return yaml.safe_load(front), body


def sample(number, annotator="1", pattern=None):
    patterns = (pattern or Pattern("Похвала", "praise"),)
    return Sample(f"pattern_{number}", Span(0, 30.0), patterns, annotator, "урок", "a.mp4", "train")


def test_the_front_matter_says_how_to_load_and_what_it_is():
    front, _ = rendered(language="ru")
    assert front["configs"] == [{"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*.parquet"}]}]
    assert (front["license"], front["language"], front["pretty_name"]) == ("other", ["ru"], "Урок")
    assert front["task_categories"] == ["video-classification"]
    assert front["size_categories"] == ["n<1K"]


@pytest.mark.parametrize(("count", "size"), [(999, "n<1K"), (1000, "1K<n<10K"), (10_000, "10K<n<100K")])
def test_the_size_category_follows_the_count(count, size):
    assert rendered([sample(n) for n in range(count)])[0]["size_categories"] == [size]


def test_an_unknown_language_is_not_claimed():
    assert "language" not in rendered()[0]


def test_patterns_are_counted_with_their_durations():
    given = [sample(1), sample(2, "2"), sample(3, pattern=Pattern("Вопрос", "asks"))]
    _, body = rendered(given)
    assert "| Похвала | 2 | 1 min 0 s | praise |\n| Вопрос | 1 | 30.0 s | asks |" in body
    assert "| Samples | 3 |" in body
    assert "| Annotators | 2 |" in body
    assert "1, 1 h 1 min at 29.97 frames a second" in body


def test_what_people_wrote_cannot_become_markup():
    front, body = rendered(
        [sample(1, pattern=Pattern(HOSTILE, HOSTILE))], pretty_name=HOSTILE, source_video=HOSTILE, unmatched=(HOSTILE,),
        notes=(HOSTILE,),
    )  # fmt: skip
    assert front["license"] == "other"
    body = body.replace(card.OWN_TEXT, "").replace(card.END_OF_OWN_TEXT, "")
    assert "<" not in body
    assert "](" not in body
    assert "\x07" not in body and "\u2028" not in body
    row = next(line for line in body.splitlines() if line.startswith("| a\\|b"))
    assert row.count("|") - row.count("\\|") == 5


def test_long_text_is_cut():
    _, body = rendered([sample(1, pattern=Pattern("x", "y" * 5000))])
    assert "y" * 501 not in body and "…" in body


def test_limits_are_told():
    _, body = rendered(unmatched=("Новый",), dropped=3, notes=("A rough transcript",), speech_engines=("whisper (tiny)",))
    assert "pattern table and have no description: Новый." in body
    assert "3 marks or answers were left out" in body
    assert "- A rough transcript" in body
    assert "transcribed with whisper \\(tiny\\)" in body
