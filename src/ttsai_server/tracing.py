"""OpenTelemetry traces: the way of a request, and of its job, through the server and its models.

A request, and the work on a job, begin a span (`Tracer.begin`); what they do below it are spans of `span`, all of them
children of that one. They are not nested further, because most are made in async generators, which may be closed in
another context than they began in.
"""

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from opentelemetry import trace
    from opentelemetry.context import Context

Attributes = Mapping[str, str | int | float | bool]


class Span:
    """One piece of work in a trace; this one is recorded nowhere."""

    def set(self, attributes: Attributes) -> None:
        """Add or replace attributes."""

    def rename(self, name: str) -> None:
        """For a span whose name is known only at its end."""

    def fail(self, why: str) -> None:
        """Mark it as failed, where no exception shows that."""


class Tracer(ABC):
    """Begins traces and continues them."""

    @abstractmethod
    def begin(
        self, name: str, kind: Literal["server", "consumer"], attributes: Attributes, parent: str = ""
    ) -> AbstractContextManager[Span]:
        """A span to which the spans made in its context, and in tasks begun there, belong.

        parent: W3C trace context (`traceparent`) of what it continues; empty or malformed: it begins a trace.
        """

    @abstractmethod
    def adopt(self, parent: str) -> None:
        """Let the spans made from now on in this context belong to the span of another process.

        parent: its `traceparent`; empty: nothing happens.
        """

    @abstractmethod
    def close(self) -> None:
        """Send what has not been sent yet. Blocking, seconds if nothing answers."""


class NoTracer(Tracer):
    def begin(
        self, name: str, kind: Literal["server", "consumer"], attributes: Attributes, parent: str = ""
    ) -> AbstractContextManager[Span]:
        return nullcontext(UNRECORDED)

    def adopt(self, parent: str) -> None:
        """Nothing belongs to anything."""

    def close(self) -> None:
        """Nothing to send."""


class OtlpTracer(Tracer):
    """Sends spans to a collector by OTLP over HTTP, in batches, from a thread of its own."""

    def __init__(self, endpoint: str, share: float, service: str) -> None:
        """endpoint: the collector's URL. share: of traces, by their ids: all processes choose the same ones.

        Raises ModuleNotFoundError without the extra `tracing`.
        """
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError("Tracing needs the extra: pip install 'ttsai-server[tracing]'") from error
        self._provider = TracerProvider(
            sampler=TraceIdRatioBased(share),
            resource=Resource.create({"service.name": service}),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint)))
        self._tracer = self._provider.get_tracer("ttsai_server")

    @contextmanager
    def begin(
        self, name: str, kind: Literal["server", "consumer"], attributes: Attributes, parent: str = ""
    ) -> Generator[Span]:
        from opentelemetry import trace

        context = _context(parent)
        made = self._tracer.start_span(name, context, trace.SpanKind[kind.upper()], attributes)
        before = _here.set(_Here(self._tracer, trace.set_span_in_context(made, context)))
        try:
            with _ending(made) as span:
                yield span
        finally:
            _here.reset(before)

    def adopt(self, parent: str) -> None:
        if parent:
            _here.set(_Here(self._tracer, _context(parent)))

    def close(self) -> None:
        self._provider.shutdown()


def open_tracer(endpoint: str, share: float, service: str) -> Tracer:
    """As `OtlpTracer`; an empty endpoint: nothing is traced."""
    return OtlpTracer(endpoint, share, service) if endpoint else NoTracer()


def span(name: str, attributes: Attributes) -> AbstractContextManager[Span]:
    """A span below the one that `Tracer.begin` has made in this context; without one, it is recorded nowhere.

    An exception fails it; if it is left by a cancellation, it is not whole, but nothing has failed.
    """
    here = _here.get()
    return _ending(here.tracer.start_span(name, here.context, attributes=attributes)) if here else UNTRACED


def traceparent() -> str:
    """W3C trace context of the span that this context belongs to, for another process; empty: of none."""
    if not (here := _here.get()):
        return ""
    carrier: dict[str, str] = {}
    _propagator().inject(carrier, here.context)
    return carrier.get("traceparent", "")


@dataclass(frozen=True, slots=True)
class _Here:
    """What the spans made in a context belong to."""

    tracer: "trace.Tracer"
    context: "Context"


class _Recorded(Span):
    def __init__(self, made: "trace.Span") -> None:
        self._made = made

    def set(self, attributes: Attributes) -> None:
        self._made.set_attributes(attributes)

    def rename(self, name: str) -> None:
        self._made.update_name(name)

    def fail(self, why: str) -> None:
        from opentelemetry.trace import Status, StatusCode

        self._made.set_status(Status(StatusCode.ERROR, why))


@contextmanager
def _ending(made: "trace.Span") -> Generator[Span]:
    recorded = _Recorded(made)
    try:
        yield recorded
    except Exception as error:
        made.record_exception(error)
        recorded.fail(f"{type(error).__name__}: {error}")
        raise
    finally:
        made.end()


def _propagator():
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator()


def _context(parent: str) -> "Context":
    from opentelemetry.context import Context

    return _propagator().extract({"traceparent": parent}, Context())


_here: ContextVar[_Here | None] = ContextVar("_here", default=None)
UNRECORDED = Span()
UNTRACED = nullcontext(UNRECORDED)
