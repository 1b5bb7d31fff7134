"""The command line: teaches, works on plain files without a data folder, and ends with one sentence on bad input."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner

from ppi.cli import main
from ppi.services import Services
from ppi.workflows import word_lists
from tests.conftest import DATA, ROOT, settings_for


def ppi(*arguments, folder=None, **variables):
    """Run `python -m ppi` as a person does, in an empty folder."""
    fixed = {"PATH": os.environ["PATH"], "HOME": str(folder or "/nonexistent"), "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}
    environment = {**fixed, **variables}
    return subprocess.run(
        [sys.executable, "-m", "ppi", *map(str, arguments)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
    )


def made_by(folder):
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(("variables", "words", "address"), [
    ({}, ["--port", "5001"], "http://127.0.0.1:5001"),
    ({}, ["--host", "0.0.0.0", "--port", "5001"], "http://127.0.0.1:5001"),
    ({"PPI_PUBLIC_URL": "https://ppi.example.org"}, ["--host", "0.0.0.0"], "https://ppi.example.org"),
])  # fmt: skip
def test_the_server_says_where_to_open_it(monkeypatch, tmp_path, variables, words, address):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ppi.server.run_server", lambda host, port: None)
    told = CliRunner().invoke(main, ["serve", *words], env={"PPI_DATA_DIR": str(tmp_path), **variables})
    assert told.exit_code == 0 and f"Open {address} in a browser." in told.output


def test_help_teaches(tmp_path):
    shown = ppi("--help", folder=tmp_path).stdout
    for command in ("serve", "worker", "doctor", "users", "ingest", "transcribe", "summarize", "kit", "annotations", "dataset"):
        assert command in shown
    assert "dataset build --video" in shown


def test_annotations_go_from_tool_to_tool(tmp_path, monkeypatch):
    """In this process: six starts of Python would cost more than the rest."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(DATA / "sample_annotations.json", tmp_path / "export.json")
    shutil.copy(DATA / "sample_lesson.mp4", tmp_path / "lesson.mp4")
    chain = ("export.json", "урок.eaf", "урок.TextGrid", "урок.tsv", "урок.csv", "again.json")
    for source, target in zip(chain, chain[1:], strict=False):
        video = ["--video", "lesson.mp4"] if source == "export.json" else []
        done = CliRunner().invoke(main, ["annotations", "convert", source, target, *video])
        assert done.exit_code == 0, done.output
        assert f"11 marks in {target}." in done.output
        assert ("empty_range" in done.output) == (source == "export.json")
    assert made_by(tmp_path) == {*chain, "lesson.mp4"}
    refused = CliRunner().invoke(main, ["annotations", "convert", "export.json", "урок.csv"])
    assert refused.exit_code == 1 and "already" in refused.output


@pytest.mark.slow
def test_plain_files_go_from_video_to_checked_dataset_without_a_data_folder(tmp_path):
    shutil.copy(DATA / "sample_lesson.mp4", tmp_path / "Урок 1.mp4")
    heard = ppi("transcribe", "Урок 1.mp4", "--out", "texts", "--engine", "pocketsphinx", folder=tmp_path)
    assert heard.returncode == 0, heard.stderr
    assert made_by(tmp_path / "texts") == {f"Урок 1{end}" for end in (".txt", ".srt", ".vtt", ".transcript.json")}
    assert "Transcribing: 100 %" in heard.stderr and "\r" not in heard.stderr
    summed = ppi("summarize", "texts/Урок 1.transcript.json", "--out", "texts", folder=tmp_path)
    assert summed.returncode == 0, summed.stderr
    build = (
        "dataset", "build", "--video", "Урок 1.mp4", "--annotations", DATA / "sample_annotations.json", "--patterns",
        DATA / "sample_patterns.xlsx", "--transcript", "texts/Урок 1.transcript.json", "--out", "set",
    )  # fmt: skip
    for _ in range(2):
        built = ppi(*build, folder=tmp_path)
        assert built.returncode == 0, built.stderr
        assert "10 samples" in built.stdout and "Домашнее задание П" in built.stdout
    checked = ppi("dataset", "check", "set", folder=tmp_path)
    assert checked.returncode == 0 and "10 rows, 0 problems" in checked.stdout
    assert made_by(tmp_path) == {"Урок 1.mp4", "texts", "set"}, "nothing else is made"
    (tmp_path / "set" / "texts" / "pattern_1.txt").unlink()
    broken = ppi("dataset", "check", "set", folder=tmp_path)
    assert broken.returncode == 1 and "pattern_1" in broken.stdout


