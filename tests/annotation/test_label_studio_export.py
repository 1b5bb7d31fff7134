"""Real exports of Label Studio 1.23, and every shape that goes wrong in them."""

import json
from pathlib import Path

import pytest

from ppi.annotation import label_studio
from ppi.errors import AnnotationError
from ppi.records import Span

EXPORTS = Path(__file__).parent.parent / "data" / "label_studio"


def read(name: str, **given):
    return label_studio.parse((EXPORTS / name).read_bytes(), **{"frame_rate": 25.0, "duration_s": 12.0} | given)


def export_of(*result, data=None, frame_rate=25.0, duration_s=12.0, **annotation):
    task = {
        "id": 7,
        "data": data or {},
        "annotations": [{"id": 3, "completed_by": 1, "result": list(result)} | annotation],
    }
    return label_studio.parse(json.dumps([task]), frame_rate=frame_rate, duration_s=duration_s)


def sound(start=1.0, end=2.0, labels=("Похвала",), region="r1"):
    value = {"start": start, "end": end, "channel": 0, "labels": list(labels)}
    return {"id": region, "type": "labels", "from_name": "patterns", "to_name": "audio", "value": value}


def timeline(*ranges, labels=("Введение",)):
    value = {"ranges": [{"start": start, "end": end} for start, end in ranges], "timelinelabels": list(labels)}
    return {"id": "t1", "type": "timelinelabels", "from_name": "phases", "to_name": "video", "value": value}


def box(*points, count=300, duration=12, labels=("Педагог",), **more):
    sequence = [
        {"frame": frame, "enabled": enabled, "x": 1, "y": 2, "width": 3, "height": 4, "rotation": 5}
        for frame, enabled in points
    ]
    value = {"framesCount": count, "duration": duration, "sequence": sequence, "labels": list(labels)} | more
    return {"id": "b1", "type": "videorectangle", "from_name": "box", "to_name": "video", "value": value}


def spans(export):
    return [(round(r.span.start_s, 6), round(r.span.end_s, 6)) for a in export.annotations for r in a.regions]


def reasons(export):
    return [dropped.reason for dropped in export.dropped]


def test_a_real_export_is_read_whole():
    export = read("export.json")
    assert export.tasks == 3
    assert [(a.task_id, a.id, a.annotator, a.lesson_id) for a in export.annotations] == [
        ("1", "2", "1", "L1"), ("8", "1", "2", "PRE"), ("10", "10", "5", "L2"), ("10", "11", "6", "L2"),
        ("10", "12", "7", "L2"), ("10", "13", "7", "L2"),
    ]  # fmt: skip
    assert sum(len(a.regions) for a in export.annotations) == 28
    assert sorted(set(reasons(export))) == ["cancelled", "draft", "prediction", "whole_lesson"]


def test_items_of_one_region_are_joined_by_its_id():
    region = read("export.json").annotations[0].regions[0]
    assert (region.id, region.kind) == ("ksu67", "audio")
    assert region.span == Span(1.9758507135016465, 3.951701427003293)
    assert region.labels == ("Эмоциональная поддержка П", "😊 Похвала П")
    assert region.choices == {"initiator": ("Педагог",), "subcategory": ("Похвала", "Эмпатия")}
    assert region.texts == {"description": ("Учитель подбадривает 😊 класс",)}


def test_a_snapshot_with_whole_annotator_records_says_the_same_as_an_export():
    assert read("snapshot.json").annotations == read("export.json").annotations


def test_a_signature_in_the_video_address_is_not_kept():
    assert read("export.json").annotations[0].source_video == "http://127.0.0.1:8501/lesson.mp4"


def test_a_single_task_is_taken_too():
    task = json.loads((EXPORTS / "export.json").read_text())[0]
    assert len(label_studio.parse(json.dumps(task), frame_rate=25, duration_s=12).annotations) == 1


@pytest.mark.parametrize("name", ["export_min.json", "export.csv"])
def test_other_formats_of_label_studio_are_refused_with_the_way_out(name):
    with pytest.raises(AnnotationError, match="choose Export, then JSON"):
        read(name)


def test_frames_of_a_timeline_are_counted_from_one_and_the_last_belongs_to_the_range():
    assert spans(export_of(timeline((26, 75), (100, 100)))) == [(1.0, 3.0), (3.96, 4.0)]


