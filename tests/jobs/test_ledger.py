"""The promises of the job ledger, over both grounds: the SQLite file and a real Redis, and over several processes."""

import multiprocessing
import time
from dataclasses import asdict

import pytest

from ppi.errors import Cancelled, Conflict, InputError, NotFound, ServerAway, ToolFailed, Unexpected
from ppi.jobs.leases import LeaseWatch
from ppi.jobs.ledger import MAX_OUTAGES, Job, Process
from ppi.services import Services
from ppi.settings import Settings


@pytest.fixture
def ledger(open_services):
    return open_services().ledger


def submit(ledger, kind="ingest", **values):
    return ledger.submit(kind, "u1", "lesson-1", {"size": 3}, **values)


def claim(ledger, runner="1:0:a", queues=("receive", "media", "publish"), limit=4, place=""):
    return ledger.claim(runner, "host", queues, limit, place)


def test_a_submitted_job_waits_and_keeps_its_input(ledger):
    job = ledger.get(submit(ledger).id)
    assert (job.status, job.kind, job.input, job.progress) == ("queued", "ingest", {"size": 3}, 0)


def test_a_row_comes_back_as_it_was_written(ledger):
    job = Job(
        "x", "publish", "publish", "u", "урок", {"a": [1, {"b": "ё"}]}, "completed", "here", "phase", "Stage {n}", {"n": 1.5},
        100, 7, 3, 9, 2, "1:2:3", "host", 5.25, True, "code", "Error {e}", {"e": "x"}, {"r": None}, 1.5, 2.5, 3.5, 4.5,
    )  # fmt: skip
    ledger.restore(job)
    assert asdict(ledger.get("x")) == asdict(job)
    assert ledger.missing(["x", "y"]) == {"y"}


def test_submitting_the_same_id_twice_makes_one_job(ledger):
    first = submit(ledger, job_id="x")
    claim(ledger)
    assert submit(ledger, job_id="x").status == "running"
    assert [job.id for job in ledger.list()] == [first.id]


def test_lists_are_narrowed_and_newest_first(ledger):
    old = submit(ledger)
    time.sleep(0.002)
    new = submit(ledger, "publish")
    other = ledger.submit("publish", "u2", "lesson-2", {})
    assert [job.id for job in ledger.list(lesson_id="lesson-1")] == [new.id, old.id]
    assert [job.id for job in ledger.list(owner_id="u2")] == [other.id]
    assert [job.id for job in ledger.list(kind="publish", lesson_id="lesson-1", owner_id="u1")] == [new.id]
    assert len(ledger.list(limit=2)) == 2


def test_the_oldest_job_is_claimed_first_and_only_once(ledger):
    jobs = [submit(ledger) for _ in range(2)]
    oldest = min(jobs, key=lambda job: (job.created_s, job.id))
    claimed = [claim(ledger), claim(ledger), claim(ledger)]
    assert claimed[0].id == oldest.id
    assert {job.id for job in claimed if job} == {job.id for job in jobs}
    assert claimed[2] is None


def test_a_machine_runs_no_more_jobs_of_a_lane_than_allowed(ledger):
    for kind in ("transcribe", "build_dataset", "transcribe"):
        submit(ledger, kind)
    heavy = ("speech", "dataset")
    assert claim(ledger, queues=heavy, limit=1)
    assert claim(ledger, queues=heavy, limit=1) is None
    assert ledger.claim("r", "another host", heavy, 1)


def test_a_worker_takes_only_the_queues_it_serves(ledger):
    submit(ledger, "publish")
    assert claim(ledger, queues=("speech",)) is None
    assert claim(ledger, queues=("speech", "publish")).kind == "publish"


