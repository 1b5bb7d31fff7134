"""The thread runner: does what the ledger says, stops when asked, and leaves nothing when its process is killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from ppi.errors import InputError, ServerAway
from ppi.jobs.database import Database
from ppi.jobs.hosts import is_alive, process_name
from ppi.jobs.leases import LeaseWatch
from ppi.jobs.ledger_sqlite import SqliteLedger
from ppi.jobs.threads import ThreadRunner
from ppi.jobs.work import Worker

LANES = ((("speech", "dataset"), 1), (("receive", "media", "publish"), 4))


@pytest.fixture
def ledger(tmp_path):
    return SqliteLedger(Database(tmp_path / "ledger.sqlite3"))


@pytest.fixture
def start(ledger):
    started = []

    def begin(**handlers):
        runner = ThreadRunner(ledger, Worker(ledger, handlers, 15, lambda job: None), LANES)
        started.append(runner)
        runner.start()
        return runner

    yield begin
    for runner in started:
        runner.stop()


def wait(ledger, job_id, seconds=10):
    deadline = time.monotonic() + seconds
    while ledger.get(job_id).is_active and time.monotonic() < deadline:
        time.sleep(0.02)
    return ledger.get(job_id)


def test_a_job_is_done_and_its_result_kept(ledger, start):
    start(ingest=lambda job, run: {"size": job.input["size"] + 1})
    job = wait(ledger, ledger.submit("ingest", "u", "l", {"size": 1}).id)
    assert (job.status, job.progress, job.result) == ("completed", 100, {"size": 2})


def test_a_refused_input_ends_the_job_with_its_reason(ledger, start):
    def refuse(job, run):
        raise InputError("The file {name} is empty.", name="a")

    start(ingest=refuse)
    job = wait(ledger, ledger.submit("ingest", "u", "l", {}).id)
    assert (job.status, job.error, job.error_args) == ("error", "The file {name} is empty.", {"name": "a"})


def test_an_unforeseen_fault_is_tried_again_and_never_kills_the_runner(ledger, start):
    start(ingest=lambda job, run: 1 / 0, publish=lambda job, run: {})
    broken = ledger.submit("ingest", "u", "l", {})
    assert wait(ledger, ledger.submit("publish", "u", "l", {}).id).status == "completed"
    deadline = time.monotonic() + 5
    while ledger.get(broken.id).attempt == 0 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert ledger.get(broken.id).attempt == 1


def test_heavy_jobs_run_one_at_a_time(ledger, start):
    running, most = [], []
    lock = threading.Lock()

    def work(job, run):
        with lock:
            running.append(job.id)
            most.append(len(running))
        time.sleep(0.2)
        running.remove(job.id)
        return {}

    start(transcribe=work, summarize=work)
    jobs = [ledger.submit(kind, "u", "l", {}) for kind in ("transcribe", "summarize", "transcribe")]
    assert all(wait(ledger, job.id).status == "completed" for job in jobs)
    assert max(most) == 1


def test_a_cancelled_job_stops_within_two_seconds(ledger, start):
    began = threading.Event()

    def endless(job, run):
        on_progress = run.step("transcribing", "Working", 0, 1)
        began.set()
        while True:
            on_progress(0.5)
            time.sleep(0.05)

    start(transcribe=endless)
    job = ledger.submit("transcribe", "u", "l", {})
    assert began.wait(5)
    ledger.cancel(job.id)
    assert wait(ledger, job.id, 2).status == "cancelled"


WORK = """
import sys, time
from pathlib import Path
from ppi.jobs.database import Database
from ppi.jobs.ledger_sqlite import SqliteLedger
from ppi.jobs.threads import ThreadRunner
from ppi.jobs.work import Worker
from ppi.processes import run_in_child
def work(job, run):
    on_progress = run.step("transcribing", "Working", 0, 1)
    if job.attempt == 1:
        run_in_child("tests_child_sleeper:sleep", {"mark": sys.argv[2]}, on_tick=lambda: on_progress(0.1))
    return {"attempt": job.attempt}
if __name__ == "__main__":
    ledger = SqliteLedger(Database(Path(sys.argv[1])))
    ThreadRunner(ledger, Worker(ledger, {"transcribe": work}, 15, print), [(("speech",), 1)]).start()
    time.sleep(60)
"""
SLEEPER = """
import os, time
from pathlib import Path
def sleep(report, mark):
    Path(mark).write_text(str(os.getpid()))
    time.sleep(60)
"""


def test_a_killed_runner_leaves_no_child_and_its_job_is_finished_once_by_the_next(ledger, start, tmp_path):
    (tmp_path / "work.py").write_text(WORK)
    (tmp_path / "tests_child_sleeper.py").write_text(SLEEPER)
    mark = tmp_path / "child.pid"
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{root}:{tmp_path}"}
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "work.py"), str(tmp_path / "ledger.sqlite3"), str(mark)], env=environment
    )
    job = ledger.submit("transcribe", "u", "l", {})
    deadline = time.monotonic() + 20
    while not (mark.exists() and mark.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    child = psutil.Process(int(mark.read_text()))
    process.send_signal(signal.SIGKILL)
    process.wait()
    child.wait(5)
    assert [freed.id for freed in LeaseWatch(ledger, 60).sweep()] == [job.id]
    start(transcribe=lambda job, run: {"attempt": job.attempt})
    ended = wait(ledger, job.id)
    assert (ended.status, ended.result) == ("completed", {"attempt": 2})


def test_a_process_is_known_by_its_number_and_its_start(tmp_path):
    assert is_alive(f"{process_name(os.getpid())}:abc")
    assert not is_alive(f"{os.getpid()}:1.00:abc")
    assert not is_alive("999999999:1.00:abc")


def test_a_stopped_runner_queues_its_job_again_at_once(ledger, start):
    began = threading.Event()

    def endless(job, run):
        on_progress = run.step("transcribing", "Working", 0, 1)
        began.set()
        while True:
            on_progress(0.5)
            time.sleep(0.05)

    runner = start(transcribe=endless)
    job = ledger.submit("transcribe", "u", "l", {})
    assert began.wait(5)
    runner.stop()
    waiting = ledger.get(job.id)
    assert (waiting.status, waiting.attempt - waiting.attempts_base) == ("queued", 0)


def test_a_result_waits_for_a_ledger_that_is_away(ledger, monkeypatch):
    away = [ServerAway("away"), ServerAway("away")]
    finish = ledger.finish

    def sometimes(*arguments):
        if away:
            raise away.pop()
        return finish(*arguments)

    monkeypatch.setattr(ledger, "finish", sometimes)
    ledger.submit("publish", "u", "l", {}, job_id="x")
    Worker(ledger, {"publish": lambda job, run: {"url": "u"}}, 15, print).do(ledger.claim("r", "h", ("publish",), 1))
    assert (ledger.get("x").status, ledger.get("x").result) == ("completed", {"url": "u"})
