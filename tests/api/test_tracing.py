"""Traces of requests and jobs, as a collector receives them."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.collector import Collector, Received, collector
from tests.live import Live, live

from ttsai_server.settings import Models, Settings, Tracing

TONE = {"model": "tone", "voice": "tone_a", "text": "la la la"}
TRACE, CLIENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
FROM_CLIENT = {"traceparent": f"00-{TRACE}-{CLIENT}-01"}


def traced(folder: Path, url: str, share: float = 1) -> Settings:
    tracing = Tracing(endpoint=url, share=share, service="speech of the test")
    models = Models(demo=True, options={"tone": {"fail_on": "this breaks the engine"}})
    return Settings(data_dir=folder, models=models, tracing=tracing)


def do_job(server: Live) -> None:
    client = server.client()
    job = client.post("/v1/tts", json={**TONE, "text": "lo lo", "async": True}).json()
    while client.get(f"/v1/speech/results?uuid={job['uuid']}").json()["status"] not in ("completed", "failed"):
        time.sleep(0.05)


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """What is collected of a server's life, all of which is sent when it ends."""
    with collector() as received:
        with live(traced(tmp_path_factory.mktemp("traced"), received.url), jobs=True) as server:
            server.client().post("/v1/tts", json=TONE, headers=FROM_CLIENT)
            server.client().post("/v1/audio/speech", json={**TONE, "input": "this breaks the engine"})
            server.client().get("/health/live")
            server.client().get("/metrics")
            do_job(server)
        yield received


def of_client(collected: Collector) -> list[Received]:
    return [span for span in collected.spans if span.trace == TRACE]


def test_a_request_goes_on_with_the_trace_of_its_client(collected: Collector) -> None:
    (request,) = (span for span in of_client(collected) if span.parent == CLIENT)
    assert (request.name, request.service) == ("POST /v1/tts", "speech of the test")
    assert request.attributes["http.response.status_code"] == 200
    assert 0 < request.attributes["ttsai.first_byte_seconds"] < 60
    assert request.failed is None


def test_the_loading_of_a_model_and_its_work_belong_to_the_request(collected: Collector) -> None:
    request = next(span for span in of_client(collected) if span.parent == CLIENT)
    below = {span.name: span for span in of_client(collected) if span.parent == request.id}
    assert below.keys() == {"load", "synthesize"}
    assert below["synthesize"].attributes["ttsai.model"] == "tone"
    assert below["synthesize"].attributes["ttsai.sound_seconds"] == pytest.approx(8 * 0.06, abs=0.01)


def test_a_job_belongs_to_the_request_that_it_comes_from(collected: Collector) -> None:
    job = collected.named("job tts")
    request = next(span for span in collected.spans if span.id == job.parent)
    assert request.name == "POST /v1/tts"
    assert request.trace == job.trace != TRACE
    assert [span.name for span in collected.spans if span.parent == job.id] == ["synthesize"]


def test_what_fails_in_an_engine_is_marked_as_failed(collected: Collector) -> None:
    request = collected.named("POST /v1/audio/speech")
    (work,) = (span for span in collected.spans if span.parent == request.id)
    assert (work.name, work.failed) == ("synthesize", "EngineFailed: The engine was told to fail here.")


def test_what_watches_the_server_is_not_traced(collected: Collector) -> None:
    assert not [span for span in collected.spans if "health" in span.name or "metrics" in span.name]


def test_of_traces_that_are_not_kept_nothing_is_sent(tmp_path: Path) -> None:
    with collector() as received:
        with live(traced(tmp_path, received.url, share=0)) as server:
            assert server.client().post("/v1/tts", json=TONE, headers=FROM_CLIENT).status_code == 200
        assert received.spans == []


def test_a_collector_that_does_not_answer_disturbs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "1")  # seconds; as it ends, it tries that long
    with live(traced(tmp_path, "http://127.0.0.1:1/v1/traces")) as server:
        assert server.client().post("/v1/tts", json=TONE).status_code == 200
