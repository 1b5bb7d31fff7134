"""A chat model that is a repository of the Hub: fetched once, checked by hash, used offline, and why it cannot be had."""

from __future__ import annotations

import json
import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest

from ppi import fetched
from ppi.errors import InputError, WeightsMissing
from ppi.settings import SummarySettings
from ppi.summary import engine, llm_fetch, weights
from ppi.workflows import models
from tests.conftest import settings_for
from tests.fixtures_summary import transcript_of
from tests.servers.models_stub import COMMIT, ModelsStub
from tests.summary.test_summary_chat import SAID, SAYS, quiet

MODEL, LARGEST = "school/tiny-chat", "model.safetensors"


@pytest.fixture(scope="module")
def files(chat_folder) -> dict[str, bytes]:
    """What lies in the repository: a chat model, and what nobody should fetch."""
    kept = {path.name: path.read_bytes() for path in Path(chat_folder(says=SAYS)).iterdir()}
    return kept | {"modeling_tiny.py": b"raise SystemExit", "pytorch_model.bin": b"pickled", "README.md": b"# Tiny"}


@pytest.fixture
def hub(files):
    stub = ModelsStub(MODEL, dict(files)).start()
    stub.revisions.add("v1")
    yield stub
    stub.stop()


def wanted(hub, folder: Path, model: str = MODEL, token: str = "") -> SummarySettings:
    return SummarySettings(model=model, model_dir=folder / "chat", hub=hub.url, hub_token=token)


def fetch(settings: SummarySettings, report=lambda told: None) -> Path:
    """In this process, which is cheaper than a child."""
    folder = weights.place(settings)
    llm_fetch.fetch(report, settings.model, str(folder), settings.hub, settings.hub_token)
    return folder


@pytest.mark.slow
def test_a_repository_is_fetched_at_its_revision_and_summarises_offline_afterwards(hub, tmp_path):
    settings, said = wanted(hub, tmp_path, f"{MODEL}@v1"), transcript_of(list(SAID))
    first = engine.summarize(said, settings, quiet)
    assert [point.text for point in first.key_points][:1] == ["Water vapour rises and cools."]
    assert first.model == f"{MODEL}@{COMMIT[:12]}", "so that anybody can fetch the very same"
    assert f"GET /api/models/{MODEL}/revision/v1" in hub.requests
    folder, asked = weights.place(settings), len(hub.requests)
    assert not [name for name in ("modeling_tiny.py", "pytorch_model.bin", "README.md") if (folder / name).exists()]
    before = engine.identity(settings, "transformers", said, "")
    hub.stop()
    engine._MODEL_CHILD.stop()
    assert engine.summarize(said, settings, quiet) == first and len(hub.requests) == asked
    (folder / LARGEST).touch()
    assert engine.identity(settings, "transformers", said, "") == before, "known by its hashes, not by its times"


@pytest.mark.slow
def test_the_chat_model_is_listed_fetched_with_progress_and_checked(hub, tmp_path):
    variables = {"SUMMARY_MODEL": MODEL, "SUMMARY_MODEL_DIR": str(tmp_path / "chat"), "HF_ENDPOINT": hub.url}
    settings, progress = settings_for(tmp_path / "data", **variables), []

    def listed():
        return [(one.path, one.size_bytes > 0) for one in models.all_weights(settings) if one.engine == models.CHAT]

    folder = tmp_path / "chat" / "school--tiny-chat"
    assert listed() == [(folder, False)]
    with pytest.raises(WeightsMissing, match="models fetch chat"):
        models.measure_chat(settings)
    assert models.fetch_chat(settings, progress.append) == folder and listed() == [(folder, True)]
    assert progress == sorted(progress) and progress[-1] == 1.0 and any(0 < fraction < 1 for fraction in progress)
    asked = len(hub.requests)
    models.fetch_chat(settings, progress.append)
    assert len(hub.requests) == asked and fetched.commit(folder) == COMMIT
    told = models.measure_chat(settings)
    assert told["model"].startswith(MODEL) and told["context_tokens"] == 4096 and told["tokens_per_s"] > 0
    (folder / LARGEST).write_bytes(b"other")
    with pytest.raises(InputError, match=LARGEST):
        models.measure_chat(settings)
    models.fetch_chat(settings, progress.append)
    assert fetched.damaged(folder) == [] and [path.name for path in folder.parent.iterdir()] == [folder.name]
    with pytest.raises(InputError, match="SUMMARY_MODEL is not set"):
        models.fetch_chat(replace(settings, summary=SummarySettings()), quiet)


