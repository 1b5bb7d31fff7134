"""A Label Studio on loopback that keeps projects and tasks in memory: the part of its API that PPI asks for.

Its answers have the shapes of tests/data/label_studio/server_answers.json, recorded from Label Studio 1.23.2; what a test
changes is put over them. `faults` make chosen requests fail, hang or lead astray.
"""

from __future__ import annotations

import base64
import json
import re
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

RECORDED = json.loads((Path(__file__).parent.parent / "data" / "label_studio" / "server_answers.json").read_text())
LEGACY_TOKEN = "0123456789abcdef0123456789abcdef01234567"
ACCESS_LIFE_S = 300


def jwt(expires_s: float, kind: str) -> str:
    """A token in the form of Label Studio's personal access tokens; the signature is one of a test."""
    parts = {"alg": "HS256", "typ": "JWT"}, {"token_type": kind, "exp": int(expires_s), "user_id": "1"}
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, "c2lnbmF0dXJlLW9mLXRoZS10ZXN0"])


PERSONAL_TOKEN = jwt(time.time() + 3600, "refresh")


@dataclass
class Fault:
    """`path` is a regular expression on "METHOD /path"; `body` and `headers` are what is answered."""

    path: str
    status: int
    times: int = 1_000_000
    hang_s: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b'{"detail": "as the test wished"}'
    is_after: bool = False  # the request has its effect, and only the answer is lost