def test_an_annotation_kit_is_made_of_plain_files(tmp_path):
    shutil.copy(DATA / "sample_lesson.mp4", tmp_path / "Урок 1.mp4")
    made = ppi("kit", DATA / "sample_patterns.xlsx", "--out", "kit", "--variant", "boxes", "--frame-rate", 25, folder=tmp_path)
    assert made.returncode == 0, made.stderr
    assert "6 labels" in made.stdout and made_by(tmp_path / "kit") == {"labelling-config.xml"}
    text = (tmp_path / "kit" / "labelling-config.xml").read_text()
    assert "<VideoRectangle" in text and 'frameRate="25"' in text
    where = ("--video", "Урок 1.mp4", "--media-url", "https://example.org/lessons/")
    made = ppi("kit", DATA / "sample_patterns.xlsx", "--out", "kit", *where, folder=tmp_path)
    assert made.returncode == 0, made.stderr
    assert made_by(tmp_path / "kit") == {"labelling-config.xml", "tasks.json", "Урок 1.sound.mp3"}
    task = json.loads((tmp_path / "kit" / "tasks.json").read_text())[0]["data"]
    assert task["video"].isascii() and task["video"].endswith("%201.mp4") and task["audio"].endswith("%201.sound.mp3")
    assert (task["fps"], task["lesson_id"]) == (25, "Урок 1")
    assert made_by(tmp_path) == {"Урок 1.mp4", "kit"}, "nothing else is made"


def test_annotators_are_compared_as_text_and_as_json_with_the_same_figures(tmp_path):
    files = DATA / "sample_annotations.json", "--patterns", DATA / "sample_patterns.xlsx"
    told = ppi("dataset", "agreement", *files, "--video", DATA / "sample_lesson.mp4", folder=tmp_path)
    assert told.returncode == 0, told.stderr
    assert "Annotators: 1, 2" in told.stdout and "0.1 s apart" in told.stdout
    answer = ppi("dataset", "agreement", *files, "--duration", "63.92", "--step", "0.1", "--json", folder=tmp_path)
    found = json.loads(answer.stdout)
    assert found["annotators"] == ["1", "2"] and found["units"] == 639
    for entry in found["patterns"]:
        figures = ["not defined" if entry[name] is None else f"{entry[name]:.3f}" for name in ("kappa", "alpha", "f1")]
        line = next(line for line in told.stdout.splitlines() if f"  {entry['pattern']} (1: " in line)
        assert line.split("  " + entry["pattern"])[0].replace("not defined", "not_defined").split() == [
            figure.replace(" ", "_") for figure in figures
        ]
    assert {entry["kappa"] for entry in found["patterns"]} >= {None}
    assert f"Disagreements: {len(found['disagreements'])} of " in told.stdout
    assert "@" not in told.stdout and made_by(tmp_path) == set()


