"""The audit log keeps every row, finds them by what is asked, and lets them go with their age."""

import multiprocessing
import sqlite3

from ppi.accounts.audit import AuditLog

PROCESSES, ROWS_EACH = 8, 200


def log_at(folder, kept_s=0.0) -> AuditLog:
    return AuditLog(folder / "audit.sqlite3", kept_s)


def test_rows_are_found_newest_first_and_by_what_is_asked(tmp_path):
    log = log_at(tmp_path)
    log.record("upload", user_id="1", user_name="anna", object="lesson-1", address="10.0.0.1", way="session")
    log.record("delete file", user_id="2", user_name="Boris", object="lesson-2/Видео.mp4", address="10.0.0.2", way="token")
    assert [act.user_name for act in log.find()] == ["Boris", "anna"]
    assert [act.object for act in log.find(user="anna")] == ["lesson-1"]
    assert [act.user_name for act in log.find(action="delete file")] == ["Boris"]
    for text in ("видео", "ВИДЕО", "10.0.0.2", "boris"):
        assert [act.user_name for act in log.find(text=text)] == ["Boris"], text
    moment = log.find(user="anna")[0].time_s
    assert log.find(until_s=moment) == [] and len(log.find(since_s=moment)) == 2
    assert log.people() == ["Boris", "anna"]


def test_pages_follow_each_other_in_both_directions_without_a_gap(tmp_path):
    log = log_at(tmp_path)
    for number in range(25):
        log.record("upload", object=str(number))
    first = log.find(limit=10)
    second = log.find(limit=10, before_id=first[-1].id)
    assert [act.object for act in first + second] == [str(number) for number in range(24, 4, -1)]
    assert log.find(limit=10, after_id=second[0].id) == first
    assert [act.object for act in log.every()] == [str(number) for number in range(24, -1, -1)]


def test_it_knows_what_was_just_done_by_whom_from_where(tmp_path):
    log = log_at(tmp_path)
    log.record("show link", user_id="1", object="lesson", address="10.0.0.1")
    moment = log.find()[0].time_s
    assert log.has("show link", "lesson", moment, user_id="1", address="10.0.0.1")
    assert not log.has("show link", "lesson", moment + 1, user_id="1", address="10.0.0.1")
    assert not log.has("download", "lesson", moment, user_id="1", address="10.0.0.1")
    assert not log.has("show link", "other", moment, user_id="1", address="10.0.0.1")
    assert not log.has("show link", "lesson", moment, user_id="2", address="10.0.0.1")
    assert not log.has("show link", "lesson", moment, user_id="1", address="10.0.0.2")


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
    for turn in range(ROWS_EACH):
        log.record("upload", object=f"{number}-{turn}")


def test_of_rows_written_by_eight_processes_into_a_new_file_none_is_lost(tmp_path):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write, args=(tmp_path, number)) for number in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert len({act.object for act in log_at(tmp_path).every()}) == PROCESSES * ROWS_EACH


def test_a_log_that_cannot_be_written_does_not_undo_what_was_done(tmp_path, caplog):
    (tmp_path / "audit.sqlite3").mkdir()
    log_at(tmp_path).record("upload", object="lesson")
    assert "could not be written" in caplog.text
    caplog.clear()
    (tmp_path / "file").write_text("no folder")
    AuditLog(tmp_path / "file" / "audit.sqlite3", 0).record("upload")
    assert "could not be written" in caplog.text


def test_a_log_that_another_program_holds_is_given_up_after_a_while(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("ppi.accounts.audit.BUSY_S", 0.1)
    log = log_at(tmp_path)
    log.record("upload", object="first")
    with sqlite3.connect(tmp_path / "audit.sqlite3", isolation_level=None) as holder:
        holder.execute("BEGIN IMMEDIATE")
        log.record("upload", object="second")
        holder.execute("ROLLBACK")
    holder.close()
    assert "could not be written" in caplog.text and [act.object for act in log.find()] == ["first"]


def test_a_log_that_was_moved_away_begins_anew(tmp_path):
    log = log_at(tmp_path)
    log.record("upload", object="before")
    for path in tmp_path.glob("audit.sqlite3*"):
        path.unlink()
    log.record("upload", object="after")
    assert [act.object for act in log.find()] == ["after"]


def test_what_no_database_can_hold_is_written_all_the_same(tmp_path):
    log = log_at(tmp_path)
    log.record("delete file", object="\ud800" + "x" * 10_000, user_name="\udfff")
    assert log.find()[0].object == "?" + "x" * 499 and log.find()[0].user_name == "?"
