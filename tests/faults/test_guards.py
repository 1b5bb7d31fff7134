"""The controls: with a guard taken away, the fault it guards against does its harm."""

from __future__ import annotations

import io
import time

import pytest

from ppi.errors import BackendError, ServerAway
from ppi.jobs.journal import Journal
from ppi.jobs.leases import LeaseWatch
from ppi.jobs.ledger import Job
from ppi.workflows import lessons, mending, uploads


@pytest.fixture
def redis_services(own_redis, tmp_path):
    from ppi.services import Services
    from tests.conftest import settings_for, with_people

    return with_people(Services(settings_for(tmp_path / "data", **own_redis.variables())))


def begin(services, size_bytes=6):
    anna = services.users.by_name("anna")
    return uploads.begin_upload(services, anna, file_name="a.mp4", task_name="A", size_bytes=size_bytes)


def test_bytes_after_the_acknowledged_ones_are_thrown_away_and_without_that_they_spoil_the_file(services):
    row = begin(services)
    row = uploads.receive(services, row, 0, io.BytesIO(b"abc").readinto)
    part = uploads.part_path(services, row.id)
    with part.open("ab") as file:
        file.write(b"left by a crash")
    row = uploads.receive(services, row, 3, io.BytesIO(b"def").readinto)
    assert part.read_bytes() == b"abcdef"
    without = part.with_name("naive")
    without.write_bytes(b"abc" + b"left by a crash" + b"def")
    assert without.read_bytes() != b"abcdef"


def test_the_journal_brings_back_what_redis_forgot_and_without_it_all_is_gone(redis_services, own_redis):
    row = begin(redis_services)
    uploads.receive(redis_services, row, 0, io.BytesIO(b"abc").readinto)
    job = redis_services.ledger.submit("ingest", row.owner_id, row.id, {}, place=redis_services.place)
    claimed = redis_services.ledger.claim("r", "h", ("receive",), 0, redis_services.place)
    token = redis_services.links.token_for(row.id, row.video_key)
    own_redis.wipe()
    assert redis_services.lessons.list() == [] and redis_services.ledger.list() == [], "nothing else remembers"
    mending.mend(redis_services)
    assert redis_services.lessons.get(row.id).offset_bytes == 3
    assert redis_services.ledger.get(job.id).status == "queued"
    assert redis_services.links.key_of(token) == row.video_key
    assert not redis_services.ledger.finish(job.id, claimed.attempt, {"by": "the runner of before"})
    again = redis_services.ledger.claim("r2", "h", ("receive",), 0, redis_services.place)
    assert again.attempt > claimed.attempt
    assert redis_services.ledger.finish(job.id, again.attempt, {"by": "the next"})
    mending.mend(redis_services)
    own_redis.wipe()
    mending.mend(redis_services)
    assert redis_services.ledger.get(job.id).result == {"by": "the next"}, "what was done is not done again"


def test_what_was_deleted_or_revoked_elsewhere_does_not_come_back_from_the_journal(redis_services, own_redis, tmp_path):
    from ppi.services import Services
    from tests.conftest import settings_for

    other = Services(settings_for(tmp_path / "other", **own_redis.variables()))
    deleted, kept = begin(redis_services), redis_services.users.by_name("admin")
    kept = uploads.begin_upload(redis_services, kept, file_name="b.mp4", task_name="B", size_bytes=5)
    uploads.receive(redis_services, deleted, 0, io.BytesIO(b"abc").readinto)
    token = redis_services.links.token_for(kept.id, kept.video_key)
    other.links.revoke(kept.id)
    other.lessons.remove(deleted.id)
    uploads.part_path(redis_services, deleted.id).unlink()
    mending.mend(redis_services)
    own_redis.wipe()
    mending.mend(redis_services)
    assert [row.id for row in redis_services.lessons.list()] == [kept.id]
    with pytest.raises(Exception, match="not valid any more"):
        redis_services.links.key_of(token)


def test_jobs_of_a_lesson_that_is_being_deleted_are_not_taken_for_lost(redis_services, monkeypatch):
    row = begin(redis_services)
    uploads.receive(redis_services, row, 0, io.BytesIO(b"abcdef").readinto)
    job = uploads.commit_upload(redis_services, redis_services.lessons.get(row.id))
    redis_services.ledger.cancel(job.id)
    listed = redis_services.store.list

    def slowly(bucket, prefix=""):
        mending.mend(redis_services)
        return listed(bucket, prefix)

    monkeypatch.setattr(redis_services.store, "list", slowly)
    lessons.delete_lesson(redis_services, redis_services.lessons.get(row.id))
    mending.mend(redis_services)
    assert redis_services.ledger.list() == [] and redis_services.lessons.list() == []


def test_the_journal_keeps_its_rows_over_a_restart(tmp_path):
    path = tmp_path / "journal.sqlite3"
    Journal(path).keep("job", "x", {"a": 1})
    assert Journal(path).kept("job") == {"x": {"a": 1}}


