"""The OpenAPI document, checked against the running server by schemathesis."""

from pathlib import Path
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.live import Live

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
OPERATIONS = [
    "DELETE /v1/account/keys/{id}",
    "DELETE /v1/admin/keys/{id}",
    "DELETE /v1/tasks/{id}",
    "DELETE /v1/voice-chat/{conversation_id}",
    "DELETE /v1/voices/{id}",
    "GET /elevenlabs/v1/models",
    "GET /elevenlabs/v1/voices",
    "GET /elevenlabs/v1/voices/{voice_id}",
    "GET /elevenlabs/v2/voices",
    "GET /health/live",
    "GET /health/ready",
    "GET /metrics",
    "GET /static/downloads/{id}/{name}",
    "GET /v1/account",
    "GET /v1/account/keys",
    "GET /v1/account/usage",
    "GET /v1/account/webhook-secret",
    "GET /v1/account/webhooks/deliveries",
    "GET /v1/admin/accounts",
    "GET /v1/admin/accounts/{id}",
    "GET /v1/admin/accounts/{id}/usage",
    "GET /v1/admin/audit",
    "GET /v1/admin/keys",
    "GET /v1/admin/model-tasks",
    "GET /v1/admin/model-tasks/{id}",
    "GET /v1/admin/models",
    "GET /v1/audio/models",
    "GET /v1/audio/tmp/{name}",
    "GET /v1/audio/voices",
    "GET /v1/models",
    "GET /v1/models/{model}",
    "GET /v1/results/{name}",
    "GET /v1/speech/languages",
    "GET /v1/speech/models",
    "GET /v1/speech/results",
    "GET /v1/speech/subtitles",
    "GET /v1/speech/voices",
    "GET /v1/tasks",
    "GET /v1/tasks/{id}",
    "GET /v1/transcribe/results",
    "GET /v1/tts/batch/result",
    "GET /v1/voice-chat",
    "GET /v1/voice-chat/{conversation_id}",
    "GET /v1/voices",
    "GET /v1/voices/preview/{voice}.mp3",
    "GET /v1/voices/{id}",
    "PATCH /v1/account/keys/{id}",
    "PATCH /v1/admin/accounts/{id}",
    "PATCH /v1/admin/keys/{id}",
    "PATCH /v1/voices/{id}",
    "POST /elevenlabs/v1/speech-to-text",
    "POST /elevenlabs/v1/text-to-speech/{voice_id}",
    "POST /elevenlabs/v1/text-to-speech/{voice_id}/stream",
    "POST /elevenlabs/v1/text-to-speech/{voice_id}/stream/with-timestamps",
    "POST /elevenlabs/v1/text-to-speech/{voice_id}/with-timestamps",
    "POST /v1/account/keys",
    "POST /v1/account/webhook-secret/rotate",
    "POST /v1/admin/accounts",
    "POST /v1/admin/accounts/{id}/credits",
    "POST /v1/admin/models/{model}/install",
    "POST /v1/admin/models/{model}/load",
    "POST /v1/admin/models/{model}/pull",
    "POST /v1/admin/models/{model}/unload",
    "POST /v1/audio/analyze",
    "POST /v1/audio/convert",
    "POST /v1/audio/dereverb",
    "POST /v1/audio/enhance",
    "POST /v1/audio/separate",
    "POST /v1/audio/speech",
    "POST /v1/audio/transcriptions",
    "POST /v1/audio/translations",
    "POST /v1/realtime/client_secrets",
    "POST /v1/speech-to-speech",
    "POST /v1/speech-translate",
    "POST /v1/stt",
    "POST /v1/transcribe",
    "POST /v1/tts",
    "POST /v1/tts/batch",
    "POST /v1/tts/clone",
    "POST /v1/voice-chat",
    "POST /v1/voice-clone",
    "POST /v1/voice-convert",
    "POST /v1/voices",
]

MAY_LACK_WEIGHTS = {
    "POST /v1/audio/enhance",
    "POST /v1/audio/separate",
    "POST /v1/speech-to-speech",
    "POST /v1/tts/clone",
    "POST /v1/voice-clone",
    "POST /v1/voice-convert",
    "POST /v1/voices",
}
"""These may need models whose weights are only on their publishers' hubs."""
AT_WORK = {"POST /v1/voice-chat"}
"""These do all of their work for most valid input."""
TAKES_INVALID_INPUT = {name for name in OPERATIONS if name.startswith("POST")} | {
    "GET /v1/voices",
    "GET /elevenlabs/v2/voices",
}


@pytest.fixture(scope="module")
def crowd_key(server: Live) -> str:
    return server.new_key(plan="crowd", credits=1_000_000, admin=True)[1]


@pytest.fixture(scope="module")
def operations(server: Live, weights_of_registries: list[Path]) -> dict[str, Any]:
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json", timeout=300)
    known: list[Any] = [cast(Any, operation).ok() for operation in schema.get_all_operations()]
    return {operation.label: operation for operation in known}


def test_every_operation_is_checked_below(operations: dict[str, Any]) -> None:
    assert sorted(operations) == OPERATIONS


@pytest.mark.parametrize("most", [8, pytest.param(40, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_answer_conforms_to_the_schema(name: str, operations: dict[str, Any], crowd_key: str, most: int) -> None:
    def conforms(case: Any) -> None:
        answer = case.call(headers={"Authorization": f"Bearer {crowd_key}"}, timeout=300)
        unfetched = name in MAY_LACK_WEIGHTS and answer.status_code == 503
        case.validate_response(
            answer, checks=[check for check in CHECKS if not (unfetched and check is not_a_server_error)]
        )
        if unfetched:
            assert "Run: " in answer.json()["error"]["message"]

    count = 6 if name in AT_WORK or "/v1/admin/" in name else most
    bounded = settings(max_examples=count, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
    for mode in schemathesis.GenerationMode if name in TAKES_INVALID_INPUT else [schemathesis.GenerationMode.POSITIVE]:
        bounded(given(operations[name].as_strategy(generation_mode=mode))(conforms))()


@pytest.mark.parametrize(("path", "text"), [("/v1/tts", "text"), ("/v1/audio/speech", "input")])
def test_any_words_for_the_demo_voice_are_answered(server: Live, crowd_key: str, path: str, text: str) -> None:
    """Generated requests seldom name an existing model and voice; these reach the engine."""
    with server.client(crowd_key) as client:
        for words in ("a", "0", "…", "ß" * 300, "Ω≈ç√∫", "١٢٣", "\u202eabc", "a\u0301" * 50, "<speak>hi</speak>", "𝓗𝓲"):
            answer = client.post(path, json={"model": "tone", "voice": "tone_a", text: words})
            refused = words == "…" and path == "/v1/tts"  # OpenAI's clients get a pause
            assert answer.status_code == (400 if refused else 200), words
