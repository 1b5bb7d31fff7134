"""What pages about annotations cost the server: the annotators' agreement, and step 2 with its preview.

`python -m bench.annotations [agreement | step2]`. The agreement: CPU of this process for one answer, in milliseconds, the least
of some tries; what a child costs stands beside it. "New process" means that nothing was read in this one.

Step 2: each answer comes from a process of its own that has shown nothing yet but the list of lessons, as after a restart.
Milliseconds of CPU, of its children too, and, in brackets, from question to answer; the least of some tries, taken in turn.
"In the request" is the same page as if it worked everything out before it answered.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from flask.testing import FlaskClient

from ppi.jobs.lessons import LessonRow
from ppi.services import Services
from ppi.web.app import build_app
from ppi.workflows import comparisons, runner, understood
from tests.conftest import settings_for, with_people
from tests.web.test_agreement_pages import annotate, export, taken_in

TRIES, FRESH_TRIES = 5, 3
IN_REQUEST, AS_IT_IS = "in-request", "as-it-is"
# People, marks of each, patterns. The lesson is a minute; nothing here depends on its length but the grid.
COMPARED = ((4, 150, 12), (20, 400, 30))
# The last are as many as are taken.
UNDERSTOOD = ((4, 125), (4, 625), (4, 1125), (4, 2250), (4, 5_000), (4, 25_000))


def main(only: str = "") -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "data"
        services = with_people(Services(settings_for(folder)))
        row = taken_in(services)
        _, token = services.users.create_token(row.owner_id, "bench")
        if only in ("", "agreement"):
            _agreement(services, row, _client(services, token))
        if only in ("", "step2"):
            _step2(services, row, folder, token)


def _agreement(services: Services, row: LessonRow, client: FlaskClient) -> None:
    print("| marks | to be compared | compared, new process | again | the comparison, CPU s of the child | kept, KB |")
    print("| --- | --- | --- | --- | --- | --- |")
    for people, marks, patterns in COMPARED:
        found = []
        for _ in range(TRIES):
            annotate(services, row, marks_of(people, marks, patterns))
            first = _cost(client, f"/lessons/{row.id}/agreement")
            child_s = _children_s()
            assert runner.do_next(services, runner.make_worker(services), "media")
            child_s = _children_s() - child_s
            comparisons._read.clear()
            found.append((first, *(_cost(client, f"/lessons/{row.id}/agreement") for _ in range(2)), child_s))
        kept = services.store.list(services.raw, f"{row.prefix}урок.agreement.")
        least = [min(one) for one in zip(*found, strict=True)]
        told = [*(f"{one:.0f}" for one in least[:3]), f"{least[3]:.1f}", f"{max(one.size_bytes for one in kept) / 1000:.0f}"]
        print(f"| {people * marks} | {' | '.join(told)} |", flush=True)


def _step2(services: Services, row: LessonRow, folder: Path, token: str) -> None:
    print("\n| marks | KB | in the request | first look | once kept | ratio | the job, CPU s of the child | kept, KB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")

    def answer(how: str) -> tuple[float, ...]:
        command = [sys.executable, "-m", "bench.annotations", how, str(folder), token, row.id]
        return tuple(map(float, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()))

    for people, marks in UNDERSTOOD:
        data, found = marks_of(people, marks, 30), []
        annotate(services, row, data)
        for _ in range(FRESH_TRIES):
            _forget(services, row)
            waited = answer(IN_REQUEST)
            _forget(services, row)
            first, began_s = answer(AS_IT_IS), _children_s()
            runner.do_next(services, runner.make_worker(services), "media")
            child_s = _children_s() - began_s
            found.append((waited, first, answer(AS_IT_IS), child_s))
        [kept] = services.store.list(services.raw, f"{row.prefix}урок.understood.")
        least = [min(one) for one in zip(*found, strict=True)]
        told = [f"{cpu_ms:.0f} ({wall_ms:.0f})" for cpu_ms, wall_ms in least[:3]]
        ratio = f"{least[0][0] / max(least[1][0], least[2][0]):.1f}"
        size = f"{kept.size_bytes / 1000:.0f}"
        told = [f"{people * marks} | {len(data) / 1000:.0f}", *told, ratio, f"{least[3]:.1f}", size]
        print(f"| {' | '.join(told)} |", flush=True)


def _answered(how: str, folder: str, token: str, lesson_id: str) -> None:
    """In a process of its own: what the page costs that shows what was understood."""
    if how == IN_REQUEST:
        understood.at_once = lambda services, asked: understood.made(services, asked.row)
    client = _client(Services(settings_for(Path(folder))), token)
    client.get("/lessons")
    began_s, cpu_s = time.perf_counter(), time.process_time() + _children_s()
    answer = client.get(f"/dataset?lesson={lesson_id}")
    wall_s, cpu_s = time.perf_counter() - began_s, time.process_time() + _children_s() - cpu_s
    assert answer.status_code == 200, answer.text
    print(1000 * cpu_s, 1000 * wall_s)


def _client(services: Services, token: str) -> FlaskClient:
    client = build_app(services).test_client()
    client.environ_base |= {"HTTP_AUTHORIZATION": f"Bearer {token}", "HTTP_ACCEPT": "text/html"}
    return client


def _forget(services: Services, row: LessonRow) -> None:
    for found in services.store.list(services.raw, f"{row.prefix}урок.understood."):
        services.store.delete(services.raw, found.key)


def marks_of(people: int, marks: int, patterns: int) -> bytes:
    """An export of Label Studio with so many marks of each of so many people, all within fifty seconds."""
    each_s = 50.0 / marks

    def of(person: int) -> list[tuple[float, float, str]]:
        starts = [at * each_s + person / 1000 for at in range(marks)]
        return [(start, start + each_s / 2, f"P{at % patterns}") for at, start in enumerate(starts)]

    return export({person: of(person) for person in range(people)})


def _cost(client: FlaskClient, path: str) -> float:
    began_s = time.process_time()
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return 1000 * (time.process_time() - began_s)


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    if sys.argv[1:2] in ([IN_REQUEST], [AS_IT_IS]):
        _answered(*sys.argv[1:])
    else:
        main(*sys.argv[1:2])
