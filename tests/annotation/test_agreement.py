"""Agreement of annotators: published worked examples, what must hold for any marks, and what has no value."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from ppi.annotation import agreement, kept_agreement, moments
from ppi.annotation.moments import Mark
from ppi.annotation.patterns import Codebook
from ppi.errors import AnnotationError
from ppi.records import Annotation, Dropped, Pattern, Region, Span
from tests.conftest import ROOT


def by(annotator: str, *marks: tuple[float, float, str], id: str = "", task_id: str = "1") -> Annotation:
    """An annotation of the marks (start_s, end_s, label)."""
    regions = tuple(Region(f"r{n}", "audio", Span(start, end), (label,)) for n, (start, end, label) in enumerate(marks))
    return Annotation(id or annotator, task_id, annotator, "", "", regions)


def compared(*annotations: Annotation, duration_s: float = 50.0, **given) -> agreement.Agreement:
    return agreement.compare([annotations], duration_s=duration_s, **given)


def figures(found: agreement.Agreement, pattern: str = "P") -> agreement.PatternFigures:
    return next(entry for entry in found.patterns if entry.pattern == pattern)


def at_random(seed: int, annotator: str, count: int = 40, duration_s: float = 600.0) -> Annotation:
    dice = random.Random(seed)
    starts = [dice.uniform(0, duration_s - 20) for _ in range(count)]
    return by(annotator, *((start, start + dice.uniform(0.5, 20), dice.choice("PQR")) for start in starts))


@pytest.mark.parametrize("both, only_one, only_other, neither, kappa", [
    (20, 5, 10, 15, 0.4), (45, 15, 25, 15, 0.1304), (25, 35, 5, 35, 0.2593),
])  # fmt: skip
def test_kappa_is_that_of_published_examples(both, only_one, only_other, neither, kappa):
    """The grant proposals and the two tables of equal agreement in Wikipedia's article "Cohen's kappa"."""
    found = agreement.cohen_kappa(neither, only_other, only_one, both)
    assert found == pytest.approx(kappa, abs=5e-5)
    end = both + only_one
    one = by("1", (0, end, "P"))
    other = by("2", (only_one, end + only_other, "P"))
    on_grid = compared(one, other, duration_s=float(end + only_other + neither), step_s=1.0)
    assert figures(on_grid).kappa == pytest.approx(kappa, abs=5e-5)


def test_alpha_is_that_of_krippendorff_s_example_of_two_observers_and_binary_data():
    """K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section A: 0.095."""
    ones = {"1": "0100000010", "2": "1110010000"}
    marked = [by(name, *((n, n + 1, "P") for n, c in enumerate(row) if c == "1")) for name, row in ones.items()]
    assert figures(compared(*marked, duration_s=10.0, step_s=1.0)).alpha == pytest.approx(0.095, abs=5e-4)


def test_alpha_is_that_of_krippendorff_s_example_of_four_observers_with_missing_data():
    """The same paper, section C: 0.743. Its data as counts of the values 1 to 5 in each of the twelve units."""
    observers = ["1 2 3 3 2 1 4 1 2 . . .", "1 2 3 3 2 2 4 1 2 5 . 3", ". 3 3 3 2 3 4 2 2 5 1 .", "1 2 3 3 2 4 4 1 2 5 1 ."]
    table = [row.split() for row in observers]
    counts = np.array([[[row[unit] for row in table].count(str(value)) for value in range(1, 6)] for unit in range(12)])
    assert agreement.nominal_alpha(counts) == pytest.approx(0.743, abs=5e-4)


