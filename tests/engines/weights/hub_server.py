"""A model hub on loopback: serves files under <repository>/resolve/<revision>/, ranges too, and can break off."""

from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import cast


@dataclass
class Hub:
    files: dict[str, bytes]
    """Path after the host, without its first slash → content."""
    url: str = ""
    requests: list[tuple[str, str | None]] = field(default_factory=list[tuple[str, str | None]])
    """(path, Range header) of each request, as they came."""
    cuts: list[int] = field(default_factory=list[int])
    """The next answers break off after so many bytes of their body, in order."""
    ranges: bool = True
    """Off: a range is ignored, as some mirrors do."""
    hold: Event | None = None
    """If there is one, an answer does not break off: it pauses until this is set, and then goes on."""


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        hub, wanted = cast("_Server", self.server).hub, self.headers.get("Range")
        hub.requests.append((self.path.lstrip("/"), wanted))
        content = hub.files.get(self.path.lstrip("/"))
        if content is None:
            return self.send_error(404)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and hub.ranges else 0
        if start >= len(content) > 0:
            return self._head(416, 0, {"Content-Range": f"bytes */{len(content)}"})
        self._head(206 if start else 200, len(content) - start, {})
        return self._body(hub, content[start:])

    def _head(self, status: int, length: int, extra: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(length), **extra}.items():
            self.send_header(name, value)
        self.end_headers()

    def _body(self, hub: Hub, content: bytes) -> None:
        cut = hub.cuts.pop(0) if hub.cuts else len(content)
        self.wfile.write(content[:cut])
        if hub.hold:
            hub.hold.wait()
            with suppress(ConnectionError):
                self.wfile.write(content[cut:])
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    hub: Hub


@contextmanager
def running(files: dict[str, bytes]) -> Generator[Hub]:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.hub = Hub(files, f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.hub
        finally:
            if server.hub.hold:
                server.hub.hold.set()
            server.shutdown()
            thread.join()
