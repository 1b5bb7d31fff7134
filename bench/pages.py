"""How pages feel: first paint, layout shift, bytes and requests with a cold cache; and the list of lessons when it is long.

`python -m bench.pages [LESSONS]`, by default 10000. Chromium and the server share this machine.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import requests
from playwright.sync_api import Browser

from ppi.services import Services
from tests.conftest import PASSWORD, Server, settings_for, start_server, stop_server, with_people
from tests.web import chromium, rounds

REPEATS = 3
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
LISTS = ("/lessons", "/lessons?page=200", "/lessons?text=9999", "/lessons?sort=name", "/")


def main(lessons: int = 10_000) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "data"
        with_people(Services(settings_for(folder)))
        server = start_server(folder)
        try:
            furnished = rounds.furnish(server.services, Path(scratch))
            with chromium.started() as browser:
                _paint(browser, server, furnished)
            few = _lists(server)
            _fill(server.services, lessons)
            many = _lists(server)
        finally:
            stop_server(server)
    print(f"\n| list | few lessons, ms | {lessons} lessons, ms | ratio |\n| --- | --- | --- | --- |")
    for path in LISTS:
        print(f"| `{path}` | {few[path]:.0f} | {many[path]:.0f} | {many[path] / few[path]:.1f} |")


def _paint(browser: Browser, server: Server, furnished: rounds.Furnished) -> None:
    context = browser.new_context(base_url=server.url, locale="ru")
    rounds.log_in(context)
    session = context.storage_state()
    context.close()
    print("| page | first paint, ms | layout shift | KB | requests |\n| --- | --- | --- | --- | --- |")
    for name, path in furnished.addresses().items():
        found = []
        for _ in range(REPEATS):
            context = browser.new_context(base_url=server.url, locale="ru", storage_state=session)
            page = context.new_page()
            page.goto(path)
            found.append(page.evaluate(ASK))
            context.close()
        paint, shift, size_bytes, count = (statistics.median(values) for values in zip(*found, strict=True))
        print(f"| {name} | {paint:.0f} | {shift:.3f} | {size_bytes / 1000:.0f} | {count:.0f} |", flush=True)


def _lists(server: Server) -> dict[str, float]:
    """Milliseconds from question to answer, the median of some tries."""
    session = requests.Session()
    session.post(f"{server.url}/api/login", json={"username": "admin", "password": PASSWORD}, timeout=30).raise_for_status()
    found = {}
    for path in LISTS:
        times = []
        for _ in range(2 * REPEATS + 1):
            began = time.perf_counter()
            session.get(server.url + path, timeout=60).raise_for_status()
            times.append(1000 * (time.perf_counter() - began))
        found[path] = statistics.median(times)
    return found


def _fill(services: Services, wanted: int) -> None:
    user = services.users.by_name("anna")
    for number in range(wanted):
        row = services.lessons.reserve(
            name=f"Урок {number:05}", owner_id=user.id, owner_name=user.name, size_bytes=number, parts=1, max_lessons=None,
            layout=lambda serial, number=number: (f"l{number}-{serial}/", f"l{number}-{serial}/v.mp4"), expires_s=9e12,
        )  # fmt: skip
        services.lessons.move_on(row.id, "uploading", "stored")


if __name__ == "__main__":
    main(*(int(given) for given in sys.argv[1:]))
