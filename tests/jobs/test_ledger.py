"""The promises of the job ledger, over the SQLite file and over several processes."""

import multiprocessing
import time

import pytest

from ppi.errors import BackendError, Cancelled, Conflict, InputError, NotFound
from ppi.jobs.database import Database
from ppi.jobs.ledger_sqlite import SqliteLedger


@pytest.fixture
def ledger(tmp_path):
    return SqliteLedger(Database(tmp_path / "ledger.sqlite3"), lease_s=60)


def submit(ledger, kind="ingest", **values):
    return ledger.submit(kind, "u1", "lesson-1", {"size": 3}, **values)


def claim(ledger, runner="1:0:a", lane="light", limit=4):
    return ledger.claim(runner, "host", lane, limit)


def test_a_submitted_job_waits_and_keeps_its_input(ledger):
    job = ledger.get(submit(ledger).id)
    assert (job.status, job.kind, job.input, job.progress) == ("queued", "ingest", {"size": 3}, 0)


def test_submitting_the_same_id_twice_makes_one_job(ledger):
    first = submit(ledger, job_id="x")
    claim(ledger)
    assert submit(ledger, job_id="x").status == "running"
    assert [job.id for job in ledger.list()] == [first.id]


def test_the_oldest_job_is_claimed_first_and_only_once(ledger):
    jobs = [submit(ledger) for _ in range(2)]
    claimed = [claim(ledger), claim(ledger), claim(ledger)]
    assert {job.id for job in claimed if job} == {job.id for job in jobs}
    assert claimed[2] is None


def test_a_lane_runs_no_more_jobs_on_a_host_than_allowed(ledger):
    for _ in range(3):
        submit(ledger, "transcribe")
    assert claim(ledger, lane="heavy", limit=1)
    assert claim(ledger, lane="heavy", limit=1) is None
    assert ledger.claim("r", "another host", "heavy", 1)


def test_progress_never_goes_back(ledger):
    submit(ledger)
    job = claim(ledger)
    ledger.report(job.id, job.attempt, "extracting_audio", "Half", {}, 50)
    ledger.report(job.id, job.attempt, "extracting_audio", "Less", {}, 20)
    assert ledger.get(job.id).progress == 50
    assert ledger.get(job.id).shown_status == "extracting_audio"


def test_a_lease_that_ran_out_is_claimed_again_and_the_late_runner_writes_nothing(tmp_path):
    ledger = SqliteLedger(Database(tmp_path / "l.sqlite3"), lease_s=0.05)
    submit(ledger)
    late = claim(ledger)
    time.sleep(0.1)
    second = claim(ledger, "2:0:b")
    assert second.id == late.id and second.attempt == late.attempt + 1
    assert ledger.report(late.id, late.attempt, "p", "s", {}, 90) == "lost"
    assert not ledger.finish(late.id, late.attempt, {"from": "late"})
    assert not ledger.renew(late.id, late.attempt)
    assert not ledger.fail(late.id, late.attempt, InputError("no"))
    assert ledger.finish(second.id, second.attempt, {"from": "second"})
    assert ledger.get(late.id).result == {"from": "second"}


def test_a_renewed_lease_is_not_claimed_by_another(tmp_path):
    ledger = SqliteLedger(Database(tmp_path / "l.sqlite3"), lease_s=0.3)
    submit(ledger)
    job = claim(ledger)
    for _ in range(4):
        time.sleep(0.1)
        assert ledger.renew(job.id, job.attempt)
    assert claim(ledger, "2:0:b") is None


def test_the_leases_of_a_dead_runner_are_freed_at_once_and_those_of_the_living_kept(ledger):
    submit(ledger), submit(ledger)
    claim(ledger, "dead:0:a"), claim(ledger, "alive:0:b")
    assert set(ledger.runners("host")) == {"dead:0:a", "alive:0:b"}
    assert ledger.sweep("host", frozenset(["alive:0:b"])) == 1
    assert claim(ledger, "new:0:c").attempt == 2
    assert claim(ledger, "new:0:c") is None


