"""The server's worker: slow connections cost no thread, and requests in pieces are answered as others are."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
import requests

from ppi.server import MAX_HEAD_BYTES, MAX_HELD_BYTES, has_arrived
from ppi.services import Services
from ppi.web.access import STRANGERS_BYTES
from tests.conftest import ROOT, environment_for, free_port, settings_for, start_server, stop_server, with_people

HEAD = b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
LOGIN = HEAD + b"Content-Length: 54\r\n\r\n" + b'{"username": "nobody", "password": "wrong-password-1"}'
# A call that is answered 404 when its whole body was understood, 400 otherwise.
CALL = b"POST /delete_file HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\n"
FORM = b'{"object_name": "not/there.mp4"}'
TUS = b"Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\n"
SLOW = {
    "nothing": b"",
    "half a head": HEAD,
    "half a form": LOGIN[:-10],
    "half a large form": HEAD + b"Content-Length: %d\r\n\r\n{" % (MAX_HELD_BYTES + 1),
    "half a form in pieces": HEAD + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"us',
    "half a chunk of a stranger's": b"PATCH /uploads/abc HTTP/1.1\r\nHost: x\r\n%sContent-Length: 9000\r\n\r\nabc" % TUS,
}
# More than there are threads, so that one thread each would leave none.
CROWD = 100


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server") / "data"
    with_people(Services(settings_for(folder)))
    server = start_server(folder)
    yield server
    stop_server(server)


@pytest.fixture(scope="module")
def call(server) -> bytes:
    """The head of a call by an administrator, but for its length."""
    users = server.services.users
    return CALL % users.create_token(users.by_name("admin").id, "test")[1].encode()


@pytest.fixture
def stock_server(tmp_path):
    """The same application under gunicorn's own threaded worker."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "-k", "gthread", "-b", f"127.0.0.1:{port}", "wsgi:app"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment_for(tmp_path / "data"), stderr=subprocess.DEVNULL)
    url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 60
    while not is_answering(url):
        assert time.monotonic() < deadline and process.poll() is None
    yield url
    process.kill()
    process.wait()


def connect(url: str) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=20)


@contextmanager
def crowd(url: str, first: bytes):
    """Connections that say `first` and then nothing."""
    held = [connect(url) for _ in range(CROWD)]
    for one in held:
        one.sendall(first)
    time.sleep(0.5)
    yield
    for one in held:
        one.close()


def is_answering(url: str) -> bool:
    try:
        return requests.get(f"{url}/help", timeout=3).status_code == 200
    except requests.RequestException:
        time.sleep(0.1)
        return False


def status_of(connection: socket.socket) -> int:
    """Read one answer whole, so that the connection can be used again."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
    while len(body) < length:
        body += connection.recv(65536)
    return int(head.split()[1])


@pytest.mark.parametrize("said", SLOW)
def test_pages_answer_beside_a_crowd_of_slow_connections(server, said):
    with crowd(server.url, SLOW[said]):
        assert all(is_answering(server.url) for _ in range(5))


def test_the_same_crowd_shuts_gunicorns_own_worker(stock_server):
    """The control: without PatientWorker nobody is served."""
    with crowd(stock_server, SLOW["half a head"]):
        assert not is_answering(stock_server)


@pytest.mark.parametrize("size", [1, 7, 50])
def test_a_request_in_pieces_is_answered_as_a_whole_one(server, call, size):
    asked = call + b"Content-Length: %d\r\n\r\n" % len(FORM) + FORM
    with connect(server.url) as connection:
        for at in range(0, len(asked), size):
            connection.sendall(asked[at : at + size])
            time.sleep(0.002)
        assert status_of(connection) == 404


def test_a_kept_connection_may_send_its_next_request_in_pieces(server):
    with connect(server.url) as connection:
        for _ in range(3):
            connection.sendall(b"GET /health/live HT")
            time.sleep(0.1)
            connection.sendall(b"TP/1.1\r\nHost: x\r\n\r\n")
            assert status_of(connection) == 200


def test_a_second_request_sent_along_with_the_first_waits_for_its_end(server):
    asked = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    with connect(server.url) as connection:
        connection.sendall(asked + asked[:20])
        assert status_of(connection) == 200
        connection.sendall(asked[20:])
        assert status_of(connection) == 200


def test_who_waits_for_the_word_to_go_on_gets_it(server, call):
    with connect(server.url) as connection:
        connection.sendall(call + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(FORM))
        assert connection.recv(65536).startswith(b"HTTP/1.1 100")
        connection.sendall(FORM)
        assert status_of(connection) == 404


def test_a_body_in_chunks_is_answered_as_a_whole_one(server, call):
    with connect(server.url) as connection:
        connection.sendall(call + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(FORM) + FORM[:9])
        time.sleep(0.1)
        connection.sendall(FORM[9:] + b"\r\n0\r\n\r\n")
        assert status_of(connection) == 404


def test_a_refused_upload_reads_why_though_it_was_still_sending(server):
    head = b"PATCH /uploads/abc HTTP/1.1\r\nHost: x\r\n%sContent-Length: 60000\r\n\r\n" % TUS
    with connect(server.url) as connection:
        connection.sendall(head + b"x" * 20_000)
        time.sleep(0.3)
        connection.sendall(b"x" * 20_000)
        assert status_of(connection) == 401
        assert connection.recv(1) == b""


def test_strangers_may_send_no_more_than_waits_without_a_thread(client_for):
    assert STRANGERS_BYTES <= MAX_HELD_BYTES
    asked = {"data": b"x" * (STRANGERS_BYTES + 1), "content_type": "application/json"}
    assert client_for().post("/api/login", **asked).status_code == 413


def test_a_head_without_end_is_not_waited_for(server):
    with connect(server.url) as connection, pytest.raises(ConnectionError):
        connection.sendall(b"GET / HTTP/1.1\r\nX-Long: " + b"x" * 2 * MAX_HEAD_BYTES)
        if not connection.recv(1):
            raise ConnectionError
    assert is_answering(server.url)


def test_what_need_not_be_waited_for_is_handed_over():
    cases = {
        b"GET / HTTP/1.1\r\n\r\n": True,
        b"GET / HTTP/1.1\r\n": False,
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab": False,
        b"POST / HTTP/1.1\r\ncontent-length:3\r\n\r\nabc": True,
        b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MAX_HELD_BYTES + 1): True,
        b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n": True,
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n": False,
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n": True,
        b"PATCH / HTTP/1.1\r\nContent-Length: 3\r\n\r\na": True,
    }
    assert {data: has_arrived(data) for data in cases} == cases


@pytest.mark.parametrize("given, bind, complaint", [
    ("PPI_HOST=127.0.0.2\nPPI_PORT=5777\n", "127.0.0.2:5777", ""), ("", "127.0.0.1:5000", ""),
    ("PPI_PORT=many\n", "", "PPI_PORT: expected a whole number"),
])  # fmt: skip
def test_gunicorn_by_itself_listens_where_the_settings_say(tmp_path, given, bind, complaint):
    (tmp_path / ".env").write_text(f"PPI_DATA_DIR={tmp_path}/data\n{given}")
    command = [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "gunicorn.conf.py"), "--print-config", "wsgi:app"]
    environment = {name: value for name, value in environment_for(tmp_path).items() if name != "PPI_DATA_DIR"}
    asked = subprocess.run(command, cwd=tmp_path, env={**environment, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    told = [line.split("=")[1].strip() for line in asked.stdout.splitlines() if line.startswith("bind ")]
    assert told == ([f"['{bind}']"] if bind else [])
    assert complaint in asked.stderr and "Traceback" not in asked.stderr
