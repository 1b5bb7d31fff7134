"""A chat server on loopback that speaks OpenAI's protocol as vLLM, Ollama and llama.cpp do.

By default it reads the question as a model would: it answers the lines of a transcript with points of them, and a list of
points with an abstract. `plan` holds answers that come before that, one for each question.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-stub-key-that-nobody-may-see"
LINE = re.compile(r"^\[(\d+:\d\d)\] (.+)$", re.MULTILINE)
GIVEN = re.compile(r'^\{"at": "(\d+:\d\d)", "text": "(.+)"\}$', re.MULTILINE)


@dataclass
class Reply:
    """What to answer: words of the model, or a status with a body. `hang_s` waits before it."""

    text: str | None = None
    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    hang_s: float = 0.0


class ChatStub:
    def __init__(self, model: str = "stub-model"):
        self.model = model
        self.requests: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.plan: list[Reply] = []
        self.says: Callable[[str], str] = read_honestly
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def start(self) -> ChatStub:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reply(self, question: str) -> Reply:
        return self.plan.pop(0) if self.plan else Reply(self.says(question))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                stub.paths.append(self.path)
                self._send(Reply(status=404, body=b"{}"))

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                stub.paths.append(self.path)
                stub.requests.append(asked | {"headers": dict(self.headers)})
                if self.headers.get("Authorization", f"Bearer {KEY}") != f"Bearer {KEY}":
                    self._send(Reply(status=401, body=b'{"error": {"message": "Incorrect API key provided"}}'))
                elif self.path != "/v1/chat/completions" or asked["model"] != stub.model:
                    self._send(Reply(status=404, body=b'{"error": "model not found"}'))
                else:
                    self._send(stub.reply(asked["messages"][-1]["content"]))

            def _send(self, reply: Reply) -> None:
                time.sleep(reply.hang_s)
                body = completion(reply.text or "") if reply.body is None else reply.body
                self.send_response(reply.status)
                usual = {"Content-Type": "application/json", "Content-Length": str(len(body))}
                for name, value in (usual | reply.headers).items():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # a client that has gone
                    self.wfile.write(body)

        return Handler


def completion(text: str | None, **message: Any) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": "stop"}
    return json.dumps({"id": "1", "object": "chat.completion", "choices": [choice]}).encode()


def read_honestly(question: str) -> str:
    """A topic, every third line as a point, and what ends in a question mark as a question; of points an abstract."""
    lines = LINE.findall(question)
    if lines:
        found = [{"at": lines[0][0], "kind": "topic", "text": lines[0][1][:60]}]
        found += [{"at": at, "kind": "point", "text": text} for at, text in lines[::3]]
        found += [{"at": at, "kind": "question", "text": text} for at, text in lines if text.endswith("?")]
    else:
        points = GIVEN.findall(question)
        found = [{"at": [at], "kind": "abstract", "text": text} for at, text in points[:3]]
    return "\n".join(json.dumps(one, ensure_ascii=False) for one in found)
