"""A small server with OpenAI's chat API, on loopback: it says what a test prescribes, and waits where the test says."""

import json
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WAIT_SECONDS = 120


class Dies:
    """In the place of a part: the connection breaks."""


Part = str | threading.Event | Dies | dict[str, Any]
"""A part of an answer; a whole chunk; or an event that is waited for before the next one is written."""


@dataclass
class TestChatServer:
    __test__ = False

    url: str = ""
    answers: list[Sequence[Part]] = field(default_factory=list[Sequence[Part]])
    """To the requests in their order; the last one is repeated."""
    refusal: int | None = None
    """The status of every answer, instead."""
    requests: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    keys: list[str | None] = field(default_factory=list[str | None])

    def next(self) -> Sequence[Part]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    @property
    def said(self) -> list[tuple[str, str]]:
        """Role and text of the messages of the last request."""
        return [(message["role"], message["content"]) for message in self.requests[-1]["messages"]]


@contextmanager
def chat_server() -> Generator[TestChatServer]:
    server = TestChatServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/v1/chat/completions"
            server.requests.append(json.loads(body))
            server.keys.append(self.headers["Authorization"])
            self.close_connection = True
            self.send_response(server.refusal or 200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            if not server.refusal:
                self._say(server.next())

        def _say(self, parts: Sequence[Part]) -> None:
            for part in parts:
                if isinstance(part, Dies):
                    return
                if isinstance(part, dict):
                    self._send(part)
                elif isinstance(part, str):
                    self._send({"choices": [{"index": 0, "delta": {"content": part}, "finish_reason": None}]})
                else:
                    assert part.wait(WAIT_SECONDS)
            self._send({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
            self.wfile.write(b"data: [DONE]\n\n")

        def _send(self, chunk: dict[str, Any]) -> None:
            self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
            self.wfile.flush()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = False
    server.url = f"http://127.0.0.1:{http.server_port}/v1"
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
