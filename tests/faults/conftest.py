"""A stand for each fault, and the table of what was tried: with FAULT_REPORT=file every result is added as a line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.stand import Stand


@pytest.fixture(params=["local", "cluster"])
def kind(request) -> str:
    return request.param


@pytest.fixture
def stand(kind, tmp_path, request):
    """A running PPI of each kind in turn."""
    s3 = request.getfixturevalue("s3_server") if kind == "cluster" else None
    made = Stand(tmp_path, kind, s3)
    yield made.start()
    made.stop()


@pytest.fixture
def note():
    """`note(fault, kind, repeats, result)` writes one line of the table in docs/reliability.md."""

    def write(fault: str, kind: str, repeats: int, result: str) -> None:
        target = os.environ.get("FAULT_REPORT")
        if target:
            with Path(target).open("a", encoding="utf-8") as file:
                file.write(f"| {fault} | {kind} | {repeats} | {result} |\n")

    return write
