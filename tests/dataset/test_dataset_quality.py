"""What no loader finds is found, and named with its row."""

import json
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFilter

from ppi.dataset import keyframes, quality, verify
from ppi.dataset.texts import NO_SPEECH
from ppi.workflows.plain_dataset import check_folder
from tests.dataset.test_dataset_verify import change_row


def row(number, start_s=0.0, end_s=2.0, *names, **changes):
    patterns = [{"type": name, "description": "meaning"} for name in names or ("Похвала",)]
    made = {
        "id": f"pattern_{number}", "start_time": start_s, "end_time": end_s, "patterns": patterns, "text": "Так.", "words": [],
        "annotator": "1",
        "lesson": "урок", "source_video": "a.mp4", "teacher": "", "split": "train", "image_path": f"images/{number}.jpg",
    }  # fmt: skip
    return made | changes


def found(tmp_path: Path, *rows, unused=(), check=""):
    findings = quality.examine(tmp_path, rows, unused)
    return [(item.level, str(item)) for item in findings if item.check == check]


def picture(path: Path, blur_px=0.0, brightness=1.0) -> Path:
    """A drawn scene with edges and grain, 640 pixels wide."""
    drawn = Image.effect_noise((640, 360), 60).convert("RGB")
    pen = ImageDraw.Draw(drawn)
    for number in range(12):
        pen.rectangle(
            (number * 50, number * 20, number * 50 + 90, number * 20 + 60), fill=(number * 20, 120, 250 - number * 20)
        )
    drawn = drawn.filter(ImageFilter.GaussianBlur(blur_px)).point(lambda value: value * brightness)
    drawn.save(path, "JPEG", quality=90)
    return path


def test_the_same_span_with_the_same_pattern_twice_fails(tmp_path):
    rows = row(1), row(2, 0.01, 1.99), row(3, 0.0, 2.0, annotator="2"), row(4, 0.0, 2.0, lesson="другой")
    assert found(tmp_path, *rows, check="spans") == [
        ("fail", "pattern_2: It marks the span of pattern_1 with the same pattern again: Похвала.")
    ]


def test_an_overlap_of_one_annotator_and_one_pattern_is_a_warning(tmp_path):
    rows = row(1, 0, 10), row(2, 4, 5, "Вопрос"), row(3, 6, 7), row(4, 10, 12), row(5, 3, 4, annotator="2")
    assert found(tmp_path, *rows, check="spans") == [
        ("warn", "pattern_3: It overlaps pattern_1, which the same annotator gave the same pattern: Похвала.")
    ]


def test_an_overlap_behind_a_shorter_one_is_seen_too(tmp_path):
    said = found(tmp_path, row(1, 0, 10), row(2, 1, 2), row(3, 8, 9), check="spans")
    assert [text.split(",")[0] for _, text in said] == ["pattern_2: It overlaps pattern_1", "pattern_3: It overlaps pattern_1"]


def test_a_very_short_span_is_a_warning(tmp_path):
    assert found(tmp_path, row(1, 1.0, 1.4), check="spans") == [("warn", "pattern_1: It is shorter than half a second.")]


def test_rows_without_a_text_are_named_but_a_dataset_without_texts_once(tmp_path):
    assert [text for _, text in found(tmp_path, row(1, text=" "), row(2), check="texts")] == [
        "pattern_1: Nothing was said in it."
    ]
    assert found(tmp_path, row(1, text=NO_SPEECH), row(2), check="texts") == [("warn", "pattern_1: Nothing was said in it.")]
    assert len(found(tmp_path, row(1, text=""), row(2, text=""), check="texts")) == 1


def test_a_text_whose_words_are_mostly_doubted_is_a_warning(tmp_path):
    clear, doubted = {"is_uncertain": False}, {"is_uncertain": True}
    rows = row(1, words=[doubted, doubted, clear]), row(2, 3, 4, words=[doubted, clear]), row(3, 5, 6, words=[])
    assert found(tmp_path, *rows, check="texts") == [("warn", "pattern_1: Of its 3 words the recogniser doubts 2.")]


def test_labels_without_a_row_of_the_table_and_rows_without_a_label_are_named(tmp_path):
    bare = row(1, patterns=[{"type": "Новый", "description": ""}])
    said = [text for _, text in found(tmp_path, bare, row(2), unused=["Юмор"], check="labels")]
    assert said[0].startswith("Новый: It has no description in the table of patterns. Samples with this label: 1.")
    assert said[1].startswith("Юмор: It stands in the table of patterns")


