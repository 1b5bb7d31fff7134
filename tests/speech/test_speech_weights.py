"""Weights: fetched once and checked by hash, found in folders, measured, and named when they cannot be had."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from ppi import fetched
from ppi.cli import main
from ppi.errors import InputError, WeightsMissing
from ppi.speech import recognizer, weights
from ppi.workflows import models
from tests.conftest import settings_for
from tests.servers.models_stub import COMMIT, ModelsStub

FILES = {
    "config.json": b"{}", "tokenizer.json": b'{"version": "1.0"}', "model.bin": bytes(range(256)) * 4000,
    "vocabulary.txt": b"a\nb\n", "README.md": b"not needed",
}  # fmt: skip


@pytest.fixture
def hub():
    stub = ModelsStub("Systran/faster-whisper-tiny", dict(FILES)).start()
    yield stub
    stub.stop()


def here(folder, hub=None, **variables):
    address = {"HF_ENDPOINT": hub.url} if hub else {}
    wanted = {"WHISPER_MODEL_DIR": str(folder / "weights"), "WHISPER_MODEL_SIZE": "tiny"}
    return settings_for(folder / "data", **wanted, **address, **variables)


def test_weights_are_fetched_once_and_are_whole(hub, tmp_path):
    settings, progress = here(tmp_path, hub), []
    path = models.fetch(settings, "", "faster-whisper", progress.append)
    kept = {file.name: file.read_bytes() for file in path.iterdir()}
    sums, sources = (json.loads(kept.pop(name)) for name in (fetched.SUMS, fetched.SOURCES))
    assert sources == {"Systran/faster-whisper-tiny": COMMIT}
    assert kept == {name: data for name, data in FILES.items() if name != "README.md"} and set(sums) == set(kept)
    assert progress == sorted(progress) and progress[-1] == 1.0 and any(0 < fraction < 1 for fraction in progress)
    asked = len(hub.requests)
    variables = {"PPI_DATA_DIR": str(tmp_path / "data"), "WHISPER_MODEL_DIR": str(path.parent), "HF_ENDPOINT": hub.url}
    again = CliRunner().invoke(main, ["models", "fetch", "tiny"], env=variables)
    assert again.exit_code == 0 and again.output.splitlines()[-1] == str(path) and len(hub.requests) == asked
    assert [file.name for file in path.parent.iterdir()] == [path.name], "nothing is left lying about"


def test_the_models_that_tell_speakers_apart_are_fetched_checked_and_listed(tmp_path):
    given = {"segmentation.onnx": b"when" * 5000, "embedding.onnx": b"who" * 9000}
    repositories = {
        repository: {there: given[here], "others.onnx": b"not needed"}
        for here, (repository, there) in weights.SPEAKER_FILES.items()
    }  # fmt: skip
    stub = ModelsStub("some/other", {}, repositories).start()
    try:
        settings, progress = here(tmp_path, stub, PPI_SPEAKERS_DIR=str(tmp_path / "who")), []
        folder = models.fetch(settings, models.SPEAKERS, "faster-whisper", progress.append)
        kept = {file.name: file.read_bytes() for file in folder.iterdir()}
        assert set(json.loads(kept.pop(fetched.SUMS))) == set(given) and kept.pop(fetched.SOURCES) and kept == given
        assert progress == sorted(progress) and progress[-1] == 1.0
        asked = len(stub.requests)
        assert models.fetch(settings, models.SPEAKERS, "", progress.append) == folder and len(stub.requests) == asked
        (folder / "embedding.onnx").write_bytes(b"other")
        with pytest.raises(InputError, match="embedding.onnx"):
            models.check_speakers(settings)
        models.fetch(settings, models.SPEAKERS, "", progress.append)
        assert str(folder) in models.check_speakers(settings)
        assert {one.path for one in models.all_weights(settings) if one.model == models.SPEAKERS and one.size_bytes} == {folder}
    finally:
        stub.stop()
    with pytest.raises(WeightsMissing, match="models fetch speakers"):
        models.fetch(here(tmp_path / "b", stub, PPI_SPEAKERS_DIR=str(tmp_path / "b")), models.SPEAKERS, "", progress.append)


def test_what_came_damaged_is_not_kept(hub, tmp_path):
    hub.files["model.bin"] = FILES["model.bin"][:-1] + b"?"
    settings = here(tmp_path, hub)
    with pytest.raises(WeightsMissing, match="models fetch"):
        models.fetch(settings, "", "faster-whisper", lambda fraction: None)
    assert not any((tmp_path / "weights").iterdir())


def test_weights_that_were_damaged_later_are_found_and_fetched_again(hub, tmp_path):
    settings = here(tmp_path, hub)
    path = models.fetch(settings, "", "faster-whisper", lambda fraction: None)
    (path / "model.bin").write_bytes(b"other")
    with pytest.raises(InputError, match="model.bin"):
        models.measure(settings, "", lambda fraction: None)
    models.fetch(settings, "", "faster-whisper", lambda fraction: None)
    assert fetched.damaged(path) == [] and (path / "model.bin").read_bytes() == FILES["model.bin"]


@pytest.fixture
def whispers_server(random_model, tmp_path, monkeypatch):
    """Gives out a small checkpoint as whisper's own server does the one of `tiny`: its hash stands in its address."""
    import whisper

    from ppi.speech import loaded

    data = Path(random_model).read_bytes()
    folder = tmp_path / "server" / hashlib.sha256(data).hexdigest()
    folder.mkdir(parents=True)
    (folder / "tiny.pt").write_bytes(data)
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *told) -> None:
            asked.append(self.path)

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder.parent)))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}/{folder.name}/tiny.pt"
    monkeypatch.setitem(whisper._MODELS, "tiny", address)
    monkeypatch.setitem(whisper._ALIGNMENT_HEADS, "tiny", None)  # those of the real one do not fit
    monkeypatch.setattr(whisper, "tqdm", whisper.tqdm)
    monkeypatch.setattr(loaded, "_kept", {})
    yield SimpleNamespace(file=folder / "tiny.pt", data=data, asked=asked)
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_weights_of_openai_whisper_are_fetched_once_with_progress_by_the_first_lesson_and_checked(
    whispers_server, speak, tmp_path
):
    from ppi.speech import whisper_child

    told, place = [], tmp_path / "weights" / "tiny.pt"
    given = {"weights": str(place), "model": "tiny", "hub": ""}
    asked = {"language": "en", "before": "", "device": "cpu", "compute_type": "", "phrases": ""}
    whisper_child.transcribe(told.append, str(speak("Look at the board.")), **given, **asked)
    progress = [value for kind, value in told if kind == "fetched"]
    assert place.read_bytes() == whispers_server.data and any(kind == "heard" for kind, _ in told)
    assert progress == sorted(progress) and progress[-1] == 1.0 and any(0 < fraction < 1 for fraction in progress)
    whisper_child.fetch(told.append, **given)
    assert len(whispers_server.asked) == 1, "it works offline from now on"
    place.write_bytes(whispers_server.data[:1000])
    whisper_child.fetch(told.append, **given)
    assert place.read_bytes() == whispers_server.data and len(whispers_server.asked) == 2
    place.unlink()
    whispers_server.file.write_bytes(whispers_server.data[:-1] + b"?")
    with pytest.raises(WeightsMissing, match="tiny.pt"):
        whisper_child.fetch(told.append, **given)


