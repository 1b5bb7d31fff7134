"""The labelling configuration: made of any table, read back by Label Studio's own rules and by the importer."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from ppi.annotation import config, label_studio
from ppi.annotation.patterns import Codebook, read
from ppi.errors import AnnotationError, InputError
from ppi.records import Pattern, Span
from tests.conftest import DATA

BOOK = Codebook((
    Pattern("Похвала П", "Учитель хвалит", ("Устная", "Жестом")), Pattern("У: Вопрос", "Ученик спрашивает"),
    Pattern("Работа в группах", ""), Pattern("П: Вопрос", "Учитель\nспрашивает", ("Устная",)),
))  # fmt: skip
HOSTILE = (
    '"/><Choices name="x"', "a & b < c > d", "</Label></View>", "$video", "Цена $fps и ${x} и $[0]", "<!--", "]]>",
    "%s {0} {{x}}", "new\nline\ttab", "null\x00\x0bbyte\ufffe", "&amp;&lt;", "‮gnirts", "👩‍🏫 Учитель", "'--", "5$", "&#0;",
    "<?xml?>", "a" * 200,
)  # fmt: skip
MARK = {"start": 1.25, "end": 2.5, "channel": 0}
BOX = {"framesCount": 300, "duration": 12, "sequence": [
    {"frame": 26, "enabled": True, "rotation": 0, "x": 1, "y": 2, "width": 3, "height": 4, "time": 1.04},
    {"frame": 51, "enabled": False, "rotation": 0, "x": 1, "y": 2, "width": 3, "height": 4, "time": 2.04}]}  # fmt: skip


def tags(text: str, name: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(text).iter(name))


def marked_with(text: str, labels: list[str]) -> list[dict]:
    """What Label Studio 1.23 exports for one region that was drawn with every control of a configuration answered."""
    root, items = ElementTree.fromstring(text), []
    is_box = bool(tags(text, "VideoRectangle"))
    shape = BOX if is_box else MARK

    def item(control: ElementTree.Element, kind: str, **value) -> dict:
        target = control.get("toName")
        assert {tag.tag for tag in root.iter() if tag.get("name") == target} == {"Video" if is_box else "Audio"}
        return {"id": "r1", "from_name": control.get("name"), "to_name": target, "type": kind, "value": shape | value}

    for control in root.iter():
        if control.tag == ("VideoRectangle" if is_box else "Labels"):
            items.append(item(control, "videorectangle" if is_box else "labels", labels=labels))
        elif control.tag == "Choices":
            first = control[0]
            items.append(item(control, "choices", choices=[first.get("alias") or first.get("value")]))
        elif control.tag == "TextArea":
            items.append(item(control, "textarea", text=[f"about {control.get('name')}"]))
    return items


def read_back(text: str, labels: list[str]):
    task = {"id": 1, "data": {"fps": 25}, "annotations": [{"id": 1, "result": marked_with(text, labels)}]}
    export = label_studio.parse(json.dumps([task]), frame_rate=None, duration_s=12.0)
    assert export.dropped == ()
    return export.annotations[0].regions[0]


@pytest.mark.parametrize("variant, kind", [("audio", "audio"), ("boxes", "box"), ("speech_acts", "audio")])
def test_what_is_marked_with_the_configuration_is_read_back(variant, kind):
    made = config.labels(BOOK.patterns)
    region = read_back(config.labelling_config(BOOK.patterns, variant), [label.value for label in made])
    assert (region.kind, region.span) == (kind, Span(1.0, 2.0) if kind == "box" else Span(1.25, 2.5))
    assert [BOOK.match(label) for label in region.labels] == [BOOK.patterns[place] for place in (0, 3, 1, 2)]
    assert region.texts["description"] == ("about description",)
    acts = {
        "initiator": ("teacher",), "speech_act": ("assertive",), "modality": ("verbal",), "subcategory": ("Устная",),
        "significance": ("low",),
    }  # fmt: skip
    assert region.choices == (acts if variant == "speech_acts" else {})


@pytest.mark.parametrize("variant", config.VARIANTS)
def test_label_studios_own_library_finds_no_fault(variant):
    from label_studio_sdk.label_interface import LabelInterface  # loads pandas

    read_by_it = LabelInterface(config.labelling_config(BOOK.patterns, variant))
    read_by_it.validate()
    assert list(read_by_it.get_control("patterns").labels) == [label.value for label in config.labels(BOOK.patterns)]


def test_a_real_export_of_the_configuration_holds_its_controls_and_is_read_back():
    """Marked in the browser with Label Studio 1.23.2, with the configuration of this table in the variant speech_acts."""
    table = (Pattern("П: Похвала", "Учитель хвалит <b>", ("Устная", "жестом")), Pattern("У: Вопрос", "Ученик спрашивает"))
    exported = (DATA / "label_studio" / "kit_speech_acts.json").read_text(encoding="utf-8")
    text = config.labelling_config(table, "speech_acts")
    ours = {item["from_name"]: item["type"] for item in marked_with(text, ["П: Похвала"])}
    assert {item["from_name"]: item["type"] for item in json.loads(exported)[0]["annotations"][0]["result"]} == ours
    region = label_studio.parse(exported, frame_rate=None, duration_s=63.92).annotations[0].regions[0]
    assert (region.labels, region.texts) == (("П: Похвала",), {"description": ("Хвалит за ответ",)})
    assert region.choices == {
        "initiator": ("teacher",), "speech_act": ("question",), "modality": ("prosody", "gesture"), "significance": ("high",),
        "subcategory": ("Устная",),
    }  # fmt: skip


def test_subcategories_are_free_text_where_the_table_offers_none():
    text = config.labelling_config((Pattern("Praise", ""),), "speech_acts")
    assert read_back(text, ["Praise"]).texts["subcategory"] == ("about subcategory",)


def test_the_video_and_the_sound_run_together_at_the_rate_of_the_task():
    for variant in config.VARIANTS:
        text = config.labelling_config(BOOK.patterns, variant)
        video, sound = tags(text, "Video")[0], tags(text, "Audio")[0]
        assert video.get("sync") == sound.get("sync") and video.get("muted") == "true"
        assert (video.get("value"), sound.get("value"), video.get("frameRate")) == ("$video", "$audio", "$fps")
    rates = {rate: tags(config.labelling_config(BOOK.patterns, "audio", rate), "Video")[0] for rate in (25.0, 30000 / 1001)}
    assert [video.get("frameRate") for video in rates.values()] == ["25", "29.97003"]


def test_labels_stand_by_role_with_their_hints_and_their_words_follow_the_table():
    text = config.labelling_config(BOOK.patterns, "audio")
    found = [tag.get("value") for tag in tags(text, "Labels")[0]]
    assert found == ["Педагог", "Похвала П", "П: Вопрос", "Ученик", "У: Вопрос", "Без указания роли", "Работа в группах"]
    assert [label.get("hint") for label in tags(text, "Label")] == [
        "Учитель хвалит", "Учитель спрашивает", "Ученик спрашивает", None,
    ]  # fmt: skip
    assert [label.role for label in config.labels(BOOK.patterns)] == ["teacher", "teacher", "student", ""]
    english = config.labelling_config((Pattern("Praise", ""), Pattern("Question", "")), "speech_acts")
    assert [tag.tag for tag in tags(english, "Labels")[0]] == ["Label", "Label"]
    assert {"Teacher", "Question", "Low"} <= {choice.get("value") for choice in tags(english, "Choice")}


def test_names_and_hints_of_strangers_stay_text_and_still_find_their_row():
    patterns = tuple(Pattern(name, name[::-1], (name,)) for name in HOSTILE)
    for variant in config.VARIANTS:
        text = config.labelling_config(patterns, variant)
        known = {"View", "Header", "Video", "Audio", "Labels", "Label", "VideoRectangle", "Choices", "Choice", "TextArea"}
        assert {tag.tag for tag in ElementTree.fromstring(text).iter()} <= known
        assert len(tags(text, "Label")) == len(patterns) and len(tags(text, "Labels")) == 1
        assert {tag.get("name") for tag in ElementTree.fromstring(text).iter()} <= {
            None, "video", "audio", "patterns", "box", "initiator", "speech_act", "modality", "subcategory", "description",
            "significance",
        }  # fmt: skip
        shown = [tag.get(name, "") for tag in tags(text, "Label") + tags(text, "Choice") for name in ("value", "hint")]
        assert not any(f"${sign}" in value for value in shown for sign in ("v", "f", "{", "["))
        labels = [label.get("value") for label in tags(text, "Label")]
        assert len(set(labels)) == len(labels)
        book = Codebook(patterns)
        assert {book.match(label) for label in labels} == set(patterns)


@pytest.mark.parametrize("patterns, words", [
    ((Pattern("\x01\x02", ""),), "visible"), ((Pattern("x" * 201, ""),), "200"),
    (tuple(Pattern(f"p{number}", "") for number in range(301)), "301"),
])  # fmt: skip
def test_what_cannot_become_buttons_is_refused_with_a_reason(patterns, words):
    with pytest.raises(AnnotationError, match=words):
        config.labelling_config(patterns, "audio")
    with pytest.raises(InputError, match="audio, boxes or speech_acts"):
        config.labelling_config(BOOK.patterns, "video")


def test_the_same_table_always_gives_the_same_configuration_and_more_rows_change_no_colour():
    patterns = tuple(Pattern(f"p{number}", "") for number in range(100))
    assert config.labelling_config(patterns, "audio") == config.labelling_config(patterns, "audio")
    few, many = config.labels(patterns[:5]), config.labels(patterns)
    assert many[:5] == few
    keys = [label.hotkey for label in many if label.hotkey]
    assert len(set(keys)) == len(keys) == 33 and not set(keys) & set("ruh")


def test_the_sample_table_becomes_a_configuration():
    made = config.labels(read(DATA / "sample_patterns.xlsx").patterns)
    assert [label.value for label in made][:2] == ["Эмоциональная поддержка", "Похвала"]
    assert [label.hotkey for label in made] == list("123456")


def test_a_column_of_subcategories_is_read(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("Паттерн;Описание;Подкатегории\nПохвала;Хвалит;Устная, жестом\nВопрос;;\n")
    assert [pattern.subcategories for pattern in read(table).patterns] == [("Устная", "жестом"), ()]
