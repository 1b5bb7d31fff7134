"""WebDataset shards, read back by the library of that name."""

import json

import pytest
from click.testing import CliRunner

from ppi.cli import main
from ppi.dataset import shards
from ppi.errors import Conflict, DatasetError


def rows_of(folder):
    return [json.loads(line) for line in (folder / "metadata.jsonl").read_text(encoding="utf-8").splitlines()]


def test_the_library_reads_every_sample_with_all_its_parts(built_dataset, tmp_path):
    import webdataset

    made = shards.write(built_dataset.folder, tmp_path / "out", shard_bytes=1)
    assert len(made) == len(rows_of(built_dataset.folder)), "one sample is enough for a shard of a byte"
    made = shards.write(built_dataset.folder, tmp_path / "whole")
    assert [path.name for path in made] == ["train-000000.tar"]
    found = list(webdataset.WebDataset([str(path) for path in made], shardshuffle=False))
    rows = rows_of(built_dataset.folder)
    assert [sample["__key__"] for sample in found] == [row["id"] for row in rows]
    for sample, row in zip(found, rows, strict=True):
        told = json.loads(sample["json"])
        assert told["patterns"] == row["patterns"] and told["words"] == row["words"] and "video_path" not in told
        assert sample["txt"].decode() == row["text"]
        for ending, key in (("mp4", "video_path"), ("jpg", "image_path")):
            assert sample[ending] == (built_dataset.folder / row[key]).read_bytes()
    assert "## Consent and licence" in (tmp_path / "whole" / "README.md").read_text(encoding="utf-8")


def test_the_same_dataset_gives_the_same_bytes(built_dataset, tmp_path):
    one, other = (shards.write(built_dataset.folder, tmp_path / name)[0].read_bytes() for name in ("one", "other"))
    assert one == other


def test_what_is_there_already_is_left_alone_and_a_bad_dataset_leaves_nothing(dataset_copy, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(Conflict, match="holds something already"):
        shards.write(dataset_copy, tmp_path / "mine")
    (dataset_copy / "videos" / "pattern_1.mp4").unlink()
    with pytest.raises(DatasetError, match="does not pass its check"):
        shards.write(dataset_copy, tmp_path / "out")
    assert not list(tmp_path.glob("out*")) and (tmp_path / "mine" / "notes.txt").read_text() == "mine"


def test_the_command_writes_shards(built_dataset, tmp_path):
    out = tmp_path / "shards"
    done = CliRunner().invoke(main, ["dataset", "export", str(built_dataset.folder), "--webdataset", str(out)])
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in out.iterdir()) == ["README.md", "train-000000.tar"]
