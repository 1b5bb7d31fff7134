"""A page beside heavy work: how long its answer takes while as many processes as there are cores compute, by their niceness.

`python -m bench.beside_work [ROUNDS]`. Server and work belong to one session, as the children of a server do; the kinds are
taken in turn. Medians of rounds of sixty answers each.
"""

from __future__ import annotations

import http.client
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from ppi.processes import NICENESS
from ppi.services import Services
from tests.conftest import settings_for, start_server, stop_server, with_people

ANSWERS, PAUSE_S, BEGIN_S = 60, 0.01, 0.2
ALONE = None
KINDS = (ALONE, 0, NICENESS, 10)


def main(rounds: int = 4) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "data"
        with_people(Services(settings_for(folder)))
        server = start_server(folder)
        try:
            _answers(server.url)  # templates are compiled
            found: dict[int | None, list[tuple[float, float]]] = {kind: [] for kind in KINDS}
            for _ in range(rounds):
                for kind in KINDS:
                    with _work(kind):
                        found[kind].append(_answers(server.url))
        finally:
            stop_server(server)
    print("| work beside it | median, ms (each round) | 90th percentile, ms |\n| --- | --- | --- |")
    for kind, all_rounds in found.items():
        medians, slow = zip(*all_rounds, strict=True)
        told = ", ".join(f"{one:.1f}" for one in medians)
        name = "none" if kind is ALONE else f"niceness {kind}"
        print(f"| {name} | {statistics.median(medians):.1f} ({told}) | {statistics.median(slow):.1f} |", flush=True)


@contextmanager
def _work(niceness: int | None):
    count = 0 if niceness is None else os.cpu_count() or 1
    busy = [multiprocessing.get_context("spawn").Process(target=_compute, args=(niceness,), daemon=True) for _ in range(count)]
    for one in busy:
        one.start()
    time.sleep(BEGIN_S if not count else 5 * BEGIN_S)
    try:
        yield
    finally:
        for one in busy:
            one.kill()
            one.join()


def _compute(niceness: int) -> None:
    os.nice(niceness)
    while True:
        sum(range(10_000))


def _answers(url: str) -> tuple[float, float]:
    """Median and 90th percentile, in milliseconds, of one page on a kept connection."""
    connection, times = http.client.HTTPConnection(url.removeprefix("http://")), []
    for _ in range(ANSWERS):
        began = time.perf_counter()
        connection.request("GET", "/help")
        connection.getresponse().read()
        times.append(1000 * (time.perf_counter() - began))
        time.sleep(PAUSE_S)
    connection.close()
    return statistics.median(times), sorted(times)[int(0.9 * ANSWERS)]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