def test_a_closed_repository_says_where_to_ask_and_is_opened_by_a_token_that_an_open_one_never_sees(hub, tmp_path):
    hub.token = "hf_reader"
    with pytest.raises(WeightsMissing, match="accept them on its page on the Hub, and set HF_TOKEN"):
        fetch(wanted(hub, tmp_path))
    with pytest.raises(WeightsMissing, match="that of HF_TOKEN did not") as caught:
        fetch(wanted(hub, tmp_path, token="hf_stranger"))
    assert "hf_stranger" not in f"{caught.value!r} {caught.value} {caught.value.ids}"
    assert weights.is_complete(fetch(wanted(hub, tmp_path, token="hf_reader")))
    hub.token, hub.keys = "", set()
    fetch(wanted(hub, tmp_path / "open", token="hf_reader"))
    assert not hub.keys


@pytest.mark.parametrize(
    ("model", "token", "words"),
    [
        ("school/absent", "", "no such repository, or it is private"),
        ("school/absent", "hf_reader", "that the account of HF_TOKEN may read"), (f"{MODEL}@v9", "", "no such revision"),
    ],
)  # fmt: skip
def test_what_the_hub_does_not_have_is_named_with_what_to_do(model, token, words, hub, tmp_path):
    with pytest.raises(WeightsMissing, match=words) as caught:
        fetch(wanted(hub, tmp_path, model, token))
    assert model in str(caught.value) and "SUMMARY_MODEL" in str(caught.value)


@pytest.mark.parametrize("kind", ["no safetensors", "a program of its own", "no description"])
def test_a_model_that_might_run_a_program_is_refused_before_its_weights_come(kind, hub, tmp_path):
    if kind == "no safetensors":
        del hub.stated[LARGEST], hub.files[LARGEST]
    else:
        about = {"model_type": "trap", "auto_map": {"AutoModelForCausalLM": "modeling_tiny.Trap"}}
        content = json.dumps(about if kind == "a program of its own" else []).encode()
        hub.files["config.json"] = hub.stated["config.json"] = content
    with pytest.raises(WeightsMissing, match="Choose another in SUMMARY_MODEL"):
        fetch(wanted(hub, tmp_path))
    assert not [one for one in hub.requests if LARGEST in one or ".bin" in one or ".py" in one]
    assert not any((tmp_path / "chat").iterdir()), "nothing is kept of it"


def test_a_cut_connection_and_a_broken_off_fetch_go_on_where_they_were(hub, tmp_path):
    """The Hub's client writes ten megabytes at a time."""
    settings, reached, at_a_time = wanted(hub, tmp_path), [], 10 * 1024**2
    hub.files[LARGEST] = hub.stated[LARGEST] = bytes(at_a_time + 2_000_000)
    hub.cuts, hub.is_away_after_cut = {LARGEST: at_a_time + 1_000_000}, True
    with pytest.raises(WeightsMissing, match="What came so far is kept"):
        fetch(settings)
    hub.is_away, hub.requests = False, []
    folder = fetch(settings, lambda told: reached.append(told[1]))
    assert hub.ranges == [f"bytes={at_a_time}-"] and fetched.damaged(folder) == [] and reached[0] > 0
    assert not [one for one in hub.requests if one.endswith("/tokenizer.json")], "what was whole is not fetched again"


def test_a_disk_without_room_is_said_before_anything_is_fetched(hub, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9, 1000))
    with pytest.raises(WeightsMissing, match="not enough room for it on the disk"):
        fetch(wanted(hub, tmp_path))
    assert not [one for one in hub.requests if "/resolve/" in one]