class _Quiet(ThreadingHTTPServer):
    """Says nothing of clients that had enough of an answer."""

    daemon_threads = True

    def handle_error(self, request, client_address) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class LabelStudioStub:
    def __init__(self, page_size: int = 2):
        self.page_size = page_size
        self.faults: list[Fault] = []
        self.reset()
        self._lock = threading.Lock()
        self._server = _Quiet(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> LabelStudioStub:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reset(self) -> None:
        self.faults.clear()
        self.projects: dict[int, dict] = {}
        self.tasks: dict[int, dict] = {}
        self.storages: list[dict] = []
        self.requests: list[str] = []
        self._clock = datetime(2026, 11, 21, tzinfo=UTC)
        self._last = 0

    def annotate(self, task_id: int, result: list[dict], *, author: int = 1, cancelled: bool = False) -> dict:
        """An annotator submits."""
        made = {
            **RECORDED["task"]["body"]["annotations"][0], "id": self._number(), "result": result, "task": task_id,
            "completed_by": {"id": author, "email": f"annotator{author}@example.org", "first_name": "Anna"},
            "was_cancelled": cancelled, "updated_at": self._now(),
        }  # fmt: skip
        task = self.tasks[task_id]
        task["annotations"].append(made)
        task["updated_at"] = self._now()
        self.projects[task["project"]]["total_annotations_number"] = 1
        return made

    def change(self, annotation: dict, result: list[dict]) -> None:
        """An annotator submits again."""
        annotation |= {"result": result, "updated_at": self._now()}
        self.tasks[annotation["task"]]["updated_at"] = self._now()

    def add_project(self, title: str, label_config: str = "<View/>") -> dict:
        fresh = {"title": title, "label_config": label_config.strip(), "total_annotations_number": 0}
        made = {**RECORDED["project"]["body"], "id": self._number(), **fresh}
        return self.projects.setdefault(made["id"], made)

    def _handler(stub) -> type[BaseHTTPRequestHandler]:  # noqa: N805 (the handler's own self is in the inner class)
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet

            def log_message(self, *args) -> None:
                pass

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                split = urlsplit(self.path)
                status, data, headers = stub._respond(
                    self.command, split.path, parse_qs(split.query), self.headers.get("Authorization", ""), body
                )
                self.send_response(status)
                for name, value in ({"Content-Type": "application/json", "Content-Length": len(data)} | headers).items():
                    self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_DELETE = answer

        return Handler

    def _respond(self, method: str, path: str, query: dict, authorization: str, body: bytes) -> tuple[int, bytes, dict]:
        named = f"{method} {path}"
        fault = next((fault for fault in self.faults if fault.times > 0 and re.search(fault.path, named)), None)
        with self._lock:
            self.requests.append(named)
            if fault is None or fault.is_after:
                status, answer = self._answer(method, path, query, authorization, json.loads(body) if body else None)
        if fault is None:
            return status, json.dumps(answer, ensure_ascii=False).encode() if answer is not None else b"", {}
        fault.times -= 1
        time.sleep(fault.hang_s)
        return fault.status, fault.body, fault.headers

    def _answer(self, method: str, path: str, query: dict, authorization: str, given: Any) -> tuple[int, Any]:
        if path == "/api/token/refresh/":
            return self._refresh(given)
        if not self._is_known(authorization):
            return 401, RECORDED["bad_token"]["body"]
        for pattern, answer in (
            (r"GET /api/projects/", self._projects), (r"POST /api/projects/", self._make_project),
            (r"(?:GET|PATCH) /api/projects/(\d+)/", self._project), (r"POST /api/projects/(\d+)/import", self._import),
            (r"GET /api/tasks/", self._tasks), (r"(?:GET|PATCH|DELETE) /api/tasks/(\d+)/", self._task),
            (r"(?:GET|POST) /api/storages/localfiles/?", self._storages),
            (r"(?:GET|POST) /api/predictions/", self._predictions), (r"DELETE /api/predictions/(\d+)/", self._unpredict),
        ):  # fmt: skip
            if found := re.fullmatch(pattern, f"{method} {path}"):
                return answer(*(int(number) for number in found.groups()), query=query, given=given)
        raise AssertionError(f"the stub does not know {method} {path}")

    def _refresh(self, given: dict) -> tuple[int, Any]:
        if given["refresh"] != PERSONAL_TOKEN:
            return 401, RECORDED["bad_refresh"]["body"]
        return 200, {"access": jwt(time.time() + ACCESS_LIFE_S, "access")}

    def _is_known(self, authorization: str) -> bool:
        kind, _, token = authorization.partition(" ")
        is_access = kind == "Bearer" and token.count(".") == 2 and token != PERSONAL_TOKEN
        return is_access or authorization == f"Token {LEGACY_TOKEN}"

    def _projects(self, query: dict, given: Any) -> tuple[int, Any]:
        """Pages of what contains the title; a page behind the last is not there, as recorded."""
        wanted, page = query.get("title", [""])[0], int(query.get("page", ["1"])[0])
        found = [project for project in self.projects.values() if wanted.lower() in project["title"].lower()]
        shown = found[(page - 1) * self.page_size : page * self.page_size]
        if not shown and page > 1:
            return 404, RECORDED["no_such_page"]["body"]
        return 200, {"count": len(found), "next": None, "previous": None, "results": shown}

    def _make_project(self, query: dict, given: dict) -> tuple[int, Any]:
        if len(given["title"]) > 50:
            return 400, RECORDED["title_refused"]["body"]
        return 201, self.add_project(given["title"], given["label_config"])

    def _project(self, number: int, query: dict, given: Any) -> tuple[int, Any]:
        if number not in self.projects:
            return 404, RECORDED["no_project"]["body"]
        self.projects[number] |= {name: value.strip() for name, value in (given or {}).items()}
        return 200, self.projects[number]

    def _import(self, number: int, query: dict, given: list[dict]) -> tuple[int, Any]:
        numbers = []
        for item in given:
            task_id = self._number()
            fresh = {"annotations": [], "predictions": [], "drafts": [], "updated_at": self._now()}
            self.tasks[task_id] = {**RECORDED["task"]["body"], **fresh, "id": task_id, "project": number, "data": item["data"]}
            numbers.append(task_id)
        return 201, {**RECORDED["imported"]["body"], "task_count": len(numbers), "task_ids": numbers}

    def _tasks(self, query: dict, given: Any) -> tuple[int, Any]:
        number = int(query["project"][0])
        if number not in self.projects:
            return 404, RECORDED["tasks_no_project"]["body"]
        item = json.loads(query["query"][0])["filters"]["items"][0]
        name = item["filter"].removeprefix("filter:tasks:data.")
        found = [
            task for task in self.tasks.values() if task["project"] == number and str(task["data"].get(name)) == item["value"]
        ]
        header = RECORDED["tasks"]["body"]["tasks"][0]
        shown = [{**header, **{key: task[key] for key in ("id", "data", "updated_at", "project")}} for task in found]
        return 200, {**RECORDED["tasks"]["body"], "total": len(shown), "tasks": shown}

    def _task(self, number: int, query: dict, given: Any) -> tuple[int, Any]:
        if number not in self.tasks:
            return 404, RECORDED["no_task"]["body"]
        if given is None and self.requests[-1].startswith("DELETE"):
            del self.tasks[number]
            return 204, None
        self.tasks[number] |= given or {}
        return 200, self.tasks[number]

    def _predictions(self, query: dict, given: Any) -> tuple[int, Any]:
        if given is None:
            return 200, self.tasks[int(query["task"][0])]["predictions"]
        made = {**RECORDED["predicted"]["body"], **given, "id": self._number()}
        self.tasks[given["task"]]["predictions"].append(made)
        return 201, made

    def _storages(self, query: dict, given: Any) -> tuple[int, Any]:
        """The answer to POST as Label Studio 1.23.2 gives it, shortened to what the client needs."""
        if given is None:
            return 200, [made for made in self.storages if made["project"] == int(query["project"][0])]
        self.storages.append({"id": self._number(), "type": "localfiles", "synchronizable": True, **given})
        return 201, self.storages[-1]

    def _unpredict(self, number: int, query: dict, given: Any) -> tuple[int, Any]:
        for task in self.tasks.values():
            task["predictions"][:] = [made for made in task["predictions"] if made["id"] != number]
        return 204, None

    def _number(self) -> int:
        self._last += 1
        return self._last

    def _now(self) -> str:
        self._clock += timedelta(seconds=1)
        return self._clock.isoformat().replace("+00:00", "Z")
