"""What writers that were killed leave in the local store goes; what others are writing stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from ppi.storage.incoming import STALE_AFTER_S, Incoming
from tests.conftest import ROOT

WRITER = """
import sys, time
from pathlib import Path
from ppi.storage.incoming import Incoming
Incoming(Path(sys.argv[1])).fresh().write_bytes(b"half of it")
print("written", flush=True)
time.sleep(60)
"""


@pytest.fixture
def writer(tmp_path):
    """A process that is in the middle of writing."""
    running = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT)
    assert running.stdout.readline() == b"written\n"
    yield running
    running.kill()
    running.wait()


def files(folder) -> list:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_what_somebody_is_writing_stays_until_he_is_killed(writer, tmp_path):
    here = Incoming(tmp_path)
    here.sweep()
    assert len(files(tmp_path)) == 1
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    here.sweep()
    assert list(tmp_path.iterdir()) == []


def test_a_process_does_not_sweep_what_it_is_writing_itself(tmp_path):
    here = Incoming(tmp_path)
    here.fresh().write_bytes(b"half of it")
    here.sweep()
    Incoming(tmp_path).sweep()
    assert len(files(tmp_path)) == 1
    assert here.fresh().parent == here.fresh().parent, "one folder for all files"


def test_what_was_made_in_no_folder_goes_after_an_hour(tmp_path):
    here, old, young = Incoming(tmp_path), tmp_path / "old", tmp_path / "young"
    for path in (old, young):
        path.write_bytes(b"by an earlier version")
    (tmp_path / "new-abandoned").mkdir()
    long_ago = time.time() - STALE_AFTER_S - 1
    for path in (old, tmp_path / "new-abandoned"):
        os.utime(path, (long_ago, long_ago))
    here.sweep()
    assert list(tmp_path.iterdir()) == [young]


def test_a_folder_that_was_taken_away_is_made_again(tmp_path):
    here = Incoming(tmp_path)
    here.fresh().parent.rmdir()
    here.fresh().write_bytes(b"x")
    assert len(files(tmp_path)) == 1
