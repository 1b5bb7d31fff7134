"""What a person chose that labels mean is applied to the marks, and nothing else changes."""

from __future__ import annotations

from ppi.annotation.meanings import applied, marks_of
from ppi.annotation.patterns import Codebook
from ppi.records import Annotation, Meaning, Pattern, Region, Span

BOOK = Codebook((Pattern("Похвала", "Хвалит"), Pattern("Объяснение", "Объясняет")))


def annotated(*labels: tuple[str, ...]) -> list[Annotation]:
    regions = tuple(Region(f"r{number}", "audio", Span(number, number + 1), given) for number, given in enumerate(labels))
    return [Annotation("7", "3", "1", "урок.mp4", "", regions)]


def labels_of(read) -> list[tuple[str, ...]]:
    return [region.labels for annotation in read.annotations for region in annotation.regions]


def test_a_label_is_read_as_the_pattern_it_means_and_every_use_is_counted():
    read = applied(annotated(("Обьяснение",), ("Похвала", "Обьяснение"), ("Прочее",)), {"Обьяснение": "Объяснение"}, BOOK)
    assert labels_of(read) == [("Объяснение",), ("Похвала", "Объяснение"), ("Прочее",)]
    assert read.used == (Meaning("Обьяснение", "Объяснение", 2),) and read.dropped == ()


def test_two_labels_of_a_mark_that_mean_the_same_become_one():
    read = applied(annotated(("Объяснение", "Обьяснение")), {"Обьяснение": "Объяснение"}, BOOK)
    assert labels_of(read) == [("Объяснение",)]


def test_a_label_that_is_left_out_is_named_and_its_mark_stays_when_it_has_another():
    read = applied(annotated(("тест",), ("тест", "Похвала")), {"тест": ""}, BOOK)
    assert labels_of(read) == [("Похвала",)]
    assert [(item.where, item.reason, item.detail) for item in read.dropped] == [
        ("task 3, annotation 7, region r0", "label_left_out", "тест"),
        ("task 3, annotation 7, region r1", "label_left_out", "тест"),
    ]


def test_a_meaning_that_the_table_lost_is_not_applied():
    read = applied(annotated(("Обьяснение",)), {"Обьяснение": "Пояснение"}, BOOK)
    assert labels_of(read) == [("Обьяснение",)] and read.used == ()


def test_a_mark_without_labels_stays_as_it_is():
    assert labels_of(applied(annotated((), ("тест",)), {"тест": ""}, BOOK)) == [()]


def test_labels_are_counted_in_the_order_of_their_first_use():
    assert list(marks_of(annotated(("б", "а"), ("а",))).items()) == [("б", 1), ("а", 2)]
