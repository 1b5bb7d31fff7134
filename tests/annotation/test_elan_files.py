"""ELAN's files: times, tiers, dependent annotations, and what strangers may write into them."""

import time
from xml.sax.saxutils import escape, quoteattr

import pympi
import pytest

from ppi.annotation import elan, formats
from ppi.errors import AnnotationError
from tests.annotation.test_annotation_formats import ABOUT, annotation_of, flat, region

SLOTS = (("t1", 1000), ("t2", 2500), ("t3", 4000), ("t4", 9000))


def slots(given=SLOTS):
    listed = (
        f"<TIME_SLOT TIME_SLOT_ID='{name}'" + (f" TIME_VALUE='{at}'" if at is not None else "") + "/>" for name, at in given
    )
    return f"<TIME_ORDER>{''.join(listed)}</TIME_ORDER>"


def aligned(number, start, end, text):
    return (
        f"<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID='a{number}' TIME_SLOT_REF1='{start}' TIME_SLOT_REF2='{end}'>"
        f"<ANNOTATION_VALUE>{escape(text)}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>"
    )


def dependent(number, parent, text, previous=""):
    before = f" PREVIOUS_ANNOTATION='{previous}'" if previous else ""
    return (
        f"<ANNOTATION><REF_ANNOTATION ANNOTATION_ID='a{number}' ANNOTATION_REF='{parent}'{before}>"
        f"<ANNOTATION_VALUE>{escape(text)}</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>"
    )


def tier(name, *annotations, annotator="", parent=""):
    more = (f" ANNOTATOR={quoteattr(annotator)}" if annotator else "") + (f" PARENT_REF={quoteattr(parent)}" if parent else "")
    return f"<TIER TIER_ID={quoteattr(name)} LINGUISTIC_TYPE_REF='default-lt'{more}>{''.join(annotations)}</TIER>"


def eaf(*parts, media=""):
    return (
        f"<?xml version='1.0' encoding='UTF-8'?><ANNOTATION_DOCUMENT AUTHOR='' FORMAT='3.0'><HEADER>{media}</HEADER>"
        f"{''.join(parts)}<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID='default-lt' TIME_ALIGNABLE='true'/></ANNOTATION_DOCUMENT>"
    ).encode()


def read(*parts, media="", **about):
    return formats.read(eaf(*parts, media=media), "lesson.eaf", **ABOUT | about)


def reasons(export):
    return [dropped.reason for dropped in export.dropped]


def test_times_are_milliseconds_of_the_slots_and_labels_the_text():
    export = read(slots(), tier("Паттерны", aligned(1, "t1", "t2", "😊 Похвала"), annotator="5"))
    assert flat(export.annotations) == [("5", "😊 Похвала", 1.0, 2.5)]
    assert export.annotations[0].regions[0].id == "a1"


@pytest.mark.parametrize(
    ("name", "attribute", "who"),
    [("Паттерны", "anna", "anna"), ("Паттерны@boris", "", "boris"), ("Паттерны@boris", "anna", "anna"), ("Паттерны", "", ""),
     ("p@a@school.example", "", "a@school.example")],
)  # fmt: skip
def test_who_annotated_is_the_attribute_else_what_stands_behind_the_at(name, attribute, who):
    export = read(slots(), tier(name, aligned(1, "t1", "t2", "A"), annotator=attribute))
    assert export.annotations[0].annotator == who


@pytest.mark.parametrize(
    ("name", "text", "label"),
    [("Похвала", "", "Похвала"), ("Похвала@anna", " ", "Похвала"), ("Похвала", "x", "Похвала"), ("Похвала", "Х", "Похвала"),
     ("Похвала", "+", "Похвала"), ("Похвала", "молодец", "молодец"), ("Похвала", "1", "1"), ("default", "x", "x"),
     ("Tier-3", "+", "+"), ("patterns-2@anna", "x", "x")],
)  # fmt: skip
def test_an_empty_or_ticked_annotation_means_its_tier(name, text, label):
    assert read(slots(), tier(name, aligned(1, "t1", "t2", text))).annotations[0].regions[0].labels == (label,)


@pytest.mark.parametrize("name", ["default", "Tier 1", "patterns@anna", "@anna", "Разметка"])
def test_an_empty_annotation_of_a_tier_whose_name_says_nothing_is_left_out(name):
    export = read(slots(), tier(name, aligned(1, "t1", "t2", "")))
    assert export.annotations == () and reasons(export) == ["no_label"]


def test_the_offset_of_the_medium_is_added():
    media = "<MEDIA_DESCRIPTOR MEDIA_URL='file:///C:/x/%D1%83%D1%80%D0%BE%D0%BA.mp4' MIME_TYPE='video/mp4' TIME_ORIGIN='1500'/>"
    export = read(slots(), tier("A", aligned(1, "t1", "t2", "A")), media=media)
    assert flat(export.annotations) == [("", "A", 2.5, 4.0)]
    assert export.annotations[0].source_video == "урок.mp4"


