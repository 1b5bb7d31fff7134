"""Summaries by a local chat model: real transformers with a model that knows nothing, so that only our part is tested."""

from __future__ import annotations

import time
from dataclasses import replace

import psutil
import pytest

from ppi.errors import BackendError, Cancelled, WeightsMissing
from ppi.records import KeyPoint, Segment, Span, Transcript
from ppi.settings import SummarySettings
from ppi.summary import engine
from ppi.summary.answers import best_points, read_points
from ppi.summary.chunks import LINE_TOKENS, chunks_of
from tests.summary.conftest import transcript_of


def quiet(fraction: float) -> None:
    pass


@pytest.mark.parametrize("has_template", [True, False], ids=["with a chat template", "without"])
def test_a_chat_model_gives_a_summary_of_the_whole_lesson(has_template, chat_folder, lecture):
    folder, progress = chat_folder(1024, has_template), []
    said = replace(lecture("en"), segments=lecture("en").segments[:25])
    summary = engine.summarize(said, SummarySettings(model=folder), progress.append)
    assert summary.engine == "transformers" and summary.model.startswith(folder)
    assert len(summary.sections) >= 2
    assert summary.sections[0].span.start_s == 0 and summary.sections[-1].span.end_s == said.segments[-1].end_s
    assert all(section.text and section.title for section in summary.sections)
    assert progress == sorted(progress) and len(set(progress)) > 2


def test_points_of_the_model_become_key_points_at_their_time(chat_folder, lecture):
    says = ("[00:05] Water rises.", "[00:40] Rain falls.", "[99:00] Nobody said this.")
    summary = engine.summarize(lecture("en"), SummarySettings(model=chat_folder(says=says)), quiet)
    assert summary.key_points == (KeyPoint(5.0, "Water rises."), KeyPoint(40.0, "Rain falls."))
    assert summary.sections[0].text == "\n".join(says)


def test_chunks_keep_segments_whole_and_fill_the_budget(lecture):
    said = lecture("ru")
    chunks = list(chunks_of(said.segments, len, 500))
    assert [segment for chunk in chunks for segment in chunk] == list(said.segments)
    sizes = [sum(len(segment.text) + LINE_TOKENS for segment in chunk) for chunk in chunks]
    assert max(sizes) <= 500 and min(sizes[:-1]) > 350


def test_a_segment_larger_than_the_budget_is_cut_and_loses_no_word():
    giant = Segment(0.0, 100.0, " ".join(f"word{n}" for n in range(1500)))
    pieces = [piece for chunk in chunks_of((giant,), len, 300) for piece in chunk]
    assert " ".join(piece.text for piece in pieces) == giant.text and len(pieces) > 4
    assert all(earlier.end_s == later.start_s for earlier, later in zip(pieces, pieces[1:], strict=False))
    assert all(len(piece.text) <= 300 for piece in pieces)


def test_a_word_larger_than_the_budget_is_shortened():
    [[piece]] = chunks_of((Segment(0.0, 1.0, "a" * 10_000),), len, 300)
    assert 0 < len(piece.text) <= 300


def test_a_model_too_small_to_read_anything_is_refused(chat_folder, lecture):
    with pytest.raises(BackendError, match="tokens at a time"):
        engine.summarize(lecture("en"), SummarySettings(model=chat_folder(256)), quiet)


def test_cancelling_kills_the_child_within_a_second(chat_folder):
    said = transcript_of([f"This is sentence number {n} of a very long lesson." for n in range(2000)])
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    seen = []

    def cancel(fraction: float) -> None:
        seen.append((time.monotonic(), fraction))
        if fraction > 0:
            raise Cancelled("The job was cancelled.")

    with pytest.raises(Cancelled):
        engine.summarize(said, SummarySettings(model=chat_folder(1024)), cancel)
    assert time.monotonic() - seen[-1][0] < 1 and seen[-1][1] < 0.5
    left = [child for child in psutil.Process().children(recursive=True) if child.pid not in before]
    assert not [child for child in left if "spawn_main" in " ".join(child.cmdline())]


@pytest.mark.parametrize("what", ["absent", "empty", "weights cut short", "pickled weights"])
def test_a_model_that_is_not_there_says_what_to_set(what, tmp_path, chat_folder):
    import shutil

    folder = tmp_path / "model"
    if what == "empty":
        folder.mkdir()
    elif what != "absent":
        shutil.copytree(chat_folder(1024), folder)
        weights = folder / "model.safetensors"
        content = weights.read_bytes()
        weights.unlink()
        (weights if what == "weights cut short" else folder / "pytorch_model.bin").write_bytes(content[:1000])
    with pytest.raises(WeightsMissing, match="SUMMARY_MODEL") as caught:
        engine.summarize(transcript_of(["One sentence."]), SummarySettings(model=str(folder)), quiet)
    assert str(folder) in str(caught.value)


def test_code_that_comes_with_a_model_is_never_run(tmp_path, chat_folder):
    import json
    import shutil

    folder = tmp_path / "model"
    shutil.copytree(chat_folder(1024), folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "trap", "auto_map": {"AutoConfig": "trap.Trap", "AutoModelForCausalLM": "trap.Trap"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "trap.py").write_text(f"open({str(tmp_path / 'sprung')!r}, 'w')\nclass Trap: pass\n")
    with pytest.raises(WeightsMissing):
        engine.summarize(transcript_of(["One sentence."]), SummarySettings(model=str(folder)), quiet)
    assert not (tmp_path / "sprung").exists()


def test_points_are_read_however_the_model_decorates_them():
    said = (
        "Here are the points:\n- [00:10] Water rises.\n2. [00:20] It cools.\n**[01:05]** – Rain falls.\n00:30 Снег тает.\n"
        "[0:00:40] Rivers flow.\n[99:00] Invented.\n[00:50]\nnonsense 12:3\n* [00:10] water rises."
    )
    assert read_points(said, Span(0.0, 70.0)) == [
        KeyPoint(10.0, "Water rises."), KeyPoint(20.0, "It cools."), KeyPoint(30.0, "Снег тает."),
        KeyPoint(40.0, "Rivers flow."), KeyPoint(65.0, "Rain falls."),
    ]  # fmt: skip


def test_points_beyond_the_first_hour_keep_their_time():
    assert read_points("[75:10] Late.\n[1:15:20] Later.", Span(4500.0, 4600.0)) == [
        KeyPoint(4510.0, "Late."), KeyPoint(4520.0, "Later."),
    ]  # fmt: skip


def test_many_points_are_cut_to_the_best_in_order_of_time():
    points = [KeyPoint(float(n), f"Point {n} about the river and the cloud number{n}.") for n in range(60)]
    best = best_points(points)
    assert len(best) == 20 and list(best) == sorted(best, key=lambda point: point.time_s)


def test_an_empty_lesson_needs_no_model():
    said = Transcript((), "", "whisper", "base", 10.0)
    assert engine.summarize(said, SummarySettings(model="/nowhere"), quiet).sections == ()
