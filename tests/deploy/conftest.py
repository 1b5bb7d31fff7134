"""The shipped nginx site, run by a real nginx before a real server."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from ppi.services import Services
from tests.conftest import ROOT, Server, free_port, need, settings_for, start_server, stop_server, with_people

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")


@dataclass(frozen=True)
class Front:
    """nginx at `url`, with its files in `folder`, before a server of PPI. `sends` says whether it finds the files itself."""

    url: str
    folder: Path
    server: Server
    sends: bool

    @property
    def services(self) -> Services:
        return self.server.services


def site(folder: Path, port: int, backend_port: int, store: Path) -> str:
    """The shipped site without HTTPS, on free ports, with its logs and what it keeps in `folder`."""
    text = (ROOT / "deploy" / "nginx" / "ppi.conf").read_text()
    text = re.sub(r"listen 443 ssl;", f"listen 127.0.0.1:{port};", text)
    text = re.sub(r".*ssl_certificate.*\n", "", text)
    text = text.replace("127.0.0.1:5000", f"127.0.0.1:{backend_port}").replace("/var/lib/ppi/store/objects/", f"{store}/")
    text = text.replace("/var/cache/nginx-ppi", str(folder / "links"))
    return text.replace("/var/log/nginx/ppi.log", str(folder / "access.log")).replace("/var/log/nginx", str(folder))


@contextmanager
def running_nginx(folder: Path, backend_port: int, store: Path) -> Iterator[str]:
    """The address of nginx with the shipped site."""
    need(NGINX is not None, "nginx")
    port = free_port()
    main = f"pid {folder}/pid; error_log {folder}/error.log; daemon off; user root; events {{}}\nhttp {{\n"
    main += f"client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;\n"
    main += f"uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n"
    (folder / "nginx.conf").write_text(main + site(folder, port, backend_port, store) + "\n}\n")
    checked = subprocess.run([NGINX, "-t", "-c", str(folder / "nginx.conf")], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    process = subprocess.Popen([NGINX, "-c", str(folder / "nginx.conf")])
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            requests.get(f"{url}/health", timeout=5)
            break
        except requests.ConnectionError:
            time.sleep(0.1)
    try:
        yield url
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module", params=["store/objects", "elsewhere"], ids=["nginx sends files", "nginx finds no files"])
def front(request, tmp_path_factory) -> Iterator[Front]:
    need(NGINX is not None, "nginx")
    folder = tmp_path_factory.mktemp("nginx")
    data, backend_port = folder / "data", free_port()
    with_people(Services(settings_for(data)))
    server = start_server(data, backend_port, PPI_BEHIND_PROXY="true")
    with running_nginx(folder, backend_port, data / request.param) as url:
        yield Front(url, folder, server, request.param == "store/objects")
    stop_server(server)
