"""BORIS: projects, whose events have to be paired, and the tables it exports; plain CSV beside them."""

import json
import time

import pytest

from ppi.annotation import formats
from ppi.errors import AnnotationError
from tests.annotation.test_annotation_formats import ABOUT, annotation_of, flat, region

STATE, POINT = {"code": "Похвала", "type": "State event"}, {"code": "Вопрос", "type": "Point event"}
AGGREGATED = (
    "Observation id\tObservation date\tDescription\tObservation type\tSource\tTime offset (s)\tCoding duration\t"
    "Media duration (s)\tFPS (frame/s)\tSubject\tObservation duration by subject by observation\tBehavior\t"
    "Behavioral category\tBehavior type\tStart (s)\tStop (s)\tDuration (s)\tMedia file name\tImage index start\t"
    "Comment start\tComment stop\n"
)
TABULAR = "Observation id\tx\n\t\nTime offset (s)\t{offset}\n\t\n"
TABULAR += "Time\tMedia file path\tTotal length\tFPS\tSubject\tBehavior\tComment\tStatus\n"


def observation(*events, file="урок 1.mp4", **about):
    return {"type": "MEDIA", "file": {"1": [file], "2": []}, "time offset": 0.0, "events": list(events)} | about


def project(behaviours=(STATE, POINT), **observations):
    conf = {str(number): given for number, given in enumerate(behaviours)}
    return {"project_format_version": "7.0", "behaviors_conf": conf, "subjects_conf": {}, "observations": observations}


def read(given, name="x.boris", **about):
    data = given.encode() if isinstance(given, str) else json.dumps(given, ensure_ascii=False).encode()
    return formats.read(data, name, **ABOUT | about)


def reasons(export):
    return [dropped.reason for dropped in export.dropped]


def state(*times, subject="", code="Похвала", modifier=""):
    return [[time_s, subject, code, modifier, "", 7] for time_s in times]


def test_every_second_state_event_ends_what_the_one_before_began():
    export = read(project(anna=observation(*state(5, 1, 2.5, 9))))
    assert flat(export.annotations) == [("anna", "Похвала", 1.0, 2.5), ("anna", "Похвала", 5.0, 9.0)]


def test_events_are_paired_by_subject_behaviour_and_modifiers_as_boris_does():
    events = [*state(1, 4, subject="a"), *state(2, 3, subject="b"), *state(1, 6, modifier="m"), *state(0, 7, code="Шум")]
    export = read(project(anna=observation(*events)))
    found = [mark[1:] for mark in flat(export.annotations)]
    assert found == [("Похвала", 1.0, 4.0), ("Похвала", 1.0, 6.0), ("Похвала", 2.0, 3.0), ("Шум", 0.0, 7.0)]


def test_an_event_without_its_other_half_is_left_out_by_name():
    export = read(project(anna=observation(*state(1, 2, 3))))
    assert len(flat(export.annotations)) == 1
    assert [(d.where, d.reason, d.detail) for d in export.dropped] == [
        ("task anna, region 3", "unpaired_event", "Похвала at 3.000 s")
    ]


def test_a_point_event_becomes_two_seconds_and_the_report_says_so():
    export = read(project(anna=observation([5.5, "", "Вопрос", "", ""], [0.25, "", "Вопрос", "", ""])))
    assert flat(export.annotations) == [("anna", "Вопрос", 0.0, 1.25), ("anna", "Вопрос", 4.5, 6.5)]
    assert [(d.reason, d.detail) for d in export.dropped] == [("point_widened", "2 x 2 s")]


def test_each_observation_is_an_annotator():
    export = read(project(anna=observation(*state(1, 2)), boris=observation(*state(3, 4))))
    assert flat(export.annotations) == [("anna", "Похвала", 1.0, 2.0), ("boris", "Похвала", 3.0, 4.0)]
    assert export.tasks == 2


def test_the_time_offset_of_an_observation_is_taken_off():
    assert flat(read(project(anna=observation(*state(11, 12), **{"time offset": 10.0}))).annotations) == [
        ("anna", "Похвала", 1.0, 2.0)
    ]


def test_observations_of_other_recordings_are_left_out_where_one_is_the_lessons():
    given = project(anna=observation(*state(1, 2), file="C:\\video\\Урок 1.AVI"), other=observation(*state(1, 2), file="b.mp4"))
    export = read(given)
    assert [a.annotator for a in export.annotations] == ["anna"] and reasons(export) == ["other_lesson"]
    assert len(read(given, video_name="elsewhere.mp4").annotations) == 2


def test_files_played_before_the_lesson_are_taken_off():
    played = {"file": {"1": ["/a/before.mp4", "/a/урок 1.mp4"]}, "media_info": {"length": {"/a/before.mp4": 100.0}}}
    export = read(project(anna=observation(*state(50, 60), *state(101, 102)) | played))
    assert flat(export.annotations) == [("anna", "Похвала", 1.0, 2.0)] and reasons(export) == ["outside_recording"]


def test_events_of_pictures_have_no_time():
    export = read(project(anna=observation(["NA", "", "Похвала", "", "", 1, "a.jpg"], [None, "", "Похвала", "", ""])))
    assert export.annotations == () and reasons(export) == ["no_time", "no_time"]


