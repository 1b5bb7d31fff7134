"""The transcript that annotators are shown: what Label Studio gets, and that it is nobody's mark when it comes back."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from ppi.annotation import label_studio, speech_regions
from ppi.annotation.config import VARIANTS, labelling_config
from ppi.records import Pattern, Segment, Transcript

SEGMENTS = (
    Segment(1.5, 3.25, " Кто знает? "), Segment(4.0, 4.0, "щелчок"), Segment(5.0, 6.0, "  "), Segment(7.0, 9.5, "Я & ты"),
)  # fmt: skip
TRANSCRIPT = Transcript(SEGMENTS, "ru", "x", "x", 12.0)
MARK = {
    "id": "r1", "from_name": "patterns", "to_name": "audio", "type": "labels",
    "value": {"start": 1.0, "end": 2.0, "channel": 0, "labels": ["Похвала"]},
}  # fmt: skip


def test_each_segment_that_was_heard_is_a_region_with_its_text():
    result = speech_regions.speech_result(TRANSCRIPT)
    assert [(item["value"]["start"], item["value"]["end"]) for item in result[::2]] == [(1.5, 3.25), (7.0, 9.5)]
    assert [item["value"]["text"] for item in result[1::2]] == [["Кто знает?"], ["Я & ты"]]
    for label, text in zip(result[::2], result[1::2], strict=True):
        assert label["id"] == text["id"]
    assert len({item["id"] for item in result}) == 2


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_configuration_gets_a_place_for_it_and_keeps_all_it_had(variant):
    config = labelling_config([Pattern("Похвала", 'Хвалит & "ободряет"')], variant)
    with_speech = speech_regions.with_speech(config)
    before, after = ElementTree.fromstring(config), ElementTree.fromstring(with_speech)
    assert [ElementTree.tostring(tag).strip() for tag in before] == [ElementTree.tostring(tag).strip() for tag in after][:-2]
    controls = {tag.get("name"): tag for tag in after.iter() if tag.get("toName")}
    for item in speech_regions.speech_result(TRANSCRIPT):
        control = controls[item["from_name"]]
        assert control.get("toName") == item["to_name"] and control.tag.lower() == item["type"]


def test_what_an_annotator_took_over_of_it_is_left_out_with_one_reason():
    result = [MARK, *speech_regions.speech_result(TRANSCRIPT)]
    export = label_studio.parse(
        json.dumps([{"id": 1, "data": {}, "annotations": [{"id": 2, "result": result}]}]), frame_rate=25, duration_s=12
    )
    assert [region.labels for region in export.annotations[0].regions] == [("Похвала",)]
    assert [(dropped.reason, dropped.detail) for dropped in export.dropped] == [("transcript", "2")]