def test_a_job_bound_to_a_place_is_done_there_and_after_the_hand_over_anywhere(ledger):
    submit(ledger, place="here")
    assert claim(ledger, place="there") is None
    job = claim(ledger, place="here")
    ledger.report(job.id, job.attempt, "uploading_video", "Storing", {}, 40)
    assert ledger.hand_over(job.id, job.attempt, "media")
    assert not ledger.hand_over(job.id, job.attempt, "media")
    again = claim(ledger, place="there")
    assert (again.id, again.queue, again.progress, again.attempt) == (job.id, "media", 40, 2)
    ledger.free(again), ledger.free(claim(ledger))
    assert claim(ledger), "the hand-over does not count as an attempt"


def test_progress_never_goes_back(ledger):
    submit(ledger)
    job = claim(ledger)
    ledger.report(job.id, job.attempt, "extracting_audio", "Half", {}, 50)
    ledger.report(job.id, job.attempt, "extracting_audio", "Less", {}, 20)
    assert ledger.get(job.id).progress == 50
    assert ledger.get(job.id).shown_status == "extracting_audio"


def test_a_job_whose_beats_stand_still_is_freed_and_the_late_runner_writes_nothing(ledger):
    submit(ledger)
    late = claim(ledger)
    watch = LeaseWatch(ledger, 0.05, "another host")
    assert watch.sweep() == []
    time.sleep(0.1)
    assert [job.id for job in watch.sweep()] == [late.id]
    second = claim(ledger, "2:0:b")
    assert second.id == late.id and second.attempt == late.attempt + 1
    assert ledger.report(late.id, late.attempt, "p", "s", {}, 90) == "lost"
    assert not ledger.finish(late.id, late.attempt, {"from": "late"})
    assert not ledger.renew(late.id, late.attempt)
    assert not ledger.release(late.id, late.attempt)
    assert not ledger.fail(late.id, late.attempt, InputError("no"))
    assert ledger.finish(second.id, second.attempt, {"from": "second"})
    assert ledger.get(late.id).result == {"from": "second"}


def test_a_job_that_beats_is_left_alone(ledger):
    submit(ledger)
    job = claim(ledger)
    watch = LeaseWatch(ledger, 0.15, "another host")
    for _ in range(4):
        time.sleep(0.1)
        assert ledger.renew(job.id, job.attempt)
        assert watch.sweep() == []
    assert ledger.get(job.id).status == "running"


def test_a_beat_between_the_look_and_the_taking_keeps_the_job(ledger):
    submit(ledger)
    seen = claim(ledger)
    ledger.renew(seen.id, seen.attempt)
    assert ledger.free(seen) is None


def test_the_jobs_of_a_dead_process_of_this_host_are_freed_at_once_and_those_of_the_living_kept(ledger):
    submit(ledger), submit(ledger)
    claim(ledger, "dead:0:a"), claim(ledger, "alive:0:b")
    watch = LeaseWatch(ledger, 60, "host", lambda runner: runner.startswith("alive"))
    assert len(watch.sweep()) == 1
    assert claim(ledger, "new:0:c").attempt == 2
    assert claim(ledger, "new:0:c") is None


def test_a_job_is_given_up_after_three_attempts(ledger):
    submit(ledger)
    for _ in range(3):
        ledger.free(claim(ledger))
    assert claim(ledger) is None
    job = ledger.list()[0]
    assert (job.status, job.error_code) == ("error", "tool_failed")
    assert ledger.retry(job.id).status == "queued"
    assert claim(ledger).attempt == 4


def test_a_job_released_by_a_runner_that_stops_waits_again_and_loses_no_attempt(ledger):
    submit(ledger)
    for _ in range(5):
        job = claim(ledger)
        assert ledger.release(job.id, job.attempt)
    assert ledger.get(job.id).status == "queued"


def test_a_lasting_fault_ends_the_job_and_a_passing_one_waits_for_another_try(ledger):
    submit(ledger), submit(ledger)
    first, second = claim(ledger), claim(ledger)
    ledger.fail(first.id, first.attempt, InputError("The file {name} is empty.", name="a.mp4"))
    ledger.fail(second.id, second.attempt, Unexpected("Odd."))
    failed = ledger.get(first.id)
    assert (failed.status, failed.error_code, failed.error_args) == ("error", "input", {"name": "a.mp4"})
    assert failed.progress < 100
    assert ledger.get(second.id).status == "queued"
    assert claim(ledger) is None, "the second try is not at once"
    assert ledger.due() == []


