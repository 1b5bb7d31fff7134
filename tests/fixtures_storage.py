"""A real S3 server for tests: durable, signature-checking, on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from ppi.settings import Settings
from tests.conftest import free_ports

NODE = Path(__file__).parent / "servers" / "swift_node.py"
SWIFT = "swift==2.38.3"
ACCESS, SECRET = "test:tester", "secret-key-of-the-tests"


@dataclass(frozen=True)
class S3Server:
    """The server's address as MINIO_ENDPOINT wants it, and its keys."""

    endpoint: str
    access_key: str = ACCESS
    secret_key: str = SECRET

    def variables(self, **more: str) -> dict[str, str]:
        """The environment that moves PPI's objects here."""
        return {
            "MINIO_ENDPOINT": self.endpoint, "MINIO_ACCESS_KEY": self.access_key, "MINIO_SECRET_KEY": self.secret_key, **more
        }  # fmt: skip

    def settings(self, folder: Path, **more: str) -> Settings:
        return Settings.from_env({"PPI_DATA_DIR": str(folder), **self.variables(**more)})


def swift_python() -> Path:
    """The Python of a virtual environment with Swift, made once on this machine."""
    folder = Path(os.environ.get("PPI_TEST_CACHE", tempfile.gettempdir())) / "ppi-test-servers"
    folder.mkdir(exist_ok=True)
    python = folder / "swift" / "bin" / "python"
    with FileLock(str(folder / "swift.lock"), timeout=600):
        if not (folder / "swift.ready").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder / "swift")], check=True)
            subprocess.run([str(python), "-m", "pip", "install", "-q", SWIFT], check=True)
            (folder / "swift.ready").touch()
    return python


def start_swift(folder: Path, python: Path | None = None) -> tuple[subprocess.Popen, int]:
    """Start the server on a folder of its own; answers its process and port. Raises RuntimeError with its logs."""
    ports = free_ports(4)
    folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen([str(python or swift_python()), str(NODE), str(folder), ACCESS, SECRET, *map(str, ports)])
    port = ports[0]
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthcheck", timeout=2):
                return process, port
        except OSError:
            time.sleep(0.2)
    logs = "\n".join(path.read_text()[-2000:] for path in (folder / "etc").glob("*.log"))
    process.kill()
    raise RuntimeError(f"the S3 server did not start: {logs}")


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory):
    """An S3 server for the session; skipped at a desk where Swift cannot be installed, a failure in CI."""
    try:
        python = swift_python()
    except (subprocess.CalledProcessError, OSError) as error:
        reason = f"OpenStack Swift could not be installed for the S3 tests: {error}"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    process, port = start_swift(tmp_path_factory.mktemp("s3"), python)
    yield S3Server(f"127.0.0.1:{port}")
    process.kill()
    process.wait()
