"""Which row of the pattern table a label means."""

import pytest

from ppi.annotation.patterns import Codebook
from ppi.records import Pattern

BOOK = Codebook(
    (
        Pattern("Похвала", "praise"),
        Pattern("Эмоциональная поддержка", "support"),
        Pattern("П: Вопрос", "the teacher asks"),
        Pattern("У: Вопрос", "a student asks"),
        Pattern("Счёт вслух", "count"),
        Pattern("Педагог (рамка)", "box"),
        Pattern("Ирония У", "of a student"),
        Pattern("Feedback", "english"),
        Pattern("П", "one letter"),
        Pattern("Йод", "decomposed"),
    )
)


@pytest.mark.parametrize(
    ("label", "meaning"),
    [
        ("Похвала", "praise"), ("похвала", "praise"), ("  ПОХВАЛА  ", "praise"), ("😊 Похвала П", "praise"),
        ("Похвала У", "praise"), ("Похвала (П)", "praise"), ("П: Похвала", "praise"), ("П:Похвала", "praise"),
        ("У: похвала", "praise"), ("T: Похвала", "praise"), ("S: Похвала", "praise"), ("Похвала!", "praise"),
        ("«Похвала».", "praise"), ("Похвала 👍🏽", "praise"), ("👨‍🏫 П: Похвала 😊", "praise"), ("Похвала❤️", "praise"),
        ("Эмоциональная\u00a0 поддержка П", "support"), ("Эмоциональная\tподдержка", "support"),
        ("Счет вслух", "count"), ("СЧЁТ  ВСЛУХ У", "count"), ("Вопрос П", "the teacher asks"),
        ("❓ вопрос у", "a student asks"), ("T: Вопрос", "the teacher asks"), ("S: вопрос", "a student asks"),
        ("Педагог (рамка)", "box"), ("педагог (рамка", "box"), ("Ирония У", "of a student"), ("Ирония", "of a student"),
        ("feedback", "english"), ("T: Feedback", "english"), ("П", "one letter"), ("И\u0306од", "decomposed"),
        ("Похва\u00adла", "praise"), ("\ufeffПохвала\u200b", "praise"),
        ("Вопрос", None), ("Ирония П", None), ("Похвалы", None), ("", None), ("😊", None), ("question_t", None),
    ],
)  # fmt: skip
def test_a_label_means_the_row_that_differs_in_nothing_that_counts(label, meaning):
    found = BOOK.match(label)
    assert (found.description if found else None) == meaning


def test_a_label_that_is_unknown_gets_the_nearest_names():
    assert BOOK.suggest("Пахвала П") == ["Похвала"]
    assert BOOK.suggest("Вапрос") == ["П: Вопрос", "У: Вопрос"]
    assert BOOK.suggest("xyz") == []


def test_the_pattern_keeps_the_name_of_the_table():
    assert BOOK.match("вопрос у") == Pattern("У: Вопрос", "a student asks")
