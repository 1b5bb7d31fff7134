"""Ways for a video out of PPI by ranges: PPI itself, Flask's send_file, nginx with the shipped site before PPI, and
nginx alone.

`python -m bench.download_paths [MB] [RUNS] [MIB]`, by ranges of so many MiB (8). Every range is compared with the file
before its time counts.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

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

MIB = 1024 * 1024
SEND_FILE = """
from flask import Flask, send_file
app = Flask("x")
app.get("/x")(lambda: send_file({path!r}, conditional=True))
"""


def ranges(url: str, wanted: str, size_bytes: int, range_bytes: int) -> None:
    """Fetch the whole file range by range, as players do, and compare."""
    found, session = hashlib.sha256(), requests.Session()
    for start in range(0, size_bytes, range_bytes):
        stop = min(start + range_bytes, size_bytes)
        answer = session.get(url, headers={"Range": f"bytes={start}-{stop - 1}"}, timeout=120)
        assert answer.status_code == 206, answer.status_code
        found.update(answer.content)
    assert found.hexdigest() == wanted


def main(size_mb: int = 512, repeats: int = 3, range_mib: int = 8) -> None:
    folder = scratch()
    data, port, plain = folder / "data", free_port(), free_port()
    source = folder / "source"
    with source.open("wb") as file:
        for _ in range(size_mb):
            file.write(os.urandom(1_000_000))
    with source.open("rb") as file:
        wanted = hashlib.file_digest(file, "sha256").hexdigest()
    runs: dict[str, list] = {}
    with (
        ppi_server(data, PPI_BEHIND_PROXY="true") as (server, _, services),
        flask_app(folder / "plain", SEND_FILE.format(path=str(source))) as naive,
        nginx(folder / "nginx", port, shipped_site(port, server.url, data / "store" / "objects")) as front,
        nginx(folder / "alone", plain, _alone(plain, folder)) as alone,
    ):
        info = services.store.put_file(services.raw, "bench/a.mp4", source, content_type="video/mp4")
        link = urlsplit(services.store.presign_get(services.raw, info.key, expires_s=3600))
        signed = f"{link.path}?{link.query}"
        ways = {
            "Flask send_file": (f"{naive.url}/x", [naive]), "PPI": (server.url + signed, [server]),
            "nginx + PPI": (front.url + signed, [front, server]), "nginx alone": (f"{alone.url}/source", [alone]),
        }  # fmt: skip
        for _ in range(repeats):
            for name, (url, servers) in ways.items():
                cost = cost_of(servers, lambda url=url: ranges(url, wanted, size_mb * 1_000_000, range_mib * MIB))
                runs.setdefault(name, []).append(cost)
    table(f"Sending a video by ranges of {range_mib} MiB", size_mb * 1_000_000, runs, "Flask send_file")
    print_ratio(runs, "nginx + PPI", "nginx alone")


def _alone(port: int, folder: Path) -> str:
    """The file, and nothing to ask about it."""
    return f"server {{ listen 127.0.0.1:{port}; location = /source {{ root {folder}; }} }}"


if __name__ == "__main__":
    if not NGINX:
        sys.exit("nginx is needed: apt-get install nginx-light")
    main(*(int(value) for value in sys.argv[1:]))
