"""A busy hour in a minute: parallel uploads, slow connections, people who look at pages, a long list of files.

`python -m bench.load [UPLOADS] [MB] [SLOW] [POLLERS] [OBJECTS] [WAVES]`, by default 50 50 500 200 10000 4: so many uploads at
a time, one wave after the other, so that enough pages are looked at for a 95th percentile. Measures both grounds in turn:
one machine; and S3 (OpenStack Swift), Redis and a worker, all on this machine. Uploads are compared with what was sent. The
clients run on the same processors, so the figures are those of a machine that does twice the work.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests

from bench.measure import ROOT, Running, free_port, nginx, ppi_server, scratch, shipped_site
from bench.upload_paths import chunks, digest
from tests.fixtures_redis import start_redis, start_worker, stop_worker
from tests.fixtures_storage import S3Server, start_swift

SAMPLE = ROOT / "tests" / "data" / "sample_lesson.mp4"


@contextmanager
def grounds(folder: Path) -> Iterator[dict[str, dict[str, str]]]:
    """The environment of each ground."""
    with ExitStack() as stack:
        redis = start_redis(folder / "redis")
        stack.callback(redis.kill)
        swift, port = start_swift(folder / "s3")
        stack.callback(swift.kill)
        names = {"RAW_DATA_BUCKET": "bench-raw", "FINAL_DATASET_BUCKET": "bench-final"}
        cluster = {**S3Server(f"127.0.0.1:{port}").variables(**names), **redis.variables()}
        worker = start_worker(folder / "worker", "--concurrency", "1", **cluster)
        stack.callback(stop_worker, worker)
        yield {"one machine": {}, "S3, Redis, worker": cluster}


def slow_connections(url: str, wanted: int) -> list[socket.socket]:
    """Connections that begin a request and never end it."""
    host, port = url.removeprefix("http://").split(":")
    found = []
    for _ in range(wanted):
        one = socket.create_connection((host, int(port)), timeout=20)
        one.sendall(b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 90\r\n")
        found.append(one)
    return found


class Watcher:
    """Some people look at pages again and again while something else goes on."""

    def __init__(self, url: str, session: requests.Session, paths: tuple[str, ...], people: int = 3):
        self.took_s: list[float] = []
        self.failed = 0
        self._stop = threading.Event()
        given = (url, dict(session.headers), paths)
        self._threads = [threading.Thread(target=self._look, args=given, daemon=True) for _ in range(people)]

    def __enter__(self) -> Watcher:
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        for one in self._threads:
            one.join(60)

    def _look(self, url: str, headers: dict, paths: tuple[str, ...]) -> None:
        while not self._stop.wait(0.2):
            for path in paths:
                began = time.monotonic()
                try:
                    is_well = requests.get(url + path, headers=headers, timeout=60).status_code == 200
                except requests.RequestException:
                    is_well = False
                self.took_s.append(time.monotonic() - began)
                self.failed += not is_well


def uploads_with_slow_connections(
    server: Running, session, source: Path, number: int, waves: int, slow: int, services
) -> str:
    """p50 and p95 of pages meanwhile; every upload is compared with the source."""
    wanted = digest(source)
    memory = [max(server.memory_mb())]
    held = slow_connections(server.url, slow)
    began = time.monotonic()
    # The senders have processes of their own: one that also looks at pages would measure itself.
    with Watcher(server.url, session, ("/help", "/", "/api/lessons")) as watcher, ProcessPoolExecutor(2) as pool:
        halves = (number - number // 2, number // 2)
        made = []
        for _ in range(waves):
            sent = [pool.submit(send, server.url, dict(session.headers), source, half) for half in halves]
            made += [lesson for half in sent for lesson in half.result()]
        took_s = time.monotonic() - began
        memory.append(max(server.memory_mb()))
    for one in held:
        one.close()
    whole = sum(_stored_digest(services, lesson) == wanted for lesson in made)
    size_mb = len(made) * source.stat().st_size / 1e6
    return (
        f"{waves} times {number} uploads of {source.stat().st_size / 1e6:.0f} MB beside {slow} slow connections: "
        f"{whole}/{len(made)} whole, {size_mb / took_s:.0f} MB/s; pages {spread(watcher.took_s)}, {watcher.failed} failed; "
        f"largest process {memory[0]:.0f} MB before, {memory[1]:.0f} MB after"
    )


def send(url: str, headers: dict, source: Path, number: int) -> list[str]:
    """So many uploads at once; answers the lessons' ids."""

    def one(_) -> str:
        session = requests.Session()
        session.headers.update(headers)
        return chunks(url, session, source)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(one, range(number)))


