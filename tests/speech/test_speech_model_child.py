"""One model in memory on a machine: whoever hears ends the idle model of another process and waits for a busy one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import psutil
import pytest

from ppi.errors import Cancelled
from ppi.speech import loaded, model_child
from tests.conftest import ROOT

HERE = "tests.speech.test_speech_model_child"
# Another process of PPI: does a call for each line it reads, a name of a function below, and says which child did it.
OTHER = f"""
import sys
from pathlib import Path
from ppi.speech import model_child
def told(value):
    print("busy", value, flush=True)
for line in sys.stdin:
    name, folder = line.split(maxsplit=1)
    wanted = {{"folder": folder.strip()}} if name == "work" else {{}}
    print(model_child.call(f"{HERE}:{{name}}", wanted, Path(sys.argv[1]), on_report=told, on_tick=lambda: None), flush=True)
"""


def load(report) -> int:
    """As if it loaded a model."""
    return os.getpid()


def work(report, folder: str) -> int:
    """As if it heard, until the test says so."""
    report(os.getpid())
    while not Path(folder, "enough").exists():
        time.sleep(0.05)
    return os.getpid()


def nothing(*told) -> None:
    pass


@pytest.fixture
def lock_file(tmp_path) -> Path:
    return tmp_path / "model.lock"


@pytest.fixture
def other(lock_file):
    """`ask(line)` has another process do something, and answers what it says of it."""
    command = [sys.executable, "-c", OTHER, str(lock_file)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(line: str) -> str:
        process.stdin.write(line + "\n")
        process.stdin.flush()
        return process.stdout.readline().strip()

    ask.hear = lambda: process.stdout.readline().strip()
    yield ask
    process.kill()
    process.wait()


@pytest.fixture(autouse=True)
def without_a_model():
    model_child.stop()
    yield
    model_child.stop()


def is_running(pid: int) -> bool:
    """Whether it has memory still: one that is dead and not yet asked for by its parent has none."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_an_idle_model_of_another_process_is_ended_before_a_new_one_is_loaded(other, lock_file):
    theirs = int(other("load -"))
    assert is_running(theirs) and int(other("load -")) == theirs, "it stays warm as long as nobody else wants to hear"
    seen = []
    ours = model_child.call(f"{HERE}:load", {}, lock_file, on_report=nothing, on_tick=lambda: seen.append(is_running(theirs)))
    assert is_running(ours) and not is_running(theirs) and not any(seen)
    again = int(other("load -"))
    assert is_running(again) and again != theirs and not is_running(ours), "and the other way round"


class Model:
    """As if it took gigabytes."""


def test_a_model_is_forgotten_before_another_is_loaded_and_an_aligner_stays_beside_it(monkeypatch):
    monkeypatch.setattr(loaded, "_kept", {})
    first, beside = weakref.ref(loaded.keep(("base",), Model)), loaded.keep(("letters",), Model, role="aligner ru")
    assert loaded.keep(("base",), Model) is first()
    were_there = []
    second = loaded.keep(("small",), lambda: were_there.append(first()) or Model())
    assert were_there == [None], "two recognisers are never in memory at once"
    assert loaded.keep(("small",), Model) is second
    assert loaded.keep(("letters",), Model, role="aligner ru") is beside


def test_a_busy_model_of_another_process_is_waited_for_and_the_waiting_can_be_cancelled(other, lock_file, tmp_path):
    theirs = int(other(f"work {tmp_path}").removeprefix("busy "))
    waited = []

    def cancel() -> None:
        waited.append(is_running(theirs))
        if len(waited) > 2:
            raise Cancelled("The job was cancelled.")

    with pytest.raises(Cancelled):
        model_child.call(f"{HERE}:load", {}, lock_file, on_report=nothing, on_tick=cancel)
    assert all(waited) and is_running(theirs)
    threading.Timer(0.5, (tmp_path / "enough").touch).start()
    ours = model_child.call(f"{HERE}:load", {}, lock_file, on_report=nothing, on_tick=nothing)
    assert int(other.hear()) == theirs, "what it heard was not lost"
    assert is_running(ours) and not is_running(theirs)


def test_a_number_that_belongs_to_another_program_by_now_is_left_alone(lock_file):
    """Numbers of processes come again: the note also holds when the child was started."""
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        lock_file.with_suffix(".holder").write_text(f"{stranger.pid} 1.0")
        model_child.call(f"{HERE}:load", {}, lock_file, on_report=nothing, on_tick=nothing)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
