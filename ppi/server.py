"""`python -m ppi serve`: gunicorn with the settings of gunicorn.conf.py, and the worker that these settings name."""

from __future__ import annotations

import re
import selectors
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from pathlib import Path

from gunicorn import http
from gunicorn.app.wsgiapp import WSGIApplication
from gunicorn.http.body import Body, LengthReader
from gunicorn.workers.gthread import TConn, ThreadWorker

CONFIG = Path(__file__).resolve().parent.parent / "gunicorn.conf.py"
# How long a request may take to arrive, how long a connection with a thread may stand still, how long a thread may throw
# away what a refused request still sends, and how long the connection stays open after its answer so that it is read.
PATIENCE_S, STILL_S, DRAIN_S, LINGER_S = 20, 60, 0.05, 5
# A connection whose head is longer is closed; a body that is longer is read by the view, which asks who sends it first.
MAX_HEAD_BYTES, MAX_HELD_BYTES, MAX_REFUSED_BYTES = 128 * 1024, 64 * 1024, 1024 * 1024
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,6})[ \t]*(?:\r|$)", re.IGNORECASE)


class _Server(WSGIApplication):
    """Reads the shipped configuration file, then the address given on the command line."""

    def __init__(self, address: str):
        self._address = address
        super().__init__("%prog [OPTIONS]")

    def init(self, parser, opts, args) -> None:
        self.app_uri = "wsgi:app"

    def load_config(self) -> None:
        self.load_config_from_file(str(CONFIG))
        self.cfg.set("bind", self._address)
        self.cfg.set("chdir", str(CONFIG.parent))
        self.app_uri = "wsgi:app"


def run_server(host: str, port: int) -> None:
    """Serve until stopped by a signal."""
    _Server(f"{host}:{port}").run()


class PatientWorker(ThreadWorker):
    """Gives threads to requests that are there. gunicorn's own gives one to each connection, which may then say nothing."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._lingering: deque[TConn] = deque()

    def load_wsgi(self) -> None:
        """The application, which learns in `ppi.is_over` whether an answer that takes long is still wanted."""
        super().load_wsgi()
        application = self.wsgi

        def told(environ: dict, start_response: Callable) -> Iterable[bytes]:
            environ["ppi.is_over"] = partial(self._is_over, environ["gunicorn.socket"])
            return application(environ, start_response)

        self.wsgi = told

    def _is_over(self, client: socket.socket) -> bool:
        """Whether this worker stops, or the other side has hung up."""
        if not self.alive:
            return True
        try:
            return not self.cfg.is_ssl and client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def enqueue_req(self, conn: TConn) -> None:
        """Wait for the request without a thread. Called for new connections and for kept ones that have something to say."""
        if self.cfg.is_ssl:  # what arrives is encrypted: nothing can be seen in it
            super().enqueue_req(conn)
            return
        if conn.parser is None:
            conn.parser = http.get_parser(self.cfg, conn.sock, conn.client)
            for kind in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                conn.sock.setsockopt(socket.SOL_SOCKET, kind, struct.pack("ll", STILL_S, 0))
        conn.data_ready = True
        conn.arrived = bytearray(conn.parser.unreader.take_buffered())
        if has_arrived(conn.arrived):
            self._hand_over(conn)
            return
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + PATIENCE_S
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._arrive, conn))

    def handle_request(self, req, conn: TConn) -> bool:
        if isinstance(req.body.reader, LengthReader) and not self.cfg.is_ssl:
            req.body = _StraightBody(req.body.reader)
        try:
            return super().handle_request(req, conn)
        except BlockingIOError as error:  # a reader who stopped reading is no fault worth a trace
            raise StopIteration from error

    def finish_request(self, conn: TConn, fs: Future) -> None:
        """gunicorn's own waits up to two seconds for the other side to close, and all other connections with it."""
        if fs.cancelled() or fs.exception() or fs.result() is not False:
            super().finish_request(conn, fs)
            return
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
        except OSError:
            self._close(conn)
            return
        conn.timeout = time.monotonic() + LINGER_S
        conn.room_bytes = MAX_REFUSED_BYTES
        self._lingering.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._throw_away, conn))

    def murder_pending(self) -> None:
        super().murder_pending()
        while self._lingering and self._lingering[0].timeout < time.monotonic():
            self._end(self._lingering[0])

    def _keepalive_after(self, conn: TConn, keepalive: bool) -> bool:
        return keepalive and conn.parser.finish_body(deadline=time.monotonic() + DRAIN_S)

    def _throw_away(self, conn: TConn, client: socket.socket) -> None:
        try:
            data = client.recv(MAX_HELD_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        conn.room_bytes -= len(data)
        if not data or conn.room_bytes <= 0:
            self._end(conn)

    def _end(self, conn: TConn) -> None:
        self.poller.unregister(conn.sock)
        self._lingering.remove(conn)
        self._close(conn)

    def _close(self, conn: TConn) -> None:
        self.nr_conns -= 1
        conn.close()

    def _arrive(self, conn: TConn, client: socket.socket) -> None:
        try:
            data = client.recv(MAX_HELD_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        conn.arrived += data
        is_here = has_arrived(conn.arrived)
        is_hopeless = not data or len(conn.arrived) > MAX_HEAD_BYTES
        if not is_here and not is_hopeless:
            return
        self.poller.unregister(client)
        self.pending_conns.remove(conn)
        if is_here:
            self._hand_over(conn)
        else:
            self._close(conn)

    def _hand_over(self, conn: TConn) -> None:
        conn.parser.unreader.unread(bytes(conn.arrived))
        del conn.arrived
        super().enqueue_req(conn)


class _StraightBody(Body):
    """A body of known length that can be read into a buffer of the view's, past the copies gunicorn makes in between."""

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """The next bytes, as many as are there; 0 at the end of the body or of the connection."""
        unreader, length = self.reader.unreader, self.reader.length
        for held, read in ((self.buf.tell(), self.read), (min(unreader.buf.tell(), length), self.reader.read)):
            if held:
                data = read(min(len(buffer), held))
                buffer[: len(data)] = data
                return len(data)
        if not length:
            return 0
        try:
            got = unreader.sock.recv_into(memoryview(buffer)[:length])
        except OSError:
            self.failed = True
            raise
        self.reader.length -= got
        return got


def has_arrived(data: bytes) -> bool:
    """Whether a thread would not wait: the head is there, and with it the body of a small form."""
    head, end, body = bytes(data).partition(b"\r\n\r\n")
    if not end:
        return False
    if not head.startswith(b"POST ") or b"100-continue" in head.lower():
        return True
    if b"\r\ntransfer-encoding:" in head.lower():
        return body.endswith(b"\r\n\r\n") or len(body) > MAX_HELD_BYTES
    found = LENGTH.search(head)
    return found is None or not len(body) < int(found[1]) <= MAX_HELD_BYTES