def _stored_digest(services, lesson: str) -> str:
    part = services.uploads_dir / f"{lesson}.part"
    if part.exists():
        return digest(part)
    found = hashlib.sha256()
    for block in services.store.read(services.raw, services.lessons.get(lesson).video_key):
        found.update(block)
    return found.hexdigest()


def polling(server: Running, session, lesson: str, people: int, rounds: int = 3) -> str:
    """Everybody asks for the state of a job at once, some times over."""
    headers = dict(session.headers)

    def ask(_) -> list[float]:
        own, took = requests.Session(), []
        for _ in range(rounds):
            began = time.monotonic()
            assert own.get(f"{server.url}/api/status/{lesson}", headers=headers, timeout=120).status_code == 200
            took.append(time.monotonic() - began)
        return took

    began = time.monotonic()
    with ThreadPoolExecutor(people) as pool:
        took_s = [moment for found in pool.map(ask, range(people)) for moment in found]
    return f"{people} clients poll: {len(took_s) / (time.monotonic() - began):.0f} answers/s, {spread(took_s)}"


def long_list(server: Running, session, services, objects: int) -> str:
    """The list of files, as API and as page, with so many objects in the store."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: services.store.put_bytes(services.raw, f"many/{n % 100}/{n}.txt", b"x"), range(objects)))
    took = {}
    for path in ("/list_files", "/files"):
        times = []
        for _ in range(3):
            began = time.monotonic()
            answer = session.get(server.url + path, timeout=300)
            times.append(time.monotonic() - began)
            assert answer.status_code == 200 and (path == "/files" or answer.text.count("many/") >= objects)
        took[path] = statistics.median(times)
    return f"a list of {objects} objects: API {took['/list_files']:.2f} s, page {took['/files']:.2f} s"


def spread(took_s: list[float]) -> str:
    if not took_s:
        return "none looked at"
    ordered = sorted(took_s)
    return f"p50 {ordered[len(ordered) // 2]:.2f} s, p95 {ordered[int(len(ordered) * 0.95)]:.2f} s of {len(ordered)}"


def main(
    number: int = 50, size_mb: int = 50, slow: int = 500, people: int = 200, objects: int = 10_000, waves: int = 4
) -> None:
    folder = scratch()
    source = folder / "source"
    filling = os.urandom(size_mb * 1_000_000)
    # A real lesson, made as large as wanted by a box that players pass over.
    source.write_bytes(SAMPLE.read_bytes() + (8 + len(filling)).to_bytes(4, "big") + b"free" + filling)
    with grounds(folder) as environments:
        for name, variables in environments.items():
            data, port = folder / f"data-{secrets.token_hex(3)}", free_port()
            with (
                ppi_server(data, 4, PPI_BEHIND_PROXY="true", **variables) as (ppi, session, services),
                nginx(folder / f"nginx-{port}", port, shipped_site(port, ppi.url, data / "store" / "objects")) as front,
            ):
                server = Running(front.url, ppi.process)
                print(f"\n{name}, behind the shipped nginx site")
                found = uploads_with_slow_connections(server, session, source, number, waves, slow, services)
                print("- " + found, flush=True)
                lesson = services.lessons.list()[0].id if services.lessons.list() else chunks(server.url, session, source)
                print("- " + polling(server, session, lesson, people), flush=True)
                print("- " + long_list(server, session, services, objects), flush=True)


if __name__ == "__main__":
    main(*(int(value) for value in sys.argv[1:]))
