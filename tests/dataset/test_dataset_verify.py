"""Every fault that a dataset folder can have is found and named."""

import json
from pathlib import Path

import pytest

from ppi.dataset import layout, manifest, verify
from ppi.errors import UnsupportedMedia, fill
from ppi.records import MediaInfo, VideoTrack


def info(duration_s: float) -> MediaInfo:
    return MediaInfo("mp4", duration_s, 0.0, 1000, VideoTrack("h264", 96, 64, 25.0, False), ())


def rows_of(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "metadata.jsonl").read_text(encoding="utf-8").splitlines()]


def change_row(folder: Path, number: int, **changes) -> None:
    rows = rows_of(folder)
    rows[number] |= changes
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "metadata.jsonl").write_text(text, encoding="utf-8")


def problems(folder: Path, **given) -> str:
    return "\n".join(verify.check(folder, **given).problems)


def test_a_fresh_dataset_has_no_fault(built_dataset):
    lengths = {row["video_path"]: row["end_time"] - row["start_time"] for row in rows_of(built_dataset.folder)}
    report = verify.check(built_dataset.folder, lambda path: info(lengths[path.relative_to(built_dataset.folder).as_posix()]))
    assert (report.rows, report.findings) == (24, ())


@pytest.mark.parametrize("path", ["videos/pattern_2.mp4", "images/pattern_2.jpg", "texts/pattern_2.txt"])
def test_a_missing_file_is_named_with_its_row(dataset_copy, path):
    (dataset_copy / path).unlink()
    assert f"pattern_2: {path} is missing." in problems(dataset_copy)


@pytest.mark.parametrize("path", ["videos/pattern_2.mp4", "images/pattern_2.jpg"])
def test_an_empty_file_is_named(dataset_copy, path):
    (dataset_copy / path).write_bytes(b"")
    assert f"pattern_2: {path} is empty." in problems(dataset_copy)


def test_a_file_nobody_names_is_named(dataset_copy):
    (dataset_copy / "videos" / "extra.mp4").write_bytes(b"x")
    assert "videos/extra.mp4: No row names this file." in problems(dataset_copy)


def test_a_changed_file_is_named(dataset_copy):
    path = dataset_copy / "videos" / "pattern_3.mp4"
    path.write_bytes(path.read_bytes() + b"x")
    assert "videos/pattern_3.mp4: It was changed after the dataset was built." in problems(dataset_copy)


@pytest.mark.parametrize("outside", ["../secret.mp4", "/etc/hostname", "videos/../../x.mp4", "file:///etc/passwd", "", None])
def test_a_path_that_leads_out_is_refused(dataset_copy, outside):
    change_row(dataset_copy, 0, file_name=outside, video_path=outside)
    assert "leads out of the dataset" in problems(dataset_copy)


def test_a_link_is_refused(dataset_copy, tmp_path):
    clip = dataset_copy / "videos" / "pattern_1.mp4"
    clip.rename(tmp_path / "elsewhere.mp4")
    clip.symlink_to(tmp_path / "elsewhere.mp4")
    assert "pattern_1: videos/pattern_1.mp4 is a link." in problems(dataset_copy)


def test_a_folder_that_leads_elsewhere_is_refused(dataset_copy, tmp_path):
    (dataset_copy / "videos").rename(tmp_path / "elsewhere")
    (dataset_copy / "videos").symlink_to(tmp_path / "elsewhere")
    assert "pattern_1: videos/pattern_1.mp4 is a link." in problems(dataset_copy)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"id": "pattern_2"}, "pattern_2: Its id is used twice"), ({"start_time": 9.0, "end_time": 3.0}, "is not one"),
     ({"start_time": -1.0}, "is not one"), ({"end_time": "x"}, "is not one"), ({"patterns": []}, "Its patterns"),
     ({"patterns": [{"type": ""}]}, "Its patterns"), ({"text": None}, "Its text is not a text"),
     ({"text": "другое"}, "differs from the text of the row"), ({"extra": 1}, "It has unknown keys: extra"),
     ({"file_name": "videos/pattern_2.mp4"}, "Its file_name and video_path differ")],
)  # fmt: skip
def test_a_bad_row_is_named(dataset_copy, changes, message):
    change_row(dataset_copy, 0, **changes)
    assert message in problems(dataset_copy)


def test_a_row_without_a_key_is_named(dataset_copy):
    rows = rows_of(dataset_copy)
    del rows[4]["annotator"]
    (dataset_copy / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert "pattern_5: It lacks annotator." in problems(dataset_copy)


def test_a_line_that_is_no_json_is_named(dataset_copy):
    with (dataset_copy / "metadata.jsonl").open("a") as file:
        file.write("{broken\n")
    assert "metadata.jsonl:25: It is not a JSON object." in problems(dataset_copy)


def test_a_clip_of_another_length_than_its_span_is_named(built_dataset):
    found = problems(built_dataset.folder, inspect=lambda path: info(60.0))
    assert "pattern_1: videos/pattern_1.mp4 lasts 60.000 s, but its span" in found


def test_a_clip_that_does_not_open_is_named(built_dataset):
    def inspect(path):
        raise UnsupportedMedia("This is no video.")

    assert "pattern_1: videos/pattern_1.mp4 cannot be opened: This is no video." in problems(
        built_dataset.folder, inspect=inspect
    )


def test_a_folder_that_is_no_dataset_has_faults_and_raises_nothing(tmp_path):
    report = verify.check(tmp_path)
    assert report.rows == 0
    assert any("metadata.jsonl: It cannot be read" in problem for problem in report.problems)
    assert any("no manifest.json" in problem for problem in report.problems)


def test_a_manifest_that_names_what_is_not_there_is_told(dataset_copy):
    listed = manifest.read(dataset_copy)
    listed["files"].append({"path": "videos/gone.mp4", "sha256": "0" * 64, "size_bytes": 1})
    layout.write_json(dataset_copy / "manifest.json", listed)
    assert "videos/gone.mp4: The manifest names it, but it is missing." in problems(dataset_copy)


def test_a_card_without_its_configs_is_a_warning(dataset_copy):
    (dataset_copy / "README.md").write_text("# A dataset\n")
    assert any("configs" in warning for warning in verify.check(dataset_copy).warnings)


def test_progress_goes_forward(built_dataset):
    seen = []
    verify.check(built_dataset.folder, on_progress=seen.append)
    assert seen == sorted(seen) and seen[0] >= 0 and seen[-1] <= 1


def test_every_fault_can_be_told_in_another_language_with_its_place(dataset_copy):
    """What pages do: translate the template, then fill it, also where one message tells another."""
    (dataset_copy / "texts" / "pattern_2.txt").unlink()

    def inspect(path):
        raise UnsupportedMedia("The file {name} is no video.", name=path.name)

    found = [finding.as_message() for finding in verify.check(dataset_copy, inspect).findings]
    russian = {
        "{path} is missing.": "{path}: файла нет.", "{path} cannot be opened: {reason}": "{path} не открывается: {reason}",
        "The file {name} is no video.": "Файл {name} — не видео.",
    }  # fmt: skip
    told = [fill(one["template"], one["values"], lambda text, many, count: russian.get(text, text)) for one in found]
    assert "pattern_2: texts/pattern_2.txt: файла нет." in told
    assert "pattern_1: videos/pattern_1.mp4 не открывается: Файл pattern_1.mp4 — не видео." in told
    assert json.loads(json.dumps(found)) == found
