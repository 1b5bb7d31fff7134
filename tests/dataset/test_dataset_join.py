"""Several datasets in one: every byte comes along, lessons stay whole, and the strictest consent holds."""

import json
import shutil
from dataclasses import replace

import pytest

from ppi.dataset import build, changes, join, manifest, verify
from ppi.dataset.splits import Shares
from ppi.errors import DatasetError, InputError
from ppi.records import Consent, Meaning
from ppi.workflows.plain_about import say_in_folder
from tests.dataset.test_dataset_build import fake_cut

OPEN = Consent("public", "cc-by-4.0")


@pytest.fixture
def lessons(real_plan, tmp_path):
    """`lessons("a", "b")` builds a dataset for each name; the clips hold the name."""

    def make(*names, **consents):
        for name in names:
            agreed = consents.get(name, OPEN)
            samples = tuple(replace(sample, lesson=name, teacher=agreed.teacher) for sample in real_plan.samples)
            plan = replace(real_plan, lesson=name, samples=samples)
            build.build(tmp_path / name, plan, fake_cut(name.encode()), None, consent=agreed, tools={"ffmpeg": "5"})
        return [tmp_path / name for name in names]

    return make


def rows_of(folder):
    return [json.loads(line) for line in (folder / "metadata.jsonl").read_text(encoding="utf-8").splitlines()]


def test_samples_of_all_lessons_come_whole_under_new_numbers(lessons, tmp_path):
    parts = lessons("б", "а", "в", "г")
    made = join.join(parts, tmp_path / "all", Shares(50, 25, 25))
    rows = rows_of(tmp_path / "all")
    assert made.samples == len(rows) == 96 and [row["id"] for row in rows] == [f"pattern_{n + 1}" for n in range(96)]
    assert [row["lesson"] for row in rows[::24]] == ["а", "б", "в", "г"]
    for row in rows:
        assert (tmp_path / "all" / row["video_path"]).read_bytes() == row["lesson"].encode()
    assert verify.check(tmp_path / "all").problems == ()
    whys = {file["path"]: file.get("key_frame") for file in manifest.read(tmp_path / "all")["files"]}
    listed = manifest.read(tmp_path / "а")["files"]
    before = [file.get("key_frame") for file in listed if file["path"] == "images/pattern_7.jpg"]
    assert [whys["images/pattern_7.jpg"]] == before and before[0]["time_s"] == round(rows[6]["start_time"], 6)
    splits = {lesson: {row["split"] for row in rows if row["lesson"] == lesson} for lesson in "абвг"}
    assert all(len(found) == 1 for found in splits.values())
    assert {split for found in splits.values() for split in found} == {"train", "validation", "test"}


def test_the_order_of_the_parts_does_not_matter(lessons, tmp_path):
    parts = lessons("а", "б", "в")
    join.join(parts, tmp_path / "one", Shares())
    join.join(parts[::-1], tmp_path / "two", Shares())
    names = [path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in names)


def test_the_card_and_the_report_tell_of_splits_and_lessons(lessons, tmp_path):
    join.join(lessons("а", "б"), tmp_path / "all", Shares(), pretty_name="Две недели")
    card = (tmp_path / "all" / "README.md").read_text(encoding="utf-8")
    assert "path: data/test-*.parquet" in card and "Nothing is in validation" in card and "# Две недели" in card
    assert "| Lessons | 2 (24.0 s, 25 frames a second) |" in card
    report = json.loads((tmp_path / "all" / "report.json").read_text(encoding="utf-8"))
    assert report["splits"]["counts"]["train"]["samples"] == 24 and report["checks"]["splits"] == "pass"
    assert any(item["where"].startswith("б: task 10") for item in report["dropped"])
    assert set(manifest.read(tmp_path / "all")["inputs"]) == {"dataset а", "dataset б"}


def test_teachers_stay_whole(lessons, tmp_path):
    one, other = Consent("public", teacher="T1"), Consent("public", teacher="T2")
    made = join.join(lessons("а", "б", "в", а=one, б=one, в=other), tmp_path / "all", Shares())
    assert made.groups == {"teacher T1": "train", "teacher T2": "test"}


def test_the_strictest_consent_holds_for_the_whole(lessons, tmp_path):
    later = Consent("public", "cc-by-nc-4.0", "2030-01-01")
    join.join(lessons("а", "б", "в", б=later, в=Consent("internal", "cc-by-4.0")), tmp_path / "all", Shares())
    settings = manifest.read(tmp_path / "all")["settings"]
    assert (settings["consent"], settings["license"], settings["embargo_until"]) == ("internal", "other", "2030-01-01")


