"""Praat's TextGrids: both forms, tiers as people or patterns, and what strangers may write into them."""

import time

import pytest
from praatio import textgrid as praatio_textgrid

from ppi.annotation import formats
from ppi.errors import AnnotationError
from tests.annotation.test_annotation_formats import ABOUT, annotation_of, flat, region

LONG = '''File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 10
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "anna"
        xmin = 0
        xmax = 10
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 1.5
            text = ""
        intervals [2]:
            xmin = 1.5
            xmax = 3.25
            text = "Похвала ""да"""
        intervals [3]:
            xmin = 3.25
            xmax = 10
            text = "item [1]:"
    item [2]:
        class = "TextTier"
        name = "boris"
        xmin = 0
        xmax = 10
        points: size = 1
        points [1]:
            number = 5
            mark = "Вопрос"
'''
SHORT = '''File type = "ooTextFile"
Object class = "TextGrid"

0
10
<exists>
2
"IntervalTier"
"anna"
0
10
3
0
1.5
""
1.5
3.25
"Похвала ""да"""
3.25
10
"item [1]:"
"TextTier"
"boris"
0
10
1
5
"Вопрос"
'''
MARKS = [("anna", "item [1]:", 3.25, 10.0), ("anna", 'Похвала "да"', 1.5, 3.25), ("boris", "Вопрос", 4.0, 6.0)]


def tier(name, *intervals):
    listed = "\n".join(f'{start_s} {end_s} "{text}"' for start_s, end_s, text in intervals)
    return f'"IntervalTier" "{name}" 0 10 {len(intervals)}\n{listed}\n'


def grid(*tiers, count=None):
    head = f'File type = "ooTextFile"\nObject class = "TextGrid"\n0 10 <exists> {len(tiers) if count is None else count}\n'
    return (head + "".join(tiers)).encode()


def read(data, **about):
    return formats.read(data.encode() if isinstance(data, str) else data, "lesson.TextGrid", **ABOUT | about)


def reasons(export):
    return [dropped.reason for dropped in export.dropped]


@pytest.mark.parametrize("text", [LONG, SHORT, LONG.replace("\n", "\r\n"), "! made by hand\n" + SHORT])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
def test_the_long_and_the_short_form_say_the_same_in_every_encoding(text, encoding):
    export = read(text.encode(encoding))
    assert flat(export.annotations) == MARKS
    assert [(dropped.reason, dropped.detail) for dropped in export.dropped] == [("point_widened", "1 x 2 s")]


@pytest.mark.parametrize(
    ("name", "texts", "who", "labels"),
    [("anna", ["A", "B"], "anna", ["A", "B"]), ("Паттерны@anna", ["A"], "anna", ["A"]), ("patterns", ["A"], "", ["A"]),
     ("tier 1", ["A"], "", ["A"]), ("", ["A"], "", ["A"]), ("Похвала", ["x", "x"], "", ["Похвала"] * 2),
     ("Похвала@anna", ["x"], "anna", ["Похвала"]), ("Похвала@", ["+"], "", ["Похвала"]), ("@anna", ["x"], "anna", ["x"]),
     ("anna", ["A", "x"], "anna", ["A", "anna"])],
)  # fmt: skip
def test_a_tier_is_a_person_when_its_texts_are_labels_and_a_pattern_when_they_are_ticks(name, texts, who, labels):
    intervals = [(number, number + 1, text) for number, text in enumerate(texts)]
    export = read(grid(tier(name, *intervals)))
    assert [(mark[0], mark[1]) for mark in flat(export.annotations)] == sorted((who, label) for label in labels)


def test_intervals_without_a_text_are_gaps_and_not_reported():
    export = read(grid(tier("anna", (0, 1, ""), (1, 2, " "), (2, 3, "A"))))
    assert flat(export.annotations) == [("anna", "A", 2.0, 3.0)] and export.dropped == ()


