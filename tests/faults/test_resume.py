"""A long transcription is killed: it goes on from the last minute that was kept."""

from __future__ import annotations

import re
import subprocess
import time

import pytest

from ppi.storage import keys
from ppi.workflows.lessons import PARTIAL
from ppi.workflows.transcribe import stored_transcript
from tests.conftest import DATA

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
STRETCH_S = 60


@pytest.fixture(scope="session")
def long_lesson(tmp_path_factory) -> bytes:
    """Two minutes and more under a still picture: speech, but for most of the first minute, which takes the recogniser long."""
    path = tmp_path_factory.mktemp("long") / "lesson.mp4"
    sound = ["-stream_loop", "11", "-i", str(DATA / "speech" / "jfk.flac")]
    picture = ["-f", "lavfi", "-i", "color=size=64x64:rate=5"]
    quiet = ["-af", "volume=0:enable='between(t,11,55)'"]
    coded = ["-shortest", *quiet, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-ac", "1", "-b:a", "64k"]
    subprocess.run(["ffmpeg", "-loglevel", "error", *sound, *picture, *coded, str(path)], check=True)
    return path.read_bytes()


def test_a_killed_transcription_goes_on_from_the_last_minute_kept(stand, kind, long_lesson, note):
    lesson = stand.upload(long_lesson)
    stand.wait_for(lesson, "completed")
    row = stand.services.lessons.get(lesson)
    job = stand.transcribe(lesson)
    key = keys.derivative_key(row.video_key, PARTIAL)
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and not any(item.key == key for item in stand.services.store.list(stand.services.raw)):
        time.sleep(0.2)
    time.sleep(3)
    stand.kill_worker()
    before = stand.services.ledger.get(job).progress
    stand.machine = "another worker"  # nothing of the first one's disk is there
    stand.restart_worker()
    stand.wait_for(job, "completed", seconds=300)
    resumed = stored_transcript(stand.services, row)
    went_on = [float(found) for found in re.findall(r"the transcription goes on at ([\d.]+) s", stand.logs(100_000))]
    assert went_on and went_on[0] > 30
    reached_s = (before / 100 - 0.03) / 0.92 * resumed.duration_s
    assert reached_s - went_on[0] <= STRETCH_S + 10
    again = stand.transcribe(lesson)
    stand.wait_for(again, "completed", seconds=300)
    assert stored_transcript(stand.services, row) == resumed
    stand.check()
    note("kill -9 in a long transcription", kind, 1, f"went on at {went_on[0]:.0f} s of {resumed.duration_s:.0f} s; same text")
