"""How pages feel: first paint, layout shift, bytes and requests with a cold cache; and what the list of lessons costs.

`python -m bench.pages [LESSONS [NAME]]`, by default 10000 and all pages; with a NAME only pages whose name begins with it are
opened, and no lists are asked for. Chromium and the server share this machine. The list is asked for within this process, on
SQLite and, where there is a redis-server, on Redis: on a busy machine CPU time tells more than seconds.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser

from bench.annotations import marks_of
from ppi.services import Services
from ppi.web.app import build_app
from ppi.workflows import comparisons
from ppi.workflows.lessons import view
from tests.conftest import PASSWORD, Server, settings_for, start_server, stop_server, with_people
from tests.fixtures_redis import start_redis
from tests.web import chromium, rounds

REPEATS = 3
REST_STEP_S = 0.5
# What no page may go beyond; whichever does is named at the end.
MOST_SHIFT, MOST_KB = 0.001, 145
# Sizes are those on the wire, heads included; media are not asked for.
ASK = """() => new Promise((done) => {
  let shift = 0;
  new PerformanceObserver((list) => { for (const one of list.getEntries()) shift += one.value; })
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => {
    const all = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
    const own = all.filter((one) => !["video", "track"].includes(one.initiatorType) && !one.name.includes("/media/"));
    const paint = performance.getEntriesByName("first-contentful-paint")[0];
    done([paint ? paint.startTime : 0, shift, own.reduce((sum, one) => sum + one.transferSize, 0), own.length]);
  }, 500);
})"""
LISTS = (
    "/lessons", "/lessons?page=200", "/lessons?text=9999", "/lessons?sort=name", "/lessons?state=stored", "/", "/kit",
    "/dataset?find=9999",
)  # fmt: skip
# As many as fill a page: fewer would be quicker for having fewer rows to show.
FEW = 30
# After the annotations changed: they are compared, or 20,000 marks read, while the page is there.
FIRST_LOOKS = {"agreement, first look": "agreement", "dataset, first look": "dataset"}


def main(lessons: int = 10_000, name: str = "") -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "data"
        with_people(Services(settings_for(folder)))
        server = start_server(folder)
        try:
            furnished = rounds.furnish(server.services, Path(scratch))
            with chromium.started() as browser:
                _paint(browser, server, furnished, name)
        finally:
            stop_server(server)
        if name:
            return
        _compare("SQLite", Path(scratch) / "sqlite", lessons, {})
        if shutil.which("redis-server"):
            redis_server = start_redis(Path(scratch) / "redis")
            _compare("Redis", Path(scratch) / "cluster", lessons, redis_server.variables())
            redis_server.kill()


def _compare(ground: str, folder: Path, lessons: int, variables: dict[str, str]) -> None:
    """Milliseconds of CPU of this process and, in brackets, from question to answer: with Redis the process waits too."""
    services = with_people(Services(settings_for(folder, **variables)))
    client = build_app(services).test_client()
    client.post("/api/login", json={"username": "admin", "password": PASSWORD}).get_data()
    _fill(services, 0, FEW)
    few = _lists(client)
    _fill(services, FEW, lessons)
    many = _lists(client)
    print(f"\n| list, {ground} | {FEW} lessons, ms | {lessons} lessons, ms | ratio of CPU |\n| --- | --- | --- | --- |")
    for path in LISTS:
        told = [f"{found[path][0]:.1f} ({found[path][1]:.0f})" for found in (few, many)]
        print(f"| `{path}` | {told[0]} | {told[1]} | {many[path][0] / few[path][0]:.1f} |", flush=True)


def _paint(browser: Browser, server: Server, furnished: rounds.Furnished, only: str) -> None:
    context = browser.new_context(base_url=server.url, locale="ru")
    rounds.log_in(context)
    session = context.storage_state()
    context.close()
    print("| page | first paint, ms (slowest) | layout shift | KB | requests |\n| --- | --- | --- | --- | --- |")
    known, beyond = furnished.addresses(), []
    pages = known | {name: known[page] for name, page in FIRST_LOOKS.items()}
    for name, path in pages.items():
        if not name.startswith(only):
            continue
        found = []
        for _ in range(REPEATS):
            if name in FIRST_LOOKS:
                _wait_for_rest(server.services)
                _annotate_anew(server.services, furnished.full, is_much=FIRST_LOOKS[name] == "dataset")
            context = browser.new_context(base_url=server.url, locale="ru", storage_state=session)
            page = context.new_page()
            page.goto(path)
            found.append(page.evaluate(ASK))
            context.close()
        paint, shift, size_bytes, count = (statistics.median(values) for values in zip(*found, strict=True))
        slowest = max(paint for paint, *_ in found)
        print(f"| {name} | {paint:.0f} ({slowest:.0f}) | {shift:.4f} | {size_bytes / 1000:.0f} | {count:.0f} |", flush=True)
        if shift > MOST_SHIFT or size_bytes > 1000 * MOST_KB:
            beyond.append(name)
    print(f"\nabove a shift of {MOST_SHIFT} or {MOST_KB} KB: {', '.join(beyond) or 'none'}", flush=True)


def _wait_for_rest(services: Services) -> None:
    """Until all that earlier looks began is done: a look begins with nothing else under way."""
    while services.ledger.lessons_at_work():
        time.sleep(REST_STEP_S)


def _annotate_anew(services: Services, lesson_id: str, is_much: bool) -> None:
    """Other marks, or the same ones stored again: what was worked out of those before counts no more."""
    [source] = comparisons.sources(view(services, services.lessons.get(lesson_id)))
    marks = marks_of(4, 5_000, 30) if is_much else b"".join(services.store.read(services.raw, source.key))
    services.store.put_bytes(services.raw, source.key, marks, content_type="application/json", metadata=source.metadata)


def _lists(client) -> dict[str, tuple[float, float]]:
    """The least of some tries."""
    found = {}
    for path in LISTS:
        tries = []
        for _ in range(2 * REPEATS + 1):
            began = time.process_time(), time.perf_counter()
            answer = client.get(path)
            tries.append((1000 * (time.process_time() - began[0]), 1000 * (time.perf_counter() - began[1])))
            assert answer.status_code == 200, answer.text
        found[path] = min(one for one, _ in tries), min(one for _, one in tries)
    return found


def _fill(services: Services, first: int, end: int) -> None:
    user = services.users.by_name("anna")
    for number in range(first, end):
        row = services.lessons.reserve(
            name=f"Урок {number:05}", owner_id=user.id, owner_name=user.name, size_bytes=number, parts=1, max_lessons=None,
            layout=lambda serial, number=number: (f"l{number}-{serial}/", f"l{number}-{serial}/v.mp4"), expires_s=9e12,
        )  # fmt: skip
        services.lessons.move_on(row.id, "uploading", "stored")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]), *sys.argv[2:])
