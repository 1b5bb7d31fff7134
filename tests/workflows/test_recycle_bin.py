"""Deleted lessons can be brought back for ten minutes, whatever is killed; on one machine and with Redis."""

from __future__ import annotations

import threading
import time

import pytest

from ppi.errors import Conflict, NotFound, QuotaExceeded
from ppi.jobs.lessons import BINNED, DELETING
from ppi.workflows import label_studio_files, lessons, mending, quotas, recycle_bin, uploads
from ppi.workflows.house import Housekeeper
from tests.conftest import settings_for, with_people


@pytest.fixture
def here(open_services):
    return with_people(open_services())


@pytest.fixture
def make(here):
    """`make("Вода")`: a stored lesson of anna's with a video, a text, an ended job and a link."""

    def one(name, owner="anna"):
        user = here.users.by_name(owner)
        here.users.set_quota(user.id, 99, None)
        row = uploads.begin_upload(here, user, file_name="v.mp4", task_name=name, size_bytes=4)
        here.lessons.move_on(row.id, "uploading", "stored")
        for key in (row.video_key, row.prefix + "v.txt"):
            here.store.put_bytes(here.raw, key, b"film")
        here.store.put_bytes(here.final, row.prefix + "dataset/README.md", b"x")
        here.ledger.submit("ingest", user.id, row.id, {}, job_id=row.id)
        here.ledger.cancel(row.id)
        here.links.token_for(row.id, row.video_key)
        here.lessons.set_expiry(row.id, 0.0)
        return here.lessons.get(row.id)

    return one


def end_the_ten_minutes(here, row):
    here.lessons.move_on(row.id, BINNED, BINNED, expires_s=time.time() - 1)


def objects(here):
    return [found.key for bucket in (here.raw, here.final) for found in here.store.list(bucket)]


