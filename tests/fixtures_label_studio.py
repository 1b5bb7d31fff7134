"""A real Label Studio on loopback: installed once into an environment of its own, started on SQLite, with a user and tokens."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from filelock import FileLock

from tests.conftest import free_port
from tests.servers.label_studio_stub import LabelStudioStub

LABEL_STUDIO, INSTALLER = "label-studio==1.23.2", "uv==0.13.8"
USER, PASSWORD = "annotator@example.org", "label-studio-password-1"
LEGACY_TOKEN = "0123456789abcdef0123456789abcdef01234567"
START_S = 240


@dataclass(frozen=True)
class LabelStudio:
    """A running server: its address, both kinds of its user's tokens, and its API as an annotator's browser asks it."""

    url: str
    legacy_token: str
    personal_token: str

    def ask(self, method: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": f"Token {self.legacy_token}"}
        answer = requests.request(method, self.url + path, headers=headers, timeout=60, **more)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def annotate(self, task_id: int, result: list[dict[str, Any]]) -> dict[str, Any]:
        """Submit an annotation."""
        return self.ask("POST", f"/api/tasks/{task_id}/annotations/", json={"result": result, "lead_time": 12.5})


def label_studio_program() -> tuple[Path, Path]:
    """The program, and a data folder whose database is ready: both made once on this machine, of about a gigabyte."""
    folder = Path(os.environ.get("PPI_TEST_CACHE", tempfile.gettempdir())) / "ppi-test-servers"
    folder.mkdir(exist_ok=True)
    place = folder / LABEL_STUDIO.replace("==", "-")
    program, template = place / "bin" / "label-studio", folder / f"{place.name}.data"
    with FileLock(str(folder / "label-studio.lock"), timeout=900):
        if not (folder / f"{place.name}.ready").exists():
            _install(place)
            shutil.rmtree(template, ignore_errors=True)
            template.mkdir()
            process, _ = start_label_studio(program, template)
            process.terminate()
            process.wait(30)
            (folder / f"{place.name}.ready").touch()
    return program, template


def _install(place: Path) -> None:
    """uv, because pip takes minutes for the hundred and sixty packages."""
    python = str(place / "bin" / "python")
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(place)], [python, "-m", "pip", "install", "-q", INSTALLER],
        [str(place / "bin" / "uv"), "pip", "install", "-q", "--python", python, LABEL_STUDIO],
    ):  # fmt: skip
        subprocess.run(command, check=True)


def start_label_studio(program: Path, folder: Path) -> tuple[subprocess.Popen, str]:
    """Start the server on a folder of its own; answers its process and address. Raises RuntimeError with its log."""
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LABEL_STUDIO", "DJANGO", "PPI"))}
    environment = {
        **kept, "LABEL_STUDIO_BASE_DATA_DIR": str(folder), "LABEL_STUDIO_USERNAME": USER, "LABEL_STUDIO_PASSWORD": PASSWORD,
        "LABEL_STUDIO_USER_TOKEN": LEGACY_TOKEN, "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true", "COLLECT_ANALYTICS": "0",
        "LATEST_VERSION_CHECK": "0", "SENTRY_DSN": "", "FRONTEND_SENTRY_DSN": "",
    }  # fmt: skip
    command = [str(program), "start", "--no-browser", "--internal-host", "127.0.0.1", "-p", str(port)]
    with (folder / "server.out").open("wb") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
    url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(f"{url}/health", timeout=5).status_code == 200:
                return process, url
        except requests.RequestException:
            time.sleep(0.5)
    process.kill()
    raise RuntimeError((folder / "server.out").read_text(errors="replace")[-3000:])


@pytest.fixture(scope="session")
def label_studio(tmp_path_factory):
    """A Label Studio for the session; skipped at a desk where it cannot be installed, a failure in CI."""
    try:
        program, template = label_studio_program()
    except (subprocess.CalledProcessError, OSError, RuntimeError) as error:
        reason = f"Label Studio could not be installed for the round trip: {error}"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    folder = tmp_path_factory.mktemp("label-studio") / "data"
    shutil.copytree(template, folder)
    process, url = start_label_studio(program, folder)
    try:
        headers = {"Authorization": f"Token {LEGACY_TOKEN}"}
        personal = requests.post(f"{url}/api/token/", headers=headers, timeout=60).json()["token"]
        yield LabelStudio(url, LEGACY_TOKEN, personal)
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def recorded_label_studio() -> Iterator[LabelStudioStub]:
    stub = LabelStudioStub().start()
    yield stub
    stub.stop()


@pytest.fixture
def stub(recorded_label_studio) -> LabelStudioStub:
    """A Label Studio as recorded, with nothing in it yet."""
    recorded_label_studio.reset()
    return recorded_label_studio