def test_several_ranges_become_several_regions_with_names_of_their_own():
    regions = export_of(timeline((1, 25), (51, 75))).annotations[0].regions
    assert [region.id for region in regions] == ["t1.1", "t1.2"]


@pytest.mark.parametrize(
    ("data", "given", "end_s"),
    [({"fps": 50}, 25.0, 2.0), ({"fps": "29.97"}, 25.0, 100 / 29.97), ({"fps": "30000/1001"}, 25.0, 100 * 1001 / 30000),
     ({}, 25.0, 4.0), ({"fps": ""}, 20.0, 5.0)],
)  # fmt: skip
def test_the_frame_rate_of_the_task_comes_before_the_recordings(data, given, end_s):
    assert spans(export_of(timeline((1, 100)), data=data, frame_rate=given)) == [(0.0, round(end_s, 6))]


def test_a_box_tells_the_frame_rate_label_studio_worked_with():
    export = export_of(timeline((1, 24)), box((1, True), count=289, duration=12.028), frame_rate=50.0)
    assert spans(export)[0] == (0.0, 1.0)


@pytest.mark.parametrize("fps", [0, -1, "fast", True, [25], 1e9, "1e9999999", "1/0"])
def test_a_frame_rate_that_is_none_is_refused_with_its_task(fps):
    with pytest.raises(AnnotationError, match="task 7: fps"):
        export_of(timeline((1, 2)), data={"fps": fps})


def test_without_any_frame_rate_frames_are_left_out_and_seconds_stay():
    export = export_of(timeline((1, 25)), sound(), frame_rate=None)
    assert spans(export) == [(1.0, 2.0)]
    assert reasons(export) == ["no_frame_rate"]


def test_a_box_is_shown_from_its_first_key_frame_to_the_end():
    export = export_of(box((26, True), (100, True)))
    assert spans(export) == [(1.0, 12.0)]
    assert [point.frame for point in export.annotations[0].regions[0].track] == [26, 100]


def test_a_disabled_key_frame_hides_the_box():
    assert spans(export_of(box((1, True), (100, False), (150, True), (176, False)))) == [(0.0, 3.96), (5.96, 7.0)]


def test_key_frames_out_of_order_are_sorted():
    assert spans(export_of(box((100, False), (1, True)))) == [(0.0, 3.96)]


def test_a_box_that_is_never_shown_is_left_out():
    assert reasons(export_of(box((1, False)))) == ["empty_range"]


def test_a_box_without_a_label_is_left_out_with_its_reason():
    item = box((1, True))
    del item["value"]["labels"]
    assert reasons(export_of(item)) == ["no_label"]


def test_frames_that_label_studio_interpolated_are_no_key_frames():
    item = box((1, True), (2, True), (3, True))
    item["value"]["sequence"][1]["auto"] = True
    assert [p.frame for p in export_of(item).annotations[0].regions[0].track] == [1, 3]


def test_spans_are_clamped_to_the_recording():
    assert spans(export_of(sound(-1.0, 1.0), sound(11.0, 12.5, region="r2"))) == [(0.0, 1.0), (11.0, 12.0)]


@pytest.mark.parametrize(
    ("item", "reason"),
    [(sound(3.0, 3.0), "empty_range"), (sound(4.0, 3.0), "reversed_range"), (sound(12.0, 13.0), "outside_recording"),
     (sound(-3.0, -1.0), "outside_recording"), (sound(labels=()), "no_label"), (sound(labels=("  ",)), "no_label"),
     (timeline((9, 5)), "reversed_range"), (timeline(), "empty_range"),
     ({"type": "relation", "from_id": "a", "to_id": "b", "direction": "right"}, "unknown_type"),
     ({"id": "q", "type": "rating", "value": {"rating": 3}}, "unknown_type"),
     ({"id": "q", "type": "labels", "value": {"start": 0, "end": 4, "text": "abcd", "labels": ["X"]}}, "unknown_type"),
     ({"id": "q", "type": "choices", "value": {"choices": ["лекция"]}}, "whole_lesson")],
)  # fmt: skip
def test_what_is_no_pattern_is_left_out_with_its_reason(item, reason):
    export = export_of(item)
    assert reasons(export) == [reason]
    assert spans(export) == []
    assert export.dropped[0].where.startswith("task 7, annotation 3, region ")


