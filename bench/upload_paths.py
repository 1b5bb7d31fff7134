"""Ways for a video into PPI: chunks (tus) and PPI's form; beside them a plain Flask form and nginx alone.

`python -m bench.upload_paths [MB] [RUNS]`. Every upload is compared with what was sent before its time counts.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import requests

from bench.measure import NGINX, cost_of, flask_app, free_port, nginx, ppi_server, scratch, table

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
    wanted, port = digest(source), free_port()
    put = f"server {{ listen 127.0.0.1:{port}; client_max_body_size 0; location / {{ root {folder}/dav; dav_methods PUT; }} }}"
    runs: dict[str, list] = {"Flask form": [], "PPI, chunks (tus)": [], "PPI, form": []}
    (folder / "dav").mkdir()
    with (
        ppi_server(folder / "data") as (server, session, services),
        flask_app(folder / "plain", PLAIN.format(target=str(folder / "saved"))) as plain,
        nginx(folder / "nginx", port, put) as alone,
    ):
        for _ in range(repeats):
            for name, send in (("PPI, chunks (tus)", chunks), ("PPI, form", form)):
                made: list[str] = []
                cost = cost_of([server], lambda send=send, made=made: made.append(send(server.url, session, source)))
                part = services.uploads_dir / f"{made[0]}.part"
                assert digest(part) == wanted, name
                runs[name].append(cost)
                services.ledger.cancel(made[0])
                session.post(f"{server.url}/api/lessons/{made[0]}/delete", timeout=60)
            runs["Flask form"].append(cost_of([plain], lambda: form(plain.url, requests.Session(), source)))
            assert digest(folder / "saved") == wanted
            with source.open("rb") as file:
                cost = cost_of([alone], lambda file=file: requests.put(f"{alone.url}/x", data=file, timeout=600))
            assert digest(folder / "dav" / "x") == wanted
            runs.setdefault("nginx alone (PUT)", []).append(cost)
    table("Receiving a video", size_mb * 1_000_000, runs, "Flask form")


if __name__ == "__main__":
    if not NGINX:
        sys.exit("nginx is needed: apt-get install nginx-light")
    main(*(int(value) for value in sys.argv[1:]))