@pytest.mark.parametrize("arguments, words", [
    (("kit", "nothing.xlsx", "--out", "o"), "There is no file nothing.xlsx"),
    (("kit", "text.mp4", "--out", "o"), "Паттерн or Pattern"),
    (("kit", DATA / "sample_patterns.xlsx", "--out", "o", "--variant", "video"), "audio, boxes or speech_acts"),
    (("kit", DATA / "sample_patterns.xlsx", "--out", "o", "--frame-rate", "-1"), "between 1 and 300"),
    (("kit", DATA / "sample_patterns.xlsx", "--out", "o", "--video", "text.mp4"), "--media-url"),
    (("transcribe", "nothing.mp4", "--out", "o"), "There is no file nothing.mp4"),
    (("transcribe", "text.mp4", "--out", "o", "--engine", "pocketsphinx"), "MP4"),
    (("transcribe", "text.mp4", "--out", "o", "--engine", "ears"), ""),
    (("summarize", "text.mp4", "--out", "o"), "transcript"),
    (("dataset", "check", "nowhere"), "There is no folder nowhere"),
    (("annotations", "convert", "nothing.eaf", "a.csv"), "There is no file nothing.eaf"),
    (("annotations", "convert", "text.mp4", "a.xlsx"), ".eaf, .TextGrid, .tsv, .boris, .csv, .min.json, .json"),
    (("annotations", "convert", "text.mp4", "a.csv"), "start, end and label"),
    (("dataset", "push", "nowhere", "a/b"), "There is no folder nowhere"),
    (("dataset", "agreement", "nowhere.json"), "There is no file nowhere.json"),
    (("dataset", "agreement", "text.mp4"), "length in seconds"),
    (("dataset", "agreement", "text.mp4", "--duration", "60"), "JSON"),
    (("users", "passwd", "nobody"), "There is no account named nobody"),
    (("users", "add", "x", "--role", "admin"), "2 to 64"),
    (("ingest", "nothing.mp4", "--name", "a", "--user", "b"), "There is no file nothing.mp4"),
])  # fmt: skip
def test_bad_input_ends_with_one_clear_sentence(tmp_path, arguments, words):
    (tmp_path / "text.mp4").write_text("not a recording")
    ended = ppi(*arguments, folder=tmp_path)
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr
    assert words in ended.stderr and ended.stderr.strip().splitlines()[-1].startswith("Error: ")


def test_settings_that_cannot_be_used_are_named(tmp_path):
    ended = ppi("users", "list", folder=tmp_path, PPI_PORT="seven")
    assert ended.returncode != 0 and "PPI_PORT" in ended.stderr and "Traceback" not in ended.stderr


def test_accounts_are_made_listed_changed_and_removed(tmp_path):
    added = ppi("users", "add", "Анна", "--role", "admin", folder=tmp_path)
    assert "Password: " in added.stdout
    ppi("users", "add", "boris", "--password", "boris-password", folder=tmp_path)
    listed = ppi("users", "list", folder=tmp_path).stdout
    assert "Анна\tadmin\tactive" in listed and "boris\tDL-user\tactive" in listed
    assert "Password" not in ppi("users", "passwd", "boris", "--password", "another-password", folder=tmp_path).stdout
    assert ppi("users", "role", "boris", "admin", folder=tmp_path).returncode == 0
    assert ppi("users", "disable", "boris", folder=tmp_path).returncode == 0
    assert "boris\tadmin\tdisabled" in ppi("users", "list", folder=tmp_path).stdout
    here = Services(settings_for(tmp_path / "data"))
    boris = here.users.by_name("boris")
    word_lists.save(here, boris, name="7B", words="Nina, Ivan")
    assert ppi("users", "remove", "boris", "--yes", folder=tmp_path).returncode == 0
    assert word_lists.load(here, boris).lists == (), "names of children do not outlive the account"
    assert "boris" not in ppi("users", "list", folder=tmp_path).stdout
    assert "last administrator" in ppi("users", "remove", "Анна", "--yes", folder=tmp_path).stderr
    kept = json.loads((tmp_path / "data" / "users.json").read_text())["users"][0]["password_hash"]
    assert kept.startswith("scrypt:")