def test_intervals_outside_the_recording_get_their_reasons():
    export = read(grid(tier("anna", (-3, -1, "A"), (-1, 1, "B"), (2, 2, "C"), (3, 2, "D"), (599, 700, "E"), (600, 601, "F"))))
    assert flat(export.annotations) == [("anna", "B", 0.0, 1.0), ("anna", "E", 599.0, 600.0)]
    assert reasons(export) == ["outside_recording", "empty_range", "reversed_range", "outside_recording"]


def test_praatio_reads_what_is_written(tmp_path):
    """The field's own library agrees on tiers, times and texts, gaps included."""
    path = tmp_path / "lesson.TextGrid"
    marks = annotation_of(region(1.123456789, 2.5, "😊 A", 'B "q"'), region(2.5, 3.0, "две\nстроки"), annotator="anna")
    path.write_bytes(formats.write((marks,), "textgrid", duration_s=60.0))
    found = praatio_textgrid.openTextgrid(str(path), includeEmptyIntervals=True)
    assert found.tierNames == ("patterns@anna", "patterns-2@anna") and found.maxTimestamp == 60.0
    assert [tuple(entry) for entry in found.getTier("patterns@anna").entries] == [
        (0.0, 1.123456789, ""), (1.123456789, 2.5, 'B "q"'), (2.5, 3.0, "две\nстроки"), (3.0, 60.0, ""),
    ]  # fmt: skip


def test_times_without_an_exponent_are_written_where_python_would_use_one():
    data = formats.write((annotation_of(region(0.00001, 0.5, "A")),), "textgrid", duration_s=1.0)
    assert b"e-" not in data and flat(formats.read(data, "").annotations) == [("anna", "A", 0.00001, 0.5)]


@pytest.mark.parametrize(
    ("data", "match"),
    [(b"ooBinaryFile\x08TextGrid", "Save as text file"),
     ('File type = "ooTextFile"\nObject class = "Sound 2"\n0 1', "not a TextGrid"),
     ('File type = "ooTextFile"\nObject class = "TextGrid"', "cut off in item \\[\\]"),
     (LONG[:400], "cut off in item .1.|closing quote"),
     (SHORT[:-12], r"item \[2\]"), (grid(count=5), "cut off in item .1."), (grid(count=10**12), "cut off in item \\[\\]"),
     (grid(count=999_999), "counts"), (grid(count=-1), "counts"), (grid(count="1.5"), "counts"),
     (grid(count="NaN"), r"item \[\]"),
     (grid(tier("a", ("NaN", 1, "A"))), r"item \[1\]"), (grid(tier("a", ("1e99", 2, "A"))), r"item \[1\]"),
     (grid(tier("a", ("9" * 5000, 2, "A"))), r"item \[1\]"), (grid('"Other" "a" 0 1 0'), "kind 'Other'"),
     (grid('"IntervalTier" "a" 0 1 1 0 1 "no end'), "closing quote"), (grid('"IntervalTier" 0 1 1'), r"item \[1\]"),
     (b'File type = "ooTextFile"\n\x98\xff', "UTF-8"), ("ooTextFile \0", "PPI knows")],
)  # fmt: skip
def test_broken_files_are_refused_in_words(data, match):
    with pytest.raises(AnnotationError, match=match):
        read(data)


@pytest.mark.parametrize(
    "filler", [b"a " * 4_000_000, b'"' * 4_000_001, b'""' * 4_000_000, b"<" * 4_000_000, b"1 " * 4_000_000, b"! " * 4_000_000]
)
def test_megabytes_of_nonsense_are_refused_in_seconds(filler):
    began = time.monotonic()
    with pytest.raises(AnnotationError):
        read(b'"ooTextFile" "TextGrid" 0 1 <exists> ' + filler)
    assert time.monotonic() - began < 10


def test_a_tier_of_more_marks_than_any_lesson_has_is_refused():
    with pytest.raises(AnnotationError, match="more than 100000 marks"):
        read(grid(tier("a", *((number, number + 1, "A") for number in range(100_001)))), duration_s=None)
