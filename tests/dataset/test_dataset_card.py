"""The card in both languages, with text of people who do not wish us well."""

import re

import pytest
import yaml

from ppi.dataset import card, layout
from ppi.dataset.card_words import EN, RU, counted
from ppi.dataset.texts import Said
from ppi.notes import INTERPOLATED
from ppi.records import Consent, Meaning, Pattern, Sample, Span

HOSTILE = "a|b\n| c <script>alert(1)</script> [x](javascript:y) `code` *b* {{t}} \x07 <!-- --> & \u2028---"


def rendered(samples=None, **given):
    recording = card.Recording("урок", given.pop("source_video", "a.mp4"), 3700.0, 29.97, given.pop("language", ""))
    rows = [layout.row(made, Said()) for made in (samples if samples is not None else [sample(1)])]
    facts = {"pretty_name": "Урок", "recordings": (recording,), "language": given.pop("card_language", "en")}
    text = card.render(rows, card.CardFacts(**facts | given))
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
    assert "1 (1 h 1 min, 29.97 frames a second)" in body


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


def test_both_languages_have_the_same_sentences_with_the_same_fields():
    fields = {name: sorted(re.findall(r"{\w+}", text)) for name, text in EN.items()}
    assert fields == {name: sorted(re.findall(r"{\w+}", text)) for name, text in RU.items()}
    assert not [name for name, text in RU.items() if not text.strip()]


def test_a_russian_card_tells_the_same_facts():
    agreement = {"annotators": 2, "step_s": 0.1, "patterns": [{"pattern": "Похвала", "kappa": 0.5, "alpha": None, "f1": 1.0}]}
    told = {
        "speech_engines": ("whisper (tiny)",), "dropped": 3, "agreement": agreement, "corrected_segments": 7,
        "consent": Consent("internal", "cc-by-4.0", "2027-01-31"),
    }  # fmt: skip
    front, body = rendered([sample(1), sample(2, "2")], **told)
    front_ru, body_ru = rendered([sample(1), sample(2, "2")], **told, card_language="ru")
    assert front == front_ru, "what loaders and the Hub read is the same"
    numbers = [sorted(re.findall(r"\d+(?:\.\d+)?", re.sub(r"(\d),(\d)", r"\1.\2", text))) for text in (body, body_ru)]
    assert numbers[0] == numbers[1]
    assert "| Похвала | 0.50 | not defined | 1.00 |" in body and "| Похвала | 0,50 | не определено | 1,00 |" in body_ru
    assert "corrected by a person (segments corrected: 7)" in body and "исправлен человеком" in body_ru
    names = r"[a-z-]+\.mp4|cc-by|whisper|tiny|train|validation|test"
    words = re.sub(rf"<!--.*?-->|`[^`]*`|```.*?```|\(.*?\)|{names}", "", body_ru, flags=re.S)
    assert set(re.findall(r"[A-Za-z]{4,}", words)) <= {"Parquet", "Label", "Studio", "praise"}


def test_agreement_of_several_lessons_is_told_lesson_by_lesson_and_not_pooled():
    def lesson(name, kappa, alpha):
        entries = [{"pattern": "Похвала", "kappa": kappa, "alpha": alpha, "f1": None}]
        return {"lesson": name, "annotators": 2, "step_s": 0.1, "patterns": entries}

    told = {"agreement": {"lessons": [lesson("а", 0.5, None), lesson("б", 0.9, 0.25)]}}
    _, body = rendered(**told)
    assert "| Похвала | 2 | 0.70 (0.50–0.90) | 0.25 | not defined |" in body
    assert "(lessons: 2 of 1)" in body and "nothing is pooled" in body and "Grid of 0.1 s" in body
    _, body = rendered(**told, card_language="ru")
    assert "| Паттерн | Уроки | Каппа | Альфа | F1 |" in body and "| Похвала | 2 | 0,70 (0,50–0,90) | 0,25 |" in body
    assert "(уроков: 2 из 1)" in body


def test_limits_are_told():
    _, body = rendered(unmatched=("Новый",), dropped=3, notes=("A rough transcript",), speech_engines=("whisper (tiny)",))
    assert "pattern table and have no description: Новый." in body
    assert "3 marks or answers were left out" in body
    assert "- A rough transcript" in body
    assert "transcribed with whisper \\(tiny\\)" in body


def test_what_people_said_that_labels_mean_stands_in_the_card_of_both_languages():
    chosen = (Meaning("Хвалит | 👍", "Похвала", 3), Meaning("шум", "", 1))
    for language, title, left_out in (("en", "## Labels and what", "left out"), ("ru", "## Метки и то", "не вошла")):
        _, body = rendered([sample(1)], meanings=chosen, card_language=language)
        section = body.split(title)[1].split("## ")[0]
        assert "| Хвалит \\| 👍 | Похвала | 3 |" in section and f"| шум | {left_out} | 1 |" in section
    assert "what they were read as" not in rendered([sample(1)])[1]
    _, long = rendered([sample(1)], meanings=tuple(Meaning(f"м{n}", "Похвала", 1) for n in range(203)))
    assert len(re.findall(r"\| м\d+ \| Похвала \| 1 \|", long)) == 200 and "Further labels in `report.json`: 3." in long


def test_the_facts_of_a_report_hold_the_meanings_that_stand_beside_them():
    facts = card.CardFacts("Урок", (card.Recording("Урок", "a.mp4", 60.0, 25.0),), meanings=(Meaning("м", "Похвала", 2),))
    told = {"card": card.kept(facts), "meanings": [{"label": "м", "pattern": "Похвала", "marks": 2}]}
    assert card.facts_of(told, facts.consent, "", "en") == facts
    assert card.facts_of({"card": told["card"]}, facts.consent, "", "en").meanings == (), "an earlier report names none"


@pytest.mark.parametrize(
    ("count", "english", "russian"),
    [(1, "Clips of 1 lesson in which", "Клипы из 1 урока, в котором"), (2, "Clips of 2 lessons in", "Клипы из 2 уроков, в"),
     (21, "Clips of 21 lessons in", "Клипы из 21 урока, в котором")],
)  # fmt: skip
def test_counts_have_the_form_that_the_language_has_for_them(count, english, russian):
    assert counted(EN, "intro", count).startswith(english) and counted(RU, "intro", count).startswith(russian)


def test_notes_of_transcripts_are_told_in_the_language_of_the_card():
    _, body = rendered([sample(1)], notes=(INTERPOLATED, "Something new."), card_language="ru")
    assert "У слов нет собственного времени" in body and "Something new." in body and INTERPOLATED not in body
