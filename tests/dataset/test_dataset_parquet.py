"""Parquet with media inside: in groups that fit memory, one file a split, and every difference to the plain files is found."""

import json
import os
import shutil
from pathlib import Path

import pyarrow
import pyarrow.parquet as pq
import pytest

from ppi.dataset import parquet, verify
from ppi.errors import DatasetError
from tests.dataset.test_dataset_verify import change_row, rows_of

TRAIN = "data/train-00000-of-00001.parquet"


def rewritten(folder: Path, **changes) -> None:
    """The Parquet file again, with the first row changed."""
    rows = rows_of(folder)
    parquet.write(folder, [rows[0] | changes, *rows[1:]])


def problems(folder: Path) -> list[str]:
    return [problem for problem in verify.check(folder).problems if not problem.endswith("after the dataset was built.")]


def test_a_group_holds_few_rows_and_few_bytes(dataset_copy, monkeypatch):
    rows = rows_of(dataset_copy)
    largest = max((dataset_copy / row["video_path"]).stat().st_size for row in rows)
    monkeypatch.setattr(parquet, "GROUP_BYTES", 2 * largest)
    parquet.write(dataset_copy, rows)
    found = pq.ParquetFile(dataset_copy / TRAIN).metadata
    groups = [found.row_group(number) for number in range(found.num_row_groups)]
    assert sum(group.num_rows for group in groups) == len(rows) and len(groups) > 2
    assert all(group.num_rows == 1 or group.total_byte_size < 2.5 * largest for group in groups)


def test_every_split_with_rows_has_its_file(dataset_copy):
    rows = rows_of(dataset_copy)
    for number, row in enumerate(rows):
        row["split"] = "test" if number % 3 else "train"
    assert parquet.write(dataset_copy, rows) == [TRAIN, "data/test-00000-of-00001.parquet"]
    assert pq.ParquetFile(dataset_copy / TRAIN).metadata.num_rows == 8


def test_a_clip_beyond_two_gigabytes_is_refused_in_words(dataset_copy, monkeypatch):
    monkeypatch.setattr(parquet, "MAX_CLIP_BYTES", 10)
    with pytest.raises(DatasetError, match="pattern_1.mp4 is too large"):
        parquet.write(dataset_copy, rows_of(dataset_copy))


@pytest.mark.parametrize(
    ("changes", "column"),
    [({"text": "другое"}, "text"), ({"patterns": [{"type": "x", "description": ""}]}, "patterns"),
     ({"video_path": "videos/pattern_2.mp4"}, "video_path, video"),
     ({"choices": [{"name": "a", "values": ["b"]}]}, "choices")],
)  # fmt: skip
def test_a_value_that_differs_from_the_plain_files_is_named_with_its_row(dataset_copy, changes, column):
    rewritten(dataset_copy, **changes)
    assert problems(dataset_copy) == [f"{TRAIN}, pattern_1: It differs from metadata.jsonl and its files in {column}."]


def test_a_clip_exchanged_behind_the_parquet_files_back_is_named(dataset_copy):
    shutil.copy(dataset_copy / "videos" / "pattern_9.mp4", dataset_copy / "videos" / "pattern_1.mp4")
    assert f"{TRAIN}, pattern_1: It differs from metadata.jsonl and its files in video." in problems(dataset_copy)


def test_a_missing_file_a_superfluous_one_and_too_few_rows_are_named(dataset_copy):
    (dataset_copy / TRAIN).rename(dataset_copy / TRAIN.replace("train", "test"))
    found = problems(dataset_copy)
    assert f"{TRAIN}: It is missing." in found
    assert "data/test-00000-of-00001.parquet: No row belongs to it." in found
    parquet.write(dataset_copy, rows_of(dataset_copy)[1:])
    assert f"{TRAIN}: Rows in it: 23; rows that belong there: 24." in problems(dataset_copy)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no parquet at all", None])
def test_what_is_no_parquet_is_told(dataset_copy, content):
    good = (dataset_copy / TRAIN).read_bytes()
    broken = good[:2000] + bytes(200) + good[2200:] if content is None else content
    (dataset_copy / TRAIN).write_bytes(broken)
    assert any(problem.startswith(TRAIN) for problem in problems(dataset_copy))


def test_other_types_are_told(dataset_copy):
    table = pq.read_table(dataset_copy / TRAIN)
    pq.write_table(table.replace_schema_metadata(None), dataset_copy / TRAIN)
    assert problems(dataset_copy) == [f"{TRAIN}: Its columns do not have the types of this format."]


def test_a_row_of_an_unknown_split_is_named(dataset_copy):
    change_row(dataset_copy, 0, split="mine")
    assert any("Its split 'mine' is none of train, validation, test" in problem for problem in problems(dataset_copy))


def test_the_schema_names_the_features_of_datasets():
    described = json.loads(parquet.schema().metadata[b"huggingface"])["info"]["features"]
    assert list(described) == parquet.columns()
    assert (described["video"], described["image"]) == ({"_type": "Video"}, {"_type": "Image"})


def test_the_check_holds_no_more_than_two_groups_in_memory(dataset_copy, monkeypatch):
    rows, held_bytes = rows_of(dataset_copy), []
    for row in rows:
        (dataset_copy / row["video_path"]).write_bytes(os.urandom(1_000_000))
    monkeypatch.setattr(parquet, "GROUP_BYTES", 2_500_000)
    parquet.write(dataset_copy, rows)
    before_bytes = pyarrow.total_allocated_bytes()
    found = parquet.faults(
        dataset_copy, TRAIN, rows, lambda count: held_bytes.append(pyarrow.total_allocated_bytes() - before_bytes)
    )
    assert found == [] and len(held_bytes) == 24
    assert max(held_bytes) < 2.5 * 2_500_000 < 24_000_000
