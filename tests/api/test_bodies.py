"""What clients may write in a body: nulls, OpenAI's voices, numbers for booleans; and what errors call a field."""

from io import BytesIO
from typing import Any

import pytest
from tests.live import Live

from ttsai_server.api.account_schemas import KeyBody
from ttsai_server.api.bodies import BatchBody, Body, OpenAISpeechBody, SpeechBody

TONE = {"model": "tone", "voice": "tone_a", "text": "la la"}
OPENAI = {"model": "tone", "voice": "tone_a", "input": "la la"}
BODIES: dict[str, tuple[type[Body], dict[str, Any]]] = {
    "/v1/tts/": (SpeechBody, TONE),
    "/v1/audio/speech": (OpenAISpeechBody, OPENAI),
    "/v1/tts/batch/": (BatchBody, {"texts": [TONE]}),
    "/v1/account/keys/": (KeyBody, {}),
}


def optional(body: type[Body]) -> list[str]:
    fields = body.model_fields.items()
    return [field.alias or name for name, field in fields if not field.is_required()]


@pytest.mark.parametrize("path", BODIES)
def test_null_is_as_good_as_absent_for_every_optional_field(server: Live, path: str) -> None:
    kind, body = BODIES[path]
    answer = server.client().post(path, json={**body, **dict.fromkeys(optional(kind))})
    assert answer.status_code == 200, answer.text


def test_null_is_as_good_as_absent_in_an_item_of_a_batch_and_for_an_unknown_field(server: Live) -> None:
    nulls = dict.fromkeys([*optional(SpeechBody), "exaggeration"])
    assert server.client().post("/v1/tts/batch/", json={"texts": [{**TONE, **nulls}]}).status_code == 200
    assert "Warning" not in server.client().post("/v1/tts/", json={**TONE, **nulls}).headers


@pytest.mark.parametrize(
    ("path", "field"), [("/v1/tts/", "text"), ("/v1/audio/speech", "input"), ("/v1/tts/", "model")]
)
def test_null_for_a_required_field_is_told_as_its_absence(server: Live, path: str, field: str) -> None:
    answer = server.client().post(path, json={**BODIES[path][1], field: None})
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, f"'{field}' is required.")


@pytest.mark.parametrize("path", ["/v1/tts/", "/v1/audio/speech"])
def test_a_voice_may_be_an_object_with_an_id(server: Live, path: str) -> None:
    body = BODIES[path][1]
    plain = server.client().post(path, json=body)
    assert server.client().post(path, json={**body, "voice": {"id": "tone_a"}}).content == plain.content


@pytest.mark.parametrize("voice", [{}, {"id": 5}, {"id": None}, {"name": "tone_a"}, ["tone_a"], 5])
def test_any_other_object_is_no_voice(server: Live, voice: object) -> None:
    answer = server.client().post("/v1/audio/speech", json={**OPENAI, "voice": voice})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "voice")


@pytest.mark.parametrize(
    ("path", "status"), [("/v1/tts/", 404), ("/v1/audio/speech", 400), ("/api/v1/audio/speech", 400)]
)
def test_an_unknown_voice_is_404_but_400_for_openais_clients(server: Live, path: str, status: int) -> None:
    answer = server.client().post(path, json={**TONE, **OPENAI, "voice": "nobody"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, "voice")


@pytest.mark.parametrize(
    ("path", "change", "param"),
    [
        ("/v1/tts/", {"text": "…"}, "text"),
        ("/v1/tts/", {"text": "a" * 50_001}, "text"),
        ("/v1/tts/", {"format": "opus"}, "format"),
        ("/v1/audio/speech", {"input": ""}, "input"),
        ("/v1/audio/speech", {"input": "a" * 50_001}, "input"),
        ("/v1/audio/speech", {"input": 5}, "input"),
        ("/v1/audio/speech", {"response_format": "midi"}, "response_format"),
    ],
)
def test_an_error_names_the_field_as_the_client_has_sent_it(
    server: Live, path: str, change: dict[str, Any], param: str
) -> None:
    error = server.client().post(path, json={**BODIES[path][1], **change}).json()["error"]
    assert error["param"] == param
    assert f"'{param}'" in error["message"]


@pytest.mark.parametrize("boost", ["true", "false", "True", "0", "1", "0.35", "1.0"])
def test_boost_is_a_boolean_or_a_number_from_0_to_1(server: Live, boost: str) -> None:
    answer = server.client().post(
        "/v1/voice-clone/",
        data={"text": "a", "boost": boost, "model": "nobody"},
        files={"reference_audio": BytesIO(b"RIFF")},
    )
    assert answer.json()["error"]["param"] == "model"  # the body was accepted


@pytest.mark.parametrize("boost", ["2", "-0.1", "nan", "inf", "loud", "9" * 5000])
def test_any_other_boost_is_400(server: Live, boost: str) -> None:
    answer = server.client().post(
        "/v1/voice-clone/", data={"text": "a", "boost": boost}, files={"reference_audio": BytesIO(b"RIFF")}
    )
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "boost")


def test_the_schema_says_so(server: Live) -> None:
    fields = server.client().get("/openapi.json").json()["components"]["schemas"]["OpenAISpeechBody"]["properties"]
    assert {"type": "null"} in fields["speed"]["anyOf"]
    assert "null" not in str(fields["input"])
    assert fields["voice"]["anyOf"][1]["required"] == ["id"]
