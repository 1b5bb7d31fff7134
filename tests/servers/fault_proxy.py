"""A TCP proxy that misbehaves on order: between PPI and a server, to cut the two apart in the ways networks do."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

BLOCK_BYTES = 65536
AWAY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class FaultProxy:
    """Listens on loopback and passes bytes to `target` ("host:port").

    `mode` may be changed at any time: "pass"; "refuse" (connections are closed at once, also those that are open);
    "503" (every request is answered so); "cut" (answers break off after some bytes, chosen by `seed`).
    `asked_bytes` and `answered_bytes` count what was passed on, heads included.
    """

    def __init__(self, target: str, seed: int = 1):
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._random = random.Random(seed)
        self._mode = "pass"
        self.asked_bytes = self.answered_bytes = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.endpoint = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def mode(self) -> str:
        return self._mode

    @mode.setter
    def mode(self, mode: str) -> None:
        self._mode = mode
        if mode != "pass":
            with self._lock:
                for one in list(self._open):
                    _close(one)

    def stop(self) -> None:
        self.mode = "refuse"
        _close(self._listener)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        if self._mode == "503":
            with suppress(OSError):
                client.recv(BLOCK_BYTES)
                client.sendall(AWAY)
        try:
            server = socket.create_connection(self._target, timeout=10) if self._mode in ("pass", "cut") else None
        except OSError:
            server = None
        if server is None:
            _close(client)
            return
        server.settimeout(None)
        with self._lock:
            self._open |= {client, server}
        limit = self._random.randrange(1, 4000) if self._mode == "cut" else None
        threading.Thread(target=self._pump, args=(client, server, self._count_asked, None), daemon=True).start()
        self._pump(server, client, self._count_answered, limit)
        with self._lock:
            self._open -= {client, server}

    def _count_asked(self, count: int) -> None:
        with self._lock:
            self.asked_bytes += count

    def _count_answered(self, count: int) -> None:
        with self._lock:
            self.answered_bytes += count

    def _pump(
        self, source: socket.socket, target: socket.socket, note: Callable[[int], None], limit: int | None
    ) -> None:
        """Pass bytes on until either side ends, or `limit` bytes have passed."""
        try:
            while block := source.recv(BLOCK_BYTES):
                target.sendall(block if limit is None else block[:limit])
                note(len(block) if limit is None else min(len(block), limit))
                if limit is not None:
                    limit -= len(block)
                    if limit <= 0:
                        break
        except OSError:
            pass
        _close(source), _close(target)


def _close(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    with suppress(OSError):
        one.close()