def test_a_job_of_a_dead_runner_is_taken_over_and_without_the_watch_never(open_services):
    ledger = open_services().ledger
    ledger.submit("publish", "u", "l", {})
    ledger.claim("1:0:x", "host", ("publish",), 0)
    assert ledger.claim("2:0:x", "host", ("publish",), 0) is None, "a claim alone takes nothing over"
    assert LeaseWatch(ledger, 60, "host", lambda runner: False).sweep()
    assert ledger.claim("2:0:x", "host", ("publish",), 0)


def test_a_lease_by_the_clock_would_be_stolen_when_the_clock_is_set_ahead_and_beats_are_not(open_services, monkeypatch):
    ledger = open_services().ledger
    ledger.submit("publish", "u", "l", {})
    job = ledger.claim("1:0:x", "elsewhere", ("publish",), 0)
    watch = LeaseWatch(ledger, 60, "here")
    watch.sweep()
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 3600)
    assert time.time() > job.started_s + 60, "a lease that ends at a time of day has ended"
    assert watch.sweep() == []


def test_an_outage_is_waited_for_and_an_ordinary_fault_is_not(open_services, monkeypatch):
    monkeypatch.setattr("ppi.jobs.ledger.OUTAGE_FIRST_S", 0)
    monkeypatch.setattr("ppi.jobs.ledger.RETRY_DELAYS_S", (0, 0))
    ledger = open_services().ledger
    ended = {}
    for error in (ServerAway("away"), BackendError("refused")):
        job = ledger.submit("publish", "u", "l", {}, job_id=error.code)
        for _ in range(6):
            claimed = ledger.claim("1:0:x", "h", ("publish",), 0)
            if claimed is None:
                break
            ledger.fail(claimed.id, claimed.attempt, error)
        ended[error.code] = ledger.get(job.id).status
        if ledger.get(job.id).is_active:
            ledger.cancel(job.id)
    assert ended == {"server_away": "queued", "backend": "error"}


def test_a_job_of_an_older_release_is_kept_when_the_ledger_is_brought_up_to_date(tmp_path):
    import sqlite3

    from ppi.services import Services
    from tests.conftest import settings_for

    with sqlite3.connect(tmp_path / "ledger.sqlite3") as old:
        old.executescript(OLD)
    services = Services(settings_for(tmp_path))
    job, row = services.ledger.get("j1"), services.lessons.get("l1")
    assert isinstance(job, Job) and (job.queue, job.status, job.input) == ("speech", "queued", {"a": 1})
    assert (row.name, row.state, row.place) == ("Урок", "stored", "")
    assert services.ledger.claim("r", "h", ("speech",), 0).id == "j1"


OLD = """
CREATE TABLE jobs (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, lane TEXT NOT NULL, owner_id TEXT NOT NULL, lesson_id TEXT NOT NULL,
  input TEXT NOT NULL, status TEXT NOT NULL, phase TEXT NOT NULL DEFAULT '', stage TEXT NOT NULL DEFAULT '',
  stage_args TEXT NOT NULL DEFAULT '{}', progress INTEGER NOT NULL DEFAULT 0, attempt INTEGER NOT NULL DEFAULT 0,
  attempts_base INTEGER NOT NULL DEFAULT 0, runner TEXT NOT NULL DEFAULT '', host TEXT NOT NULL DEFAULT '',
  lease_until_s REAL NOT NULL DEFAULT 0, not_before_s REAL NOT NULL DEFAULT 0,
  is_cancel_requested INTEGER NOT NULL DEFAULT 0,
  error_code TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT '', error_args TEXT NOT NULL DEFAULT '{}',
  result TEXT NOT NULL DEFAULT '{}', created_s REAL NOT NULL, started_s REAL NOT NULL DEFAULT 0,
  updated_s REAL NOT NULL, finished_s REAL NOT NULL DEFAULT 0);
CREATE TABLE lessons (
  id TEXT PRIMARY KEY, prefix TEXT NOT NULL UNIQUE, name TEXT NOT NULL, owner_id TEXT NOT NULL,
  owner_name TEXT NOT NULL, video_key TEXT NOT NULL, size_bytes INTEGER NOT NULL, offset_bytes INTEGER NOT NULL,
  parts INTEGER NOT NULL, state TEXT NOT NULL, source_key TEXT NOT NULL DEFAULT '', expires_s REAL NOT NULL DEFAULT 0,
  created_s REAL NOT NULL);
INSERT INTO jobs (id, kind, lane, owner_id, lesson_id, input, status, created_s, updated_s)
  VALUES ('j1', 'transcribe', 'heavy', 'u', 'l1', '{"a": 1}', 'running', 5, 5);
INSERT INTO lessons (id, prefix, name, owner_id, owner_name, video_key, size_bytes, offset_bytes, parts, state, created_s)
  VALUES ('l1', 'u_1/', 'Урок', 'u', 'u', 'u_1/a.mp4', 4, 4, 1, 'stored', 5);
"""