def test_the_doctor_says_what_is_well_and_what_to_do(tmp_path):
    shown = ppi("doctor", folder=tmp_path)
    assert shown.returncode == 1
    lines = {line[7:].split(":")[0]: line for line in shown.stdout.splitlines()}
    assert set(lines) == {"ffmpeg", "sandbox", "object store", "job ledger", "accounts", "speech", "speakers", "disk"}
    assert lines["speakers"].startswith("OK") and "PPI_SPEAKERS" in lines["speakers"]
    assert lines["ffmpeg"].startswith("OK") and lines["object store"].startswith("OK")
    assert "bubblewrap" in lines["sandbox"] or "limits only: " in lines["sandbox"]
    assert lines["accounts"].startswith("TO DO") and "users add" in lines["accounts"]
    assert lines["speech"].startswith("TO DO") and "WHISPER_MODEL_SIZE" in lines["speech"]
    ppi("users", "add", "admin", "--role", "admin", folder=tmp_path)
    assert ppi("doctor", folder=tmp_path, SPEECH_ENGINE="pocketsphinx").returncode == 0


def test_a_lesson_is_ingested_from_the_command_line(tmp_path):
    ppi("users", "add", "anna", "--password", "anna-password", folder=tmp_path)
    made = ppi("ingest", DATA / "sample_lesson.mp4", "--name", "Вода", "--user", "anna", folder=tmp_path)
    assert made.returncode == 0, made.stderr
    stored = tmp_path / "data" / "store" / "objects" / "raw-data" / "anna"
    assert {path.suffix for path in stored.rglob("*") if path.is_file()} == {".mp4", ".wav", ".mp3", ".json", ".jpg", ".dat"}
    again = ppi("ingest", DATA / "sample_lesson.mp4", "--name", "Вода", "--user", "anna", folder=tmp_path)
    assert again.returncode != 0 and "may hold 1 lesson" in again.stderr


def test_models_are_listed_and_an_aligner_that_is_not_named_is_said(tmp_path):
    def asked(*words):
        variables = {"PPI_DATA_DIR": str(tmp_path), "WHISPER_MODEL_DIR": str(tmp_path / "weights"), "ALIGNER_MODEL": aligner}
        return CliRunner().invoke(main, ["models", *words], env=variables)

    aligner = "ru=somebody/letters"
    listed = asked("list")
    assert listed.exit_code == 0 and "faster-whisper-base" in listed.output and "large-v3-turbo.pt" in listed.output
    assert [line.split() for line in listed.output.splitlines() if line.startswith("aligner")] == [
        ["aligner", "somebody/letters", "not", "here", str(tmp_path / "weights" / "somebody--letters")]
    ]
    missing = asked("check", "aligner")
    assert missing.exit_code == 1 and "models fetch aligner" in missing.output
    aligner = ""
    unnamed = asked("fetch", "aligner")
    assert unnamed.exit_code == 1 and "ALIGNER_MODEL is not set" in unnamed.output


def test_captions_made_elsewhere_become_all_texts_or_a_lessons_transcript(tmp_path):
    (tmp_path / "урок.srt").write_text("1\n00:00:01,000 --> 00:00:03,000\nДоброе утро!\n", encoding="utf-8")
    made = CliRunner().invoke(main, ["transcript", "convert", str(tmp_path / "урок.srt"), "--out", str(tmp_path / "texts")])
    assert made.exit_code == 0 and "2 words in 1 segment." in made.output and "shared among its words" in made.output
    endings = (".txt", ".srt", ".vtt", ".transcript.json", ".transcript.docx")
    assert made_by(tmp_path / "texts") == {f"урок{ending}" for ending in endings}
    ppi("users", "add", "anna", "--password", "anna-password", folder=tmp_path)
    lesson = ppi("ingest", DATA / "sample_lesson.mp4", "--name", "Вода", "--user", "anna", folder=tmp_path).stdout.strip()
    given = ppi("transcript", "give", lesson, "урок.srt", "--language", "ru", folder=tmp_path)
    assert given.returncode == 0 and "Version 1, 2 words." in given.stdout, given.stderr
    refused = ppi("transcript", "give", lesson, "урок.docx", folder=tmp_path)
    assert refused.returncode == 1 and "There is no file" in refused.stderr
