"""The lists of models and voices."""

from typing import Any

import httpx
import pytest
from tests.live import Live


def get(server: Live, path: str) -> Any:
    answer = server.client().get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_models_have_the_published_fields(server: Live) -> None:
    kokoro = next(model for model in get(server, "/v1/models/")["models"] if model["id"] == "kokoro")
    assert {name: kokoro[name] for name in ("name", "type", "tier", "supports_cloning", "supports_streaming")} == {
        "name": "Kokoro 82M",
        "type": "tts",
        "tier": "standard",
        "supports_cloning": False,
        "supports_streaming": True,
    }
    assert kokoro["credits_per_1k_chars"] == 2
    assert {"en", "es", "fr", "it", "pt", "hi", "ja", "zh"} == set(kokoro["languages"])


def test_one_answer_serves_openai_too(server: Live) -> None:
    listing = get(server, "/v1/models")
    assert listing["object"] == "list"
    assert [model["id"] for model in listing["data"]] == [model["id"] for model in listing["models"]]
    assert all(model["object"] == "model" for model in listing["data"])


def test_for_the_sdks_a_models_name_is_its_id(server: Live) -> None:
    kokoro = next(model for model in get(server, "/api/v1/models/")["models"] if model["id"] == "kokoro")
    assert (kokoro["name"], kokoro["credits_per_1k"]) == ("kokoro", 2)


@pytest.mark.parametrize("name", ["kokoro", "tts-1"])
def test_one_model_is_found_by_id_or_openais_name(server: Live, name: str) -> None:
    assert get(server, f"/v1/models/{name}")["id"] == "kokoro"


def test_an_unknown_model_is_404(server: Live) -> None:
    assert server.client().get("/v1/models/nobody").status_code == 404


def test_all_54_kokoro_voices_are_listed(server: Live) -> None:
    listing = get(server, "/v1/voices/?model=kokoro")
    assert listing["total"] == len(listing["voices"]) == 54


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("language=fr", {"ff_siwis"}),
        ("language=it&gender=male", {"im_nicola"}),
        ("model=tone", {"tone_a", "tone_c"}),
        ("model=tone&language=zh", set[str]()),
    ],
)
def test_voices_are_filtered(server: Live, query: str, ids: set[str]) -> None:
    assert {voice["id"] for voice in get(server, f"/v1/voices/?{query}")["voices"]} == ids


def test_a_wrong_gender_is_400(server: Live) -> None:
    assert server.client().get("/v1/voices/?gender=other").status_code == 400


@pytest.mark.parametrize("path", ["/api/v1/voices/", "/v1/speech/voices/"])
def test_the_sdks_voices_have_more_fields(server: Live, path: str) -> None:
    bella = next(voice for voice in get(server, path)["voices"] if voice["id"] == "af_bella")
    assert (bella["voice_id"], bella["model_name"], bella["is_premium"]) == ("af_bella", "kokoro", False)
    assert bella["tags"] == ["en-us", "female"]


def test_speech_models_are_told_by_what_they_do(server: Live) -> None:
    assert "kokoro" in get(server, "/v1/speech/models/")["tts_models"]


def test_languages_have_names(server: Live) -> None:
    assert {"code": "fr", "name": "French"} in get(server, "/v1/speech/languages/")["languages"]


@pytest.mark.parametrize("path", ["/v1/audio/models", "/v1/audio/voices"])
def test_what_web_clients_ask_first_needs_no_key(server: Live, path: str) -> None:
    assert httpx.get(server.url + path).status_code == 200


def test_a_preview_plays_without_a_key(server: Live) -> None:
    voice = get(server, "/v1/voices/?model=tone")["voices"][0]
    answer = httpx.get(voice["preview_url"])
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "audio/mpeg")
    assert len(answer.content) > 1000


def test_a_preview_of_an_unknown_voice_is_404(server: Live) -> None:
    assert httpx.get(f"{server.url}/v1/voices/preview/nobody.mp3").status_code == 404