@pytest.mark.parametrize(
    ("given", "match"),
    [(project(a=observation(1)), "Observation a: event 1"), (project(a=observation([1, "", None])), "event 1"),
     (project(a=observation([1])), "event 1"), (project(a={"events": 5}), "Observation a"),
     (project(a=observation(**{"time offset": "soon"})), "time offset"),
     (project(a=observation(**{"time offset": None})), "offset")],
)  # fmt: skip
def test_wrong_shapes_are_named(given, match):
    with pytest.raises(AnnotationError, match=match):
        read(given)


@pytest.mark.parametrize(
    "given",
    [project(a=None), project(a=[]), project(a={}), project(behaviours=(None, 1, {}), a={}), project() | {"behaviors_conf": 5},
     project(a=observation(file=None)), project(a=observation(media_info=5)), project(a=observation(file={"1": 5}))],
)  # fmt: skip
def test_strange_values_elsewhere_do_no_harm(given):
    assert read(given).annotations == ()


def test_a_deep_or_broken_project_is_refused_as_other_json_is():
    for text in ('{"observations":' * 100, '{"behaviors_conf":{},"observations":{"a":{"events":[[NaN,"","x"]]}}}'):
        with pytest.raises(AnnotationError, match="nested|NaN"):
            read(text)


def test_more_events_than_any_lesson_has_are_refused():
    with pytest.raises(AnnotationError, match="more than 100000 marks"):
        read('{"behaviors_conf":{},"observations":{"a":{"events":[' + ",".join(["[1]"] * 200_002) + "]}}}")


def aggregated(*rows):
    lines = (f"{who}\t\t\t\t{media}\t{offset}\t\t\t25\tNo focal subject\t\t{label}\t\t{kind}\t{start}\t{end}\t\t{media}\t\t\t"
             for who, label, kind, start, end, media, offset in rows)  # fmt: skip
    return AGGREGATED + "\n".join(lines)


def test_the_table_of_aggregated_events_is_read_with_points_and_offsets():
    table = aggregated(
        ("anna", "Похвала", "STATE", 1, 2.5, "урок 1.mp4", "0.0"), ("anna", "Вопрос", "POINT", 5, 5, "урок 1.mp4", "0.0"),
        ("boris", "Похвала", "STATE", 11, 12, "урок 1.mp4", "10"), ("boris", "Шум", "STATE", 11, 12, "other.mp4", "10"),
    )  # fmt: skip
    export = read(table, "events.tsv")
    assert flat(export.annotations) == [
        ("anna", "Вопрос", 4.0, 6.0),
        ("anna", "Похвала", 1.0, 2.5),
        ("boris", "Похвала", 1.0, 2.0),
    ]
    assert reasons(export) == ["other_lesson", "point_widened"]


def test_a_table_whose_observation_played_another_file_first_is_refused_for_the_project():
    table = aggregated(
        ("anna", "A", "STATE", 1, 2, "before.mp4", "0"), ("anna", "A", "STATE", 101, 102, "урок 1.mp4", "0"),
    )  # fmt: skip
    with pytest.raises(AnnotationError, match="project"):
        read(table, "events.tsv")


def test_the_table_of_events_is_read_with_what_stands_above_its_header():
    noted = ((11, "Похвала", "START"), (12.5, "Похвала", "STOP"), (13, "A", "POINT"))
    rows = "".join(f"{time_s}\tурок 1.mp4\t60\t25\t\t{label}\t\t{status}\n" for time_s, label, status in noted)
    export = read(TABULAR.format(offset=10) + rows, "events.tsv")
    assert flat(export.annotations) == [("x", "A", 2.0, 4.0), ("x", "Похвала", 1.0, 2.5)]


@pytest.mark.parametrize("status", ["STOP", "START\n1\ta\t1\t1\t\tA\t\tSTART"])
def test_events_of_a_table_that_do_not_pair_are_left_out(status):
    export = read(TABULAR.format(offset=0) + f"0\ta\t1\t1\t\tA\t\t{status}\n", "events.tsv")
    assert export.annotations == () and set(reasons(export)) == {"unpaired_event"}


def test_a_table_of_events_with_another_status_is_refused_by_its_line():
    with pytest.raises(AnnotationError, match="Line 6: the status is 'MAYBE'"):
        read(TABULAR.format(offset=0) + "0\ta\t1\t1\t\tA\t\tmaybe\n", "events.tsv")


@pytest.mark.parametrize(
    "table",
    ["start,end,label,annotator\n1,2.5,Похвала,anna\n", "Label;Annotator;Start;End\nПохвала;anna;1,0;2,5\n",
     "начало\tконец\tпаттерн\tаннотатор\n0:01\t0:00:02.5\tПохвала\tanna\n",
     "made by hand\n\nONSET , offset, Code, coder\n1,2.5,Похвала,anna",
     "\ufeffstart_s,end_s,pattern,rater\r\n+1.0,25e-1, Похвала ,anna\r\n\r\n"],
)  # fmt: skip
def test_plain_tables_are_read_with_any_usual_delimiter_titles_and_times(table):
    export = read(table, "x.csv")
    assert flat(export.annotations) == [("anna", "Похвала", 1.0, 2.5)] and export.dropped == ()