@pytest.mark.parametrize("both, only_one, only_other, f1", [(3, 1, 2, 0.667), (1, 1, 0, 0.667), (2, 0, 0, 1.0), (0, 0, 2, 0.0)])
def test_f1_is_that_of_a_published_example(both, only_one, only_other, f1):
    """The table of two annotators in the documentation of chart-review 2.2, which compares annotations of Label Studio."""
    shared = [(10 * n, 10 * n + 4, "P") for n in range(both)]
    ones = [(100 + 10 * n, 104 + 10 * n, "P") for n in range(only_one)]
    others = [(200 + 10 * n, 204 + 10 * n, "P") for n in range(only_other)]
    found = compared(by("1", *shared, *ones), by("2", *shared, *others), duration_s=300.0)
    assert figures(found).f1 == pytest.approx(f1, abs=5e-4)


def test_overlap_is_that_of_a_sum_done_by_hand():
    """[2, 8) and [4, 10): 4 seconds in common, 8 in all."""
    assert moments.iou(Span(2, 8), Span(4, 10)) == pytest.approx(0.5)
    assert moments.iou(Span(2, 8), Span(8, 10)) == 0.0
    found = figures(compared(by("1", (2, 8, "P"), (20, 22, "P")), by("2", (4, 10, "P"), (21, 26, "P"), (40, 41, "P"))))
    # 4/8 is a match, 1/6 is none: one pair among two and three intervals.
    assert (found.pairs[0].matched, found.f1) == (1, pytest.approx(2 / 5))
    assert found.pairs[0].both_s == pytest.approx(5.0)


def test_matching_finds_more_pairs_than_taking_the_nearest_first():
    """[10, 14) is nearest to [11, 15) but fits [9, 13) too; [12, 16) fits [11, 15) only."""
    ones = [Mark(Span(*span), "P", "1") for span in ((10, 14), (12, 16))]
    others = [Mark(Span(*span), "P", "2") for span in ((8.9, 13), (11, 15))]
    pairs = {(mine.span.start_s, theirs.span.start_s) for mine, theirs in moments.matched(ones, others)}
    assert pairs == {(10, 8.9), (12, 11)}


def test_matching_prefers_more_pairs_to_more_overlap():
    """By hand: 6/10 + 10/20 + 20/40 of three pairs are less than the 1 + 1 of the two that are equal."""
    ones = [Mark(Span(0, end), str(end), "1") for end in (10, 20, 40)]
    others = [Mark(Span(0, end), str(end), "2") for end in (6, 10, 20)]
    pairs = {(mine.span.end_s, theirs.span.end_s) for mine, theirs in moments.matched(ones, others)}
    assert pairs == {(10, 6), (20, 10), (40, 20)}


def test_annotators_who_marked_the_same_agree_wholly():
    for seed in range(5):
        found = compared(at_random(seed, "1"), at_random(seed, "2"), at_random(seed, "3"), duration_s=600.0)
        assert {entry.pattern for entry in found.patterns} == {"P", "Q", "R"}
        for entry in found.patterns:
            assert (entry.kappa, entry.alpha, entry.f1) == pytest.approx((1.0, 1.0, 1.0))
        assert found.disagreements == () and found.moments
        assert all(mine == theirs for confusion in found.confusions for mine, theirs, _ in confusion.counts)


def test_swapping_two_annotators_keeps_every_figure():
    for seed in range(5):
        one, other = at_random(seed, "1"), at_random(seed + 100, "2")
        here = compared(one, other, duration_s=600.0)
        there = compared(replace(one, annotator="2"), replace(other, annotator="1"), duration_s=600.0)
        for entry, swapped in zip(here.patterns, there.patterns, strict=True):
            assert (entry.kappa, entry.alpha, entry.f1) == pytest.approx((swapped.kappa, swapped.alpha, swapped.f1))
        turned = sorted((theirs, mine, count) for mine, theirs, count in there.confusions[0].counts)
        assert turned == list(here.confusions[0].counts)


def test_annotators_who_marked_by_chance_agree_by_chance():
    one, other = at_random(1, "1", 600, 36_000.0), at_random(2, "2", 600, 36_000.0)
    for entry in compared(one, other, duration_s=36_000.0).patterns:
        assert abs(entry.kappa) < 0.1 and abs(entry.alpha) < 0.1


