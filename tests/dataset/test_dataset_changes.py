"""What changed between two datasets, and the history that a dataset keeps of itself."""

import json
from dataclasses import replace

import pytest

from ppi.dataset import build, changes
from ppi.errors import DatasetError, InputError
from ppi.records import Pattern, Span
from tests.dataset.test_dataset_build import fake_cut


def row(number, start_s, end_s, *names, regions=(), annotator="1", lesson="урок", text=""):
    return {
        "id": f"pattern_{number}", "start_time": start_s, "end_time": end_s, "lesson": lesson, "annotator": annotator,
        "patterns": [{"type": name, "description": ""} for name in names or ("Похвала",)], "regions": list(regions),
        "text": text, "choices": [], "comments": [], "teacher": "",
    }  # fmt: skip


def told(before, after):
    return [str(change) for change in changes.compare(before, after)]


def test_numbers_that_shift_are_no_change():
    before = [row(1, 5, 6, regions=["r1"]), row(2, 8, 9)]
    after = [row(1, 1, 2, regions=["new"]), row(2, 5, 6, regions=["r1"]), row(3, 8, 9)]
    assert told(before, after) == ["added pattern_1: 1.000-2.000 s, Похвала, annotator 1"]


def test_a_region_is_known_again_wherever_it_went_and_whatever_it_is_called():
    before, after = [row(1, 5, 6, "Похвала", regions=["r1"])], [row(1, 50, 61, "Вопрос", regions=["r1"])]
    assert told(before, after) == [
        "moved pattern_1: 5.000-6.000 s -> 50.000-61.000 s", "relabelled pattern_1: Похвала -> Вопрос",
    ]  # fmt: skip


def test_without_regions_span_and_annotator_tell_who_is_who():
    before, after = (
        [row(1, 5, 6, "Похвала"), row(2, 5, 6, annotator="2")],
        [row(1, 5.01, 6, "Вопрос"), row(2, 5, 6, annotator="2")],
    )
    assert told(before, after) == ["relabelled pattern_1: Похвала -> Вопрос"]


def test_a_span_that_moved_a_little_is_the_same_sample_and_one_that_moved_far_is_not():
    assert told([row(1, 5, 9)], [row(1, 5.5, 9)]) == ["moved pattern_1: 5.000-9.000 s -> 5.500-9.000 s"]
    assert [text.split()[0] for text in told([row(1, 5, 9)], [row(1, 8, 14)])] == ["added", "removed"]


def test_the_likest_of_several_is_taken():
    before, after = [row(1, 0, 10)], [row(1, 2, 12), row(2, 1, 10)]
    assert told(before, after) == [
        "added pattern_1: 2.000-12.000 s, Похвала, annotator 1",
        "moved pattern_1 -> pattern_2: 0.000-10.000 s -> 1.000-10.000 s",
    ]  # fmt: skip


def test_other_texts_and_answers_are_an_edit():
    after = row(1, 5, 6, text="Так.") | {"choices": [{"name": "initiator", "values": ["Ученик"]}]}
    assert told([row(1, 5, 6)], [after]) == ["edited pattern_1: text, choices"]


def test_lessons_and_annotators_are_kept_apart_but_one_lesson_may_have_another_name():
    before, after = [row(1, 5, 6), row(2, 5, 6, lesson="б")], [row(1, 5, 6), row(2, 5, 6, lesson="в")]
    assert [text.split()[0] for text in told(before, after)] == ["added", "removed"]
    assert told([row(1, 5, 6)], [row(1, 5, 6, lesson="новое имя")]) == []


def test_rows_of_an_earlier_format_can_be_compared():
    earlier = {key: value for key, value in row(1, 5, 6).items() if key not in ("regions", "choices", "comments", "teacher")}
    assert told([earlier], [row(1, 5, 6, regions=["r1"])]) == []