def test_a_job_is_given_up_after_three_attempts(tmp_path):
    ledger = SqliteLedger(Database(tmp_path / "l.sqlite3"), lease_s=0.01)
    submit(ledger)
    for _ in range(3):
        assert claim(ledger)
        time.sleep(0.03)
    assert claim(ledger) is None
    ledger.sweep("host", frozenset())
    job = ledger.list()[0]
    assert (job.status, job.error_code) == ("error", "tool_failed")
    assert ledger.retry(job.id).status == "queued"
    assert claim(ledger).attempt == 4


def test_a_lasting_fault_ends_the_job_and_a_passing_one_waits_for_another_try(ledger):
    submit(ledger), submit(ledger)
    first, second = claim(ledger), claim(ledger)
    ledger.fail(first.id, first.attempt, InputError("The file {name} is empty.", name="a.mp4"))
    ledger.fail(second.id, second.attempt, BackendError("The store is away."))
    failed = ledger.get(first.id)
    assert (failed.status, failed.error_code, failed.error_args) == ("error", "input", {"name": "a.mp4"})
    assert failed.progress < 100
    assert ledger.get(second.id).status == "queued"
    assert claim(ledger) is None, "the second try is not at once"


def test_cancelling_ends_a_waiting_job_and_asks_a_running_one(ledger):
    waiting = submit(ledger)
    assert ledger.cancel(waiting.id).status == "cancelled"
    submit(ledger)
    running = claim(ledger)
    assert ledger.cancel(running.id).status == "running"
    assert ledger.report(running.id, running.attempt, "p", "s", {}, 5) == "cancel"
    ledger.fail(running.id, running.attempt, Cancelled("The job was cancelled."))
    assert ledger.get(running.id).status == "cancelled"
    with pytest.raises(Conflict):
        ledger.cancel(running.id)


def test_a_cancelled_job_whose_runner_died_is_not_run_again(tmp_path):
    ledger = SqliteLedger(Database(tmp_path / "l.sqlite3"), lease_s=0.05)
    submit(ledger)
    job = claim(ledger)
    ledger.cancel(job.id)
    time.sleep(0.1)
    assert claim(ledger) is None
    ledger.sweep("host", frozenset())
    assert ledger.get(job.id).status == "cancelled"


def test_only_ended_jobs_are_tried_again(ledger):
    job = submit(ledger)
    with pytest.raises(Conflict):
        ledger.retry(job.id)
    ledger.cancel(job.id)
    assert ledger.retry(job.id).status == "queued"
    with pytest.raises(NotFound):
        ledger.retry("nothing")


def test_the_position_counts_the_jobs_before(ledger):
    jobs = [submit(ledger, "transcribe") for _ in range(3)]
    ordered = sorted((ledger.get(job.id) for job in jobs), key=lambda job: (job.created_s, job.id))
    assert [ledger.position(job) for job in ordered] == [1, 2, 3]
    claim(ledger, lane="heavy", limit=1)
    assert [ledger.position(ledger.get(job.id)) for job in ordered] == [0, 1, 2]


def test_a_lesson_with_an_active_job_keeps_its_jobs(ledger):
    job = submit(ledger)
    with pytest.raises(Conflict):
        ledger.remove_lesson("lesson-1")
    ledger.cancel(job.id)
    ledger.remove_lesson("lesson-1")
    assert ledger.list() == []


def _claim_all(path, runner, out):
    ledger = SqliteLedger(Database(path), lease_s=60)
    taken = []
    while job := ledger.claim(f"{runner}:0:x", f"host-{runner}", "light", 10_000):
        taken.append(job.id)
    out.put(taken)


def test_four_processes_never_claim_the_same_job(tmp_path):
    path = tmp_path / "ledger.sqlite3"
    ledger = SqliteLedger(Database(path))
    wanted = {submit(ledger).id for _ in range(120)}
    context = multiprocessing.get_context("spawn")
    out = context.Queue()
    processes = [context.Process(target=_claim_all, args=(path, number, out)) for number in range(4)]
    for process in processes:
        process.start()
    taken = [job_id for _ in processes for job_id in out.get(timeout=60)]
    for process in processes:
        process.join()
    assert len(taken) == len(set(taken)) == 120
    assert set(taken) == wanted
