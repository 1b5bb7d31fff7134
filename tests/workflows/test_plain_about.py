"""What a dataset folder says of itself, changed on the command line without a build."""

from __future__ import annotations

import json
import shutil

import pytest
from click.testing import CliRunner

from ppi.cli import main
from ppi.dataset import manifest, verify
from ppi.errors import DatasetError, InputError
from ppi.workflows.plain_about import say_in_folder


def media(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.suffix in (".mp4", ".jpg", ".parquet", ".jsonl")}


def test_consent_words_and_language_change_and_the_media_stay(dataset_copy, tmp_path):
    before = media(dataset_copy)
    words = tmp_path / "about.md"
    words.write_text("Сняли **сами**.", encoding="utf-8")
    said = ("--consent", "public", "--license", "cc-by-4.0", "--about", str(words), "--card-language", "ru")
    done = CliRunner().invoke(main, ["dataset", "about", str(dataset_copy), *said])
    assert done.exit_code == 0 and done.output == "Written: README.md, croissant.json, manifest.json.\n"
    card = (dataset_copy / "README.md").read_text(encoding="utf-8")
    assert "license: cc-by-4.0" in card and "согласились на публикацию" in card and "Сняли **сами**." in card
    assert media(dataset_copy) == before and verify.check(dataset_copy).problems == ()
    settings = manifest.read(dataset_copy)["settings"]
    assert (settings["consent"], settings["license"], settings["card_language"]) == ("public", "cc-by-4.0", "ru")


def test_what_is_not_given_stays_and_saying_it_again_writes_nothing(dataset_copy):
    say_in_folder(dataset_copy, consent={"state": "internal", "embargo_until": "2027-01-31"}, own_text="Мы.")
    say_in_folder(dataset_copy, consent={"license": "cc0-1.0"})
    card = (dataset_copy / "README.md").read_text(encoding="utf-8")
    assert "Мы." in card and "license: cc0-1.0" in card and "before 2027-01-31" in card
    assert say_in_folder(dataset_copy, consent={"license": "cc0-1.0"}) == ()
    assert "2027-01-31" not in say_and_read(dataset_copy, {"embargo_until": ""})


def say_and_read(folder, consent) -> str:
    say_in_folder(folder, consent=consent)
    return (folder / "README.md").read_text(encoding="utf-8")


def test_what_cannot_be_said_changes_nothing(dataset_copy, tmp_path):
    before = (dataset_copy / "README.md").read_bytes()
    with pytest.raises(InputError):
        say_in_folder(dataset_copy, consent={"state": "perhaps"})
    with pytest.raises(DatasetError, match="not a dataset of PPI"):
        say_in_folder(tmp_path, consent={})
    assert (dataset_copy / "README.md").read_bytes() == before


def test_two_versions_are_compared_on_the_command_line(dataset_copy, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(dataset_copy, other)
    rows = (other / "metadata.jsonl").read_text(encoding="utf-8").splitlines()
    (other / "metadata.jsonl").write_text("\n".join(rows[1:]) + "\n", encoding="utf-8")
    gone = json.loads(rows[0])
    same = CliRunner().invoke(main, ["dataset", "diff", str(dataset_copy), str(dataset_copy)])
    less = CliRunner().invoke(main, ["dataset", "diff", str(dataset_copy), str(other)])
    assert (same.exit_code, same.output.strip()) == (0, "0 changes.")
    assert less.exit_code == 0 and less.output.strip().endswith("1 change.") and less.output.startswith("removed")
    assert gone["patterns"][0]["type"] in less.output
