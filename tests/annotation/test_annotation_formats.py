"""One entry for all formats: recognised by content, and what is written comes back."""

import json
import random
from pathlib import Path

import pytest

from ppi.annotation import formats, marks
from ppi.errors import AnnotationError
from ppi.records import Annotation, Region, Span

EXPORTS = Path(__file__).parent.parent / "data" / "label_studio"
LESSON = {"frame_rate": 25.0, "duration_s": 600.0, "video_name": "урок 1.mp4", "lesson_id": "L1"}
ABOUT = {name: LESSON[name] for name in ("frame_rate", "duration_s", "video_name")}
# How far a time may move in each format.
RESOLUTION_S = {"eaf": 0.0005, "boris": 0.0005, "boris_project": 0.0, "textgrid": 0.0, "csv": 0.0, "json_min": 0.0, "json": 0.0}
LABELS = (
    "Похвала", "😊 Похвала П", "👩‍🏫", 'Он сказал: "да"', '"', '""', "две\nстроки", "a,b;c\td", "item [1]: x", "intervals [2]",
    'text = "x"', "<b>&amp;</b>", "]]>", "!comment", "<exists>", "1", "x", "-5", "=1+1", "'apostrophe", "'=1", "@", "x@y",
    "ё" * 999, "\\", "NaN", "STOP",
    "РУССКИЙ  два пробела", "ｆｕｌｌ　ｗｉｄｔｈ", "عربى", "\u00a0неразрывный\u00a0пробел", "{", "[", "#",
)  # fmt: skip
ANNOTATORS = ("", "5", "anna", "Анна Петровна", "a@school.example", '"кавычки"', "-1", "=2", "две\nстроки", "😊")


def annotation_of(*regions, annotator="anna", task="1"):
    return Annotation("1", task, annotator, "", "", tuple(regions))


def region(start_s, end_s, *labels, id="r"):
    return Region(id, "mark", Span(start_s, end_s), labels)


def flat(annotations):
    """(annotator, label, start, end) of every mark, sorted."""
    return sorted(
        (a.annotator, label, r.span.start_s, r.span.end_s) for a in annotations for r in a.regions for label in r.labels
    )


def there_and_back(annotations, kind):
    data = formats.write(tuple(annotations), kind, **LESSON)
    return formats.read(data, f"урок{formats.TARGETS[kind].suffix}", **ABOUT)


def assert_same(found, given, within_s):
    assert [mark[:2] for mark in found] == [mark[:2] for mark in given]
    for one, other in zip(found, given, strict=True):
        assert one[2] == pytest.approx(other[2], abs=within_s + 1e-9) and one[3] == pytest.approx(other[3], abs=within_s + 1e-9)


every_target = pytest.mark.parametrize("kind", formats.TARGETS)


@every_target
@pytest.mark.parametrize("label", LABELS)
def test_every_label_comes_back_letter_by_letter(kind, label):
    export = there_and_back([annotation_of(region(1.0, 2.5, label.strip()))], kind)
    assert flat(export.annotations) == [("anna", label.strip(), 1.0, 2.5)] and export.dropped == ()


@every_target
@pytest.mark.parametrize("annotator", ANNOTATORS)
def test_every_annotator_comes_back(kind, annotator):
    given = [annotation_of(region(1.0, 2.5, "A"), annotator=annotator), annotation_of(region(3.0, 4.0, "B"), annotator="other")]
    assert flat(there_and_back(given, kind).annotations) == flat(given)


@every_target
@pytest.mark.parametrize("seed", range(12))
def test_any_marks_come_back_within_the_resolution_of_the_format(kind, seed):
    """Overlapping, touching, nested and equal spans of several annotators, with several labels each."""
    dice = random.Random(seed)
    given = []
    for annotator in dice.sample(ANNOTATORS, dice.randint(1, 4)):
        regions = []
        for number in range(dice.randint(1, 25)):
            start_s = dice.choice([dice.uniform(0, 590), float(dice.randint(0, 50)), 0.0])
            length_s = dice.choice([dice.uniform(0.002, 9), 1.0, 0.04])
            regions.append(region(start_s, start_s + length_s, *dice.sample(LABELS[:24], dice.randint(1, 3)), id=f"r{number}"))
        given.append(annotation_of(*regions, annotator=annotator))
    plain = [(a, label.strip(), start_s, end_s) for a, label, start_s, end_s in flat(given)]
    found = flat(there_and_back(given, kind).annotations)
    # Rounding may change the order of marks that differ by less than a millisecond, so both sides are sorted when rounded.
    rounded = [sorted((a, label, round(s, 3), round(e, 3)) for a, label, s, e in marks) for marks in (found, plain)]
    assert_same(*rounded, within_s=0.001)
    if not RESOLUTION_S[kind]:
        assert found == sorted(plain)


@every_target
def test_a_real_export_of_label_studio_keeps_its_marks_in_every_format(kind):
    given = formats.read((EXPORTS / "export.json").read_bytes(), **ABOUT).annotations
    assert_same(flat(there_and_back(given, kind).annotations), flat(given), RESOLUTION_S[kind])


@every_target
def test_what_is_written_is_recognised_under_any_name(kind):
    data = formats.write((annotation_of(region(0.0, 1.0, "A")),), kind, **LESSON)
    ending = {".tsv": ".csv", ".boris": ".json", ".min.json": ".json"}.get(suffix := formats.TARGETS[kind].suffix, suffix)
    assert {formats.recognise(data, name) for name in ("", "x", "x.json", "x.EAF", "x.bin")} == {ending}


@every_target
def test_nothing_is_written_as_an_empty_file_that_is_still_read(kind):
    assert flat(there_and_back([], kind).annotations) == []


