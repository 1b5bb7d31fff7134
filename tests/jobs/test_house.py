"""Housekeeping: lessons go when their retention has passed, cut-short deletions are finished, leftovers are swept."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import pytest

from ppi.jobs.ledger import Job
from ppi.services import Services
from ppi.workflows import lessons, scratch, uploads
from ppi.workflows.house import Housekeeper
from tests.conftest import settings_for, with_people

DAY_S = 86_400


@pytest.fixture
def kept(tmp_path) -> Services:
    """Services that keep lessons for ten days."""
    return with_people(Services(settings_for(tmp_path / "data", PPI_RETENTION_DAYS="10")))


def stored(services, name, age_days):
    admin = services.users.by_name("admin")
    row = uploads.begin_upload(services, admin, file_name=f"{name}.mp4", task_name=name, size_bytes=4)
    services.lessons.remove(row.id)
    row = replace(row, state="stored", offset_bytes=4, created_s=time.time() - age_days * DAY_S)
    services.lessons.restore(row)
    services.store.put_bytes(services.raw, row.video_key, b"film")
    return row


def test_lessons_go_when_their_retention_has_passed_since_their_last_change(kept):
    old, young, used, busy = (stored(kept, name, age) for name, age in (("a", 11), ("b", 9), ("c", 50), ("d", 50)))
    for row, status in ((used, "completed"), (busy, "queued")):
        changed_s = time.time() - (1 if status == "completed" else 40) * DAY_S
        kept.ledger.restore(Job(f"j{row.id}", "transcribe", "speech", row.owner_id, row.id, {}, status, updated_s=changed_s))
    looked_at = Job(f"k{old.id}", "compare", "media", old.owner_id, old.id, {}, "completed", updated_s=time.time())
    kept.ledger.restore(looked_at)
    assert lessons.expire_lessons(kept) == 1
    assert {row.id for row in kept.lessons.list()} == {young.id, used.id, busy.id}
    assert [item.key for item in kept.store.list(kept.raw, old.prefix)] == []
    assert [(act.action, act.object) for act in kept.audit.find()] == [("retention", old.id)]


def test_without_a_setting_nothing_is_ever_deleted(services):
    stored(services, "a", 5000)
    assert lessons.expire_lessons(services) == 0 and len(services.lessons.list()) == 1


def test_a_deletion_that_was_cut_short_is_finished(services):
    row = stored(services, "a", 1)
    services.lessons.move_on(row.id, "stored", "deleting")
    assert lessons.overview_of_all(services) == []
    Housekeeper(services, "web", ()).keep_house()
    assert services.lessons.list() == [] and services.store.list(services.raw) == []


def test_what_dead_attempts_and_lost_uploads_left_is_swept(services):
    job = services.ledger.submit("publish", "u", "l", {})
    job = services.ledger.claim("r", "h", ("publish",), 0)
    alive, dead, request = (services.work_dir / name for name in (f"{job.id}.1", f"{job.id}.7", "request-x"))
    for folder in (alive, dead, request):
        folder.mkdir(parents=True)
    lost = services.uploads_dir / "0123456789abcdef.part"
    lost.parent.mkdir(parents=True)
    lost.write_bytes(b"x")
    os.utime(lost, (time.time() - 2 * DAY_S,) * 2)
    scratch.sweep(services)
    uploads.sweep_uploads(services)
    assert alive.exists() and request.exists() and not dead.exists() and not lost.exists()


def test_a_chore_that_fails_does_not_keep_the_others_from_being_done(services, monkeypatch):
    def broken(here):
        raise RuntimeError("the disk is odd")

    monkeypatch.setattr(uploads, "sweep_uploads", broken)
    row = stored(services, "a", 1)
    services.lessons.move_on(row.id, "stored", "deleting")
    house = Housekeeper(services, "web", ("media",))
    house.keep_house()
    assert services.lessons.list() == []
    assert [process.queues for process in services.ledger.processes(60)] == [("media",)]