def test_a_hub_that_does_not_answer_is_said_with_what_to_do(tmp_path):
    settings = here(tmp_path, HF_ENDPOINT="http://127.0.0.1:9")
    with pytest.raises(WeightsMissing, match="faster-whisper-tiny"):
        models.fetch(settings, "", "faster-whisper", lambda fraction: None)
    with pytest.raises(InputError, match="large-v3"):
        models.fetch(settings, "gigantic", "faster-whisper", lambda fraction: None)


def test_the_list_says_what_is_here_and_where_the_rest_would_be(tmp_path):
    settings = here(tmp_path)
    folder = tmp_path / "weights" / "faster-whisper-tiny"
    folder.mkdir(parents=True)
    for name in weights.NEEDED:
        (folder / name).write_bytes(FILES[name])
    found = {(one.engine, one.model): one for one in models.all_weights(settings)}
    assert found["faster-whisper", "tiny"].size_bytes > 0 and found["faster-whisper", "tiny"].path == folder
    assert found["whisper", "turbo"].size_bytes == 0
    assert found["whisper", "turbo"].path == tmp_path / "weights" / "large-v3-turbo.pt"


def test_the_machine_is_measured_and_the_fastest_is_kept(random_models, tmp_path):
    folder = tmp_path / "weights" / "faster-whisper-tiny"
    folder.parent.mkdir()
    shutil.copytree(random_models["faster-whisper"], folder)
    settings = here(tmp_path)
    asked = {"PPI_DATA_DIR": str(tmp_path / "data"), "WHISPER_MODEL_DIR": str(tmp_path / "weights"), "SPEECH_ENGINE": ""}
    done = CliRunner().invoke(main, ["models", "check", "tiny"], env=asked)
    kept = json.loads(settings.speech.choice_file.read_text())
    measured, best = kept["measured"], kept["best"]
    assert done.exit_code == 0 and f"Chosen: faster-whisper, {best['compute_type']}." in done.output
    assert {row.split()[2] for row in done.output.splitlines() if row.startswith("faster-whisper")} >= {"int8", "float32"}
    assert {"int8", "float32"} <= {found["compute_type"] for found in measured}
    assert all(found["encoder_s"] > 0 and found["token_s"] > 0 for found in measured)
    chosen = recognizer.create(here(tmp_path, SPEECH_ENGINE="").speech)
    assert chosen.engine == "faster-whisper" and repr(best["compute_type"]) in chosen.identity()
    own = models.measure(settings, str(folder), lambda fraction: None)[0]
    assert {found["engine"] for found in own} == {"faster-whisper"}, "a folder is measured by the engine that takes folders"


def test_measuring_without_weights_says_what_to_fetch(tmp_path):
    with pytest.raises(WeightsMissing, match="models fetch"):
        models.measure(here(tmp_path), "small", lambda fraction: None)
    assert not Path(here(tmp_path).speech.choice_file).exists()
