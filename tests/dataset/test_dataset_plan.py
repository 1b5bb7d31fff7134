"""From regions to samples."""

import random

import pytest

from ppi.annotation.patterns import Codebook
from ppi.dataset import layout
from ppi.dataset.plan import plan
from ppi.dataset.texts import Said
from ppi.errors import DatasetError
from ppi.records import Annotation, Dropped, Pattern, Region, Span

BOOK = Codebook((Pattern("Похвала", "praise"), Pattern("Вопрос", "question")))
FACTS = {"duration_s": 12.0, "lesson": "урок", "source_video": "a.mp4", "frame_rate": 25.0}


def region(start_s, end_s, *labels, name="r"):
    return Region(name, "audio", Span(start_s, end_s), labels or ("Похвала",))


def by(annotator, *regions, lesson_id=""):
    return Annotation(f"a{annotator}", "1", annotator, "", lesson_id, regions)


def planned(*annotations, **given):
    return plan(annotations, BOOK.match, **FACTS | given)


def test_labels_of_one_annotator_over_one_span_are_one_sample():
    made = planned(by("1", region(1, 2, "Похвала П", name="r1"), region(1.019, 1.981, "❓Вопрос", name="r2")))
    assert len(made.samples) == 1
    assert made.samples[0].patterns == (Pattern("Похвала", "praise"), Pattern("Вопрос", "question"))
    assert made.samples[0].span == Span(1, 2)
    assert made.samples[0].region_ids == ("r1", "r2")


def test_answers_about_the_regions_of_a_sample_are_put_together_each_once():
    one = Region("r1", "audio", Span(1, 2), ("Похвала",), {"initiator": ("Педагог",)}, {"why": ("громко",)})
    two = Region("r2", "audio", Span(1, 2), ("Вопрос",), {"initiator": ("Педагог", "Ученик"), "sub": ("Юмор",)})
    sample = planned(by("1", one, two), teacher="T7").samples[0]
    assert sample.choices == {"initiator": ("Педагог", "Ученик"), "sub": ("Юмор",)}
    assert sample.comments == {"why": ("громко",)}
    row = layout.row(sample, Said())
    assert row["choices"] == [{"name": "initiator", "values": ["Педагог", "Ученик"]}, {"name": "sub", "values": ["Юмор"]}]
    assert row["comments"] == [{"name": "why", "values": ["громко"]}]
    assert (row["teacher"], row["regions"]) == ("T7", ["r1", "r2"])


def test_spans_that_differ_by_exactly_half_a_frame_are_one_sample():
    assert 1.02 - 1.0 > 0.5 / 25  # by the last bit only
    assert len(planned(by("1", region(1.0, 2), region(1.02, 2))).samples) == 1


@pytest.mark.parametrize("end_s", [2.021, 1.979, 3.0])
def test_spans_that_differ_by_more_than_half_a_frame_are_two_samples(end_s):
    assert len(planned(by("1", region(1, 2), region(1, end_s))).samples) == 2


def test_spans_at_all_offsets_join_exactly_within_half_a_frame():
    chance = random.Random(5)
    for _ in range(2000):
        start_s, shift_s = chance.uniform(0, 8), chance.uniform(-0.05, 0.05)
        made = planned(by("1", region(start_s, start_s + 1), region(start_s, start_s + 1 + shift_s)))
        assert len(made.samples) == (1 if abs(shift_s) <= 0.02 else 2), (start_s, shift_s)


def test_the_same_pattern_twice_over_one_span_counts_once():
    assert len(planned(by("1", region(1, 2, "Похвала", "Похвала П", "П: похвала"))).samples[0].patterns) == 1


def test_annotators_stay_apart_and_samples_are_numbered_by_time_then_annotator():
    made = planned(by("2", region(5, 6), region(1, 2)), by("1", region(5, 6)), by("2", region(5, 7)))
    assert [(s.id, s.span.start_s, s.span.end_s, s.annotator) for s in made.samples] == [
        ("pattern_1", 1, 2, "2"), ("pattern_2", 5, 6, "1"), ("pattern_3", 5, 6, "2"), ("pattern_4", 5, 7, "2")
    ]  # fmt: skip
    assert {(s.lesson, s.source_video, s.split) for s in made.samples} == {("урок", "a.mp4", "train")}


def test_a_label_the_table_lacks_is_kept_under_its_own_name_and_reported():
    made = planned(by("1", region(1, 2, "  Новый\n паттерн 😊", "Похвала")))
    assert made.samples[0].patterns == (Pattern("Новый паттерн 😊", ""), Pattern("Похвала", "praise"))
    assert made.unmatched == ("  Новый\n паттерн 😊",)


def test_a_label_the_table_lacks_can_be_left_out_and_is_reported_still():
    made = planned(by("1", region(1, 2, "Новый"), region(3, 4, "Новый", "Вопрос")), include_unmatched=False)
    assert [sample.patterns for sample in made.samples] == [(Pattern("Вопрос", "question"),)]
    assert made.samples[0].id == "pattern_1"
    assert [dropped.reason for dropped in made.dropped] == ["not_in_pattern_table"] * 2
    assert made.unmatched == ("Новый",)


def test_regions_shorter_than_a_frame_are_dropped_and_those_of_one_frame_kept():
    made = planned(by("1", region(1, 1.039, name="short"), region(3.96, 4.0), region(12.5, 13), region(11.99, 13)))
    assert [sample.span for sample in made.samples] == [Span(3.96, 4.0)]
    assert [(dropped.where, dropped.reason) for dropped in made.dropped] == [
        ("task 1, annotation a1, region short", "shorter_than_a_frame"),
        ("task 1, annotation a1, region r", "outside_recording"),
        ("task 1, annotation a1, region r", "shorter_than_a_frame"),
    ]


def test_annotations_of_other_lessons_are_dropped_when_some_are_of_this_one():
    given = by("1", region(1, 2), lesson_id="L1"), by("2", region(1, 2), lesson_id="L2"), by("3", region(1, 2))
    made = planned(*given, lesson_id="L1")
    assert [sample.annotator for sample in made.samples] == ["1", "3"]
    assert [dropped.reason for dropped in made.dropped] == ["other_lesson"]


def test_annotations_of_a_lesson_that_was_uploaded_anew_are_kept():
    assert len(planned(by("1", region(1, 2), lesson_id="old"), lesson_id="new").samples) == 1


def test_a_plan_without_samples_says_why():
    made = planned(by("1", region(1, 1.001))).with_dropped([Dropped("x", "cancelled"), Dropped("y", "cancelled")])
    with pytest.raises(DatasetError, match=r"cancelled \(2\), shorter_than_a_frame \(1\)"):
        made.require_samples()
    with pytest.raises(DatasetError, match="no marked region"):
        planned().require_samples()
