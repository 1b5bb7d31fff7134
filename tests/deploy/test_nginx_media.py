"""Files of the local store behind the shipped nginx site: who may have them, for how long, and with which headers."""

from __future__ import annotations

import http.client
import signal
import time
from contextlib import contextmanager
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from tests.conftest import free_port
from tests.deploy.conftest import Front, running_nginx

KEY, OTHER = "anna/Урок_20261121/Видео урока.mp4", "boris/Тайна_20261121/secret.mp4"
DATA, SECRET = bytes(range(256)) * 4000, b"nobody may see this" * 1000
# Said by whoever sends the bytes, in its own way.
OWN_HEADERS = {"date", "server", "connection", "keep-alive", "etag", "last-modified", "accept-ranges", "x-accel-expires"}


@pytest.fixture
def link(front: Front):
    """`link()` is a fresh signed link to a video, by way of nginx."""
    services = front.services
    services.store.put_bytes(services.raw, OTHER, SECRET, content_type="video/mp4")

    def make(data: bytes = DATA, key: str = KEY, kind: str = "video/mp4", **asked) -> str:
        services.store.put_bytes(services.raw, key, data, content_type=kind)
        return front.url + services.store.presign_get(services.raw, key, **asked)

    return make


def get(url: str, method: str = "GET", **headers: str) -> requests.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.request(method, url, headers=named, timeout=20, allow_redirects=False)


def raw(front: Front, target: str) -> tuple[int, bytes]:
    """Status and body for a request line that no client would tidy up."""
    connection = http.client.HTTPConnection(urlsplit(front.url).netloc, timeout=20)
    connection.request("GET", target)
    answer = connection.getresponse()
    return answer.status, answer.read()


@contextmanager
def ppi_stands_still(front: Front):
    processes = [psutil.Process(front.server.process.pid), *psutil.Process(front.server.process.pid).children(recursive=True)]
    for one in processes:
        one.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for one in processes:
            one.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("kind, asked", [
    ("video/mp4", {}), ("audio/wav", {}), ("text/html", {}), ("video/mp4", {"download_name": "Мой урок.mp4"}),
])  # fmt: skip
@pytest.mark.parametrize("method, headers", [
    ("GET", {}), ("HEAD", {}), ("GET", {"Range": "bytes=100-199"}), ("GET", {"Range": "bytes=-1", "Origin": "http://localhost:8080"}),
])  # fmt: skip
def test_nginx_says_and_sends_what_ppi_would(front, link, kind, asked, method, headers):
    through_nginx = link(kind=kind, key=f"anna/{kind} {method} {len(headers)}", **asked)
    own = get(through_nginx.replace(front.url, front.server.url), method, **headers)
    for _ in range(2):  # asked of PPI, and known already
        answer = get(through_nginx, method, **headers)
        assert (answer.status_code, answer.content) == (own.status_code, own.content)
        assert _told(answer) == _told(own)
        assert answer.status_code == 206 or answer.headers["Accept-Ranges"] == "bytes"
        assert "ETag" in answer.headers and "X-Accel-Expires" not in answer.headers


def _told(answer: requests.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items() if name.lower() not in OWN_HEADERS}


def test_ppi_is_asked_once_for_many_ranges_but_for_each_signature(front, link):
    url = link()
    signature = url.rsplit("sig=", 1)[1]
    forged = url.replace(signature, signature[:-1] + ("0" if signature[-1] != "0" else "1"))
    assert get(url).content == DATA
    with ppi_stands_still(front):
        kept = {"Range": "bytes=1000-1999"}
        if front.sends:
            assert get(url, **kept).content == DATA[1000:2000] and get(url, "HEAD").status_code == 200
            assert get(url, **kept, If_Range='"older"').content == DATA
        for other, headers in ((forged, {}), (f"{url}&lsref=1", {}), (url, {"Host": "other.example.org"})):
            with pytest.raises(requests.ReadTimeout):
                requests.get(other, headers={**kept, **headers}, timeout=0.7)
    assert [get(other).status_code for other in (forged, url, forged, url.split("?")[0])] == [403, 200, 403, 403]
    assert [get(url).status_code for _ in range(3)] == [200] * 3


def test_a_link_that_was_good_is_refused_at_its_end(front, link):
    url = link(expires_s=3)
    assert get(url).status_code == 200
    time.sleep(4.5)
    refused = get(url, Accept="application/json")
    assert refused.status_code == 403 and "expired" in refused.json()["error"]


def test_a_file_that_is_gone_or_new_is_noticed_at_once(front, link):
    url = link()
    etag = get(url, "HEAD").headers["ETag"]
    part = {"Range": "bytes=0-9", "If_Range": etag}
    assert get(url, **part).content == DATA[:10]
    services = front.services
    services.store.put_bytes(services.raw, KEY, b"new" * 100, content_type="video/mp4")
    assert get(url, **part).content == b"new" * 100
    services.store.delete(services.raw, KEY)
    gone = get(url, Accept="application/json")
    assert gone.status_code == 404 and "no such file" in gone.json()["error"]


def test_ranges_and_methods_out_of_order_are_answered_as_by_ppi(front, link):
    url = link()
    behind = get(url, Range="bytes=99999999-")
    assert (behind.status_code, behind.headers["Content-Range"]) == (416, f"bytes */{len(DATA)}")
    assert get(url, Range="bytes=0-1,5-6").content == DATA
    assert get(url, Range="frames=1-2").content == DATA
    assert {get(url, method).status_code for method in ("POST", "PUT", "DELETE", "PATCH")} == {405}


def test_no_spelling_of_a_signed_link_reaches_another_file(front, link):
    """Control: the plain spelling, and one with other escapes, do reach the signed one."""
    parts = urlsplit(link())
    bucket, other = front.services.raw, f"{front.services.raw}/{OTHER}".encode()
    escaped = "".join(f"%{byte:02X}" for byte in other)
    assert raw(front, f"{parts.path}?{parts.query}") == (200, DATA)
    assert raw(front, f"{parts.path.replace('anna', '%61nn%61')}?{parts.query}") == (200, DATA)
    up = parts.path.removeprefix("/media/").count("/") + 1
    for dots in ("..", "%2e%2e", "%2E."):
        for slash in ("/", "%2f"):
            climb = slash.join([dots] * up)
            for target in (f"{parts.path}{slash}{climb}{slash}{escaped}", f"/media/{climb}{slash}media/{escaped}"):
                assert SECRET not in raw(front, f"{target}?{parts.query}")[1], target
    for way in ("/media/", "//media//", f"/media/{bucket}/x/../../", "/media/./"):
        target = f"{way}{escaped}"
        status, body = raw(front, f"{target}?{parts.query}")
        assert status in (308, 400, 403, 404) and SECRET not in body, target


def test_no_log_of_nginx_holds_a_link(front, link):
    url = link()
    for one in (url, url.replace("sig=", "sig=0"), url.replace(".mp4?", ".mp3?")):
        get(one)
    assert "sig=" not in (front.folder / "access.log").read_text() + (front.folder / "error.log").read_text()


def test_links_are_not_in_the_log_either_when_ppi_is_away(tmp_path):
    """Control: other addresses are, so that the fault is found."""
    with running_nginx(tmp_path, free_port(), tmp_path) as url:
        for path in ("/media/raw-data/a.mp4?sig=hush1", "/m/hush2/a.mp4", "/welcome/hush3", "/help"):
            assert requests.get(url + path, timeout=20).status_code == 502
    logged = (tmp_path / "access.log").read_text() + (tmp_path / "error.log").read_text()
    assert "hush" not in logged and 'request: "GET /help' in logged
