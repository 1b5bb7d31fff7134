"""The files of deploy/: nginx runs before a real server with them; the others are held to their syntax."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
import time
from urllib.parse import quote

import requests
import yaml

from ppi.settings import VARIABLES
from tests.conftest import DATA, PASSWORD, ROOT, need

DEPLOY = ROOT / "deploy"


def test_a_lesson_goes_through_nginx_and_its_bytes_come_back(front):
    url, folder, services = front.url, front.folder, front.services
    data = (DATA / "sample_lesson.mp4").read_bytes()
    session = requests.Session()
    login = session.post(f"{url}/api/login", json={"username": "anna", "password": PASSWORD}, timeout=20)
    session.headers.update({"X-CSRFToken": login.json()["csrf_token"], "Origin": url, "Referer": f"{url}/"})
    tus = {"Tus-Resumable": "1.0.0"}
    made = session.post(f"{url}/uploads/", headers={**tus, "Upload-Length": str(len(data))}, timeout=20)
    where = made.headers["Location"]
    for at in range(0, len(data), 300_000):
        chunk = {**tus, "Upload-Offset": str(at), "Content-Type": "application/offset+octet-stream"}
        assert session.patch(url + where, headers=chunk, data=data[at : at + 300_000], timeout=20).status_code == 204
    lesson = where.rsplit("/", 1)[1]
    deadline = time.monotonic() + 60
    while (found := session.get(f"{url}/api/status/{lesson}", timeout=20).json())["status"] != "completed":
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    link = found["shareable_url"]
    assert link.startswith(url)
    whole = requests.get(link, timeout=20)
    assert whole.content == data and whole.headers["Content-Type"] == "video/mp4"
    part = requests.get(link, headers={"Range": "bytes=1000-1999"}, timeout=20)
    assert (part.status_code, part.content) == (206, data[1000:2000])
    assert part.headers["Access-Control-Allow-Origin"] and part.headers["X-Content-Type-Options"] == "nosniff"
    assert requests.get(link.replace("sig=", "sig=0"), timeout=20).status_code in (403, 404)
    key = quote(services.lessons.get(lesson).video_key)
    assert requests.get(f"{url}/media/raw-data/{key}", timeout=20).status_code == 403
    assert requests.get(f"{url}/_link?raw-data/{key}", timeout=20).status_code == 404
    assert requests.get(f"{url}/metrics", timeout=20).status_code == 404
    assert services.audit.find(action="upload")[0].address == "127.0.0.1"
    logged = (folder / "access.log").read_text()
    assert "sig=" not in logged and "/media/raw-data/" in logged
    assert session.post(f"{url}/api/lessons/{lesson}/delete", timeout=20).status_code == 200


def test_what_happens_is_told_through_nginx_while_it_happens(front):
    anna = front.services.users.by_name("anna").id
    headers = {"Authorization": f"Bearer {front.services.users.create_token(anna, 'events')[1]}"}
    with requests.get(f"{front.url}/api/jobs/events", headers=headers, stream=True, timeout=20) as told:
        # An answer that nginx collected would come only with the stream's end, long after this gives up.
        lines = (line for line in told.iter_lines(decode_unicode=True) if line.startswith("data:"))
        assert next(lines) == 'data: {"jobs": []}'
        job = front.services.ledger.submit("transcribe", anna, "lesson-1", {}, place="elsewhere")
        assert job.id in next(lines)
    front.services.ledger.cancel(job.id)


def test_units_start_what_there_is_with_settings_that_exist():
    for path in sorted((DEPLOY / "systemd").glob("*.service")):
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str
        unit.read(path)
        command = unit["Service"]["ExecStart"].split()
        program = command[0].rsplit("/", 1)[1]
        assert shutil.which(program, path=str(sys.prefix) + "/bin"), program
        assert {"Unit", "Service", "Install"} == set(unit.sections())
    asked = subprocess.run([sys.executable, "-m", "ppi", "worker", "--help"], capture_output=True, text=True, cwd=ROOT).stdout
    assert "--queues" in asked and "--concurrency" in asked


def test_systemd_finds_no_fault_in_the_units(tmp_path):
    """Apart from the programs, which lie elsewhere here; a unit with a fault is told from them."""
    analyze = shutil.which("systemd-analyze")
    need(analyze is not None, "systemd-analyze")
    here = {"/opt/ppi/.venv/bin/": f"{sys.prefix}/bin/", "User=ppi": "User=root", "/opt/ppi": str(ROOT)}
    units = {"ppi-web.service": "ppi-web.service", "ppi-worker@.service": "ppi-worker@media.service"}
    for source, name in units.items():
        text = (DEPLOY / "systemd" / source).read_text()
        for shipped, local in here.items():
            text = text.replace(shipped, local)
        (tmp_path / name).write_text(text)
    (tmp_path / "faulty.service").write_text(text.replace("Restart=always", "Restart=allways"))

    def said(*names: str) -> str:
        paths = [str(tmp_path / name) for name in names]
        done = subprocess.run([analyze, "verify", "--man=no", *paths], capture_output=True, text=True)
        return done.stderr + ("" if done.returncode == 0 else f"rc {done.returncode}")

    assert [line for line in said(*units.values()).splitlines() if str(tmp_path) in line or "ppi-" in line] == []
    assert "allways" in said("faulty.service")


def test_the_compose_file_names_only_settings_that_exist():
    """Its syntax; nothing here runs containers."""
    compose = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text())
    services = compose["services"]
    assert {"web", "nginx", "redis", "store"} <= set(services)
    for service in services.values():
        for name in service.get("environment", {}):
            assert name in VARIABLES or name.startswith("ROOT_"), name
        for needed in service.get("depends_on", []):
            assert needed in services
    named = {volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])}
    assert {volume for volume in named if "/" not in volume} == set(compose["volumes"])


def test_the_site_of_the_compose_file_is_the_shipped_one():
    def heart(text: str) -> list[str]:
        lines = [line.split("#")[0].strip() for line in text.splitlines()]
        return [line for line in lines if line]

    shipped, composed = (heart((DEPLOY / path).read_text()) for path in ("nginx/ppi.conf", "compose/nginx.conf"))
    changed = ("server web", "listen", "server_name", "access_log", "error_log")
    assert [line for line in composed if line not in shipped and not line.startswith(changed)] == []


def test_nginx_lets_go_of_an_idle_connection_before_ppi_does():
    """Otherwise a chunk may be sent into a connection that is just being closed, which nginx answers with 502."""
    settings: dict = {}
    exec((ROOT / "gunicorn.conf.py").read_text(), settings)
    for site in ("nginx/ppi.conf", "compose/nginx.conf"):
        found = re.search(r"keepalive 16;\s+keepalive_timeout (\d+)s;", (DEPLOY / site).read_text())
        assert found and int(found[1]) < settings["keepalive"]
