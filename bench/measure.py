"""What all benchmarks share: servers on loopback, and the CPU time and memory of their process trees."""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from ppi.services import Services
from ppi.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
FIGURES = {"medians": statistics.median, "least": min}
PASSWORD = "bench-password-1"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")


@dataclass
class Running:
    """A server: its address and the processes below it."""

    url: str
    process: subprocess.Popen

    def cpu_s(self) -> float:
        """User and system time of the whole tree so far."""
        return sum(times.user + times.system for times in self._each(lambda one: one.cpu_times()))

    def memory_mb(self) -> list[float]:
        """Resident memory of each process."""
        return [info.rss / 1e6 for info in self._each(lambda one: one.memory_info())]

    def _each(self, ask: Callable) -> list:
        found = []
        for one in [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]:
            try:
                found.append(ask(one))
            except psutil.NoSuchProcess:
                continue
        return found


def scratch() -> Path:
    """A folder that is gone when the benchmark ends: a run at full size leaves gigabytes."""
    folder = Path(tempfile.mkdtemp(prefix="ppi-bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(arguments: list[str], url: str, health: str = "/", **environment: str):
    """Start a server, wait until it answers, and stop it afterwards."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(arguments, cwd=ROOT, env={**os.environ, **environment}, **quiet)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if requests.get(url + health, timeout=5).status_code < 500:
                break
        except requests.RequestException:
            time.sleep(0.1)
    try:
        yield Running(url, process)
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def ppi_server(folder: Path, processes: int = 1, **variables: str):
    """PPI as it is shipped, with an account `admin`; jobs are left out, so that only the path of the bytes is measured."""
    given = {"PPI_DATA_DIR": str(folder), "PPI_JOBS_IN_WEB": "false", "MAX_UPLOAD_BYTES": str(8 * 1024**3), **variables}
    services = Services(Settings.from_env(given))
    if not services.users.all():
        services.users.add("admin", PASSWORD, "admin")
    _, token = services.users.create_token(services.users.by_name("admin").id, "bench")
    port = free_port()
    serve = [sys.executable, "-m", "gunicorn", "-w", str(processes), "-b", f"127.0.0.1:{port}", "wsgi:app"]
    with running(serve, f"http://127.0.0.1:{port}", "/health", **given) as server:
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {token}"
        yield server, session, services


@contextmanager
def flask_app(folder: Path, text: str):
    """A plain Flask application under gunicorn with the worker and threads that PPI has."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plain.py").write_text(text)
    port = free_port()
    gunicorn = [sys.executable, "-m", "gunicorn", "-k", "gthread", "--threads", "16", "-b", f"127.0.0.1:{port}"]
    with running([*gunicorn, "--chdir", str(folder), "plain:app"], f"http://127.0.0.1:{port}") as server:
        yield server


@contextmanager
def nginx(folder: Path, port: int, body: str):
    """nginx with the given `http` block in a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    temps = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    text = f"pid {folder}/pid; error_log {folder}/error.log; daemon off; user root; worker_processes 1;\n"
    text += f"events {{ worker_connections 2048; }}\nhttp {{ access_log off; sendfile on; {temps}\n{body}\n}}\n"
    (folder / "nginx.conf").write_text(text)
    with running([NGINX, "-c", str(folder / "nginx.conf")], f"http://127.0.0.1:{port}") as server:
        yield server


def shipped_site(port: int, backend: str, store: Path) -> str:
    """The site of deploy/nginx as it is, but for HTTPS, addresses and its log."""
    text = (ROOT / "deploy" / "nginx" / "ppi.conf").read_text()
    kept = [line for line in text.splitlines() if "ssl_certificate" not in line and "access_log" not in line]
    text = "\n".join(kept).replace("listen 443 ssl;", f"listen 127.0.0.1:{port};")
    text = text.replace("127.0.0.1:5000", backend.removeprefix("http://"))
    data = store.parents[1]
    kept = {"/var/lib/ppi/store/objects": store, "/var/cache/nginx-ppi": data / "nginx", "/var/log/nginx": data}
    for shipped, here in kept.items():
        text = text.replace(shipped, str(here))
    return text


@dataclass(frozen=True)
class Cost:
    """One run: seconds on the clock, seconds of the server's processors, its largest process."""

    wall_s: float
    cpu_s: float
    memory_mb: float


def cost_of(servers: list[Running], work: Callable[[], None]) -> Cost:
    before = sum(server.cpu_s() for server in servers)
    began = time.monotonic()
    work()
    wall_s = time.monotonic() - began
    time.sleep(0.3)
    memory_mb = max(size for server in servers for size in server.memory_mb())
    return Cost(wall_s, sum(server.cpu_s() for server in servers) - before, memory_mb)


def table(title: str, size_bytes: int, runs: dict[str, list[Cost]], base: str) -> None:
    """Print medians, and the CPU time as a ratio to the way called `base`: of the medians, and of the cheapest runs.

    Fresh memory costs a virtual machine far more than used memory, and falls on any of the ways: what only adds to some
    runs is least in the cheapest ones.
    """
    print(f"\n{title}, {size_bytes / 1e6:.0f} MB, {len(next(iter(runs.values())))} interleaved runs, medians")
    print(f"| way | MB/s | CPU s (least to most) | CPU against “{base}”: medians / least | largest process, MB |")
    print("| --- | --- | --- | --- | --- |")
    # Processor time is counted in hundredths of a second: less than one is taken for one.
    base_s = {name: max(figure(cost.cpu_s for cost in runs[base]), 0.01) for name, figure in FIGURES.items()}
    for name, costs in runs.items():
        cpu = sorted(cost.cpu_s for cost in costs)
        ratios = " / ".join(f"{figure(cpu) / base_s[label]:.2f}" for label, figure in FIGURES.items())
        pace = size_bytes / 1e6 / statistics.median(cost.wall_s for cost in costs)
        print(
            f"| {name} | {pace:.0f} | {statistics.median(cpu):.2f} ({cpu[0]:.2f} to {cpu[-1]:.2f}) "
            f"| {ratios} | {max(cost.memory_mb for cost in costs):.0f} |"
        )


def print_ratio(runs: dict[str, list[Cost]], way: str, base: str) -> None:
    """What one way costs of another, over all runs together: counted in hundredths of a second, cheap runs say little alone."""
    of, by = (sum(cost.cpu_s for cost in runs[name]) for name in (way, base))
    print(f"{way}: {of / max(by, 0.01):.2f} times the CPU of {base} ({of:.2f} and {by:.2f} s in all runs)")
