"""A chat model's server, with OpenAI's chat API, that writes as slowly as a large model: so many words a second."""

import json
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WORDS_PER_SECOND = 10.0
FIRST = "The night train from the coast was late again this morning."
"""The first sentence of each answer."""
REST = " That is because of the snow, they say. It should be here by noon, so there is time for a coffee."
NAME = "slow"


def first_sentence_seconds() -> float:
    """How long it writes until the first sentence is complete: it is once the next word begins."""
    return (len(FIRST.split()) + 1) / WORDS_PER_SECOND


@contextmanager
def slow_writer() -> Generator[str]:
    """→ its base URL."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}/v1"
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        with suppress(BrokenPipeError):  # who has measured the first sound leaves
            for word in (FIRST + REST).split():
                time.sleep(1 / WORDS_PER_SECOND)
                self._send({"choices": [{"index": 0, "delta": {"content": f"{word} "}, "finish_reason": None}]})
            self._send({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
            self.wfile.write(b"data: [DONE]\n\n")

    def _send(self, chunk: object) -> None:
        self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""
