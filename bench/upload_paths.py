"""Ways for a video into PPI: chunks (tus), by themselves and behind the shipped nginx site, and PPI's form; beside them a
plain Flask form, and nginx alone as it comes and with the buffer that the shipped site gives it.

`python -m bench.upload_paths [MB] [RUNS]`. Every upload is compared with what was sent before its time counts.
"""

from __future__ import annotations

import hashlib
import os
import sys
from functools import partial
from pathlib import Path

import requests

from bench.measure import (
    NGINX,
    cost_of,
    flask_app,
    free_port,
    nginx,
    ppi_server,
    print_ratio,
    scratch,
    shipped_site,
    table,
)

CHUNK_BYTES = 16 * 1024 * 1024
PLAIN = """
from flask import Flask, request
app = Flask("x")
def save():
    request.files["video"].save({target!r})
    return {{"file_id": "x"}}
app.post("/api/process-video")(save)
"""
TUS = {"Tus-Resumable": "1.0.0"}


def chunks(url: str, session: requests.Session, path: Path) -> str:
    """As the page sends it; answers the lesson's id."""
    size_bytes = path.stat().st_size
    where = session.post(f"{url}/uploads/", headers={**TUS, "Upload-Length": str(size_bytes)}, timeout=60).headers["Location"]
    with path.open("rb") as file:
        for offset in range(0, size_bytes, CHUNK_BYTES):
            headers = {**TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
            answer = session.patch(url + where, headers=headers, data=file.read(CHUNK_BYTES), timeout=600)
            assert answer.status_code == 204, answer.text
    return where.rsplit("/", 1)[1]


def form(url: str, session: requests.Session, path: Path) -> str:
    """As curl -F sends it, without ever holding the file in memory."""
    mark = "bench-bench-bench"
    about = 'Content-Disposition: form-data; name="video"; filename="a.mp4"\r\nContent-Type: video/mp4'
    head = f"--{mark}\r\n{about}\r\n\r\n".encode()
    tail = f"\r\n--{mark}--\r\n".encode()
    length = len(head) + path.stat().st_size + len(tail)

    def parts():
        yield head
        with path.open("rb") as file:
            while block := file.read(1024 * 1024):
                yield block
        yield tail

    answer = session.post(
        f"{url}/api/process-video", data=_Sized(parts(), length), timeout=600,
        headers={"Content-Type": f"multipart/form-data; boundary={mark}"},
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    return answer.json()["file_id"]


class _Sized:
    """A generator with a length, so that requests announces it instead of sending in pieces."""

    def __init__(self, parts, length: int):
        self._parts, self._length, self._rest = parts, length, b""

    def __len__(self) -> int:
        return self._length

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size and (block := next(self._parts, b"")):
            self._rest += block
        data, self._rest = self._rest[:size], self._rest[size:]
        return data


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main(size_mb: int = 512, repeats: int = 3) -> None:
    folder = scratch()
    source = folder / "source"
    with source.open("wb") as file:
        for _ in range(size_mb):
            file.write(os.urandom(1_000_000))
    wanted, port, large, proxy = digest(source), free_port(), free_port(), free_port()
    alone = "".join(_dav(folder, one, buffer) for one, buffer in ((port, ""), (large, "client_body_buffer_size 256k;")))
    runs: dict[str, list] = {}
    (folder / "dav").mkdir()
    with (
        ppi_server(folder / "data", PPI_BEHIND_PROXY="true") as (server, session, services),
        flask_app(folder / "plain", PLAIN.format(target=str(folder / "saved"))) as plain,
        nginx(folder / "nginx", port, alone) as bare,
        nginx(folder / "site", proxy, shipped_site(proxy, server.url, folder / "data" / "store" / "objects")) as front,
    ):
        ways = {
            "PPI, chunks (tus)": ([server], chunks), "PPI, form": ([server], form),
            "nginx + PPI, chunks": ([front, server], chunks),
        }  # fmt: skip
        for _ in range(repeats):
            runs.setdefault("Flask form", []).append(cost_of([plain], lambda: form(plain.url, requests.Session(), source)))
            assert digest(folder / "saved") == wanted
            for name, (servers, send) in ways.items():
                made: list[str] = []
                ask = partial(send, servers[0].url, session, source)
                runs.setdefault(name, []).append(cost_of(servers, lambda ask=ask, made=made: made.append(ask())))
                assert digest(services.uploads_dir / f"{made[0]}.part") == wanted, name
                services.ledger.cancel(made[0])
                session.post(f"{server.url}/api/lessons/{made[0]}/delete", timeout=60)
            for name, own in (("nginx alone (PUT)", port), ("nginx alone, larger buffer", large)):
                with source.open("rb") as file:
                    ask = partial(requests.put, f"http://127.0.0.1:{own}/x", data=file, timeout=600)
                    runs.setdefault(name, []).append(cost_of([bare], ask))
                assert digest(folder / "dav" / "x") == wanted
                (folder / "dav" / "x").unlink()
    table("Receiving a video", size_mb * 1_000_000, runs, "Flask form")
    print_ratio(runs, "PPI, chunks (tus)", "Flask form")
    for alone in ("nginx alone (PUT)", "nginx alone, larger buffer"):
        print_ratio(runs, "nginx + PPI, chunks", alone)


def _dav(folder: Path, port: int, extra: str) -> str:
    location = f"location / {{ root {folder}/dav; dav_methods PUT; }}"
    return f"server {{ listen 127.0.0.1:{port}; client_max_body_size 0; {extra} {location} }}\n"


if __name__ == "__main__":
    if not NGINX:
        sys.exit("nginx is needed: apt-get install nginx-light")
    main(*(int(value) for value in sys.argv[1:]))
