"""The audit log keeps every row, finds them by what is asked, and lets them go with their age."""

import multiprocessing
import sqlite3

from ppi.accounts.audit import AuditLog


def log_at(folder, kept_s=0.0) -> AuditLog:
    return AuditLog(folder / "audit.sqlite3", kept_s)


def test_rows_are_found_newest_first_and_by_what_is_asked(tmp_path):
    log = log_at(tmp_path)
    log.record("upload", user_id="1", user_name="anna", object="lesson-1", address="10.0.0.1", way="session")
    log.record("delete file", user_id="2", user_name="boris", object="lesson-2/видео.mp4", address="10.0.0.2", way="token")
    assert [act.user_name for act in log.find()] == ["boris", "anna"]
    assert [act.object for act in log.find(user="anna")] == ["lesson-1"]
    assert [act.user_name for act in log.find(action="delete file")] == ["boris"]
    for text in ("видео", "10.0.0.2", "boris"):
        assert [act.user_name for act in log.find(text=text)] == ["boris"]
    moment = log.find(user="anna")[0].time_s
    assert log.find(until_s=moment) == [] and len(log.find(since_s=moment)) == 2
    assert log.people() == ["anna", "boris"]


def test_pages_follow_each_other_without_a_gap(tmp_path):
    log = log_at(tmp_path)
    for number in range(25):
        log.record("upload", object=str(number))
    first = log.find(limit=10)
    second = log.find(limit=10, before_id=first[-1].id)
    assert [act.object for act in first + second] == [str(number) for number in range(24, 4, -1)]
    assert [act.object for act in log.every()] == [str(number) for number in range(24, -1, -1)]


def test_old_rows_go_and_with_no_age_none_does(tmp_path):
    log = log_at(tmp_path, kept_s=60)
    log.record("upload", object="old"), log.record("upload", object="new")
    with sqlite3.connect(tmp_path / "audit.sqlite3") as connection:
        connection.execute("UPDATE acts SET time_s=time_s-100 WHERE object='old'")
    log_at(tmp_path).prune()
    assert len(log.find()) == 2
    log.prune()
    assert [act.object for act in log.find()] == ["new"]


def _write(folder, number):
    log = log_at(folder)
    for turn in range(100):
        log.record("upload", object=f"{number}-{turn}")


def test_of_rows_written_by_several_processes_at_once_none_is_lost(tmp_path):
    log = log_at(tmp_path)
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write, args=(tmp_path, number)) for number in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert len({act.object for act in log.every()}) == 400


def test_a_log_that_cannot_be_written_does_not_undo_what_was_done(tmp_path, caplog):
    log = log_at(tmp_path)
    (tmp_path / "audit.sqlite3").unlink()
    (tmp_path / "audit.sqlite3").mkdir()
    log.record("upload", object="lesson")
    assert "could not be written" in caplog.text
