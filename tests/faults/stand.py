"""A whole PPI to be broken: processes that can be killed, and the checks that hold after every fault."""

from __future__ import annotations

import hashlib
import os
import random
import secrets
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
import requests

from ppi.services import Services
from tests.conftest import DATA, Server, free_port, settings_for, start_server, stop_server, with_people
from tests.fixtures_redis import RedisServer, start_redis, start_worker, stop_worker
from tests.servers.fault_proxy import FaultProxy

TUS = {"Tus-Resumable": "1.0.0"}
BACK_WITHIN_S = 90
LESSON = DATA / "sample_lesson.mp4"


class Stand:
    """One machine ("local"), or S3, Redis and a worker beside the web process ("cluster").

    Everything acknowledged to a user is remembered, and `check` holds PPI to it.
    """

    def __init__(self, folder: Path, kind: str, s3=None, **variables: str):
        self.kind, self.folder, self.machine = kind, folder, "worker"
        self.port = free_port()
        self.variables = {"PPI_LEASE_S": "20", **variables}
        self.redis: RedisServer | None = None
        self.proxy: FaultProxy | None = None
        if kind == "cluster":
            self.redis = start_redis(folder / "redis")
            self.proxy = FaultProxy(s3.endpoint)
            name = f"fault-{secrets.token_hex(4)}"
            buckets = {"RAW_DATA_BUCKET": f"{name}-raw", "FINAL_DATASET_BUCKET": f"{name}-final"}
            self.variables |= s3.variables(**buckets) | self.redis.variables() | {"MINIO_ENDPOINT": self.proxy.endpoint}
        self.services = with_people(Services(settings_for(self.web_dir, **self.variables)))
        _, self.token = self.services.users.create_token(self.services.users.by_name("admin").id, "fault")
        self.lessons: dict[str, str] = {}
        self.jobs: list[str] = []
        self.web: Server | None = None
        self.worker: subprocess.Popen | None = None
        self.longest_s = 0.0

    @property
    def web_dir(self) -> Path:
        return self.folder / "web"

    @property
    def worker_dir(self) -> Path:
        """The data folder of whoever does the heavy work."""
        return self.folder / self.machine if self.kind == "cluster" else self.web_dir

    def start(self) -> Stand:
        self.start_web()
        self.start_worker()
        return self

    def start_web(self) -> None:
        self.web = start_server(self.web_dir, self.port, **self.variables)

    def start_worker(self) -> None:
        if self.kind == "cluster":
            self.worker = start_worker(self.worker_dir, "--concurrency", "2", **self.variables)

    @property
    def worker_process(self) -> subprocess.Popen:
        """The process that does the jobs: the worker, or on one machine the server."""
        return self.worker if self.kind == "cluster" else self.web.process

    def stop(self) -> None:
        if self.web:
            stop_server(self.web)
        if self.worker:
            stop_worker(self.worker)
        if self.proxy:
            self.proxy.stop()
        if self.redis:
            self.redis.kill()

    def kill_web(self) -> None:
        kill_tree(self.web.process, "serve")

    def kill_worker(self) -> None:
        """kill -9 of what does the jobs; start it again with `restart_worker`."""
        kill_tree(self.worker_process, "serve" if self.kind == "local" else "worker")

    def restart_worker(self) -> None:
        self.start_worker() if self.kind == "cluster" else self.start_web()

    def children(self, words: str) -> list[psutil.Process]:
        """Processes below the one that does the jobs whose command line holds `words`."""
        found = []
        for child in psutil.Process(self.worker_process.pid).children(recursive=True):
            try:
                if words in " ".join(child.cmdline()):
                    found.append(child)
            except psutil.NoSuchProcess:
                continue
        return found

    def get(self, path: str, **more) -> requests.Response:
        return requests.get(self.web.url + path, headers=self._headers(), timeout=60, **more)

    def post(self, path: str, **more) -> requests.Response:
        return requests.post(self.web.url + path, headers=self._headers(), timeout=60, **more)

    def begin_upload(self, size_bytes: int, name: str = "a.mp4") -> str:
        """Answers the address of a new upload."""
        answer = requests.post(
            f"{self.web.url}/uploads/", headers={**self._headers(), **TUS, "Upload-Length": str(size_bytes)}, timeout=60
        )
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"]

    def offset(self, location: str) -> int:
        answer = requests.head(self.web.url + location, headers={**self._headers(), **TUS}, timeout=60)
        return int(answer.headers["Upload-Offset"])

    def send(self, location: str, data: bytes, offset: int) -> requests.Response:
        chunk = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
        return requests.patch(self.web.url + location, headers={**self._headers(), **TUS, **chunk}, data=data, timeout=60)

    def upload(self, data: bytes | None = None) -> str:
        """Upload a lesson; once acknowledged it is remembered. Answers its id, which is also its ingest job's."""
        data = LESSON.read_bytes() if data is None else data
        location = self.begin_upload(len(data))
        assert self.send(location, data, 0).status_code == 204
        return self.acknowledged(location, data)

    def acknowledged(self, location: str, data: bytes) -> str:
        lesson = location.rsplit("/", 1)[1]
        self.lessons[lesson] = hashlib.sha256(data).hexdigest()
        self.jobs.append(lesson)
        return lesson

    def transcribe(self, lesson: str) -> str:
        answer = self.post("/api/transcribe", json={"file_id": lesson, "engine": "pocketsphinx"})
        assert answer.status_code == 200, answer.text
        self.jobs.append(answer.json()["transcription_file_id"])
        return self.jobs[-1]

    def status(self, job: str) -> dict:
        return self.get(f"/api/status/{job}").json()

    def wait_for(self, job: str, *phases: str, seconds: float = BACK_WITHIN_S) -> dict:
        """Wait until the job is in one of the phases; a server that is away is asked again."""
        deadline, found = time.monotonic() + seconds, {}
        while time.monotonic() < deadline:
            try:
                found = self.status(job)
            except (requests.ConnectionError, requests.Timeout, ValueError):
                found = {}
            if found.get("status") in phases:
                return found
            time.sleep(0.05)
        raise AssertionError(f"{job}: not {phases} within {seconds} s: {found}\n{self.logs()}")

    def check(self) -> None:
        """All that was acknowledged is there, done once, and nothing else is left."""
        began = time.monotonic()
        for job in self.jobs:
            ended = self.wait_for(job, "completed", "error", "cancelled", seconds=BACK_WITHIN_S)
            assert ended["status"] == "completed", (ended, self.logs())
        self.longest_s = max(self.longest_s, time.monotonic() - began)
        stored = self.services.store.list(self.services.raw)
        for lesson, wanted in self.lessons.items():
            row = self.services.lessons.get(lesson)
            digest = hashlib.sha256()
            for block in self.services.store.read(self.services.raw, row.video_key):
                digest.update(block)
            assert digest.hexdigest() == wanted, f"lesson {lesson} is not what was uploaded"
            videos = [item.key for item in stored if item.key.startswith(row.prefix) and item.key.endswith(".mp4")]
            assert videos == [row.video_key]
        owned = {self.services.lessons.get(lesson).prefix for lesson in self.lessons}
        assert {item.key.split("/")[0] + "/" for item in stored} <= owned, "something nobody owns is in the store"
        assert not self.services.ledger.running()
        self.nothing_left()
        for page in ("/", "/files", "/dataset", "/publish", "/account"):
            answer = self.get(page)
            assert answer.status_code == 200, (page, answer.status_code, answer.text[-800:])

    def nothing_left(self, seconds: float = 20) -> None:
        """No file of unfinished work, no scratch folder, no process that lost its parent."""
        deadline = time.monotonic() + seconds
        while (left := self._leftovers()) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert not left, left

    def logs(self, tail: int = 2500) -> str:
        """The ends of all logs."""
        texts = [path.read_text()[-tail:] for path in sorted(self.folder.rglob("*.out")) + sorted(self.folder.rglob("ppi.log"))]
        return "\n".join(texts)

    def _leftovers(self) -> list[str]:
        places = [base / part for base in (self.web_dir, self.worker_dir) for part in ("work", "uploads", "store/incoming")]
        files = [str(path) for place in places if place.exists() for path in place.rglob("*") if path.is_file()]
        scratch = [str(path) for path in Path(tempfile.gettempdir()).glob("ppi-media-[0-9]*-*") if not _is_owned(path)]
        orphans = [str(process.info) for process in psutil.process_iter(["pid", "ppid", "cmdline"]) if _is_orphan(process)]
        return files + scratch + orphans

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def kill_tree(process: subprocess.Popen, word: str) -> None:
    """kill -9 of a server's or worker's own processes; what they started must end by itself."""
    everything = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    own = [one for one in everything if word in _words(one)]
    helpers = [one for one in everything if one not in own]
    for one in own:
        try:
            os.kill(one.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()
    _, left = psutil.wait_procs(helpers, timeout=6)
    alive = [one for one in left if _is_working(one)]
    assert not alive, [_words(one) for one in alive]


def moments(seed: int, repeats: int, longest_s: float) -> list[float]:
    """Random moments, the same in every run."""
    chance = random.Random(seed)
    return [chance.uniform(0, longest_s) for _ in range(repeats)]


def _is_working(process: psutil.Process) -> bool:
    """Whether it still runs; one that has ended may wait for the system to take note."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _words(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def _is_owned(scratch: Path) -> bool:
    owner = scratch.name.removeprefix("ppi-media-").split("-")[0]
    return owner.isdecimal() and psutil.pid_exists(int(owner))


def _is_orphan(process: psutil.Process) -> bool:
    words = " ".join(process.info["cmdline"] or [])
    return process.info["ppid"] == 1 and ("ppi-media-" in words or "multiprocessing.spawn" in words)
