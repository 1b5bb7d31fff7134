"""What pages about annotations cost the server: the annotators' agreement, and step 2 with its preview.

`python -m bench.annotations`. CPU of this process for one answer, in milliseconds, the least of some tries; what a child costs
stands beside it. "New process" means that nothing was read in this one.
"""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path

from flask.testing import FlaskClient

from ppi.jobs.lessons import LessonRow
from ppi.services import Services
from ppi.web.app import build_app
from ppi.workflows import comparisons, preview, runner
from tests.conftest import settings_for, with_people
from tests.web.test_agreement_pages import annotate, export, taken_in

TRIES = 5
# People, marks of each, patterns. The lesson is a minute; nothing here depends on its length but the grid.
COMPARED = ((4, 150, 12), (20, 400, 30))
UNDERSTOOD = ((4, 125), (4, 625), (4, 1125), (4, 2250), (4, 5000))


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        services = with_people(Services(settings_for(Path(scratch) / "data")))
        row, client = taken_in(services), build_app(services).test_client()
        _, token = services.users.create_token(row.owner_id, "bench")
        client.environ_base |= {"HTTP_AUTHORIZATION": f"Bearer {token}", "HTTP_ACCEPT": "text/html"}
        _agreement(services, row, client)
        _preview(services, row, client)


def _agreement(services: Services, row: LessonRow, client: FlaskClient) -> None:
    print("| marks | to be compared | compared, new process | again | the comparison, CPU s of the child | kept, KB |")
    print("| --- | --- | --- | --- | --- | --- |")
    for people, marks, patterns in COMPARED:
        found = []
        for _ in range(TRIES):
            annotate(services, row, _marks(people, marks, patterns))
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


def _preview(services: Services, row: LessonRow, client: FlaskClient) -> None:
    print("\n| marks | KB | step 2, new process | with its child | again |\n| --- | --- | --- | --- | --- |")
    for people, marks in UNDERSTOOD:
        data, found = _marks(people, marks, 30), []
        annotate(services, row, data)
        for _ in range(TRIES):
            preview._kept.clear()
            preview._kept_plans.clear()
            child_s = _children_s()
            first = _cost(client, f"/dataset?lesson={row.id}")
            whole = first + 1000 * (_children_s() - child_s)
            found.append((first, whole, _cost(client, f"/dataset?lesson={row.id}")))
        told = [f"{min(one):.0f}" for one in zip(*found, strict=True)]
        print(f"| {people * marks} | {len(data) / 1000:.0f} | {' | '.join(told)} |", flush=True)


def _marks(people: int, marks: int, patterns: int) -> bytes:
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
    main()
