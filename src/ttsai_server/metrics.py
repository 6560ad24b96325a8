"""What is counted, for /metrics. Each server has a registry of its own."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

LATENCY_SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


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
        self.audio_seconds = Counter("ttsai_audio_seconds", "Sound made.", ("model",), registry=self.registry)
        self.characters = Counter("ttsai_characters", "Text spoken.", ("model",), registry=self.registry)
        self.credits = Counter("ttsai_credits", "Credits charged.", ("model",), registry=self.registry)
        self.abandoned = Counter("ttsai_abandoned", "Requests whose client left.", ("path",), registry=self.registry)
