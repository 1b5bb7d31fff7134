"""kill -9 and SIGTERM at random moments: what was acknowledged is finished once, and nothing is left behind."""

from __future__ import annotations

import random
import signal
import threading
import time

import pytest
import requests

from tests.faults.stand import LESSON, moments

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_an_upload_survives_the_server_being_killed_at_random_bytes(stand, kind, note):
    data, repeats, resent = LESSON.read_bytes(), 12, 0
    chance = random.Random(11)
    for _ in range(repeats):
        location = stand.begin_upload(len(data))
        at, sent, killed = chance.randrange(1, len(data)), threading.Event(), threading.Event()
        sending = threading.Thread(target=_send_slowly, args=(stand, location, data, at, sent, killed), daemon=True)
        sending.start()
        assert sent.wait(30)
        stand.kill_web()
        killed.set()
        sending.join(30)
        stand.start_web()
        offset = stand.offset(location)
        assert offset <= at
        resent = max(resent, at - offset)
        assert stand.send(location, data[offset:], offset).status_code == 204
        stand.wait_for(stand.acknowledged(location, data), "completed")
    stand.check()
    note("kill -9 of the web process in an upload", kind, repeats, f"0 bytes lost; at most {resent:,} bytes sent again")


def _send_slowly(stand, location, data, at, sent, killed):
    """The first `at` bytes in pieces of 64 KiB, then silence until the connection breaks."""

    def pieces():
        for start in range(0, at, 65536):
            yield data[start : min(start + 65536, at)]
            time.sleep(0.01)
        sent.set()
        killed.wait(60)

    chunk = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0", "Tus-Resumable": "1.0.0"}
    try:
        requests.patch(stand.web.url + location, headers={**stand._headers(), **chunk}, data=pieces(), timeout=60)
    except requests.RequestException:
        sent.set()


def test_lessons_are_prepared_although_the_worker_is_killed_at_random_moments(stand, kind, note):
    for delay_s in moments(12, 8, 2.5):
        lesson = stand.upload()
        time.sleep(delay_s)
        stand.kill_worker()
        stand.restart_worker()
        stand.wait_for(lesson, "completed")
    stand.check()
    note("kill -9 of the worker while it prepares a lesson", kind, 8, "done once")


def test_speech_is_recognised_although_the_worker_is_killed(stand, kind, note):
    lesson = stand.upload()
    stand.wait_for(lesson, "completed")
    for delay_s in moments(13, 3, 3):
        job = stand.transcribe(lesson)
        stand.wait_for(job, "transcribing")
        time.sleep(delay_s)
        stand.kill_worker()
        stand.restart_worker()
        stand.wait_for(job, "completed")
    stand.check()
    note("kill -9 of the worker in speech recognition", kind, 3, "done once")


def test_a_job_whose_child_process_is_killed_says_so_or_is_done(stand, kind, note):
    """The recogniser's own process dies: the job fails with its reason, and Retry does it."""
    lesson = stand.upload()
    stand.wait_for(lesson, "completed")
    for delay_s in moments(14, 3, 1.5):
        job = stand.transcribe(lesson)
        stand.wait_for(job, "transcribing")
        time.sleep(delay_s)
        for child in stand.children("multiprocessing.spawn"):
            child.kill()
        ended = stand.wait_for(job, "error", "completed")
        if ended["status"] == "error":
            assert ended["code"] == "tool_failed" and ended["error"]
            assert stand.post(f"/api/jobs/{job}/retry").status_code == 200
        stand.wait_for(job, "completed")
    stand.check()
    note("kill -9 of the recogniser alone", kind, 3, "failed with its reason, done by Retry")


def test_a_deploy_in_the_middle_of_a_job_costs_nothing(stand, kind, note):
    """SIGTERM: the job is queued again at once and counts no attempt."""
    lesson = stand.upload()
    stand.wait_for(lesson, "completed")
    for delay_s in moments(15, 3, 2):
        job = stand.transcribe(lesson)
        stand.wait_for(job, "transcribing")
        time.sleep(delay_s)
        began = time.monotonic()
        stand.worker_process.send_signal(signal.SIGTERM)
        stand.worker_process.wait(25)
        assert time.monotonic() - began < 25
        waiting = stand.services.ledger.get(job)
        assert (waiting.status, waiting.attempt - waiting.attempts_base) == ("queued", 0), stand.logs()
        stand.restart_worker()
        stand.wait_for(job, "completed")
    stand.check()
    note("SIGTERM (deploy) in speech recognition", kind, 3, "queued again at once, done once, no attempt counted")