def test_of_several_media_the_lessons_own_offset_counts_else_the_first_videos():
    media = (
        "<MEDIA_DESCRIPTOR MEDIA_URL='file:///a/sound.wav' MIME_TYPE='audio/x-wav'/>"
        "<MEDIA_DESCRIPTOR MEDIA_URL='file:///a/front.mp4' MIME_TYPE='video/mp4' TIME_ORIGIN='2000'/>"
        "<MEDIA_DESCRIPTOR MEDIA_URL='file:///a/back.mp4' MIME_TYPE='video/mp4' TIME_ORIGIN='3000'/>"
    )
    parts = slots(), tier("A", aligned(1, "t1", "t2", "A"))
    assert flat(read(*parts, media=media, video_name="BACK.MOV").annotations) == [("", "A", 4.0, 5.5)]
    assert flat(read(*parts, media=media, video_name="other.mp4").annotations) == [("", "A", 3.0, 4.5)]


def test_slots_without_a_time_lie_at_equal_distances_between_those_with_one():
    given = (("t1", 1000), ("t2", None), ("t3", None), ("t4", 4000))
    chain = (aligned(1, "t1", "t2", "A"), aligned(2, "t2", "t3", "B"), aligned(3, "t3", "t4", "C"))
    assert flat(read(slots(given), tier("x1", *chain)).annotations) == [
        ("", "A", 1.0, 2.0),
        ("", "B", 2.0, 3.0),
        ("", "C", 3.0, 4.0),
    ]


def test_a_dependent_annotation_has_the_span_of_its_parent_however_deep():
    export = read(
        slots(), tier("grand", dependent(3, "a2", "C"), parent="child"), tier("child", dependent(2, "a1", "B"), parent="root"),
        tier("root", aligned(1, "t1", "t2", "A")),
    )  # fmt: skip
    assert flat(export.annotations) == [("", "A", 1.0, 2.5), ("", "B", 1.0, 2.5), ("", "C", 1.0, 2.5)]


def test_several_dependent_annotations_of_a_tier_share_the_span_in_their_order():
    words = (dependent(4, "a1", "third", "a3"), dependent(2, "a1", "first"), dependent(3, "a1", "second", "a2"))
    export = read(slots(), tier("root", aligned(1, "t1", "t3", "A")), tier("words", *words))
    assert flat(export.annotations) == [
        ("", "A", 1.0, 4.0), ("", "first", 1.0, 2.0), ("", "second", 2.0, 3.0), ("", "third", 3.0, 4.0),
    ]  # fmt: skip


def test_annotations_that_hang_on_themselves_on_nothing_or_on_no_time_are_left_out_with_their_reason():
    lost = (dependent(1, "a2", "A"), dependent(2, "a1", "B"), dependent(3, "gone", "C"), dependent(4, "a4", "D", "a4"))
    export = read(slots((("t1", None), ("t2", None))), tier("x1", *lost), tier("y1", aligned(5, "t1", "t2", "E")))
    assert export.annotations == () and reasons(export) == ["no_time"] * 5


def test_spans_outside_the_recording_and_without_length_get_their_reasons():
    given = (("t1", 1000), ("t2", 1000), ("t3", 700_000), ("t4", 800_000), ("t5", 599_000))
    marks = (aligned(1, "t1", "t2", "A"), aligned(2, "t3", "t4", "B"), aligned(3, "t4", "t1", "C"), aligned(4, "t5", "t3", "D"))
    export = read(slots(given), tier("x1", *marks))
    assert flat(export.annotations) == [("", "D", 599.0, 600.0)]
    assert reasons(export) == ["empty_range", "outside_recording", "reversed_range"]


def test_files_in_utf_16_are_read():
    data = eaf(slots(), tier("A", aligned(1, "t1", "t2", "Похвала"))).decode().replace("UTF-8", "UTF-16").encode("utf-16")
    assert flat(formats.read(data, "", **ABOUT).annotations) == [("", "Похвала", 1.0, 2.5)]


def test_pympi_reads_what_is_written(tmp_path):
    """The field's own library agrees on tiers, times and texts."""
    path = tmp_path / "lesson.eaf"
    marks = annotation_of(region(1.0004, 2.5, "😊 A", "B"), region(2.5, 3.0, 'say "x" & <y>'), annotator="5")
    path.write_bytes(formats.write((marks,), "eaf", frame_rate=25.0, duration_s=60.0, video_name="урок.mp4"))
    found = pympi.Eaf(str(path))
    assert found.get_annotation_data_for_tier("patterns@5") == [(1000, 2500, "B"), (2500, 3000, 'say "x" & <y>')]
    assert found.get_annotation_data_for_tier("patterns-2@5") == [(1000, 2500, "😊 A")]
    assert found.get_parameters_for_tier("patterns@5")["ANNOTATOR"] == "5"
    assert found.get_linked_files()[0]["MEDIA_URL"] == "урок.mp4"


def test_control_characters_that_xml_cannot_hold_are_taken_out():
    data = formats.write((annotation_of(region(0.0, 1.0, "a\x00b\x0bc\x1f\ufffe")),), "eaf")
    assert flat(formats.read(data, "").annotations) == [("anna", "abc", 0.0, 1.0)]