def test_a_pattern_that_nobody_marked_has_no_figures():
    found = figures(compared(by("1", (1, 2, "P")), by("2", (1, 2, "P")), names=["P", "Never"]), "Never")
    assert (found.kappa, found.alpha, found.f1) == (None, None, None)
    assert found.marks == {"1": 0, "2": 0}


def test_a_pattern_over_the_whole_recording_has_no_kappa_but_an_f1():
    found = figures(compared(by("1", (0, 50, "P")), by("2", (0, 50, "P"))))
    assert (found.kappa, found.alpha, found.f1) == (None, None, 1.0)


def test_a_pattern_that_one_of_two_marked_is_agreement_by_chance_and_no_match():
    found = compared(by("1", (10, 20, "P")), by("2", (30, 31, "Q")))
    assert (figures(found).kappa, figures(found).f1) == (pytest.approx(0.0), 0.0)
    assert figures(found).alpha < 0
    assert dict(figures(found).marks) == {"1": 1, "2": 0}


def test_somebody_who_finished_without_a_mark_is_an_annotator():
    found = compared(by("1", (10, 20, "P")), by("2"))
    assert found.annotators == ("1", "2")
    assert [moment.kind for moment in found.disagreements] == ["missing"]


def test_a_comparison_that_was_packed_is_the_same_again_and_tells_how_far_it_is():
    told = []
    found = compared(
        by("1", (0, 10, "P"), (20, 30, "Q")), by("2", (1, 9, "P"), (20, 30, "R")), by("3"), chosen=["1", "2"],
        on_progress=lambda *given: told.append(given),
    )  # fmt: skip
    found = replace(found, dropped=(Dropped("region 1", "no_time", "x"),))
    assert found.moments and found.confusions and kept_agreement.unpacked(kept_agreement.packed(found)) == found
    shares = [share for everybody, count, share in told if (list(everybody), count) == (["1", "2", "3"], 2)]
    assert len(shares) == len(told) and shares == sorted(shares) and (shares[0], shares[-1]) == (0.0, 1.0)


def test_one_annotator_is_compared_with_nobody():
    found = compared(by("1", (10, 20, "P")))
    assert (found.annotators, found.patterns, found.confusions, found.moments) == (("1",), (), (), ())


def test_overlapping_patterns_are_tracks_of_their_own():
    one = by("1", (0, 10, "P"), (5, 15, "Q"))
    found = compared(one, replace(one, annotator="2"))
    assert [(entry.pattern, entry.kappa) for entry in found.patterns] == [("P", 1.0), ("Q", 1.0)]


def test_overlapping_marks_of_one_pattern_by_one_annotator_are_one():
    found = compared(by("1", (0, 6, "P"), (4, 10, "P"), (10, 12, "P")), by("2", (0, 10, "P"), (10, 12, "P")))
    assert figures(found).f1 == 1.0 and dict(figures(found).marks) == {"1": 2, "2": 2}


def test_marks_between_two_points_of_the_grid_are_counted():
    found = figures(compared(by("1", (1.1, 1.4, "P"), (5, 7, "P")), by("2", (5, 7, "P")), step_s=1.0))
    assert found.between == 1 and found.kappa == 1.0


def test_points_of_the_grid_lie_in_the_middle_of_their_units():
    point = figures(compared(by("1", (0.12, 0.18, "P")), by("2", (0.12, 0.18, "P")), duration_s=1.0))
    assert (point.between, point.pairs[0].both_s) == (0, pytest.approx(0.1)), "0.15 is a point"
    nothing = figures(compared(by("1", (0.16, 0.24, "P")), by("2", (0.16, 0.24, "P")), duration_s=1.0))
    assert (nothing.between, nothing.pairs[0].both_s) == (2, 0.0), "0.2 is none"
    found = compared(by("1", (0.15, 0.45, "P")), by("2", (0.25, 0.45, "P")), duration_s=1.0)
    assert found.units == 10
    # Units 1, 2, 3 against 2, 3: po 9/10, pe (3 * 2 + 7 * 8) / 100.
    assert figures(found).kappa == pytest.approx((0.9 - 0.62) / (1 - 0.62))