def test_label_studio_keeps_answers_and_several_labels_of_a_region():
    answered = Region("r1", "audio", Span(1.0, 2.0), ("A", "B"), {"initiator": ("Педагог",)}, {"description": ("почему",)})
    found = there_and_back([annotation_of(answered)], "json").annotations[0].regions
    assert [(r.id, r.labels, r.choices, r.texts) for r in found] == [("r1", ("A", "B"), answered.choices, answered.texts)]


def test_a_task_for_label_studio_names_no_annotator_that_its_server_would_have_to_know():
    task = json.loads(formats.write((annotation_of(region(0.0, 1.0, "A"), annotator="анна"),), "json", **LESSON))[0]
    assert "completed_by" not in task["annotations"][0]
    assert task["data"] == {
        "video": "урок 1.mp4", "audio": "урок 1.mp4", "fps": 25, "lesson_id": "L1", "annotators": ["анна"],
    }  # fmt: skip


def test_json_min_keeps_the_intervals_of_the_whole_export_and_says_what_it_lost():
    whole, least = (formats.read((EXPORTS / name).read_bytes(), **ABOUT) for name in ("export.json", "export_min.json"))
    assert flat(least.annotations) == flat(whole.annotations)
    assert {(a.id, a.annotator, a.lesson_id) for a in least.annotations} == {
        (a.id, a.annotator, a.lesson_id) for a in whole.annotations
    }
    lost = [dropped for dropped in least.dropped if dropped.reason == "lost_region_links"]
    assert [dropped.where for dropped in lost] == ["task 1", "task 10", "task 10", "task 10", "task 10"]
    assert lost[0].detail == "initiator, subcategory, description, phase_quality, comment"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"   \n",
        b"\xef\xbb\xbf",
        b"PK\x03\x04 xlsx",
        b"%PDF-1.4",
        b"\x00\x00\x00 ftypmp42",
        b"\xff\xd8\xff\xe0\x00\x10JFIF",
    ],
)
@pytest.mark.parametrize("name", ["x.json", "x.csv", ""])
def test_a_file_of_another_kind_is_refused_with_the_formats_that_are_taken(data, name):
    with pytest.raises(AnnotationError, match="Label Studio.*ELAN.*TextGrid.*BORIS.*CSV") as refused:
        formats.read(data, name, **ABOUT)
    assert "PPI knows" in str(refused.value)


def test_the_csv_of_label_studio_is_refused_as_a_table_without_the_columns():
    with pytest.raises(AnnotationError, match="start, end and label"):
        formats.read((EXPORTS / "export.csv").read_bytes(), "export.csv", **ABOUT)


def test_a_table_whose_first_title_looks_like_json_is_told_by_its_name():
    table = b"[label],start,end,label\nx,1,2,A\n"
    assert formats.recognise(table, "x.csv") == ".csv" and formats.recognise(table, "x") == ".json"


def test_a_target_is_chosen_by_the_ending():
    names = ("a.eaf", "a.textgrid", "a.TSV", "a.BORIS", "a.csv", "a.min.json", "a.json")
    assert [formats.target_of(name).kind for name in names] == [
        "eaf", "textgrid", "boris", "boris_project", "csv", "json_min", "json",
    ]  # fmt: skip
    with pytest.raises(AnnotationError, match=r"\.eaf, \.TextGrid, \.tsv, \.boris, \.csv, \.min\.json, \.json"):
        formats.target_of("a.xlsx")


@pytest.mark.parametrize("kind", ["eaf", "textgrid"])
def test_too_many_marks_over_each_other_are_refused_with_the_way_out(kind):
    crowd = annotation_of(*(region(1.0, 2.0, "A", id=str(number)) for number in range(101)))
    with pytest.raises(AnnotationError, match="Choose CSV"):
        formats.write((crowd,), kind, **LESSON)
    assert len(flat(there_and_back([crowd], "csv").annotations)) == 101


def crowd(regions: int, labels: int = 1, tasks: int = 1) -> bytes:
    """An export of Label Studio with so many regions in each of so many tasks."""
    value = {"start": 1, "end": 2, "labels": [f"A{number}" for number in range(labels)]}
    result = [{"id": str(number), "type": "labels", "value": value} for number in range(regions)]
    return json.dumps([{"id": 1, "annotations": [{"id": 1, "result": result}] if result else []}] * tasks).encode()


@pytest.mark.parametrize("size", [{"regions": 101}, {"regions": 2, "labels": 60}, {"regions": 0, "tasks": 101}], ids=str)
def test_more_marks_than_a_lesson_has_are_refused_before_they_cost_anything(size, monkeypatch):
    monkeypatch.setattr(marks, "MAX_MARKS", 100)
    assert len(flat(formats.read(crowd(100), **ABOUT).annotations)) == 100
    with pytest.raises(AnnotationError, match="more than 100 marks"):
        formats.read(crowd(**size), **ABOUT)


def test_a_large_file_is_read_in_a_child_that_can_be_stopped(monkeypatch):
    data = crowd(30)
    wanted = formats.read(data, **ABOUT)
    monkeypatch.setattr(formats, "read", None)  # in this process; the child has its own
    monkeypatch.setattr(formats, "SMALL_BYTES", len(data) - 1)
    assert formats.read_apart(data, "x.json", **ABOUT) == wanted
    with pytest.raises(AnnotationError, match="Item 1 is not a task"):
        formats.read_apart(b"[1]" + b" " * len(data), "x.json", **ABOUT)
    monkeypatch.setattr(formats, "CHILD_MEMORY_BYTES", 1024 * 1024)
    with pytest.raises(AnnotationError, match="too much time or memory"):
        formats.read_apart(data, "x.json", **ABOUT)