@pytest.mark.parametrize("content", [None, "[]\n", "{}\n", '{"id": 1}\n', "no json\n"])
def test_a_folder_that_is_no_dataset_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "metadata.jsonl").write_text(content)
    with pytest.raises(InputError, match="is no dataset"):
        changes.compare_folders(tmp_path, tmp_path)


def versions(folder):
    return json.loads((folder / "changes.json").read_text(encoding="utf-8"))["versions"]


def test_a_rebuild_with_the_same_inputs_is_no_new_version_and_the_same_bytes(real_plan, tmp_path):
    folder = tmp_path / "d"
    build.build(folder, real_plan, fake_cut(), None, inputs={"video": "a"})
    first = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    build.build(folder, real_plan, fake_cut(), None, inputs={"video": "a"})
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == first
    assert [version["version"] for version in versions(folder)] == [1]


def test_a_build_tells_what_changed_since_the_one_before(real_plan, tmp_path):
    folder = tmp_path / "d"
    build.build(folder, real_plan, fake_cut(), None, inputs={"annotations": "a"})
    samples = list(real_plan.samples)
    samples[0] = replace(samples[0], patterns=(Pattern("Другой", ""),))
    samples[1] = replace(samples[1], span=Span(samples[1].span.start_s + 0.2, samples[1].span.end_s))
    changed = replace(real_plan, samples=tuple(samples[:-1]))
    build.build(folder, changed, fake_cut(), None, inputs={"annotations": "b"})
    newest = versions(folder)[-1]
    assert (newest["version"], newest["samples"], newest["inputs"]) == (2, 23, ["annotations"])
    assert newest["counts"] == {"removed": 1, "moved": 1, "relabelled": 1}
    assert {change["kind"] for change in newest["changes"]} == set(newest["counts"])
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "- Version 2: 23 samples; removed 1, moved 1, relabelled 1, other annotations." in card
    assert "- Version 1: 24 samples; first build." in card
    build.build(folder, changed, fake_cut(), None, inputs={"annotations": "b"})
    assert versions(folder)[-1] == newest, "what changed is still told after a rebuild that changed nothing"


def test_every_recent_version_tells_its_changes_and_an_old_one_only_their_number(tmp_path):
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "manifest.json").write_text('{"inputs": {}}')
    for number in range(1, changes.TOLD_VERSIONS + 3):
        known = changes.history(folder if number > 1 else None, [row(1, number, number + 1, regions=["r1"])], {})
        (folder / "changes.json").write_text(json.dumps({"versions": known}))
        (folder / "metadata.jsonl").write_text(json.dumps(row(1, number, number + 1, regions=["r1"])))
    assert [version["version"] for version in known] == list(range(1, changes.TOLD_VERSIONS + 3))
    assert [len(version["changes"]) for version in known] == [0, 0] + [1] * changes.TOLD_VERSIONS
    assert known[2]["changes"][0]["detail"] == "2.000-3.000 s -> 3.000-4.000 s"
    assert known[1]["counts"] == {"moved": 1}


def test_the_build_before_may_lie_elsewhere(real_plan, tmp_path):
    build.build(tmp_path / "a", real_plan, fake_cut(), None)
    fewer = replace(real_plan, samples=real_plan.samples[1:])
    build.build(tmp_path / "b", fewer, fake_cut(), None, previous=tmp_path / "a")
    assert versions(tmp_path / "b")[-1]["counts"] == {"removed": 1}


@pytest.mark.parametrize("content", ["", "[]", '{"versions": []}', '{"versions": [{"version": "x", "counts": {}}]}'])
def test_a_history_that_cannot_be_read_begins_anew(real_plan, tmp_path, content):
    build.build(tmp_path / "d", real_plan, fake_cut(), None)
    (tmp_path / "d" / "changes.json").write_text(content)
    with pytest.raises(DatasetError):
        changes.read(tmp_path / "d")
    build.build(tmp_path / "d", real_plan, fake_cut(), None)
    assert [version["version"] for version in versions(tmp_path / "d")] == [1]
