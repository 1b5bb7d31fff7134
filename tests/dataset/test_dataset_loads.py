"""A built dataset is what `datasets.load_dataset` reads, whole and as a stream."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

LOAD = """
import io, json, sys
from datasets import Image, Video, load_dataset
rows = load_dataset(sys.argv[1], split="train")
first = rows[0]["video"].get_frame_at(0).data
wanted = [name for name in rows.column_names if name not in ("video", "image")]
raw = rows.cast_column("video", Video(decode=False)).cast_column("image", Image(decode=False))
stream = load_dataset(sys.argv[1], split="train", streaming=True)
streamed = next(iter(stream))
print(json.dumps({
    "features": {name: repr(feature) for name, feature in rows.features.items()},
    "rows": rows.select_columns(wanted).to_list(),
    "shape": list(first.shape),
    "picture": list(rows[0]["image"].size),
    "frames": [row["video"].metadata.num_frames for row in rows],
    "sizes": [[len(row["video"]["bytes"]), len(row["image"]["bytes"])] for row in raw],
    "streamed": {name: streamed[name] for name in wanted},
    "streamed_shape": list(streamed["video"].get_frame_at(0).data.shape),
    "streamed_features": {name: repr(feature) for name, feature in stream.features.items()},
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


@pytest.fixture
def written(built_dataset) -> list[dict]:
    lines = (built_dataset.folder / "metadata.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    for row in rows:
        del row["file_name"]
    return rows


def test_video_and_picture_have_their_types_and_decode(loaded, built_dataset):
    assert loaded["features"]["video"].startswith("Video(")
    assert loaded["features"]["image"].startswith("Image(")
    assert loaded["shape"] == [3, 64, 96] and loaded["picture"] == [96, 64]
    spans = [sample.span.duration_s for sample in built_dataset.plan.samples]
    assert all(abs(frames - span * 25) <= 1.5 for frames, span in zip(loaded["frames"], spans, strict=True))


def test_the_bytes_inside_are_those_of_the_files(loaded, written, built_dataset):
    sizes = [[(built_dataset.folder / row[key]).stat().st_size for key in ("video_path", "image_path")] for row in written]
    assert loaded["sizes"] == sizes


def test_every_row_and_field_comes_back_as_it_was_written(loaded, written):
    assert loaded["rows"] == written


def test_a_stream_gives_the_same_types_and_the_same_row(loaded, written):
    assert loaded["streamed_features"] == loaded["features"]
    assert loaded["streamed"] == written[0]
    assert loaded["streamed_shape"] == loaded["shape"]


def test_types_are_pinned(loaded):
    assert loaded["features"]["patterns"] == "List({'type': Value('string'), 'description': Value('string')})"
    for name in ("choices", "comments"):
        assert loaded["features"][name] == "List({'name': Value('string'), 'values': List(Value('string'))})"
    assert loaded["features"]["regions"] == "List(Value('string'))"
    assert loaded["features"]["start_time"] == "Value('float64')"


def test_a_lesson_named_by_a_date_stays_a_text(loaded):
    assert loaded["features"]["lesson"] == "Value('string')"
    assert {row["lesson"] for row in loaded["rows"]} == {"lesson 2026-11-21"}


def test_what_annotators_answered_comes_with_the_sample(loaded):
    answered = [row for row in loaded["rows"] if row["choices"]]
    assert {answer["name"] for row in answered for answer in row["choices"]} == {
        "initiator", "subcategory", "phase_quality",
    }  # fmt: skip
    assert any(row["comments"] for row in loaded["rows"])


def test_texts_are_files_beside_the_rows(loaded, built_dataset):
    assert any(row["text"] for row in loaded["rows"])
    for row in loaded["rows"]:
        assert Path(built_dataset.folder, row["text_path"]).read_text(encoding="utf-8") == row["text"]
