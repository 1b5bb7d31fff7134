"""What all hostile tests watch: a file nobody may read and an address nobody may call."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.media.test_media_hostile import Watch


class Listener:
    """Counts connections to an address of loopback."""

    def __init__(self):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.hits = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.hits += 1
                connection.close()

    def stop(self) -> None:
        self._socket.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.stop()


@pytest.fixture
def canary(tmp_path, recording) -> Iterator[Path]:
    """A playable video with a name programs may be told; the test fails when anything opens it."""
    path = tmp_path / "secret" / "canary.mp4"
    path.parent.mkdir()
    path.write_bytes(recording("mp4").read_bytes())
    watch = Watch(path)
    yield path
    assert not watch.was_touched(), "another file was read"
    watch.close()
