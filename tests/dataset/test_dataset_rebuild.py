"""A rebuild cuts only what changed, and nobody can see from the files which clips were kept."""

import json
import shutil

import pytest
from click.testing import CliRunner

from ppi.cli import main
from ppi.dataset import build, reuse
from ppi.dataset.reuse import Recipe
from ppi.errors import Cancelled
from ppi.records import Span
from ppi.workflows.plain_dataset import build_from_files
from tests.conftest import DATA
from tests.dataset.test_dataset_build import content, fake_cut

INPUTS = {
    "video": DATA / "sample_lesson.mp4", "annotations": DATA / "sample_annotations.json",
    "patterns": DATA / "sample_patterns.xlsx",
}  # fmt: skip


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A dataset of the sample lesson, its ten clips all cut; copy it before changing anything."""
    folder = tmp_path_factory.mktemp("first") / "dataset"
    report = rebuild(folder)
    assert (report.cut, report.kept) == (10, 0)
    return folder


def rebuild(folder, **changed):
    return build_from_files(**{**INPUTS, "out": folder, "no_texts": True, "lesson": "Урок", **changed})


def copied(first, tmp_path, name="dataset"):
    return shutil.copytree(first, tmp_path / name)


def files_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def moved(tmp_path, by_s=0.4):
    """The sample's annotations with the end of one interval moved."""
    tasks = json.loads(INPUTS["annotations"].read_text(encoding="utf-8"))
    tasks[0]["annotations"][0]["result"][0]["value"]["end"] += by_s
    path = tmp_path / "moved.json"
    path.write_text(json.dumps(tasks), encoding="utf-8")
    return path


def test_nothing_is_cut_when_nothing_changed(first, tmp_path):
    folder = copied(first, tmp_path)
    given = ["--video", INPUTS["video"], "--annotations", INPUTS["annotations"], "--patterns", INPUTS["patterns"]]
    command = ["dataset", "build", *given, "--out", folder, "--no-texts", "--lesson", "Урок"]
    said = CliRunner().invoke(main, [str(part) for part in command]).output
    assert "0 clips cut, 10 kept" in said
    assert files_of(folder) == files_of(first)


@pytest.mark.slow
def test_moving_one_interval_cuts_one_clip_and_gives_the_bytes_of_cutting_all(first, tmp_path):
    kept, cut = copied(first, tmp_path, "kept"), copied(first, tmp_path, "cut")
    annotations = moved(tmp_path)
    report = rebuild(kept, annotations=annotations)
    assert (report.cut, report.kept) == (1, 9)
    report = rebuild(cut, annotations=annotations, cuts_all=True)
    assert (report.cut, report.kept) == (10, 0)
    assert files_of(kept) == files_of(cut) != files_of(first)


def test_a_clip_whose_bytes_are_not_those_of_the_manifest_is_cut_again(first, tmp_path):
    folder = copied(first, tmp_path)
    (folder / "videos" / "pattern_3.mp4").write_bytes(b"something else")
    (folder / "images" / "pattern_5.jpg").unlink()
    report = rebuild(folder)
    assert (report.cut, report.kept) == (2, 8)
    assert files_of(folder) == files_of(first)


def kept_of(folder, tmp_path):
    """How many clips of a dataset are kept when it is built again as it was."""
    about = json.loads((folder / "report.json").read_text(encoding="utf-8"))["clips"]
    made = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    recipe = Recipe(made["inputs"]["video"], "strict", {name: made["tools"][name] for name in ("ffmpeg", "av", "cutter")})
    (tmp_path / "out").mkdir()
    wanted = [
        (Span(*one["span"]), tmp_path / "out" / f"{one['id']}.mp4", tmp_path / "out" / f"{one['id']}.jpg") for one in about
    ]

    def keep(folder):
        return len(reuse.keep(folder, wanted, recipe).clips)

    return keep


@pytest.mark.parametrize(("where", "name"), [("inputs", "video"), ("settings", "clips"), ("tools", "cutter")])
def test_another_recording_way_or_tool_keeps_nothing(first, tmp_path, where, name):
    folder, keep = copied(first, tmp_path), kept_of(first, tmp_path)
    assert keep(folder) == 10
    about = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    about[where][name] = "another"
    (folder / "manifest.json").write_text(json.dumps(about), encoding="utf-8")
    assert keep(folder) == 0


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"clips": [1]}', '{"clips": [{"span": [0, 1], "id": "../../x"}]}'])
def test_a_report_that_cannot_be_read_keeps_nothing(first, tmp_path, text):
    folder, keep = copied(first, tmp_path), kept_of(first, tmp_path)
    (folder / "report.json").write_text(text, encoding="utf-8")
    assert keep(folder) == 0


def test_a_rebuild_that_is_stopped_leaves_the_old_dataset_with_its_clips(first, tmp_path):
    folder = copied(first, tmp_path)

    def stop(fraction):
        if fraction > 0.8:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        rebuild(folder, annotations=moved(tmp_path), on_progress=stop)
    assert files_of(folder) == files_of(first)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["dataset"]


def test_datasets_of_unknown_recordings_are_cut_anew(real_plan, tmp_path):
    build.build(tmp_path / "d", real_plan, fake_cut(b"one"), None)
    report = build.build(tmp_path / "d", real_plan, fake_cut(b"two"), None)
    assert report.kept == 0 and content(tmp_path / "d") == b"two"
