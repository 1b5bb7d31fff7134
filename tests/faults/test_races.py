"""Races: many processes ask for the same thing at once, and each thing is given once."""

from __future__ import annotations

import multiprocessing
import time

import pytest

from ppi.jobs.ledger import Job
from ppi.services import Services
from ppi.settings import Settings
from tests.jobs.test_ledger import claims_of_processes
from tests.jobs.test_lessons_rows import reserve

pytestmark = pytest.mark.slow
CLAIMS, ROUNDS, TRIES = 20_000, 100, 100


@pytest.fixture
def variables(ground, tmp_path) -> dict[str, str]:
    return {"PPI_DATA_DIR": str(tmp_path / "data"), **ground}


def name_of(variables: dict[str, str]) -> str:
    return "Redis" if "REDIS_ENABLED" in variables else "SQLite"


def test_of_twenty_thousand_jobs_none_is_claimed_twice(open_services, variables, note):
    taken = claims_of_processes(open_services(), variables, 4, CLAIMS)
    assert len(taken) == len(set(taken)) == CLAIMS
    note("4 processes claim 20,000 jobs", name_of(variables), 1, "0 claimed twice, 0 left")


def _claim_naively(path, barrier, out):
    """What the ledger must not do: look first, take afterwards."""
    import sqlite3

    connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    taken = []
    barrier.wait()  # on a busy machine one would have taken all before the next has started
    while row := connection.execute("SELECT id FROM jobs WHERE status='queued' ORDER BY created_s LIMIT 1").fetchone():
        connection.execute("UPDATE jobs SET status='running' WHERE id=?", row)
        taken.append(row[0])
    out.put(taken)


def test_claiming_in_two_steps_does_claim_twice(tmp_path):
    """The control: without the one statement the same race is lost."""
    services = Services(Settings.from_env({"PPI_DATA_DIR": str(tmp_path)}))
    for number in range(800):
        services.ledger.restore(Job(f"job-{number}", "ingest", "receive", "u", "l", {}, created_s=float(number)))
    context = multiprocessing.get_context("spawn")
    barrier, out = context.Barrier(4), context.Queue()
    processes = [context.Process(target=_claim_naively, args=(tmp_path / "ledger.sqlite3", barrier, out)) for _ in range(4)]
    for process in processes:
        process.start()
    taken = [job_id for _ in processes for job_id in out.get(timeout=120)]
    for process in processes:
        process.join()
    assert len(taken) > len(set(taken))


def _reserve_in_rounds(variables, barrier, out):
    lessons = Services(Settings.from_env(variables)).lessons
    accepted = []
    for number in range(ROUNDS):
        barrier.wait()
        won = 0
        for _ in range(TRIES // 4):
            try:
                reserve(lessons, owner=f"owner-{number}", most=1)
                won += 1
            except Exception as error:
                assert type(error).__name__ == "QuotaExceeded", error
        accepted.append(won)
    out.put(accepted)


def test_in_a_hundred_rounds_of_a_hundred_uploads_one_is_accepted_each(variables, note):
    context = multiprocessing.get_context("spawn")
    barrier, out = context.Barrier(4), context.Queue()
    processes = [context.Process(target=_reserve_in_rounds, args=(variables, barrier, out)) for _ in range(4)]
    for process in processes:
        process.start()
    found = [out.get(timeout=400) for _ in processes]
    for process in processes:
        process.join()
    assert [sum(won) for won in zip(*found, strict=True)] == [1] * ROUNDS
    note("100 uploads at once for a quota of one", name_of(variables), ROUNDS, "exactly 1 accepted in every round")


def test_two_workers_ring_for_one_job_and_it_is_done_once(own_redis, tmp_path):
    """The same bell many times over: the claim decides, not the message."""
    from tests.fixtures_redis import start_worker, stop_worker

    variables = own_redis.variables()
    here = Services(Settings.from_env({"PPI_DATA_DIR": str(tmp_path / "web"), **variables}))
    workers = [start_worker(tmp_path / name, "--queues", "publish", **variables) for name in ("a", "b")]
    try:
        job = here.ledger.submit("publish", "u", "no-such-lesson", {"repo_id": "x"})
        for _ in range(50):
            here.ring(job)
        deadline = time.monotonic() + 30
        while here.ledger.get(job.id).is_active and time.monotonic() < deadline:
            time.sleep(0.1)
        ended = here.ledger.get(job.id)
        assert (ended.status, ended.error_code, ended.attempt) == ("error", "not_found", 1)
    finally:
        for worker in workers:
            stop_worker(worker)
