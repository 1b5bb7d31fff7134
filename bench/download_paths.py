"""Ways for a video out of PPI by ranges: PPI itself, Flask's send_file, nginx before PPI (X-Accel), and nginx alone.

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

from bench.measure import NGINX, ROOT, cost_of, flask_app, free_port, nginx, ppi_server, scratch, table

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
    data, port = folder / "data", free_port()
    source = folder / "source"
    with source.open("wb") as file:
        for _ in range(size_mb):
            file.write(os.urandom(1_000_000))
    with source.open("rb") as file:
        wanted = hashlib.file_digest(file, "sha256").hexdigest()
    runs: dict[str, list] = {}
    with (
        ppi_server(data) as (server, _, services),
        ppi_server(data, PPI_X_ACCEL="/_store/") as (behind, _, _),
        flask_app(folder / "plain", SEND_FILE.format(path=str(source))) as naive,
        nginx(folder / "nginx", port, _site(port, behind.url, data, folder)) as front,
    ):
        info = services.store.put_file(services.raw, "bench/a.mp4", source, content_type="video/mp4")
        link = urlsplit(services.store.presign_get(services.raw, info.key, expires_s=3600))
        signed = f"{link.path}?{link.query}"
        ways = {
            "Flask send_file": (f"{naive.url}/x", [naive]), "PPI": (server.url + signed, [server]),
            "nginx + PPI (X-Accel)": (front.url + signed, [front, behind]), "nginx alone": (f"{front.url}/plain", [front]),
        }  # fmt: skip
        for _ in range(repeats):
            for name, (url, servers) in ways.items():
                cost = cost_of(servers, lambda url=url: ranges(url, wanted, size_mb * 1_000_000, range_mib * MIB))
                runs.setdefault(name, []).append(cost)
    table(f"Sending a video by ranges of {range_mib} MiB", size_mb * 1_000_000, runs, "Flask send_file")


def _site(port: int, backend: str, data: Path, folder: Path) -> str:
    """The shipped site's way for files of the local store, and a plain file beside it."""
    shipped = (ROOT / "deploy" / "nginx" / "ppi.conf").read_text()
    internal = shipped[shipped.index("    location /_store/ {") : shipped.index("    # Figures are")]
    internal = internal.replace("/var/lib/ppi/store/objects/", f"{data}/store/objects/")
    return (
        f"sendfile on; server {{ listen 127.0.0.1:{port};\n location / {{ proxy_pass {backend}; proxy_http_version 1.1; }}\n"
        f"{internal}\n location = /plain {{ alias {folder}/source; }} }}"
    )


if __name__ == "__main__":
    if not NGINX:
        sys.exit("nginx is needed: apt-get install nginx-light")
    main(*(int(value) for value in sys.argv[1:]))