@pytest.mark.parametrize("step_s", [0.0, 0.019, 10.1, float("nan")])
def test_a_step_out_of_bounds_is_refused(step_s):
    with pytest.raises(AnnotationError, match=r"0\.02 to 10\.0"):
        compared(by("1"), by("2"), step_s=step_s)


def test_a_grid_that_would_not_fit_into_memory_is_refused():
    with pytest.raises(AnnotationError, match="longer step"):
        compared(by("1"), by("2"), duration_s=1e9)


def test_more_marks_than_memory_is_lent_for_are_refused(monkeypatch):
    monkeypatch.setattr(moments, "MAX_MARKS", 3)
    with pytest.raises(AnnotationError, match="more than 3 marks"):
        compared(by("1", (0, 1, "P"), (2, 3, "P")), by("2", (0, 1, "P"), (2, 3, "P")))


def test_marks_over_each_other_that_memory_is_not_lent_for_are_refused(monkeypatch):
    monkeypatch.setattr(moments, "MAX_CELLS", 3)
    with pytest.raises(AnnotationError, match="lie over each other"):
        compared(by("1", (0, 9, "P"), (1, 9, "Q")), by("2", (2, 9, "R"), (3, 9, "S")))


def test_too_many_annotators_are_refused():
    with pytest.raises(AnnotationError, match="More than 50 annotators"):
        compared(*(by(str(number)) for number in range(51)))


def test_the_confusion_matrix_counts_what_was_called_otherwise():
    one = by("1", (0, 10, "P"), (20, 30, "P"), (40, 42, "P"))
    other = by("2", (0, 10, "P"), (21, 30, "Q"), (45, 48, "Q"))
    assert compared(one, other).confusions[0].counts == (("", "Q", 1), ("P", "", 1), ("P", "P", 1), ("P", "Q", 1))


def test_every_interval_stands_once_in_the_confusion_matrix():
    one, other = at_random(3, "1"), at_random(4, "2")
    found = compared(one, other, duration_s=600.0)
    counts = found.confusions[0].counts
    assert sum(count for mine, _, count in counts if mine) == sum(entry.marks["1"] for entry in found.patterns)
    assert sum(count for _, theirs, count in counts if theirs) == sum(entry.marks["2"] for entry in found.patterns)
    for entry in found.patterns:
        assert dict(((a, b), n) for a, b, n in counts).get((entry.pattern, entry.pattern), 0) == entry.pairs[0].matched


def test_a_disagreement_says_why():
    one = by("1", (0, 4, "P"), (10, 20, "P"), (30, 34, "P"), (40, 44, "P"))
    other = by("2", (0.2, 4, "P"), (10, 14, "P"), (15, 20, "P"), (33, 38, "P"), (40, 44, "Q"))
    found = compared(one, other)
    assert [(moment.span.start_s, moment.pattern, moment.kind) for moment in found.moments] == [
        (0, "P", "agreed"), (10, "P", "split"), (30, "P", "bounds"), (40, "P", "missing"), (40, "Q", "missing"),
    ]  # fmt: skip
    assert found.disagreements[1].span == Span(30, 38)
    assert [mark.pattern for mark in found.disagreements[2].instead] == ["Q"]


def test_a_moment_keeps_its_id_while_its_marks_stay():
    one, other = by("1", (0, 4, "P"), (10, 20, "P")), by("2", (30, 34, "P"))
    before = {moment.span: moment.id for moment in compared(one, other).moments}
    after = {moment.span: moment.id for moment in compared(one, by("2", (30, 35, "P"))).moments}
    assert before[Span(0, 4)] == after[Span(0, 4)]
    assert before[Span(30, 34)] not in after.values()
    assert len(set(before.values())) == 3


