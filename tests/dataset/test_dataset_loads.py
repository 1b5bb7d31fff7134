"""A built dataset is what `datasets.load_dataset` reads."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

LOAD = """
import json, sys
from datasets import load_dataset
rows = load_dataset(sys.argv[1], split="train")
first = rows[0]["video"].get_frame_at(0).data
wanted = [name for name in rows.column_names if name != "video"]
print(json.dumps({
    "features": {name: repr(feature) for name, feature in rows.features.items()},
    "rows": rows.select_columns(wanted).to_list(),
    "shape": list(first.shape),
    "frames": [row["video"].metadata.num_frames for row in rows],
}))
"""


@pytest.fixture(scope="module")
def loaded(built_dataset, tmp_path_factory) -> dict:
    environ = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path_factory.mktemp("hf"))}
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(built_dataset.folder)],
        env=environ,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_the_video_column_has_the_type_video_and_decodes(loaded, built_dataset):
    assert loaded["features"]["video"].startswith("Video(")
    assert loaded["shape"] == [3, 64, 96]
    spans = [sample.span.duration_s for sample in built_dataset.plan.samples]
    assert all(abs(frames - span * 25) <= 1.5 for frames, span in zip(loaded["frames"], spans, strict=True))


def test_every_row_and_field_comes_back_as_it_was_written(loaded, built_dataset):
    lines = (built_dataset.folder / "metadata.jsonl").read_text(encoding="utf-8").splitlines()
    written = [json.loads(line) for line in lines]
    for row in written:
        del row["file_name"]
    assert loaded["rows"] == written


def test_a_lesson_named_by_a_date_stays_a_text(loaded):
    assert loaded["features"]["lesson"] == "Value('string')"
    assert {row["lesson"] for row in loaded["rows"]} == {"lesson 2026-11-21"}


def test_texts_are_files_beside_the_rows(loaded, built_dataset):
    assert any(row["text"] for row in loaded["rows"])
    for row in loaded["rows"]:
        assert Path(built_dataset.folder, row["text_path"]).read_text(encoding="utf-8") == row["text"]
