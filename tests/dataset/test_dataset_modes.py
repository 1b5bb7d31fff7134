"""A whole build in both modes of cutting: what the report, the manifest and the card say, and where contact sheets go."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from ppi.dataset import manifest
from ppi.errors import InputError
from ppi.settings import Settings
from ppi.workflows.plain_agreement import compare_files
from ppi.workflows.plain_dataset import build_from_files, check_folder

SETTINGS = Settings.from_env({})


def build(sample_lesson, folder, **given):
    return build_from_files(
        video=sample_lesson.video, annotations=sample_lesson.annotations, patterns=sample_lesson.patterns,
        out=folder / "dataset", no_texts=True, settings=SETTINGS, **given,
    )  # fmt: skip


@pytest.fixture(scope="module")
def built(sample_lesson, tmp_path_factory):
    """`built(mode)` is the dataset of the sample lesson, built once a mode, with its sheets beside it."""
    folders = {}

    def make(mode: str):
        if mode not in folders:
            folder = tmp_path_factory.mktemp(mode)
            build(sample_lesson, folder, clips=mode, sheets=folder / "sheets")
            folders[mode] = folder
        return folders[mode]

    return make


@pytest.mark.parametrize("mode", ["strict", "fast"])
def test_a_build_passes_its_check_and_tells_how_each_clip_was_made(mode, built):
    folder = built(mode) / "dataset"
    assert check_folder(folder, SETTINGS).problems == ()
    assert manifest.read(folder)["settings"]["clips"] == mode
    clips = json.loads((folder / "report.json").read_text(encoding="utf-8"))["clips"]
    rows = [json.loads(line) for line in (folder / "metadata.jsonl").read_text(encoding="utf-8").splitlines()]
    listed = {file["path"]: file for file in manifest.read(folder)["files"]}
    assert {clip["mode"] for clip in clips} <= ({"copied"} if mode == "fast" else {"smart", "encoded"})
    for clip, row in zip(clips, rows, strict=True):
        moments = [clip[name] for name in ("first_frame_s", "key_frame_s", "last_frame_s")]
        assert row["start_time"] - 1e-6 <= moments[0] <= moments[1] <= moments[2] < row["end_time"]
        assert clip["frame_count"] == round((clip["last_frame_s"] - clip["first_frame_s"]) * 25) + 1
        assert clip["sound_offset_s"] is None or abs(clip["sound_offset_s"]) < 0.04
        assert clip["key_frame"]["why"] in ("sharpest", "middle") and clip["key_frame"]["candidates"] >= 1
        assert listed[row["image_path"]]["key_frame"] == {"time_s": clip["key_frame_s"], **clip["key_frame"]}


def test_only_the_card_of_a_fast_build_warns_of_hidden_pictures(built):
    for mode, is_warned in (("strict", False), ("fast", True)):
        card = (built(mode) / "dataset" / "README.md").read_text(encoding="utf-8")
        assert ("which an edit list hides" in card) == is_warned


def test_the_card_of_two_annotators_tells_how_far_they_agree(built, sample_lesson):
    """The same figures as those of the command that compares annotators."""
    folder = built("strict") / "dataset"
    found = compare_files(
        [sample_lesson.annotations], table=sample_lesson.patterns, video=sample_lesson.video, settings=SETTINGS
    )  # fmt: skip
    told = json.loads((folder / "report.json").read_text(encoding="utf-8"))["card"]["agreement"]
    assert told["annotators"] == 2 and {entry["pattern"]: entry["kappa"] for entry in told["patterns"]} == {
        entry.pattern: entry.kappa for entry in found.patterns
    }
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "## Agreement of the annotators" in card and "| Открытый вопрос | 0.68 | 0.68 | 0.67 |" in card


def test_contact_sheets_show_what_is_around_each_clip_and_are_no_part_of_the_dataset(built):
    folder = built("strict")
    assert [page.name for page in sorted((folder / "sheets").iterdir())] == ["1.jpg"]
    with Image.open(folder / "sheets" / "1.jpg") as image:
        page = np.asarray(image.convert("RGB")).astype(int)
    assert page.shape[0] > 1000 and page.shape[1] > 1300, "ten rows of five pictures"
    red, green = (np.abs(page - colour).sum(axis=2) < 60 for colour in ((0xB3, 0x26, 0x1E), (0x2E, 0x7D, 0x32)))
    width = page.shape[1] // 5
    assert red[:, :width].any() and red[:, 4 * width :].any() and green[:, width : 4 * width].any()
    assert not any("sheet" in path for path in manifest.files_of(folder / "dataset"))


def test_contact_sheets_are_not_drawn_into_the_dataset(sample_lesson, tmp_path):
    with pytest.raises(InputError, match="outside the dataset"):
        build(sample_lesson, tmp_path, clips="fast", sheets=tmp_path / "dataset" / "sheets")
    assert list(tmp_path.iterdir()) == [], "that is found before any work"


def test_another_way_of_cutting_is_refused_before_any_work(sample_lesson, tmp_path):
    with pytest.raises(InputError, match="strict or fast, not quick"):
        build(sample_lesson, tmp_path, clips="quick")
    assert list(tmp_path.iterdir()) == []
