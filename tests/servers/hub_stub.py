"""A Hugging Face Hub on loopback that keeps dataset repositories in memory: what a push and a load ask of the real one.

It speaks the plain HTTP and Git LFS side of the Hub's API, not Xet. `faults` make chosen requests fail or hang.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

LFS_SUFFIXES = (".mp4", ".jpg")
TOKEN = "hf_stub_token_that_may_write"
READ_TOKEN = "hf_stub_token_that_may_read"


@dataclass
class Repository:
    is_private: bool
    files: dict[str, bytes] = field(default_factory=dict)
    revision: str = "0" * 40
    messages: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class Fault:
    """`path` is a regular expression on "METHOD /path"; `status` None answers nothing for `hang_s` seconds."""

    path: str
    status: int | None
    times: int = 1_000_000
    hang_s: float = 0.0
    message: str = "as the test wished"


class HubStub:
    def __init__(self, owner: str = "school"):
        self.owner = owner
        self.repositories: dict[str, Repository] = {}
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.before_commit: Callable[[], object] = lambda: None
        self._objects: dict[str, bytes] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> HubStub:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reset(self) -> None:
        with self._lock:
            for kept in (self.repositories, self.faults, self.requests, self._objects):
                kept.clear()
            self.before_commit = lambda: None

    def forget(self, oid: str) -> bool:
        """Lose a large file that was sent; whether it was there."""
        return self._objects.pop(oid, None) is not None

    def _handler(stub) -> type[BaseHTTPRequestHandler]:  # noqa: N805 (the handler's own self is in the inner class)
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args) -> None:
                pass

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
                status, payload, headers = stub._answer(self.command, unquote(path), query, self.headers, body)
                data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
                self.send_response(status)
                for name, value in ({"Content-Type": "application/json", "Content-Length": len(data)} | headers).items():
                    self.send_header(name, str(value))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_HEAD = answer

        return Handler

    def _answer(self, method: str, path: str, query: dict, headers, body: bytes) -> tuple[int, object, dict]:
        line = f"{method} {path}"
        with self._lock:
            self.requests.append(line)
            fault = next((fault for fault in self.faults if fault.times > 0 and re.search(fault.path, line)), None)
            if fault is not None:
                fault.times -= 1
        if fault is not None:
            time.sleep(fault.hang_s)
            return fault.status or 504, {"error": fault.message}, {"X-Error-Message": fault.message}
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        if not path.startswith("/lfs/") and token not in (TOKEN, READ_TOKEN):
            message = "Invalid credentials in Authorization header"
            return 401, {"error": message}, {"X-Error-Message": message}
        if method == "POST" and token == READ_TOKEN and not path.startswith("/api/validate-yaml"):
            return 403, {"error": "you may only read"}, {"X-Error-Message": "you may only read"}
        with self._lock:
            for methods, pattern, answer in ROUTES:
                match = re.fullmatch(pattern, path)
                if match and method in methods:
                    return answer(self, query, headers, body, *match.groups())
        return 404, {"error": f"the stub has no {line}"}, {}

    def create(self, query, headers, body) -> tuple:
        asked = json.loads(body)
        repo_id = f"{asked.get('organization') or self.owner}/{asked['name']}"
        if not repo_id.startswith(self.owner + "/"):
            return 403, {"error": "not your namespace"}, {"X-Error-Message": "not your namespace"}
        address = f"{self.url}/datasets/{repo_id}"
        if repo_id in self.repositories:
            return 409, {"error": "You already created this dataset repo", "url": address}, {}
        is_private = asked.get("visibility") == "private" or asked.get("private") is True
        self.repositories[repo_id] = Repository(is_private, {".gitattributes": b"*.mp4 filter=lfs\n"})
        return 200, {"url": address, "name": repo_id, "id": "1" * 24}, {}

    def validate_yaml(self, query, headers, body) -> tuple:
        return 200, {"errors": [], "warnings": []}, {}

    def info(self, query, headers, body, repo_id, revision=None) -> tuple:
        repository = self.repositories.get(repo_id)
        if repository is None:
            return _no_repository()
        described = {
            "_id": "1" * 24, "id": repo_id, "author": self.owner, "sha": repository.revision, "tags": [], "likes": 0,
            "private": repository.is_private, "gated": False, "disabled": False, "downloads": 0,
            "siblings": [_sibling(path, data) for path, data in sorted(repository.files.items())],
            "createdAt": "2026-01-01T00:00:00.000Z", "lastModified": "2026-01-01T00:00:00.000Z",
        }  # fmt: skip
        return 200, described, {}

    def whoami(self, query, headers, body) -> tuple:
        role = "read" if headers["Authorization"].endswith(READ_TOKEN) else "write"
        token = {"displayName": "of the test", "role": role, "createdAt": "2026-01-01T00:00:00.000Z"}
        orgs = [{"type": "org", "name": self.owner, "roleInOrg": "write"}]
        return 200, {"type": "user", "name": "anna", "orgs": orgs, "auth": {"type": "access_token", "accessToken": token}}, {}

    def refs(self, query, headers, body, repo_id) -> tuple:
        if repo_id not in self.repositories:
            return _no_repository()
        repository = self.repositories[repo_id]
        main = {"name": "main", "ref": "refs/heads/main", "targetCommit": repository.revision}
        tags = [{"name": n, "ref": f"refs/tags/{n}", "targetCommit": commit} for n, commit in repository.tags.items()]
        return 200, {"branches": [main], "converts": [], "tags": tags}, {}

    def tag(self, query, headers, body, repo_id, revision) -> tuple:
        asked = json.loads(body)["tag"]
        tags = self.repositories[repo_id].tags
        if asked in tags:
            return 409, {"error": "Tag reference exists already"}, {}
        tags[asked] = revision
        return 200, b"", {}

    def preupload(self, query, headers, body, repo_id) -> tuple:
        if repo_id not in self.repositories:
            return _no_repository()
        modes = [
            {"path": file["path"], "uploadMode": _mode(file["path"]), "shouldIgnore": False, "oid": None}
            for file in json.loads(body)["files"]
        ]
        return 200, {"files": modes}, {}

    def lfs_batch(self, query, headers, body, repo_id) -> tuple:
        objects = []
        for wanted in json.loads(body)["objects"]:
            known = {"oid": wanted["oid"], "size": wanted["size"]}
            if wanted["oid"] not in self._objects:
                known["actions"] = {"upload": {"href": f"{self.url}/lfs/{wanted['oid']}"}}
            objects.append(known)
        return 200, {"transfer": "basic", "objects": objects}, {"Content-Type": "application/vnd.git-lfs+json"}

    def lfs_put(self, query, headers, body, oid) -> tuple:
        if hashlib.sha256(body).hexdigest() != oid:
            return 400, {"error": "these are other bytes"}, {}
        self._objects[oid] = body
        return 200, b"", {}

    def commit(self, query, headers, body, repo_id) -> tuple:
        repository = self.repositories.get(repo_id)
        if repository is None:
            return _no_repository()
        self.before_commit()
        head, *operations = [json.loads(line) for line in body.splitlines() if line.strip()]
        if head["value"].get("parentCommit") not in (None, repository.revision):
            return 412, {"error": "A commit has happened since"}, {}
        files = dict(repository.files)
        for operation in operations:
            kind, value = operation["key"], operation["value"]
            if kind == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif kind == "lfsFile":
                files[value["path"]] = self._objects[value["oid"]]
            elif kind == "deletedFile":
                del files[value["path"]]
        repository.files = files
        repository.messages.append(head["value"]["summary"])
        repository.revision = hashlib.sha1(body + repository.revision.encode()).hexdigest()
        address = f"{self.url}/datasets/{repo_id}/commit/{repository.revision}"
        return 200, {"success": True, "commitOid": repository.revision, "commitUrl": address}, {}


def _mode(path: str) -> str:
    return "lfs" if path.endswith(LFS_SUFFIXES) else "regular"


def _sibling(path: str, data: bytes) -> dict:
    """As the Hub describes a file when asked for `blobs`: a large one by the SHA-256 of its bytes, too."""
    pointer = {"lfs": {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}}
    blob_id = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    return {"rfilename": path, "size": len(data), "blobId": blob_id, **(pointer if _mode(path) == "lfs" else {})}


def _no_repository() -> tuple:
    return 404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"}


REPO_ID = r"([^/]+/[^/]+)"
ROUTES = (
    (("POST",), r"/api/repos/create", HubStub.create),
    (("POST",), r"/api/validate-yaml", HubStub.validate_yaml),
    (("GET",), r"/api/whoami-v2", HubStub.whoami),
    (("GET",), rf"/api/datasets/{REPO_ID}/refs", HubStub.refs),
    (("POST",), rf"/api/datasets/{REPO_ID}/tag/([0-9a-f]{{40}})", HubStub.tag),
    (("GET",), rf"/api/datasets/{REPO_ID}", HubStub.info),
    (("GET",), rf"/api/datasets/{REPO_ID}/revision/([^/]+)", HubStub.info),
    (("POST",), rf"/api/datasets/{REPO_ID}/preupload/main", HubStub.preupload),
    (("POST",), rf"/api/datasets/{REPO_ID}/commit/main", HubStub.commit),
    (("POST",), rf"/datasets/{REPO_ID}\.git/info/lfs/objects/batch", HubStub.lfs_batch),
    (("PUT",), r"/lfs/([0-9a-f]{64})", HubStub.lfs_put),
)
