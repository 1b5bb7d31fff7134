"""What an S3 store holds in memory."""

from __future__ import annotations

import os
import threading

import psutil
import pytest

from ppi.storage import open_store
from ppi.storage.s3 import MOST_PARTS, PART_BYTES, part_bytes

MB = 1_000_000


@pytest.mark.slow
def test_parts_that_were_sent_leave_the_memory(s3_server, tmp_path):
    """In threads of their own, as jobs are. Without `_give_memory_back` 30 MB and more stay."""
    store = open_store(s3_server.settings(tmp_path), "a secret for tests")
    source = tmp_path / "video"
    source.write_bytes(os.urandom(20 * MB))
    store.put_file("raw-data", "memory/warm", source)
    before = psutil.Process().memory_info().rss
    for number in range(0, 8, 4):
        threads = [threading.Thread(target=store.put_file, args=("raw-data", f"memory/{number + n}", source)) for n in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert psutil.Process().memory_info().rss - before < 15 * MB
    assert [store.stat("raw-data", f"memory/{n}").size_bytes for n in range(8)] == [20 * MB] * 8


def test_parts_are_small_and_never_too_many():
    for size_bytes in (0, 1, PART_BYTES, 4 * 1024**3, PART_BYTES * MOST_PARTS):
        assert part_bytes(size_bytes) == PART_BYTES
    for size_bytes in (PART_BYTES * MOST_PARTS + 1, 10**12):
        assert -(-size_bytes // part_bytes(size_bytes)) <= MOST_PARTS