def test_a_mark_shorter_than_a_millisecond_keeps_a_length():
    data = formats.write((annotation_of(region(1.0, 1.0001, "A")),), "eaf")
    assert flat(formats.read(data, "").annotations) == [("anna", "A", 1.0, 1.001)]


BOMB = (
    '<!DOCTYPE ANNOTATION_DOCUMENT [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)
FILE_ENTITY = '<!DOCTYPE ANNOTATION_DOCUMENT [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
DTD = '<!DOCTYPE ANNOTATION_DOCUMENT SYSTEM "http://127.0.0.1:9/x.dtd">'


@pytest.mark.parametrize(
    ("head", "text"), [(BOMB, "&c;"), (FILE_ENTITY, "&x;"), (DTD, "A"), ("<!DOCTYPE ANNOTATION_DOCUMENT>", "A")]
)
def test_entities_and_document_types_are_refused(head, text):
    body = eaf(slots(), tier("A", aligned(1, "t1", "t2", "HERE"))).decode().replace("HERE", text)
    with pytest.raises(AnnotationError, match="entities or a document type"):
        formats.read(body.replace("?>", "?>" + head, 1).encode(), "x.eaf", **ABOUT)


@pytest.mark.parametrize(
    ("value", "match"),
    [("NaN", "milliseconds"), ("1e999", "milliseconds"), ("9" * 400, "milliseconds"), ("1.5", "milliseconds"),
     ("99999999999999", "milliseconds"), ("0x10", "milliseconds"), ("١٢a", "milliseconds")],
)  # fmt: skip
def test_times_that_are_none_are_refused(value, match):
    with pytest.raises(AnnotationError, match=match):
        read(slots((("t1", value), ("t2", 2000))), tier("A", aligned(1, "t1", "t2", "A")))


def test_negative_times_are_cut_to_the_recording():
    export = read(
        slots((("t1", -500), ("t2", 2000), ("t3", -100))), tier("A", aligned(1, "t1", "t2", "A"), aligned(2, "t1", "t3", "B"))
    )
    assert flat(export.annotations) == [("", "A", 0.0, 2.0)] and reasons(export) == ["outside_recording"]


@pytest.mark.parametrize(
    ("data", "match"),
    [(b"<html><body/></html>", "not from ELAN"), (b"<ANNOTATION_DOCUMENT>", "not valid XML"), (b"<a", "not valid XML"),
     (b"<?xml version='1.0' encoding='cp037'?><ANNOTATION_DOCUMENT>\x98</ANNOTATION_DOCUMENT>", "UTF-8"),
     (b"\xff\xfe<\x00a", "UTF-8"), (b"<a>\x00</a>", "formats|PPI knows|text file"),
     (b"<ANNOTATION_DOCUMENT>&undefined;</ANNOTATION_DOCUMENT>", "not valid XML")],
)  # fmt: skip
def test_broken_files_are_refused_in_words(data, match):
    with pytest.raises(AnnotationError, match=match):
        formats.read(data, "x.eaf", **ABOUT)


@pytest.mark.parametrize(
    "data",
    [b"<ANNOTATION_DOCUMENT>" + b"<a/>" * elan.MAX_TAGS + b"</ANNOTATION_DOCUMENT>",
     b"<ANNOTATION_DOCUMENT " + b" ".join(b'a%d=""' % number for number in range(elan.MAX_ATTRIBUTES + 1)) + b"/>"],
)  # fmt: skip
def test_files_that_would_fill_the_memory_are_refused_before_they_are_parsed(data):
    began = time.monotonic()
    with pytest.raises(AnnotationError, match="too many annotations"):
        formats.read(data, "x.eaf", **ABOUT)
    assert time.monotonic() - began < 2


def test_a_hundred_thousand_levels_of_tags_are_no_harm():
    with pytest.raises(AnnotationError, match="not from ELAN"):
        formats.read(b"<a>" * 100_000 + b"</a>" * 100_000, "x.eaf", **ABOUT)


def test_a_long_chain_of_dependent_annotations_is_read_in_a_moment():
    chain = [aligned(0, "t1", "t2", "A"), *(dependent(number + 1, f"a{number}", "B") for number in range(20_000))]
    began = time.monotonic()
    assert len(flat(read(slots(), tier("x1", *chain)).annotations)) == 20_001
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    "part",
    ["<TIER/>", "<TIER TIER_ID='A'><ANNOTATION/></TIER>", "<TIME_ORDER><TIME_SLOT/></TIME_ORDER>", "<TIER TIER_ID='@'/>",
     "<TIER TIER_ID='A'><ANNOTATION><ALIGNABLE_ANNOTATION/></ANNOTATION></TIER>",
     "<TIER TIER_ID='A'><ANNOTATION><REF_ANNOTATION/></ANNOTATION></TIER>",
     "<TIER TIER_ID='A'><ANNOTATION><UNKNOWN ANNOTATION_ID='a1'/></ANNOTATION></TIER>"],
)  # fmt: skip
def test_missing_attributes_leave_nothing_to_read(part):
    assert read(part).annotations == ()