def test_three_annotators_agree_only_when_all_do():
    two = by("1", (0, 4, "P")), by("2", (0, 4, "P"))
    assert compared(*two, by("3", (0, 4, "P"))).disagreements == ()
    found = compared(*two, by("3"))
    assert found.disagreements[0].annotators == ("1", "2")
    assert [(pair.one, pair.other, pair.f1) for pair in figures(found).pairs] == [
        ("1", "2", 1.0), ("1", "3", 0.0), ("2", "3", 0.0),
    ]  # fmt: skip
    assert figures(found).f1 == pytest.approx(1 / 3)


def test_annotators_stand_in_the_order_of_their_numbers():
    found = compared(by("10", (0, 4, "P")), by("9", (0, 4, "P")), by("2", (0, 4, "P"), (8, 9, "P")))
    assert found.annotators == found.moments[0].annotators == ("2", "9", "10")


@pytest.mark.slow
def test_three_hours_of_twenty_annotators_take_bounded_memory():
    """In a process of its own, whose largest size counts the libraries too."""
    script = """
import random
from ppi.annotation import agreement
from ppi.records import Annotation, Region, Span
dice = random.Random(1)
truth = [(dice.uniform(0, 10_780), dice.uniform(2, 20), f"P{dice.randrange(30)}") for _ in range(400)]
people = []
for number in range(20):
    ends = [(start + dice.random(), start + length + dice.random(), name) for start, length, name in truth]
    regions = tuple(Region(f"r{n}", "audio", Span(*given[:2]), given[2:]) for n, given in enumerate(ends))
    people.append(Annotation(str(number), "1", str(number), "", "", regions))
found = agreement.compare([people], duration_s=10_800.0)
assert found.units == 108_000 and len(found.confusions) == 190 and len(found.patterns) == 30
assert all(entry.kappa > 0.7 for entry in found.patterns)
# Not of getrusage: that figure begins with what the parent had.
(most,) = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(int(most.split()[1]) // 1024)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 500


def test_some_annotators_can_be_chosen():
    all_three = by("1", (0, 4, "P")), by("2", (0, 4, "P")), by("10", (9, 12, "P"))
    found = compared(*all_three, chosen=["2", "1", "nobody"])
    assert found.annotators == ("1", "2") and found.everybody == ("1", "2", "10")
    assert compared(*all_three, chosen=["1"]).annotators == ("1", "2", "10")


def test_the_same_number_in_two_exports_is_two_people():
    found = agreement.compare([[by("1", (0, 4, "P"))], [by("1", (8, 9, "P")), by("7")]], duration_s=50.0)
    assert found.annotators == ("1:1", "2:1", "7")
    one_each = agreement.compare([[by("1", (0, 4, "P"))], [by("2", (8, 9, "P"))]], duration_s=50.0)
    assert one_each.annotators == ("1", "2")


def test_an_annotation_that_stands_in_two_exports_counts_once():
    one, other = by("1", (0, 4, "P")), by("2", (0, 4, "P"))
    found = agreement.compare([[one, other], [one]], duration_s=50.0)
    assert found.annotators == ("1", "2")
    assert [(entry.where[:6], entry.reason) for entry in found.dropped] == [("file 2", "duplicate_annotation")]


def test_labels_mean_patterns_as_they_do_in_a_dataset():
    codebook = Codebook((Pattern("Похвала", ""),))
    found = compared(by("1", (0, 4, "😊 похвала П"), (5, 6, "other")), by("2", (0, 4, "П: Похвала"), (5, 6, "Other!")))
    assert [entry.pattern for entry in found.patterns] == ["other", "😊 похвала П"]
    named = compared(by("1", (0, 4, "😊 похвала П")), by("2", (0, 4, "П: Похвала")), match=codebook.match)
    assert [(entry.pattern, entry.f1) for entry in named.patterns] == [("Похвала", 1.0)]
