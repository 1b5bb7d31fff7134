"""Building beside, checking, renaming: what is left after success, failure and a kill."""

import json
import shutil
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from ppi.dataset import build, manifest
from ppi.errors import Cancelled, Conflict, DatasetError, DiskFull
from ppi.records import Clip


def fake_cut(content: bytes = b"clip"):
    """Not a picture of anything: for tests about folders, which are many."""

    def cut(wanted, report):
        for number, (_, clip, key_frame) in enumerate(wanted):
            report(number / len(wanted))
            clip.write_bytes(content)
            key_frame.write_bytes(content)
        return [Clip(span, str(clip), str(key), 1, span.start_s, span.start_s) for span, clip, key in wanted]

    return cut


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.parent.iterdir())


def content(folder: Path) -> bytes:
    return (folder / "videos" / "pattern_1.mp4").read_bytes()


def test_a_build_holds_every_file_and_nothing_else(built_dataset):
    names = sorted(path.name for path in built_dataset.folder.iterdir())
    assert names == [
        "README.md",
        "changes.json",
        "croissant.json",
        "data",
        "images",
        "manifest.json",
        "metadata.jsonl",
        "report.json",
        "texts",
        "videos",
    ]
    assert left(built_dataset.folder) == ["dataset"]
    assert built_dataset.report.samples == len(built_dataset.plan.samples) == 24
    assert built_dataset.report.unmatched == ("Педагог (рамка)", "question_t")
    assert built_dataset.report.warnings == ()


def test_a_row_has_every_key(built_dataset):
    row = json.loads((built_dataset.folder / "metadata.jsonl").read_text(encoding="utf-8").splitlines()[2])
    assert list(row) == [
        "file_name", "id", "source_video", "start_time", "end_time", "patterns", "choices", "comments", "image_path",
        "video_path", "text_path", "text", "words", "speakers", "text_flags", "text_origin", "annotator", "lesson", "teacher",
        "regions", "split",
    ]  # fmt: skip
    assert (row["id"], row["video_path"], row["split"]) == ("pattern_3", "videos/pattern_3.mp4", "train")
    assert not any(key.endswith("_file_name") for key in row)


def test_the_manifest_knows_inputs_settings_tools_and_every_file(built_dataset):
    found = manifest.read(built_dataset.folder)
    assert found["inputs"] == {"video": "0" * 64}
    assert found["tools"] == {"ffmpeg": "test", "whisper": "tiny", "pyarrow": version("pyarrow")}
    assert found["settings"]["frame_rate"] == 25.0
    listed = {file["path"]: file["sha256"] for file in found["files"]}
    assert set(listed) == set(manifest.files_of(built_dataset.folder))
    assert listed["README.md"] == manifest.sha256(built_dataset.folder / "README.md")


def test_the_report_lists_what_was_dropped_and_where_samples_come_from(built_dataset):
    report = json.loads((built_dataset.folder / "report.json").read_text(encoding="utf-8"))
    assert report["samples"] == 24
    assert {
        "where": "task 10, annotation 14",
        "reason": "cancelled",
        "detail": "the annotator skipped the task",
    } in report["dropped"]
    assert report["unmatched"] == ["Педагог (рамка)", "question_t"]
    assert report["annotators"] == ["1", "5", "6", "7"]
    assert report["clips"][0]["regions"]
    assert {entry["type"] for entry in report["patterns"]} >= {"Похвала", "Введение", "Практика"}


def test_progress_goes_from_nothing_to_all_and_never_back(real_plan, tmp_path):
    seen = []
    build.build(tmp_path / "d", real_plan, fake_cut(), None, on_progress=seen.append)
    assert seen == sorted(seen) and seen[0] < 0.1 and seen[-1] == 1.0


def test_a_second_build_replaces_the_first(real_plan, tmp_path):
    folder = tmp_path / "in" / "d"
    build.build(folder, real_plan, fake_cut(b"one"), None)
    build.build(folder, real_plan, fake_cut(b"two"), None)
    assert content(folder) == b"two"
    assert left(folder) == ["d"]


def test_an_empty_folder_may_be_built_in(real_plan, tmp_path):
    (tmp_path / "d").mkdir()
    build.build(tmp_path / "d", real_plan, fake_cut(), None)
    assert content(tmp_path / "d") == b"clip"


