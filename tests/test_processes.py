"""Child processes: answers, errors, progress, and an end whenever the parent wants one."""

import errno
import os
import threading
import time

import psutil
import pytest

from ppi import processes
from ppi.errors import BackendError, Cancelled, InputError, ToolFailed
from ppi.processes import NICENESS, WarmChild, run_in_child

HERE = "tests_processes_targets"
TARGETS = """
import os, subprocess, time
from ppi.errors import InputError
def double(report, number):
    report(number)
    return number * 2
def pid(report):
    return os.getpid()
def refuse(report):
    raise InputError("The file {name} is empty.", name="урок.mp4")
def crash(report):
    return 1 / 0
def vanish(report):
    os._exit(7)
def sleep(report):
    report(os.getpid())
    time.sleep(60)
def niceness(report):
    report(os.getpriority(os.PRIO_PROCESS, 0))
    return int(subprocess.check_output(["nice"]))
def hog(report):
    return len(bytearray(3_000_000_000))
"""


@pytest.fixture(autouse=True)
def targets(tmp_path, monkeypatch):
    (tmp_path / f"{HERE}.py").write_text(TARGETS)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.syspath_prepend(str(tmp_path))


def test_a_child_reports_and_answers():
    seen = []
    assert run_in_child(f"{HERE}:double", {"number": 4}, on_report=seen.append) == 8
    assert seen == [4]


def test_a_warm_child_stays_the_same_process_between_calls():
    child = WarmChild()
    try:
        assert child.call(f"{HERE}:pid", {}) == child.call(f"{HERE}:pid", {}) == child.pid != os.getpid()
        with pytest.raises(InputError):
            child.call(f"{HERE}:refuse", {})
        assert child.call(f"{HERE}:pid", {}) == child.pid
    finally:
        child.stop()


def test_a_child_and_what_it_starts_yield_to_who_serves_pages():
    assert NICENESS > 0
    own, of_child = os.getpriority(os.PRIO_PROCESS, 0), []
    of_program = run_in_child(f"{HERE}:niceness", {}, on_report=of_child.append)
    assert of_program == of_child[0] == min(own + NICENESS, 19)
    assert os.getpriority(os.PRIO_PROCESS, 0) == own


def test_an_error_of_the_child_arrives_with_its_template_and_values():
    with pytest.raises(InputError) as caught:
        run_in_child(f"{HERE}:refuse", {})
    assert (caught.value.template, caught.value.ids) == ("The file {name} is empty.", {"name": "урок.mp4"})


def test_an_unforeseen_fault_and_a_dead_child_are_told_apart():
    with pytest.raises(BackendError, match="ZeroDivisionError"):
        run_in_child(f"{HERE}:crash", {})
    with pytest.raises(ToolFailed, match="exit code 7"):
        run_in_child(f"{HERE}:vanish", {})


def test_a_child_that_takes_too_long_is_killed():
    pids = []
    with pytest.raises(ToolFailed, match="longer"):
        run_in_child(f"{HERE}:sleep", {}, on_report=pids.append, timeout_s=4)
    assert pids and not psutil.pid_exists(pids[0])


def test_an_error_in_on_tick_kills_the_child_at_once():
    pids = []

    def cancel():
        if pids:
            raise Cancelled("The job was cancelled.")

    began = time.monotonic()
    with pytest.raises(Cancelled):
        run_in_child(f"{HERE}:sleep", {}, on_report=pids.append, on_tick=cancel)
    assert time.monotonic() - began < 20
    assert not psutil.pid_exists(pids[0])


def test_a_child_with_a_memory_limit_fails_instead_of_taking_the_machine_down():
    with pytest.raises(ToolFailed, match="memory"):
        run_in_child(f"{HERE}:hog", {}, memory_bytes=1_500_000_000)


def test_a_call_that_waits_for_a_busy_child_can_be_cancelled():
    child, pids = WarmChild(), []

    def keep_busy():
        with pytest.raises(ToolFailed):
            child.call(f"{HERE}:sleep", {}, on_report=pids.append, timeout_s=8)

    busy = threading.Thread(target=keep_busy)
    busy.start()
    while not pids:
        time.sleep(0.05)

    def cancel():
        raise Cancelled("The job was cancelled.")

    with pytest.raises(Cancelled):
        child.call(f"{HERE}:pid", {}, on_tick=cancel)
    assert psutil.pid_exists(pids[0]), "the other call goes on"
    busy.join()


def test_a_child_that_ends_before_it_has_read_its_call_is_told_in_words(monkeypatch):
    monkeypatch.setattr(processes, "_serve", die_at_once)
    with pytest.raises(ToolFailed, match="stopped unexpectedly"):
        run_in_child(f"{HERE}:hog", {"data": b"x" * 50_000_000})


def test_a_child_that_cannot_be_started_says_why_and_the_next_call_has_one(monkeypatch):
    """A machine without room for another process is no fault of this code, and leaves nothing open."""
    child, handles = WarmChild(), psutil.Process().num_fds()
    with monkeypatch.context() as machine:
        machine.setattr(processes._SPAWN.Process, "_Popen", staticmethod(no_room))
        with pytest.raises(BackendError, match="could not be started .Cannot allocate memory"):
            child.call(f"{HERE}:pid", {})
    child.stop()
    assert child.pid is None and psutil.Process().num_fds() == handles
    assert child.call(f"{HERE}:pid", {}) == child.pid != os.getpid()
    child.stop()


def no_room(process):
    raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))


def die_at_once(pipe, memory_bytes):
    os._exit(3)
