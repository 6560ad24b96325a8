"""Our OpenAPI, held against the running server by schemathesis."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.live import Live

HELD = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="session")
def crowd_key(server: Live) -> str:
    return server.new_key(plan="crowd", credits=1_000_000)[1]


@pytest.fixture(scope="session")
def api(server: Live) -> Any:
    return schemathesis.openapi.from_url(f"{server.url}/openapi.json")


schema = schemathesis.pytest.from_fixture("api")


@schema.parametrize()
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_that_the_schema_tells_of(case: Any, crowd_key: str) -> None:
    case.call_and_validate(headers={"Authorization": f"Bearer {crowd_key}"}, checks=HELD)


@pytest.mark.parametrize("body", ["speech", "openai"])
def test_any_body_for_the_demo_voice_is_answered(server: Live, crowd_key: str, body: str) -> None:
    """The generator above seldom hits on a model and a voice that exist; these requests reach the engine."""
    path, text = ("/v1/tts", "text") if body == "speech" else ("/v1/audio/speech", "input")
    with server.client(crowd_key) as client:
        for words in ("a", "0", "…", "ß" * 300, "Ω≈ç√∫", "١٢٣", "\u202eabc", "a\u0301" * 50, "<speak>hi</speak>", "𝓗𝓲"):
            answer = client.post(path, json={"model": "tone", "voice": "tone_a", text: words})
            assert answer.status_code in {200, 400}