def test_a_server_that_is_away_costs_no_attempts_but_is_not_waited_for_without_end(ledger, monkeypatch):
    monkeypatch.setattr("ppi.jobs.ledger.OUTAGE_FIRST_S", 0)
    submit(ledger)
    for _ in range(MAX_OUTAGES):
        job = claim(ledger)
        assert ledger.fail(job.id, job.attempt, ServerAway("The store is away."))
        assert ledger.get(job.id).status == "queued"
    job = claim(ledger)
    ledger.fail(job.id, job.attempt, ServerAway("The store is away."))
    assert ledger.get(job.id).status == "error"


def test_a_try_that_waits_far_in_the_future_after_the_clock_was_set_back_is_made_now(ledger):
    now = time.time()
    for name, wait_s in (("soon", 20), ("fault", 3600)):
        ledger.restore(Job(name, "publish", "publish", "u", "l", {}, not_before_s=now + wait_s, created_s=now))
    assert [job.id for job in ledger.due()] == ["fault"]
    assert claim(ledger).id == "fault"
    assert claim(ledger) is None


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
    with pytest.raises(NotFound):
        ledger.cancel("nothing")


def test_a_cancelled_job_whose_runner_died_is_not_run_again(ledger):
    submit(ledger)
    job = claim(ledger)
    ledger.cancel(job.id)
    assert ledger.free(job).status == "cancelled"
    assert claim(ledger) is None


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
    claim(ledger, queues=("speech",), limit=1)
    assert [ledger.position(ledger.get(job.id)) for job in ordered] == [0, 1, 2]


def test_in_the_speech_queue_owners_take_turns(ledger):
    def wish(owner, kind="transcribe"):
        return ledger.submit(kind, owner, "lesson-1", {})

    first, second, third = (wish("anna") for _ in range(3))
    late, fourth = wish("boris"), wish("anna")
    last = wish("clara")
    expected = [first, late, last, second, third, fourth]
    assert [ledger.position(job) for job in expected] == [1, 2, 3, 4, 5, 6]
    assert [claim(ledger, queues=("speech", "dataset"), limit=0).id for _ in expected] == [job.id for job in expected]
    again, other = wish("boris"), wish("anna")
    assert (claim(ledger, queues=("speech",), limit=0).id, ledger.position(other)) == (again.id, 1)


def test_in_other_queues_the_oldest_job_comes_first_whosever_it_is(ledger):
    jobs = [ledger.submit("build_dataset", owner, "lesson-1", {}) for owner in ("anna", "anna", "boris")]
    assert [ledger.position(job) for job in jobs] == [1, 2, 3]
    assert [claim(ledger, queues=("speech", "dataset"), limit=0).id for _ in jobs] == [job.id for job in jobs]


def test_a_fair_queue_does_not_overtake_an_older_job_of_another(ledger):
    old = ledger.submit("build_dataset", "anna", "lesson-1", {})
    new = ledger.submit("transcribe", "boris", "lesson-1", {})
    assert [claim(ledger, queues=("speech", "dataset"), limit=0).id for _ in range(2)] == [old.id, new.id]


def test_a_lesson_with_an_active_job_keeps_its_jobs(ledger):
    job = submit(ledger)
    with pytest.raises(Conflict):
        ledger.remove_lesson("lesson-1")
    ledger.cancel(job.id)
    ledger.remove_lesson("lesson-1")
    assert ledger.list() == [] and ledger.counts() == {}


def test_jobs_are_counted_by_queue_and_status(ledger):
    submit(ledger), submit(ledger), submit(ledger, "publish")
    job = claim(ledger, queues=("receive",))
    assert ledger.counts() == {("receive", "queued"): 1, ("receive", "running"): 1, ("publish", "queued"): 1}
    ledger.finish(job.id, job.attempt, {})
    assert ledger.counts()[("receive", "completed")] == 1 and ledger.running() == []


