"""ElevenLabs' paths, where its clients don't look: refusals, and who may call."""

import httpx
import pytest
from tests.live import Live

from ttsai_server.store.keys import PUBLISHABLE

SPEAK = "/elevenlabs/v1/text-to-speech/tone_a"


@pytest.mark.parametrize(
    ("path", "status"), [(SPEAK, 401), ("/elevenlabs/v1/nothing", 401), ("/api/elevenlabs/v1/models", 401)]
)
def test_without_a_key_nothing_is_told(server: Live, path: str, status: int) -> None:
    assert httpx.post(f"{server.url}{path}", json={"text": "La."}).status_code == status


def test_a_path_that_is_not_there_is_told_in_the_shape_of_its_api(server: Live) -> None:
    answer = server.client().get("/elevenlabs/v1/dubbing")
    assert answer.status_code == 404
    assert answer.json()["detail"]["status"] == "not_found"
    assert int(answer.headers["Content-Length"]) == len(answer.content)


def test_the_key_counts_that_is_in_its_own_header(server: Live) -> None:
    account, key = server.new_key(credits=5)
    answer = server.client().post(SPEAK, json={"text": "La."}, headers={"xi-api-key": key})
    assert (answer.status_code, answer.headers["X-Credits-Remaining"]) == (200, "4")
    assert server.account(account).available == 4
    other = server.client().get("/v1/models/", headers={"xi-api-key": "sk-tts-no"})
    assert other.status_code == 200


def test_a_publishable_key_may_not_call(server: Live) -> None:
    key = server.new_key(kind=PUBLISHABLE, origins=("https://example.org",))[1]
    answer = httpx.post(
        f"{server.url}{SPEAK}", json={"text": "La."}, headers={"xi-api-key": key, "Origin": "https://example.org"}
    )
    assert (answer.status_code, answer.json()["detail"]["status"]) == (403, "forbidden")


def test_what_has_no_effect_is_named_in_a_warning(server: Live) -> None:
    body = {"text": "La.", "seed": 7, "voice_settings": {"stability": 0.5}, "previous_text": None}
    warning = server.client().post(SPEAK, json=body).headers["Warning"]
    assert "stability, seed" in warning


@pytest.mark.parametrize(
    ("body", "query", "field"),
    [
        ({}, "", "text"),
        ({"text": "La.", "voice_settings": {"speed": 9}}, "", "voice_settings.speed"),
        ({"text": "La."}, "?output_format=mp3_1_2", "output_format"),
        ({"text": " "}, "", "text"),
    ],
)
def test_what_is_wrong_is_named(server: Live, body: dict[str, object], query: str, field: str) -> None:
    answer = server.client().post(SPEAK + query, json=body)
    assert (answer.status_code, answer.json()["detail"]["param"]) == (400, field)


@pytest.mark.parametrize(
    ("fields", "field"),
    [({}, "file"), ({"webhook": "true"}, "webhook"), ({"use_multi_channel": "true"}, "use_multi_channel")],
)
def test_what_is_not_offered_of_transcription_is_refused(server: Live, fields: dict[str, str], field: str) -> None:
    files = {"file": ("a.wav", b"RIFF")} if fields else {"other": ("a", b"")}
    answer = server.client().post(
        "/elevenlabs/v1/speech-to-text", data={"model_id": "scribe_v1", **fields}, files=files
    )
    assert (answer.status_code, answer.json()["detail"]["param"]) == (400, field)