def test_rare_patterns_and_lopsided_ones_are_a_warning(tmp_path):
    rows = [row(number, number * 3, number * 3 + 2) for number in range(60)] + [row(61, 300, 302, "Редкий")]
    assert [text for _, text in found(tmp_path, *rows, check="balance")] == [
        "1 of 2 patterns has fewer than 5 samples: Редкий.", "Похвала has 60 samples, but Редкий only 1.",
    ]  # fmt: skip
    assert found(tmp_path, *rows[:6], check="balance") == []


@pytest.mark.parametrize("key", ["lesson", "teacher"])
def test_a_lesson_or_a_teacher_in_two_splits_fails(tmp_path, key):
    rows = row(1, lesson="a", teacher="T1"), row(2, lesson="b", teacher="T2", split="test")
    assert [level for level, _ in found(tmp_path, *rows, check="splits")] == ["pass"]
    same = {key: rows[0][key]}
    assert ("fail", f"{rows[0][key]}: It is in several splits at once: test, train.") in found(
        tmp_path, rows[0], rows[1] | same, check="splits"
    )


def test_hours_count_each_moment_once(tmp_path):
    rows = row(1, 0, 1800), row(2, 900, 2700, "Вопрос"), row(3, 0, 900, lesson="другой")
    short = row(1, 0, 40.25), row(2, 50, 75)
    said = [found(tmp_path, *some, check="hours") for some in (rows, short, short[:1])]
    assert said == [
        [("pass", "The clips last 1 h 15 min together and cover 1 h 0 min of 2 lessons.")],
        [("pass", "The clips last 1 min 5 s together and cover 1 min 5 s of 1 lesson.")],
        [("pass", "The clips last 40.2 s together and cover 40.2 s of 1 lesson.")],
    ]


def test_black_plain_blurred_and_broken_key_frames_are_told_apart_from_good_ones(tmp_path):
    Image.new("RGB", (320, 180), (3, 3, 4)).save(tmp_path / "black.jpg")
    Image.new("RGB", (320, 180), (200, 200, 210)).save(tmp_path / "plain.jpg")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    Image.new("RGB", (20, 20)).save(tmp_path / "other.jpg", "PNG")
    assert keyframes.fault_of(picture(tmp_path / "good.jpg")) == ""
    assert keyframes.fault_of(picture(tmp_path / "dim.jpg", brightness=0.4)) == ""
    assert keyframes.fault_of(picture(tmp_path / "soft.jpg", blur_px=8)) == "blurred"
    names = {"black": "black", "plain": "plain", "broken": "unreadable", "other": "unreadable"}
    assert {name: keyframes.fault_of(tmp_path / f"{name}.jpg") for name in names} == names


def test_a_picture_too_large_to_open_is_not_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(keyframes, "MAX_PIXELS", 100)
    assert keyframes.fault_of(picture(tmp_path / "good.jpg")) == "unreadable"


def test_a_built_dataset_says_what_its_check_found(built_dataset):
    report = json.loads((built_dataset.folder / "report.json").read_text(encoding="utf-8"))
    assert report["unused"] == [] and report["checks"]["spans"] in ("pass", "warn", "fail")
    assert set(report["checks"]) == set(quality.CHECKS)
    assert all(set(item) == {"check", "level", "where", "template", "values"} for item in report["findings"])
    bare = {item["where"] for item in report["findings"] if item["check"] == "labels"}
    assert bare == {"Педагог (рамка)", "question_t"}


def test_faults_of_files_and_of_rows_come_together(dataset_copy):
    (dataset_copy / "texts" / "pattern_2.txt").unlink()
    picture(dataset_copy / "images" / "pattern_3.jpg", blur_px=9)
    report = check_folder(dataset_copy)
    assert report.levels["files"] == "fail" and report.levels["key_frames"] == "warn"
    assert "pattern_2: texts/pattern_2.txt is missing." in report.problems
    assert "pattern_3: The key frame shows hardly any detail: it may be blurred." in report.warnings


def test_rows_that_are_not_sound_are_left_to_the_check_of_rows(dataset_copy):
    change_row(dataset_copy, 0, start_time="x")
    change_row(dataset_copy, 1, image_path="../../etc/passwd")
    assert len(verify.sound_rows(dataset_copy)) == 22
    assert check_folder(dataset_copy).levels["files"] == "fail"


@pytest.mark.parametrize("content", ["", "[]", '{"unused": 3}', '{"unused": [1, "Юмор"]}'])
def test_a_report_of_any_shape_is_read(dataset_copy, content):
    (dataset_copy / "report.json").write_text(content, encoding="utf-8")
    assert verify.unused_patterns(dataset_copy) == (["Юмор"] if "Юмор" in content else [])