def test_the_phantom_timeline_record_of_a_box_is_set_aside():
    phantom = box((1, True), timelinelabels=["Введение"]) | {"type": "timelinelabels"}
    export = export_of(box((1, True)), phantom)
    assert spans(export) == [(0.0, 12.0)]
    assert export.annotations[0].regions[0].labels == ("Педагог",)
    assert reasons(export) == ["phantom_timeline"]


def test_cancelled_annotations_are_left_out():
    export = export_of(sound(), was_cancelled=True)
    assert export.annotations == ()
    assert reasons(export) == ["cancelled"]


def test_drafts_and_predictions_are_not_annotations():
    task = {"id": 1, "data": {}, "annotations": [], "drafts": [{"result": [sound()]}], "predictions": [3]}
    export = label_studio.parse(json.dumps([task]), frame_rate=25, duration_s=12)
    assert export.annotations == ()
    assert reasons(export) == ["draft", "prediction"]


def test_an_annotation_that_is_there_twice_counts_once():
    annotation = {"id": 3, "completed_by": 1, "result": [sound()], "unique_id": "68090e43"}
    tasks = [{"id": number, "data": {}, "annotations": [annotation]} for number in (1, 2)]
    export = label_studio.parse(json.dumps(tasks), frame_rate=25, duration_s=12)
    assert len(export.annotations) == 1
    assert reasons(export) == ["duplicate_annotation"]


def test_an_annotation_without_marks_stays_an_annotation():
    assert export_of().annotations[0].regions == ()


@pytest.mark.parametrize(
    ("item", "message"),
    [("text", "task 7, annotation 3: item 1"),
     ({"id": "r1", "type": "labels", "value": None}, "region r1: it has no value"),
     (sound(start="1.0"), "region r1: start is not a number"), (sound(end=None), "region r1: end is not a number"),
     (sound(end=True), "region r1: end"), (sound(end=10**400), "region r1: end"),
     (sound(labels=(1,)), "region r1: labels is not a list of texts"),
     (timeline((1, "x")), "region t1: end"), (box(("1", True)), "region b1: frame"),
     (box((1, True), sequence={"frame": 1}), "region b1: sequence is not a list")],
)  # fmt: skip
def test_a_wrong_shape_is_named_with_its_task_and_region(item, message):
    with pytest.raises(AnnotationError, match=message):
        export_of(item, data={"fps": 25})


@pytest.mark.parametrize("annotations", ["x", {"a": 1}, [1], [{"result": "broken"}]])
def test_annotations_of_the_wrong_shape_are_named_with_their_task(annotations):
    with pytest.raises(AnnotationError, match="task 7"):
        label_studio.parse(json.dumps([{"id": 7, "annotations": annotations}]), frame_rate=25, duration_s=12)


@pytest.mark.parametrize("text", ["", "   ", "{}", "[1]", '[{"x": 1}]', "annotation_id;start\n1;2", b"\xff\xfe["])
def test_what_is_no_export_is_refused(text):
    with pytest.raises(AnnotationError):
        label_studio.parse(text, frame_rate=25, duration_s=12)


def test_an_export_with_a_byte_order_mark_is_read():
    assert label_studio.parse(b"\xef\xbb\xbf[]", frame_rate=25, duration_s=12).tasks == 0


def test_a_task_made_for_label_studio_brings_its_frame_rate_and_lesson_back():
    text = label_studio.task_json("https://ppi/m/x/a.mp4", "https://ppi/m/y/a.wav", 30000 / 1001, 12.0123456, "lesson-1")
    task = json.loads(text)[0]
    assert task["data"] == {
        "video": "https://ppi/m/x/a.mp4", "audio": "https://ppi/m/y/a.wav", "fps": "29.97003", "duration_s": 12.012,
        "lesson_id": "lesson-1",
    }  # fmt: skip
    task["annotations"] = [{"id": 1, "completed_by": 4, "result": [timeline((1, 30))]}]
    annotation = label_studio.parse(json.dumps([task]), frame_rate=None, duration_s=12).annotations[0]
    assert annotation.lesson_id == "lesson-1"
    assert annotation.regions[0].span.end_s == pytest.approx(1.001)


def test_a_whole_frame_rate_stays_a_number_in_a_task():
    assert json.loads(label_studio.task_json("v", "a", 25.0, 1.0, "l"))[0]["data"]["fps"] == 25
