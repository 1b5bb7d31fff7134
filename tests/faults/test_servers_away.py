"""Servers PPI depends on go away and come back, one of them with an empty memory."""

from __future__ import annotations

import time

import pytest
import requests

from tests.faults.stand import LESSON, moments

pytestmark = pytest.mark.slow


@pytest.fixture
def kind() -> str:
    """Only what runs on servers can lose them."""
    return "cluster"


def test_redis_is_killed_and_comes_back_while_jobs_run(stand, note):
    repeats = 5
    for delay_s in moments(21, repeats, 2):
        lesson = stand.upload()
        time.sleep(delay_s)
        stand.redis.kill()
        nobody = {"username": "x", "password": "y"}
        assert requests.post(f"{stand.web.url}/api/login", json=nobody, timeout=60).status_code == 401
        assert stand.get("/help").status_code == 200
        listed = stand.get("/api/lessons")
        assert (listed.status_code, listed.json()["code"]) == (503, "server_away")
        stand.redis.start()
        stand.wait_for(lesson, "completed")
    stand.check()
    note("kill -9 of Redis, started again", "cluster", repeats, "no job lost or done twice; log-in answered meanwhile")


def test_redis_comes_back_empty_while_jobs_run_and_wait(stand, note):
    done = stand.upload()
    stand.wait_for(done, "completed")
    heard = stand.transcribe(done)
    stand.wait_for(heard, "completed")
    link = stand.status(done)["stable_url"]
    data = LESSON.read_bytes()
    unfinished = stand.begin_upload(len(data))
    stand.send(unfinished, data[:60_000], 0)
    running = stand.upload()
    stand.wait_for(running, "completed")
    stand.transcribe(running), stand.upload(), stand.upload()
    time.sleep(1)
    stand.redis.wipe()
    began = time.monotonic()
    stand.wait_for(unfinished.rsplit("/", 1)[1], "uploading_video")
    assert stand.offset(unfinished) == 60_000
    stand.send(unfinished, data[60_000:], 60_000)
    stand.acknowledged(unfinished, data)
    stand.check()
    assert stand.status(done)["stable_url"] == link
    note("Redis wiped", "cluster", 1, f"all rows written again, jobs done once; whole after {time.monotonic() - began:.0f} s")


def test_the_object_store_is_away_for_half_a_minute(stand, note):
    lesson, longest_s, repeats = stand.upload(), 0.0, 3
    stand.wait_for(lesson, "completed")
    for _ in range(repeats):
        stand.proxy.mode = "refuse"
        during = [stand.upload() for _ in range(3)]
        assert stand.get("/").status_code == 200
        assert stand.get(f"/lessons/{lesson}").status_code in (200, 503)
        time.sleep(30)
        stand.proxy.mode = "pass"
        began = time.monotonic()
        for one in during:
            stand.wait_for(one, "completed")
        longest_s = max(longest_s, time.monotonic() - began)
    stand.check()
    note("object store unreachable for 30 s", "cluster", repeats, f"3 uploads taken each time; whole {longest_s:.0f} s after")


@pytest.mark.parametrize("mode", ["503", "cut"])
def test_the_object_store_answers_badly(stand, note, mode):
    for wait_s in moments(23, 3, 6):
        stand.proxy.mode = mode
        lesson = stand.upload()
        time.sleep(2 + wait_s)
        stand.proxy.mode = "pass"
        stand.wait_for(lesson, "completed")
    stand.check()
    words = {"503": "object store answering 503", "cut": "object store cutting its answers"}[mode]
    note(words, "cluster", 3, "every object whole, every job done once")
