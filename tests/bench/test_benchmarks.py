"""Every benchmark runs to its end with tiny sizes and prints its table; what the figures are is nobody's business here."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.dataset import NOTEBOOK
from bench.measure import NGINX
from tests.conftest import ROOT, need

pytestmark = pytest.mark.slow
RUNS = {
    "speech": (("40", "2", "tiny"), "openai-whisper, notebook way"),
    "upload_paths": (("3", "1"), "PPI, chunks (tus)"), "download_paths": (("3", "1"), "nginx + PPI"),
    "load": (("3", "2", "20", "5", "60"), "S3, Redis, worker"), "beside_work": (("1",), "| none |"),
}  # fmt: skip


def test_the_benchmark_of_datasets_runs_to_its_end():
    need(NOTEBOOK.exists(), ".venv-notebook (make bench makes it)")
    command = [sys.executable, "-m", "bench.dataset", "12", "2", "1", "tiny"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "| PPI, strict |" in done.stdout and "2 of 2" in done.stdout


def test_the_benchmark_of_pages_runs_to_its_end():
    command = [sys.executable, "-m", "bench.pages", "60"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "| home |" in done.stdout and "| `/lessons` |" in done.stdout


@pytest.mark.parametrize("name", RUNS)
def test_a_benchmark_runs_to_its_end(name):
    need(NGINX is not None, "nginx")
    sizes, wanted = RUNS[name]
    command = [sys.executable, "-m", f"bench.{name}", *sizes]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    assert wanted in done.stdout