def test_a_table_in_the_cyrillic_code_page_of_windows_is_read():
    data = "start;end;метка\n1;2;Похвала\n".encode("cp1251")
    assert flat(formats.read(data, "x.csv", **ABOUT).annotations) == [("", "Похвала", 1.0, 2.0)]


def test_rows_without_a_label_and_outside_the_recording_get_their_reasons():
    export = read("start,end,label\n1,2,\n-5,-1,A\n-1,1,B\n5,5,C\n6,5,D\n900,901,E\n", "x.csv")
    assert flat(export.annotations) == [("", "B", 0.0, 1.0)]
    assert [(d.where, d.reason) for d in export.dropped] == [
        ("task 1, region row 2", "no_label"), ("task 1, region row 3", "outside_recording"),
        ("task 1, region row 5", "empty_range"),
        ("task 1, region row 6", "reversed_range"), ("task 1, region row 7", "outside_recording"),
    ]  # fmt: skip


@pytest.mark.parametrize("value", ["NaN", "inf", "-inf", "1e99", "9" * 400, "1:2:3:4", "soon", "", "1,000.5", "0x10", "١"])
def test_a_time_that_is_none_is_refused_with_its_line(value):
    with pytest.raises(AnnotationError, match="Line 3: end"):
        read(f'start,end,label\n1,2,A\n1,"{value}",A\n', "x.csv")


@pytest.mark.parametrize(
    "table",
    ["start,end\n1,2\n", "label\nA\n", "1,2,A\n", "просто текст без таблицы\n", "<html>", '"start,end,label',
     "a\n" * 200 + "start,end,label\n"],
)  # fmt: skip
def test_a_table_without_the_columns_is_refused_with_all_formats(table):
    with pytest.raises(AnnotationError, match="start, end and label.*ELAN"):
        read(table, "x.csv")


@pytest.mark.parametrize(
    "table",
    ["start,end,label\n" + "," * 1_000_000, "start,end,label\n" + "1,2,A\n" * 150_000,
     'start,end,label\n1,2,"' + "A" * 1_000_000,
     "start,end,label\n" + "\n" * 1_000_000],
)  # fmt: skip
def test_tables_built_to_hurt_are_refused_in_a_moment(table):
    began = time.monotonic()
    with pytest.raises(AnnotationError, match="too many|not valid CSV"):
        read(table, "x.csv")
    assert time.monotonic() - began < 5


def test_labels_that_a_spreadsheet_would_run_are_written_as_text():
    marks = annotation_of(region(0.0, 1.0, "=HYPERLINK(1)", "+1", "@x", "-1"), annotator="=anna")
    for kind in ("csv", "boris"):
        lines = formats.write((marks,), kind).decode("utf-8-sig").splitlines()
        cells = [cell for line in lines for cell in line.replace("\t", ",").split(",")]
        assert not [cell for cell in cells if cell[:1] in ("=", "+", "@", "-")]


def test_a_label_longer_than_any_name_is_left_out():
    export = read("start,end,label\n1,2," + "ё" * 1001, "x.csv")
    assert export.annotations == () and reasons(export) == ["no_label"]


def test_the_name_of_an_annotator_is_cut_to_a_length_that_pages_can_show():
    assert read("start,end,label,annotator\n1,2,A," + "я" * 500, "x.csv").annotations[0].annotator == "я" * 200


def test_a_zero_character_anywhere_shows_that_the_file_is_no_text():
    with pytest.raises(AnnotationError, match="no text file"):
        read("start,end,label\n" + "1,2,A\n" * 200 + "1,2,A\x00\n", "x.csv")


def test_a_project_is_written_as_boris_keeps_it_with_marks_over_each_other_under_subjects_of_their_own():
    given = [annotation_of(region(1, 4, "A"), region(2, 3, "A"), region(4, 5, "A"), region(2, 9, "B")),
             annotation_of(region(0, 1, "A"), annotator="eva")]  # fmt: skip
    made = json.loads(formats.write(tuple(given), "boris_project", frame_rate=25.0, duration_s=60.0, video_name="урок 1.mp4"))
    assert made["project_format_version"] == "7.0" and [one["name"] for one in made["subjects_conf"].values()] == ["2", "3"]
    assert {one["code"]: one["type"] for one in made["behaviors_conf"].values()} == {"A": "State event", "B": "State event"}
    anna = made["observations"]["anna"]
    assert anna["file"] == {"1": ["урок 1.mp4"]} and anna["media_info"]["length"] == {"урок 1.mp4": 60.0}
    open_now: dict = {}
    for _, subject, code, *_ in anna["events"]:  # as BORIS pairs them
        open_now[subject, code] = open_now.get((subject, code), 0) ^ 1
        assert sum(open_now[key] for key in open_now if key[0] == subject) <= 1, "one behaviour of a subject at a time"
    assert not any(open_now.values()) and list(made["observations"]) == ["eva", "anna"]
    assert flat(read(made).annotations) == flat(given)
