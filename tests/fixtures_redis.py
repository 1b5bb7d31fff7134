"""A real redis-server on a free port of loopback, and the ledgers of both grounds for the contract tests."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import redis

from ppi.services import Services
from tests.conftest import ROOT, environment_for, free_port, need, settings_for


@dataclass
class RedisServer:
    """A server that can be killed and started again on its data, which it writes to disk with every command."""

    folder: Path
    port: int
    process: subprocess.Popen | None = field(default=None, repr=False)

    def start(self) -> None:
        arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        # With `everysec` it holds back for two seconds what it has acknowledged, while the disk is busy.
        arguments += ["--appendonly", "yes", "--appendfsync", "no", "--daemonize", "no"]
        with (self.folder / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(["redis-server", *arguments], stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                if self.client().ping():
                    return
            except redis.ConnectionError:
                time.sleep(0.05)
        raise RuntimeError((self.folder / "redis.log").read_text()[-2000:])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def wipe(self) -> None:
        """Forget everything, as a server does whose disk was lost."""
        self.client().flushall()

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, socket_connect_timeout=1, decode_responses=True)

    def variables(self, **more: str) -> dict[str, str]:
        """The environment that moves the ledger here."""
        return {"REDIS_ENABLED": "true", "REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(self.port), **more}


def start_redis(folder: Path) -> RedisServer:
    need(shutil.which("redis-server") is not None, "redis-server")
    folder.mkdir(parents=True, exist_ok=True)
    server = RedisServer(folder, free_port())
    server.start()
    return server


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory):
    """One server for the session; tests that use it begin with an empty one by `ground`."""
    server = start_redis(tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()


@pytest.fixture
def own_redis(tmp_path):
    """A server of the test's own, to be killed and wiped."""
    server = start_redis(tmp_path / "redis")
    yield server
    server.kill()


@pytest.fixture(params=["sqlite", "redis"])
def ground(request, tmp_path) -> dict[str, str]:
    """The environment of each ground in turn: {} for SQLite, an empty Redis for the other."""
    if request.param == "sqlite":
        return {}
    server = request.getfixturevalue("redis_server")
    server.wipe()
    return server.variables()


@pytest.fixture
def open_services(ground, tmp_path):
    """`open_services()` makes another set of services on the same ground, as another process would."""

    def make() -> Services:
        return Services(settings_for(tmp_path / "data", **ground))

    return make


def start_worker(folder: Path, *arguments: str, **variables: str) -> subprocess.Popen:
    """Start `python -m ppi worker` on a data folder of its own, as on a machine of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "worker.out").open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "ppi", "worker", *arguments], cwd=ROOT, env=environment_for(folder, **variables),
            stdout=out, stderr=out,
        )  # fmt: skip


def stop_worker(worker: subprocess.Popen) -> None:
    worker.terminate()
    try:
        worker.wait(30)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()


@pytest.fixture(scope="module")
def more_variables() -> dict[str, str]:
    """What a module of tests adds to the environment of every process."""
    return {}


@pytest.fixture(scope="module", params=["local", pytest.param("cluster", marks=pytest.mark.slow)])
def whole_ground(request, more_variables, tmp_path_factory):
    """The environment of a whole PPI: one machine; then S3, Redis and two workers with data folders of their own."""
    if request.param == "local":
        yield more_variables
        return
    folder = tmp_path_factory.mktemp("cluster")
    redis_server = start_redis(folder / "redis")
    name = f"story-{secrets.token_hex(4)}"
    buckets = {"RAW_DATA_BUCKET": f"{name}-raw", "FINAL_DATASET_BUCKET": f"{name}-final"}
    variables = {**request.getfixturevalue("s3_server").variables(**buckets), **redis_server.variables(), **more_variables}
    workers = [
        start_worker(folder / "media", "--queues", "media,publish", **variables),
        start_worker(folder / "models", "--queues", "speech,dataset", "--concurrency", "1", **variables),
    ]
    yield variables
    for worker in workers:
        stop_worker(worker)
    redis_server.kill()