def test_what_was_deleted_is_out_of_every_list_and_comes_back_as_it_was(here, make):
    row, other = make("Вода"), make("Воздух")
    anna = here.users.get(row.owner_id)
    kept, token = objects(here), here.links.token_for(row.id, row.video_key)
    recycle_bin.put_in(here, row)
    assert [found.id for found in here.lessons.list()] == [other.id] == [found.id for found in here.lessons.list(anna.id)]
    assert [shown.id for shown in lessons.overview(here, anna)] == [other.id]
    assert not any(found.key.startswith(row.prefix) for found in lessons.list_files(here, here.users.by_name("admin")))
    assert lessons.is_hidden(here, row.video_key) and not lessons.is_hidden(here, other.video_key)
    for refused in (
        lambda: lessons.owned(here, anna, row.id), lambda: lessons.owned_job(here, anna, row.id),
        lambda: lessons.followed(here, token), lambda: recycle_bin.delete_file(here, anna, row.video_key, is_undoable=True),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            refused()
    assert [found.id for found in recycle_bin.look(here, anna)] == [row.id] and objects(here) == kept

    recycle_bin.bring_back(here, recycle_bin.owned(here, anna, row.id))
    assert lessons.owned(here, anna, row.id) == row and objects(here) == kept
    assert lessons.followed(here, token) == row.video_key and lessons.owned_job(here, anna, row.id).status == "cancelled"
    assert {found.id for found in here.lessons.list()} == {row.id, other.id} and recycle_bin.look(here, anna) == []


def test_after_ten_minutes_the_housekeeping_deletes_it_for_good(here, make):
    row, other = make("Вода"), make("Воздух")
    recycle_bin.put_in(here, row)
    house = Housekeeper(here, "web", ())
    house.keep_house()
    assert here.lessons.get(row.id).state == BINNED, "not before"
    end_the_ten_minutes(here, row)
    with pytest.raises(NotFound):
        recycle_bin.owned(here, here.users.get(row.owner_id), row.id)
    recycle_bin.sweep(here)
    assert here.lessons.missing([row.id]) == {row.id} and here.ledger.list(lesson_id=row.id) == []
    assert objects(here) and all(key.startswith(other.prefix) for key in objects(here))
    assert [act.object for act in here.audit.find(action="delete for good")] == [row.id]


def test_a_clock_that_was_set_back_keeps_nothing_for_longer(here, make):
    row = make("Вода")
    recycle_bin.put_in(here, row)
    here.lessons.move_on(row.id, BINNED, BINNED, expires_s=time.time() + 86_400)
    recycle_bin.sweep(here)
    assert here.lessons.missing([row.id]) == {row.id}


def test_of_undo_and_of_sweepers_that_come_together_one_wins(here, open_services, make):
    """Every process tries; the row is moved on once. Without that an undone lesson would lose its files."""
    rows = [make(f"Урок {number}") for number in range(12)]
    for row in rows:
        recycle_bin.put_in(here, row)
    binned = [here.lessons.get(row.id) for row in rows]
    deleted, back = [], []

    def sweep():
        there = open_services()
        deleted.extend(row.id for row in binned if recycle_bin.empty(there, row))

    def undo():
        for row in reversed(binned):
            try:
                recycle_bin.bring_back(here, row)
                back.append(row.id)
            except NotFound:
                pass

    threads = [threading.Thread(target=act) for act in (sweep, sweep, undo)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(deleted + back) == sorted(row.id for row in rows)
    for row in binned:
        assert (row.video_key in objects(here)) == (row.id in back)


@pytest.mark.parametrize("killed_at", ["marked", "swept"])
def test_a_process_that_is_killed_midway_leaves_it_in_the_bin_or_gone(here, make, killed_at, monkeypatch):
    row = make("Вода")
    if killed_at == "marked":
        monkeypatch.setattr(label_studio_files, "remove", lambda *given: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            recycle_bin.put_in(here, row)
        monkeypatch.undo()
        assert here.lessons.get(row.id).state == BINNED
        recycle_bin.bring_back(here, here.lessons.get(row.id))
        assert here.lessons.get(row.id) == row
        return
    recycle_bin.put_in(here, row)
    end_the_ten_minutes(here, row)
    monkeypatch.setattr(here.store, "delete", lambda *given: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        recycle_bin.sweep(here)
    monkeypatch.undo()
    assert here.lessons.get(row.id).state == DELETING
    assert not here.lessons.bring_back(row.id, "stored", max_lessons=None, max_bytes=None)
    lessons.sweep_deleted(here)
    assert here.lessons.missing([row.id]) == {row.id} and objects(here) == []


def test_a_lesson_that_is_worked_on_stays(here, make):
    row = make("Вода")
    here.ledger.submit("transcribe", row.owner_id, row.id, {})
    with pytest.raises(Conflict):
        recycle_bin.put_in(here, row)
    assert here.lessons.get(row.id) == row


def test_an_upload_that_failed_comes_back_as_it_was(here):
    anna = here.users.by_name("anna")
    row = uploads.begin_upload(here, anna, file_name="v.mp4", task_name="Вода", size_bytes=4)
    here.lessons.move_on(row.id, "uploading", "received")
    recycle_bin.put_in(here, here.lessons.get(row.id))
    recycle_bin.bring_back(here, here.lessons.get(row.id))
    assert here.lessons.get(row.id).state == "received"


def test_a_slot_is_free_at_once_and_undo_needs_one_again(here, make):
    row = make("Вода")
    anna = here.users.get(row.owner_id)
    here.users.set_quota(anna.id, 1, None)
    anna = here.users.get(anna.id)
    with pytest.raises(QuotaExceeded):
        quotas.check(here, anna, 4)
    recycle_bin.put_in(here, row)
    assert quotas.use(here, anna).lessons == 0
    new = uploads.begin_upload(here, anna, file_name="v.mp4", task_name="Воздух", size_bytes=4)
    with pytest.raises(QuotaExceeded):
        recycle_bin.bring_back(here, here.lessons.get(row.id))
    assert here.lessons.get(row.id).state == BINNED, "nothing is lost by trying"
    uploads.abort_upload(here, new)
    recycle_bin.bring_back(here, here.lessons.get(row.id))
    assert quotas.use(here, anna).lessons == 1


def test_of_many_undos_at_once_only_as_many_succeed_as_there_are_slots(here, open_services, make):
    rows = [make(f"Урок {number}") for number in range(6)]
    for row in rows:
        recycle_bin.put_in(here, row)
    here.users.set_quota(rows[0].owner_id, 2, None)
    back = []

    def undo(row):
        there = open_services()
        try:
            recycle_bin.bring_back(there, there.lessons.get(row.id))
            back.append(row.id)
        except QuotaExceeded:
            pass

    threads = [threading.Thread(target=undo, args=(row,)) for row in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(back) == 2 == len(here.lessons.list())


def test_files_in_label_studios_folder_go_at_once_and_are_asked_for_again(tmp_path):
    from ppi.services import Services

    folder = tmp_path / "label-studio"
    folder.mkdir()
    here = with_people(Services(settings_for(tmp_path / "data", LABEL_STUDIO_DATA_DIR=str(folder))))
    anna = here.users.by_name("anna")
    row = uploads.begin_upload(here, anna, file_name="v.mp4", task_name="Вода", size_bytes=4)
    here.lessons.move_on(row.id, "uploading", "stored")
    found = here.store.put_bytes(here.raw, row.video_key, b"film")
    row = here.lessons.get(row.id)
    label_studio_files.place(here, row.id, {"lesson.mp4": found})
    recycle_bin.put_in(here, row)
    assert [path for path in folder.rglob("*") if path.is_file()] == []
    # A deletion that was cut short before this is made good by the housekeeping.
    label_studio_files.place(here, row.id, {"lesson.mp4": found})
    recycle_bin.hide_files(here)
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_a_redis_that_forgets_brings_no_deleted_lesson_back(open_services, redis_server, ground, make, here):
    if not ground:
        pytest.skip("SQLite forgets nothing")
    row, other = make("Вода"), make("Воздух")
    recycle_bin.put_in(here, row)
    redis_server.wipe()
    here.store.put_bytes(here.raw, row.prefix + "v.info.json", info_of(row))
    mending.restore_rows(here)
    mending.mend(here)
    assert here.lessons.get(row.id).state == BINNED and [found.id for found in here.lessons.list()] == [other.id]


def info_of(row):
    import json
    from dataclasses import asdict

    return json.dumps({"lesson": {name: asdict(row)[name] for name in mending.NAMES}}).encode()
