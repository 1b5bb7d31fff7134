"""The machine itself misbehaves: no room on the disk, a locked ledger, a clock that is set back."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

import pytest
import requests

from tests.faults.stand import LESSON, Stand, moments

pytestmark = pytest.mark.slow
CLOCK = Path(__file__).parent.parent / "servers" / "clock"


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)], capture_output=True)
    if made.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {made.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Leave no room; answers the file that takes it."""
    path = folder / "ballast"
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return path


def test_a_full_disk_refuses_in_words_and_loses_nothing(small_disk, note):
    """The disk fills up at random points of an upload and of the jobs behind it."""
    stand = Stand(small_disk, "local").start()
    try:
        data, chance, repeats = LESSON.read_bytes(), random.Random(31), 6
        first = stand.upload()
        stand.wait_for(first, "completed")
        for _ in range(repeats):
            location = stand.begin_upload(len(data))
            at = chance.randrange(1, len(data))
            assert stand.send(location, data[:at], 0).status_code == 204
            ballast = fill(small_disk)
            refused = stand.send(location, data[at:], at)
            assert refused.status_code == 507 and refused.json()["code"] == "disk_full", refused.text
            assert stand.get("/help").status_code == 200
            ballast.unlink()
            began = time.monotonic()
            offset = stand.offset(location)
            assert offset >= at
            assert stand.send(location, data[offset:], offset).status_code == 204
            assert time.monotonic() - began < 10
            stand.wait_for(stand.acknowledged(location, data), "completed")
            stand.check()
            stand.post(f"/api/lessons/{stand.lessons.popitem()[0]}/delete")
            stand.jobs.pop()
        with sqlite3.connect(small_disk / "web" / "ledger.sqlite3") as ledger:
            assert ledger.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        note("disk full in an upload", "local", repeats, "507 with what to do; went on within 10 s of room; ledger sound")
    finally:
        stand.stop()


def test_a_job_on_a_full_disk_fails_in_words_and_is_done_by_retry(small_disk, note):
    """Full before the job is asked for, and at moments while it runs."""
    stand = Stand(small_disk, "local").start()
    delays = [None, *moments(32, 3, 3)]
    try:
        lesson = stand.upload()
        stand.wait_for(lesson, "completed")
        for delay_s in delays:
            ballast = fill(small_disk) if delay_s is None else None
            answer = stand.post("/api/transcribe", json={"file_id": lesson, "engine": "pocketsphinx"})
            assert answer.status_code in ((200, 507) if ballast else (200,)), answer.text
            if ballast is None:
                time.sleep(delay_s)
                ballast = fill(small_disk)
                time.sleep(1)
            ballast.unlink()
            if answer.status_code == 200:
                _done_by_retry(stand, answer.json()["transcription_file_id"])
        stand.check()
        note("disk full under a job", "local", len(delays), "refused or failed in words; done afterwards")
    finally:
        stand.stop()


def _done_by_retry(stand, job):
    ended = stand.wait_for(job, "error", "completed")
    if ended["status"] == "error":
        assert ended["code"] == "disk_full"
        stand.post(f"/api/jobs/{job}/retry")
    stand.wait_for(job, "completed")


def test_a_ledger_locked_for_ten_seconds_is_waited_for(tmp_path, note):
    stand, repeats = Stand(tmp_path, "local").start(), 3
    try:
        for _ in range(repeats):
            stand.upload()
            holder = sqlite3.connect(tmp_path / "web" / "ledger.sqlite3", isolation_level=None, check_same_thread=False)
            holder.execute("BEGIN IMMEDIATE")
            threading.Timer(10, lambda held=holder: held.execute("ROLLBACK")).start()
            began = time.monotonic()
            assert stand.get("/").status_code == 200, "reading goes on"
            assert time.monotonic() - began < 5
            stand.upload()
            assert time.monotonic() - began > 8, "writing waited"
        stand.check()
        note("SQLite locked for 10 s", "local", repeats, "reads went on, writes waited, nothing failed")
    finally:
        stand.stop()


def test_a_clock_set_back_an_hour_steals_no_job_and_stops_none(tmp_path, note):
    clock = tmp_path / "clock"
    clock.write_text("0")
    faked = {"PYTHONPATH": str(CLOCK), "CLOCK_FOR_TESTS": str(clock)}
    stand = Stand(tmp_path, "local", PPI_LEASE_S="4", **faked).start()
    try:
        lesson = stand.upload()
        stand.wait_for(lesson, "completed")
        for jump in ("-3600", "+600", "-600"):
            job = stand.transcribe(lesson)
            stand.wait_for(job, "transcribing")
            time.sleep(1)
            clock.write_text(jump)
            shown = requests.head(stand.web.url, timeout=20)
            assert shown.status_code == 200
            stand.wait_for(job, "completed")
            assert stand.services.ledger.get(job).attempt == 1, "the job was begun anew although its runner lived"
            stand.kill_worker()
            stand.restart_worker()
            stand.wait_for(stand.upload(), "completed")
        stand.check()
        note("clock set back an hour, set 10 min ahead and back", "local", 3, "no job stolen, none stuck")
    finally:
        stand.stop()