@pytest.mark.parametrize("name", ["d", "d.incomplete", "d.previous"])
def test_what_is_not_ours_is_never_touched(real_plan, tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "thesis.txt").write_text("years of work")
    with pytest.raises(Conflict, match="not a dataset of PPI"):
        build.build(tmp_path / "d", real_plan, fake_cut(), None)
    assert (tmp_path / name / "thesis.txt").read_text() == "years of work"


def test_a_manifest_of_somebody_else_does_not_make_a_folder_ours(real_plan, tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "manifest.json").write_text('{"name": "an app"}')
    with pytest.raises(Conflict):
        build.build(tmp_path / "d", real_plan, fake_cut(), None)


def test_a_file_or_a_link_in_the_place_is_never_touched(real_plan, tmp_path, built_dataset):
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(built_dataset.folder)
    for name in ("file", "link"):
        with pytest.raises(Conflict):
            build.build(tmp_path / name, real_plan, fake_cut(), None)


@pytest.mark.parametrize("raised", [Cancelled("Stopped."), ValueError("a fault of ours"), KeyboardInterrupt()])
def test_a_failed_build_leaves_the_last_good_one(real_plan, tmp_path, raised):
    build.build(tmp_path / "d", real_plan, fake_cut(b"good"), None)

    def failing(wanted, report):
        wanted[0][1].write_bytes(b"bad")
        raise raised

    with pytest.raises(type(raised)):
        build.build(tmp_path / "d", real_plan, failing, None)
    assert content(tmp_path / "d") == b"good"
    assert left(tmp_path / "d") == ["d"]


def test_a_cutter_that_forgets_a_file_is_found_out(real_plan, tmp_path):
    def forgetful(wanted, report):
        made = fake_cut()(wanted, report)
        wanted[3][1].unlink()
        return made

    with pytest.raises(DatasetError, match="pattern_4: videos/pattern_4.mp4 is missing"):
        build.build(tmp_path / "d", real_plan, forgetful, None)
    assert not (tmp_path / "d").exists()


def test_a_cutter_that_answers_too_few_clips_is_found_out(real_plan, tmp_path):
    with pytest.raises(DatasetError, match="only 23 were cut"):
        build.build(tmp_path / "d", real_plan, lambda wanted, report: fake_cut()(wanted, report)[1:], None)


def test_a_full_disk_is_told_as_such(real_plan, tmp_path):
    def full(wanted, report):
        raise OSError(28, "No space left on device")

    with pytest.raises(DiskFull):
        build.build(tmp_path / "d", real_plan, full, None)


def test_without_a_sample_nothing_is_built_and_the_reasons_are_told(real_plan, tmp_path):
    with pytest.raises(DatasetError, match="whole_lesson"):
        build.build(tmp_path / "d", replace(real_plan, samples=()), fake_cut(), None)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_build_left_is_swept_away(real_plan, tmp_path):
    unfinished = tmp_path / "d.incomplete"
    (unfinished / "videos").mkdir(parents=True)
    (unfinished / "videos" / "half.mp4").write_bytes(b"x")
    (unfinished / ".ppi-build").touch()
    build.build(tmp_path / "d", real_plan, fake_cut(), None)
    assert left(tmp_path / "d") == ["d"]
    assert not (tmp_path / "d" / "videos" / "half.mp4").exists()


def test_a_kill_between_the_two_renames_loses_nothing(real_plan, tmp_path):
    build.build(tmp_path / "d", real_plan, fake_cut(b"good"), None)
    (tmp_path / "d").rename(tmp_path / "d.previous")
    with pytest.raises(Cancelled):
        build.build(tmp_path / "d", real_plan, _cancelled, None)
    assert content(tmp_path / "d") == b"good"
    shutil.copytree(tmp_path / "d", tmp_path / "d.previous")
    build.build(tmp_path / "d", real_plan, fake_cut(b"new"), None)
    assert content(tmp_path / "d") == b"new"
    assert left(tmp_path / "d") == ["d"]


def test_two_builds_of_one_folder_at_a_time_are_refused(real_plan, tmp_path):
    def nested(wanted, report):
        with pytest.raises(Conflict, match="being built already"):
            build.build(tmp_path / "d", real_plan, fake_cut(b"second"), None)
        return fake_cut(b"first")(wanted, report)

    build.build(tmp_path / "d", real_plan, nested, None)
    assert content(tmp_path / "d") == b"first"


def _cancelled(wanted, report):
    raise Cancelled("Stopped.")