def test_of_several_processes_one_gets_the_turn_at_a_chore(open_services):
    ledgers = [open_services().ledger for _ in range(3)]
    assert [ledger.take_turn("sweep", 60) for ledger in ledgers] == [True, False, False]
    assert ledgers[1].take_turn("other", 60)
    time.sleep(0.05)
    assert ledgers[2].take_turn("sweep", 0.01)


def test_processes_that_announced_themselves_lately_are_seen(ledger):
    process = Process("1:2:3", "host", "worker", ("speech",), "0.1", 5.0)
    ledger.hello(process), ledger.hello(process)
    found = ledger.processes(within_s=30)
    assert [(one.name, one.role, one.queues, one.started_s) for one in found] == [("1:2:3", "worker", ("speech",), 5.0)]
    time.sleep(0.05)
    assert ledger.processes(within_s=0.01) == []


def test_an_unforeseen_loss_of_a_tool_is_tried_no_more(ledger):
    submit(ledger)
    job = claim(ledger)
    ledger.fail(job.id, job.attempt, ToolFailed("ffmpeg stopped."))
    assert ledger.get(job.id).status == "error"


def _claim_all(variables, runner, out):
    ledger = Services(Settings.from_env(variables)).ledger
    taken = []
    while job := ledger.claim(f"{runner}:0:x", f"host-{runner}", ("receive",), 0):
        taken.append(job.id)
    out.put(taken)


def claims_of_processes(services, variables, processes, jobs):
    """Ids claimed by that many processes that share so many jobs."""
    for number in range(jobs):
        services.ledger.restore(Job(f"job-{number}", "ingest", "receive", "u", "l", {}, created_s=float(number + 1)))
    context = multiprocessing.get_context("spawn")
    out = context.Queue()
    running = [context.Process(target=_claim_all, args=(variables, number, out)) for number in range(processes)]
    for process in running:
        process.start()
    taken = [job_id for _ in running for job_id in out.get(timeout=300)]
    for process in running:
        process.join()
    return taken


def test_four_processes_never_claim_the_same_job(open_services, ground, tmp_path):
    variables = {"PPI_DATA_DIR": str(tmp_path / "data"), **ground}
    taken = claims_of_processes(open_services(), variables, 4, 120)
    assert len(taken) == len(set(taken)) == 120


def test_the_jobs_of_many_lessons_come_at_once_and_it_is_known_which_are_at_work(ledger):
    old = ledger.submit("ingest", "u1", "a", {})
    time.sleep(0.002)
    new = ledger.submit("publish", "u2", "b", {})
    ledger.submit("publish", "u2", "c", {})
    assert [job.id for job in ledger.of_lessons(["a", "b", "none"])] == [new.id, old.id]
    assert ledger.of_lessons([]) == []
    assert ledger.lessons_at_work() == {"a", "b", "c"}
    claim(ledger, queues=("receive",))
    ledger.cancel(new.id)
    assert ledger.lessons_at_work() == {"a", "c"}


def test_what_is_at_work_is_told_with_the_places_the_ledger_counts(ledger):
    owners = ("u1", "u1", "u2", "u1")
    waiting = [ledger.submit("transcribe", owner, f"lesson-{number}", {}) for number, owner in enumerate(owners)]
    waiting += [submit(ledger, "publish"), submit(ledger, "publish"), submit(ledger)]
    over = ledger.cancel(submit(ledger, "publish").id)
    begun = claim(ledger, queues=("speech",))
    seen = ledger.at_work()
    assert [job.id for job, _ in seen] == [job.id for job in sorted(waiting, key=lambda job: (job.created_s, job.id))]
    assert {job.id: place for job, place in seen} == {job.id: ledger.position(ledger.get(job.id)) for job in waiting}
    assert dict((job.id, place) for job, place in seen)[begun.id] == 0 and over.id not in {job.id for job, _ in seen}
    assert {job.id: job.status for job, _ in seen}[begun.id] == "running"
