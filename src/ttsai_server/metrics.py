"""Prometheus metrics, for /metrics. Each server has its own registry."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

LATENCY_SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class State(Protocol):
    """A model's state; `runtime.base.ModelState` implements it."""

    @property
    def id(self) -> str: ...
    @property
    def loaded(self) -> bool: ...
    @property
    def memory_mb(self) -> int: ...
    @property
    def leases(self) -> int: ...
    @property
    def waiting(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Answers:
    """The metrics of responses with the same labels; cached, because looking one up costs more than counting."""

    count: Counter
    latency: Histogram
    first_byte: Histogram


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "ttsai_requests", "Requests answered.", ("path", "method", "status"), registry=self.registry
        )
        self.latency = Histogram(
            "ttsai_request_seconds",
            "From the request's arrival to the last byte of its answer.",
            ("path",),
            buckets=LATENCY_SECONDS,
            registry=self.registry,
        )
        self.first_byte = Histogram(
            "ttsai_first_byte_seconds",
            "From the request's arrival to the first byte of its answer's body.",
            ("path",),
            buckets=LATENCY_SECONDS,
            registry=self.registry,
        )
        self.in_flight = Gauge("ttsai_requests_in_flight", "Requests under way.", registry=self.registry)
        self.audio_seconds = Counter("ttsai_audio_seconds", "Sound made or heard.", ("model",), registry=self.registry)
        self.characters = Counter("ttsai_characters", "Text spoken.", ("model",), registry=self.registry)
        self.credits = Counter("ttsai_credits", "Credits charged.", ("model",), registry=self.registry)
        self.heard = Counter(
            "ttsai_heard_seconds",
            "Recordings transcribed or worked on, counted as they are.",
            ("model",),
            registry=self.registry,
        )
        self.unheard = Gauge(
            "ttsai_unheard_seconds",
            "What is still to be done of the recordings under way.",
            ("model",),
            registry=self.registry,
        )
        self.abandoned = Counter("ttsai_abandoned", "Requests whose client left.", registry=self.registry)
        self.gpu_memory = Gauge("ttsai_gpu_memory_bytes", "Memory of a GPU.", ("gpu", "name"), registry=self.registry)
        self.gpu_used = Gauge(
            "ttsai_gpu_memory_used_bytes",
            "What of it is taken, by any program.",
            ("gpu", "name"),
            registry=self.registry,
        )

        self.answers = cache(self._answers)
        """By path, method and status."""

    def watch(self, states: Callable[[], Sequence[State]]) -> None:
        """Report the models' states, read at each scrape."""
        self.registry.register(_Models(states))

    def _answers(self, path: str, method: str, status: int) -> Answers:
        count = self.requests.labels(path, method, status)
        return Answers(count, self.latency.labels(path), self.first_byte.labels(path))


@dataclass(frozen=True)
class _Models(Collector):
    states: Callable[[], Sequence[State]]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        states = self.states()
        for name, text, values in (
            ("loaded", "1 if the model is in memory.", [state.loaded for state in states]),
            ("memory_bytes", "What it takes, when loaded.", [state.memory_mb << 20 for state in states]),
            ("leases", "Requests that hold the model.", [state.leases for state in states]),
            ("queue", "Steps of work that wait for a turn.", [state.waiting for state in states]),
        ):
            family = GaugeMetricFamily(f"ttsai_model_{name}", text, labels=("model",))
            for state, value in zip(states, values, strict=True):
                family.add_metric([state.id], value)
            yield family
