"""Kept summaries: the same input is not paid for twice, a new run says what differs."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ppi.records import KeyPoint, Span
from ppi.settings import SummarySettings
from ppi.summary import engine, kept
from ppi.summary.extractive import summarize
from tests.fixtures_summary import transcript_of

CHAT = SummarySettings(base_url="http://127.0.0.1:1/v1", chat_model="m")


def quiet(fraction: float) -> None:
    pass


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_summary_is_read_back_as_it_was(language, lecture):
    summary = replace(summarize(quiet, lecture(language)), missed=(Span(1.0, 2.0),), prompts="3", is_checked=False)
    assert kept.from_json(json.loads(json.dumps(kept.to_json(summary)))) == summary


def test_what_a_summary_depends_on_changes_its_hash_and_nothing_else_does(lecture):
    said = lecture("en")

    def of(transcript=said, settings=CHAT, name="chat", language=""):
        return kept.input_hash(transcript, engine.identity(settings, name, transcript, language))

    assert of() == of(language="en") == of(settings=replace(CHAT, api_key="k", timeout_s=5))
    first, *rest = said.segments
    corrected = replace(said, segments=(replace(first, text="Other words."), *rest))
    others = [
        of(corrected), of(replace(said, segments=(replace(first, speaker="Teacher"), *rest))), of(language="ru"),
        of(name="extractive"),
        of(settings=replace(CHAT, chat_model="n")), of(settings=replace(CHAT, base_url="http://127.0.0.1:2/v1")),
    ]  # fmt: skip
    assert len({of(), *others}) == len(others) + 1


def test_another_model_in_the_same_folder_is_another_model(tmp_path, lecture):
    said, settings = lecture("en"), SummarySettings(model=str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    before = kept.input_hash(said, engine.identity(settings, "transformers", said, ""))
    (tmp_path / "config.json").write_text("{ }")
    assert kept.input_hash(said, engine.identity(settings, "transformers", said, "")) != before


def test_changes_are_points_that_only_one_side_has():
    said = transcript_of(["Water rises.", "Rain falls."])
    summary = summarize(quiet, said)
    same = KeyPoint("Water vapour rises from the warm ocean.", (Span(0.0, 4.5),))
    reworded = KeyPoint("From the warm ocean water vapour rises up.", (Span(0.0, 4.5),))
    gone, new = KeyPoint("Rain falls.", (Span(5.0, 9.5),)), KeyPoint("Snow falls on mountains.", (Span(5.0, 9.5),))
    before, after = replace(summary, points=(same, gone)), replace(summary, points=(reworded, new))
    found = kept.changes(before, after)
    assert (found.added, found.removed) == ((new,), (gone,))
    assert kept.changes(after, after) == kept.Changes((), ())


def test_the_usual_engine_is_a_model_on_this_machine_then_a_server_then_none():
    assert engine.available(SummarySettings()) == ("extractive",)
    assert engine.available(CHAT) == ("chat", "extractive")
    assert engine.available(replace(CHAT, model="models/model_32_16")) == ("transformers", "chat", "extractive")