def test_a_joined_dataset_can_be_joined_again(lessons, tmp_path):
    join.join(lessons("а", "б"), tmp_path / "two", Shares())
    join.join([tmp_path / "two", *lessons("в")], tmp_path / "three", Shares())
    assert "| Lessons | 3 (" in (tmp_path / "three" / "README.md").read_text(encoding="utf-8")


def test_a_lesson_given_twice_and_a_broken_part_are_refused(lessons, tmp_path):
    parts = lessons("а", "б")
    shutil.copytree(parts[0], tmp_path / "copy")
    with pytest.raises(InputError, match="both hold the lesson а"):
        join.join([*parts, tmp_path / "copy"], tmp_path / "all", Shares())
    (parts[1] / "texts" / "pattern_1.txt").unlink()
    with pytest.raises(DatasetError, match="does not pass its check: pattern_1: texts/pattern_1.txt is missing"):
        join.join(parts, tmp_path / "all", Shares())
    assert not (tmp_path / "all").exists()


def test_lessons_of_the_same_name_are_told_apart_by_their_recordings(real_plan, tmp_path):
    for name, recording in (("one", "aaaaaa11"), ("two", "bbbbbb22"), ("again", "aaaaaa11")):
        samples = tuple(replace(sample, lesson="Урок") for sample in real_plan.samples)
        plan = replace(real_plan, lesson="Урок", samples=samples)
        build.build(tmp_path / name, plan, fake_cut(name.encode()), None, consent=OPEN, inputs={"video": recording})
    join.join([tmp_path / "one"], tmp_path / "all", Shares())
    join.join([tmp_path / "two", tmp_path / "one"], tmp_path / "all", Shares(50, 0, 50))
    rows = rows_of(tmp_path / "all")
    assert {row["lesson"] for row in rows} == {"Урок [aaaaaa]", "Урок [bbbbbb]"} and len({row["id"] for row in rows}) == 48
    assert {row["split"] for row in rows} == {"train", "test"}
    for row in rows:
        assert (tmp_path / "all" / row["video_path"]).read_bytes() == (b"one" if "aaaaaa" in row["lesson"] else b"two")
    assert changes.read(tmp_path / "all")[-1]["counts"] == {"added": 24}, "the mark alone changes no sample"
    with pytest.raises(InputError, match="both hold the lesson"):
        join.join([tmp_path / "one", tmp_path / "again"], tmp_path / "twice", Shares())


def test_a_joined_card_is_in_the_language_asked_for_with_agreement_and_meanings_of_its_lessons(real_plan, tmp_path):
    entries = [{"pattern": "Похвала", "kappa": 0.5, "alpha": 0.4, "f1": 1.0}]
    for name, agreement in (("а", {"annotators": 2, "step_s": 0.1, "patterns": entries}), ("б", None)):
        samples, meant = tuple(replace(one, lesson=name) for one in real_plan.samples[:2]), Meaning("хвалит", "Похвала", 2)
        plan = replace(real_plan, lesson=name, samples=samples, meanings=(meant,))
        build.build(tmp_path / name, plan, fake_cut(), None, consent=OPEN, agreement=agreement)
    join.join([tmp_path / "а", tmp_path / "б"], tmp_path / "two", Shares(), language="ru", is_illustrated=True)
    join.join([tmp_path / "two"], tmp_path / "all", Shares(), language="ru")
    for name in ("two", "all"):
        report = json.loads((tmp_path / name / "report.json").read_text(encoding="utf-8"))
        assert report["meanings"] == [{"label": "хвалит", "pattern": "Похвала", "marks": 4}]
        assert "| хвалит | Похвала | 4 |" in (tmp_path / name / "README.md").read_text(encoding="utf-8")
        card = (tmp_path / name / "README.md").read_text(encoding="utf-8")
        assert "(уроков: 1 из 2)" in card and "| Похвала | 1 | 0,50 | 0,40 | 1,00 |" in card
        assert manifest.read(tmp_path / name)["settings"]["card_language"] == "ru"
    assert "![Где на уроках отмечены паттерны](figures/timeline.png)" in (tmp_path / "two" / "README.md").read_text("utf-8")
    drawn = (tmp_path / "two" / "figures" / "timeline.png").read_bytes()
    say_in_folder(tmp_path / "two", consent={}, language="en")
    assert (tmp_path / "two" / "figures" / "timeline.png").read_bytes() != drawn, "the figures follow the card"
    assert verify.check(tmp_path / "two").problems == ()
