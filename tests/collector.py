"""A collector of OpenTelemetry traces for tests: takes OTLP over HTTP on a free port and keeps the spans."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Received:
    name: str
    service: str
    trace: str
    """Hexadecimal, as the other ids."""
    id: str
    parent: str
    """Empty: it has none."""
    attributes: dict[str, Any]
    failed: str | None
    """Why; None: it has not."""


@dataclass
class Collector:
    url: str
    spans: list[Received] = field(default_factory=list[Received])

    def named(self, name: str) -> Received:
        """The one span of this name."""
        (span,) = (span for span in self.spans if span.name == name)
        return span


@contextmanager
def collector() -> Generator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.spans.extend(_spans(ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        received = Collector(f"http://127.0.0.1:{server.server_port}/v1/traces")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield received
        finally:
            server.shutdown()
            thread.join()


def _spans(request: ExportTraceServiceRequest) -> Generator[Received]:
    for of_service in request.resource_spans:
        service = _values(of_service.resource.attributes)["service.name"]
        for span in (span for scope in of_service.scope_spans for span in scope.spans):
            yield Received(
                name=span.name,
                service=service,
                trace=span.trace_id.hex(),
                id=span.span_id.hex(),
                parent=span.parent_span_id.hex(),
                attributes=_values(span.attributes),
                failed=span.status.message if span.status.code == span.status.STATUS_CODE_ERROR else None,
            )


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}
