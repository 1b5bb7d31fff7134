"""Fixtures shared by all tests: an application on a fresh data folder, people in it, and a server with a sample lesson."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from filelock import FileLock
from werkzeug.security import generate_password_hash

from ppi.accounts.users import Users
from ppi.services import Services
from ppi.settings import Settings
from ppi.web.app import build_app

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"
PASSWORD = "admin-password-1"
PEOPLE = {"admin": "admin", "anna": "DL-user", "boris": "DL-user"}

pytest_plugins = [
    "tests.fixtures_dataset", "tests.fixtures_kept", "tests.fixtures_media", "tests.fixtures_redis", "tests.fixtures_speech",
    "tests.fixtures_storage", "tests.fixtures_label_studio", "tests.fixtures_speakers", "tests.fixtures_summary",
]  # fmt: skip


def need(is_there: bool, what: str) -> None:
    """Skip at a desk, fail in CI, when something the test needs is missing."""
    if is_there:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing, and CI must have it")
    pytest.skip(f"{what} is missing; make test says how to install it")


def settings_for(folder: Path, **variables: str) -> Settings:
    """Settings on a data folder of their own; pocketsphinx is the recogniser."""
    return Settings.from_env({"PPI_DATA_DIR": str(folder), "SPEECH_ENGINE": "pocketsphinx", **variables})


@functools.cache
def accounts() -> str:
    """The file of accounts with PEOPLE in it, whose hashes are checked thirty times faster than those PPI makes."""
    with tempfile.TemporaryDirectory() as folder:
        users = Users(Path(folder) / "users.json")
        for name, role in PEOPLE.items():
            users.add(name, PASSWORD, role)
        rows = json.loads((Path(folder) / "users.json").read_text())["users"]
    cheap = generate_password_hash(PASSWORD, method="scrypt:1024:8:1")
    return json.dumps({"users": [{**row, "password_hash": cheap} for row in rows]})


def with_people(services: Services) -> Services:
    """PEOPLE with PASSWORD as the only accounts, under ids of their own: grounds may share a store."""
    path = services.settings.users_file
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [{**row, "id": secrets.token_hex(8)} for row in json.loads(accounts())["users"]]
    path.write_text(json.dumps({"users": rows}))
    return services


@pytest.fixture
def services(tmp_path) -> Services:
    """Services on an empty data folder with `admin` and two DL-users."""
    return with_people(Services(settings_for(tmp_path / "data")))


@pytest.fixture
def app(services):
    return build_app(services)


@pytest.fixture
def client_for(app, services):
    """`client_for("anna")` is a client that sends anna's API token; without a name nobody is logged in."""

    def make(name: str = ""):
        client = app.test_client()
        if name:
            _, token = services.users.create_token(services.users.by_name(name).id, "test")
            client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return client

    return make


@pytest.fixture
def session_for(app):
    """`session_for("anna")` is anna's browser without scripts: it sends a cookie, and forms need the token of a page."""

    def make(name: str):
        client = app.test_client()
        assert client.post("/api/login", json={"username": name, "password": PASSWORD}).status_code == 200
        return client

    return make


@pytest.fixture(scope="session")
def once(tmp_path_factory) -> Callable[[str, Callable[[Path], None]], Path]:
    """`once("models", make)` is the folder that `make(folder)` filled for all processes of this run. Change nothing in it."""
    run = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        run = run.parent

    def made(name: str, make: Callable[[Path], None]) -> Path:
        folder, ready = run / name, run / f"{name}.ready"
        with FileLock(str(run / f"{name}.lock")):
            if not ready.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                ready.touch()
        return folder

    return made


def own_children() -> list[psutil.Process]:
    """All processes below this one, but for the browser that earlier tests left open, whose processes come and go."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if not child.name().startswith("chromium"):
                found.append(child)
    return found


@dataclass(frozen=True)
class Server:
    """A server process on a free port of loopback."""

    url: str
    folder: Path
    process: subprocess.Popen
    services: Services


def free_port() -> int:
    """A port of loopback nobody listens at, below those that connections get: none takes it before the server has it."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def free_ports(count: int) -> list[int]:
    """As many different ones."""
    ports: set[int] = set()
    while len(ports) < count:
        ports.add(free_port())
    return list(ports)


def environment_for(folder: Path, **variables: str) -> dict[str, str]:
    """The environment of a process of PPI on this data folder, without settings of the desk."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MINIO", "PPI", "REDIS"))}
    return {**kept, "PPI_DATA_DIR": str(folder), "SPEECH_ENGINE": "pocketsphinx", **variables}


def start_server(folder: Path, port: int | None = None, **variables: str) -> Server:
    """Start `python -m ppi serve` on a data folder and wait until it answers."""
    import urllib.request

    port = port or free_port()
    environment = environment_for(folder, **variables)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "server.out").open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "ppi", "serve", "--port", str(port)], cwd=ROOT, env=environment, stdout=out, stderr=out
        )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:
                if answer.status == 200:
                    return Server(url, folder, process, Services(settings_for(folder, **variables)))
        except OSError:
            time.sleep(0.2)
        if process.poll() is not None:
            break
    process.kill()
    raise RuntimeError((folder / "server.out").read_text()[-3000:])


def stop_server(server: Server) -> None:
    server.process.terminate()
    try:
        server.process.wait(20)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()


@pytest.fixture(scope="session")
def live_server(tmp_path_factory):
    """One running server for the session, with `admin` and two DL-users (password `admin-password-1`)."""
    folder = tmp_path_factory.mktemp("live") / "data"
    with_people(Services(settings_for(folder)))
    server = start_server(folder)
    yield server
    stop_server(server)
