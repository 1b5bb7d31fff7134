"""A Hugging Face Hub on loopback that gives out the files of models: what fetching weights asks of the real one."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

LARGE = ("model.bin", ".onnx", ".safetensors")
COMMIT = "1" * 40


class ModelsStub:
    """`files` are given out as they are; the hashes stated are those of `stated`, the same unless a test says otherwise.

    `others` are further repositories, whose files are as stated. `revisions` are known beside the newest. Files are given only
    to whoever shows `token`, unless that is "". `cuts` says after how many bytes of a file the connection is cut, once; while
    `is_away` the server answers nothing of use, as it does itself after a cut when `is_away_after_cut`.
    """

    def __init__(self, repository: str, files: dict[str, bytes], others: dict[str, dict[str, bytes]] | None = None):
        self.repository, self.files, self.stated, self.others = repository, files, dict(files), others or {}
        self.requests: list[str] = []
        self.ranges: list[str] = []
        self.keys: set[str] = set()
        self.revisions: set[str] = {COMMIT}
        self.token, self.cuts = "", dict[str, int]()
        self.is_away = self.is_away_after_cut = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> ModelsStub:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(stub) -> type[BaseHTTPRequestHandler]:  # noqa: N805 (the handler's own self is in the inner class)
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args) -> None:
                pass

            def answer(self) -> None:
                path, key = unquote(urlsplit(self.path).path), self.headers.get("Authorization", "")
                stub.requests.append(f"{self.command} {path}")
                stub.keys |= {key} - {""}
                status, data, headers = (503, b"", {}) if stub.is_away else stub._answer(path, key)
                if status == 200 and (begin := self.headers.get("Range", "")):
                    stub.ranges.append(begin)
                    first, whole = int(begin.removeprefix("bytes=").rstrip("-")), len(data)
                    status, data = 206, data[first:]
                    headers = headers | {"Content-Range": f"bytes {first}-{whole - 1}/{whole}"}
                self.send_response(status)
                for name, value in ({"Content-Length": len(data)} | headers).items():
                    self.send_header(name, str(value))
                self.end_headers()
                cut = stub.cuts.pop(path.rsplit("/")[-1], None) if status == 200 and "/resolve/" in path else None
                if self.command != "HEAD":
                    self.wfile.write(data[:cut])
                if cut is not None:
                    stub.is_away, self.close_connection = stub.is_away_after_cut, True

            do_GET = do_HEAD = answer

        return Handler

    def _answer(self, path: str, key: str) -> tuple[int, bytes, dict[str, str]]:
        for repository, (files, stated) in self._repositories().items():
            about = f"/api/models/{repository}"
            if path.startswith(f"{about}/revision/") and path.rsplit("/")[-1] not in self.revisions:
                return 404, b"{}", {"X-Error-Code": "RevisionNotFound"}
            if path == about or path.startswith(f"{about}/revision/"):
                return 200, json.dumps(_described(repository, stated)).encode(), {"Content-Type": "application/json"}
            begin = f"/{repository}/resolve/{COMMIT}/"
            name = path.removeprefix(begin)
            if path.startswith(begin) and self.token and key != f"Bearer {self.token}":
                return 403, b"{}", {"X-Error-Code": "GatedRepo"}
            if path.startswith(begin) and name in files:
                data = stated[name]
                etag = hashlib.sha256(data).hexdigest() if name.endswith(LARGE) else _git(data)
                return 200, files[name], {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        if path.startswith("/api/models/"):
            return 401, b"{}", {"X-Error-Code": "RepoNotFound"}
        return 404, b"{}", {"X-Error-Code": "EntryNotFound"}

    def _repositories(self) -> dict[str, tuple[dict[str, bytes], dict[str, bytes]]]:
        return {self.repository: (self.files, self.stated)} | {name: (files, files) for name, files in self.others.items()}


def _described(repository: str, stated: dict[str, bytes]) -> dict:
    siblings = []
    for name, data in stated.items():
        lfs = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
        about = {"rfilename": name, "size": len(data), "blobId": _git(data)}
        siblings.append(about | ({"lfs": lfs} if name.endswith(LARGE) else {}))
    return {"_id": "1" * 24, "id": repository, "sha": COMMIT, "siblings": siblings, "tags": [], "private": False}


def _git(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
