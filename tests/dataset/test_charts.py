"""The numbers behind the figures: every sample is counted, and drawings stay small however many there are."""

from __future__ import annotations

from ppi.dataset import charts


def row(start_s: float, end_s: float, *names: str, annotator: str = "1", lesson: str = "Урок") -> dict:
    patterns = [{"type": name, "description": ""} for name in names]
    return {"start_time": start_s, "end_time": end_s, "patterns": patterns, "annotator": annotator, "lesson": lesson}


def timeline(rows: list[dict], length_s: float) -> charts.Timeline:
    return charts.timeline(rows, length_s, charts.places(rows, {}))


def test_bars_go_from_the_largest_to_the_smallest_and_share_the_largest_one():
    counts, times_s = charts.by_pattern([row(0, 2, "а", "б"), row(5, 9, "б")])
    assert counts == {"а": 1, "б": 2} and times_s == {"а": 2, "б": 6}
    bars = charts.bars(counts, {"б": 3})
    assert [(bar.name, bar.value, bar.share, bar.place) for bar in bars] == [("б", 2, 1.0, 3), ("а", 1, 0.5, charts.REST)]


def test_every_length_falls_into_one_class_and_empty_ends_are_left_out():
    found = charts.lengths([row(0, 1, "а"), row(0, 1.99, "а"), row(0, 7.5, "а"), row(0, 500, "а")])
    assert found[0] == (1, 2, 2) and found[-1] == (120, None, 1)
    assert (5, 8, 1) in found and (2, 3, 0) in found
    assert sum(count for *_, count in found) == 4
    assert charts.lengths([]) == []


def test_a_lane_belongs_to_one_annotator_of_one_lesson_and_the_shorter_mark_is_seen():
    line = timeline([row(0, 60, "а"), row(20, 40, "б"), row(0, 30, "а", annotator="2")], 60.0)
    one, two = line.lanes
    assert (one.annotator, one.samples, one.marked_s, two.annotator) == ("1", 2, 80, "2")
    assert line.colours == (("а", 1), ("б", 2))
    assert one.marks == {1: [(0, 100), (200, 100)], 2: [(100, 100)]}
    assert two.marks == {1: [(0, 150)]} and not line.has_rest


def test_a_mark_of_a_moment_at_the_very_end_is_still_drawn():
    line = timeline([row(59.999, 60, "а")], 60.0)
    assert line.lanes[0].marks == {1: [(charts.COLUMNS - 1, 1)]}


def test_patterns_behind_the_eighth_share_one_colour():
    rows = [row(second, second + 1, name) for second, name in enumerate("абвгдежза")]
    assert not timeline(rows, 9.0).has_rest
    assert timeline([*rows, row(9, 10, "и")], 10.0).has_rest


def test_a_pattern_has_the_colour_of_its_place_in_the_table_however_often_it_occurs():
    rows = [row(0, 1, "в"), row(1, 2, "в"), row(2, 3, "а"), row(3, 4, "новый")]
    assert charts.places(rows, {"colours": ["а", "б", "в"]}) == {"в": 3, "а": 1, "новый": 4}
    assert charts.places(rows, {}) == {"в": 1, "а": 2, "новый": 3}


def test_thousands_of_marks_draw_no_more_runs_than_there_are_columns():
    rows = [row(second, second + 0.5, "аб"[second % 2]) for second in range(5_000)]
    (lane,) = timeline(rows, 5_000.0).lanes
    assert lane.samples == 5_000
    assert sum(map(len, lane.marks.values())) <= charts.COLUMNS
