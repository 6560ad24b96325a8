"""The lists of models and voices."""

import asyncio
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from tests.live import Live, live
from tests.weights import pulled

from ttsai_server.api import listings
from ttsai_server.engines.catalog import Catalog
from ttsai_server.engines.weights.model_folder import wanted
from ttsai_server.settings import Models, Settings


def get(server: Live, path: str) -> Any:
    """As a new account, which has no voices of its own, gets it."""
    answer = server.client(server.new_key()[1]).get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_models_have_the_published_fields(server: Live) -> None:
    kokoro = next(model for model in get(server, "/v1/models/")["models"] if model["id"] == "kokoro")
    assert {name: kokoro[name] for name in ("name", "type", "tier", "supports_cloning", "supports_streaming")} == {
        "name": "Kokoro 82M",
        "type": "tts",
        "tier": "standard",
        "supports_cloning": True,
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


@pytest.mark.parametrize("name", ["kokoro", "tts-1", "faster-whisper", "gpt-4o-transcribe"])
def test_one_model_is_found_under_each_name_that_is_listed(server: Live, name: str) -> None:
    assert get(server, f"/v1/models/{name}")["id"] == name
    assert name in [model["id"] for model in get(server, "/v1/models")["data"]]


@pytest.mark.parametrize("name", ["tts-1", "kokoro"])
def test_every_name_of_a_model_can_be_asked_for_on_every_path(server: Live, name: str) -> None:
    answer = server.client().post("/v1/tts/", json={"model": name, "voice": "no-such", "text": "a"})
    assert answer.json()["error"]["param"] == "voice"


def test_drop_downs_are_offered_what_can_speak(server: Live) -> None:
    models = get(server, "/v1/audio/models")["models"]
    assert {model["type"] for model in models} == {"tts"}
    assert {"kokoro", "tts-1", "tts-1-hd", "gpt-4o-mini-tts"} <= {model["id"] for model in models}


def test_a_model_says_whether_it_is_ready_and_what_would_mend_it(
    server: Live, kokoro_weights: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(listings, "CHECK_SECONDS", 0.0)
    models = {model["id"]: model for model in get(server, "/v1/models")["models"]}
    install, pull = "pip install 'ttsai-server[demucs]'", "ttsai-server models pull htdemucs"
    assert (models["kokoro"]["status"], models["kokoro"].get("command")) == ("ready", None)
    assert models["htdemucs"]["status"] == "needs_install"
    assert models["htdemucs"]["command"] in (install, f"{install} && {pull}")


def test_a_model_is_ready_as_soon_as_its_weights_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listings, "CHECK_SECONDS", 0.0)
    settings = Settings(data_dir=tmp_path / "data", models=Models(dir=tmp_path / "models"))
    card = Catalog.of(settings).models["whisper-tiny"]
    with live(settings) as server:
        before = get(server, "/v1/models/whisper-tiny")
        for file in wanted(card):
            (tmp_path / "models" / card.id / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "models" / card.id / file).write_bytes(b"weights")
        after = get(server, "/v1/models/whisper-tiny")
    assert (before["status"], before["command"]) == ("needs_pull", "ttsai-server models pull whisper-tiny")
    assert (after["status"], "command" in after) == ("ready", False)


def test_a_model_tells_its_licence_size_and_where_it_runs(server: Live, kokoro_weights: object) -> None:
    kokoro = get(server, "/v1/models/kokoro")
    assert (kokoro["licence"], kokoro["commercial_use"]) == ("Apache-2.0", True)
    assert (kokoro["voice_count"], kokoro["sample_rate"], kokoro["capabilities"]) == (54, 24_000, ["tts", "clone"])
    assert kokoro["memory_mb"] > 100
    assert kokoro["size_mb"] > 100
    assert kokoro["device"] in {"cpu", "cuda"}
    assert not get(server, "/v1/models/nllb-200-distilled-600m")["commercial_use"]


def test_a_voice_tells_what_its_model_tells(server: Live, kokoro_weights: object) -> None:
    bella = next(voice for voice in get(server, "/v1/voices/")["voices"] if voice["id"] == "af_bella")
    assert (bella["status"], bella["licence"], bella["commercial_use"]) == ("ready", "Apache-2.0", True)
    assert {"en", "es", "ja"} < set(bella["languages"])


def test_a_model_that_cannot_be_loaded_is_broken_and_its_fault_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listings, "CHECK_SECONDS", 0.0)
    options = {"tone": {"colour": "red"}}
    with live(Settings(data_dir=tmp_path, models=Models(dir=tmp_path, demo=True, options=options))) as server:
        before = get(server, "/v1/models/tone")["status"]
        server.client().post("/v1/tts/", json={"model": "tone", "voice": "tone_a", "text": "a"})
        after = get(server, "/v1/models/tone")
    assert (before, after["status"], after["command"]) == ("ready", "broken", "ttsai-server models check tone")
    assert "colour" in after["reason"]


def test_an_unknown_model_is_404(server: Live) -> None:
    assert server.client().get("/v1/models/nobody").status_code == 404


def test_all_54_kokoro_voices_are_listed(server: Live) -> None:
    listing = get(server, "/v1/voices/?model=kokoro")
    assert listing["total"] == len(listing["voices"]) == 54


def test_there_are_more_voices_than_the_published_api_has(server: Live) -> None:
    assert get(server, "/v1/voices/")["total"] >= 142


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("language=fr&model=kokoro", {"ff_siwis"}),
        ("language=it&gender=male&model=kokoro", {"im_nicola"}),
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
    assert bella["tags"] == "en-us, female"


@pytest.mark.parametrize("path", ["/v1/voices/", "/api/v1/voices/", "/v1/audio/voices", "/v1/speech/voices/"])
def test_no_two_voices_of_a_list_have_the_same_name(server: Live, path: str) -> None:
    names = [voice["name"] for voice in get(server, path)["voices"]]
    assert len(names) == len(set(names))
    assert {"Bella", "Santa (English)", "Santa (Spanish)", "Santa (Portuguese)"} <= set(names)


def test_speech_models_are_told_by_what_they_do(server: Live) -> None:
    assert "kokoro" in get(server, "/v1/speech/models/")["tts_models"]


def test_languages_have_names(server: Live) -> None:
    assert ("fr", "French") in {
        (each["code"], each["name"]) for each in get(server, "/v1/speech/languages/")["languages"]
    }


@pytest.mark.parametrize("path", ["/v1/audio/models", "/v1/audio/voices"])
def test_what_web_clients_ask_first_needs_no_key(server: Live, path: str) -> None:
    assert httpx.get(server.url + path).status_code == 200


def test_a_preview_plays_without_a_key(server: Live) -> None:
    voice = get(server, "/v1/voices/?model=tone")["voices"][0]
    answer = httpx.get(voice["preview_url"])
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "audio/mpeg")
    assert answer.headers["Content-Disposition"].startswith('inline; filename="tone_a.mp3"')
    assert len(answer.content) > 1000


def plays(server: Live, voice: str) -> bool:
    answer = httpx.get(f"{server.url}/v1/voices/preview/{voice}.mp3", timeout=300)
    with av.open(BytesIO(answer.raise_for_status().content), "r") as file:
        seconds = sum(frame.samples / frame.sample_rate for frame in file.decode(audio=0))
    return answer.headers["Content-Type"] == "audio/mpeg" and 0.5 < seconds < 30


@pytest.mark.parametrize("voice", ["tone_c", "en_US-joe-medium", "if_sara"])
def test_a_preview_is_a_sentence(server: Live, models_dir: Path, kokoro_weights: object, voice: str) -> None:
    pulled("piper-en_US-joe-medium", models_dir)
    assert plays(server, voice)


@pytest.mark.slow
def test_every_preview_of_a_voice_that_is_ready_plays_and_is_made_once(server: Live, kokoro_weights: object) -> None:
    ready = [voice["id"] for voice in get(server, "/v1/voices/")["voices"] if voice["status"] == "ready"]
    assert len(ready) >= 54
    assert [voice for voice in ready if not plays(server, voice)] == []
    kept = server.settings.data_dir / "previews"
    made = {file: file.stat().st_mtime_ns for file in kept.iterdir()}
    assert all(plays(server, voice) for voice in ready)
    assert {file: file.stat().st_mtime_ns for file in kept.iterdir()} == made


def test_a_voice_whose_language_needs_an_extra_says_so(
    server: Live, kokoro_weights: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fugashi", None)
    monkeypatch.setattr(listings, "CHECK_SECONDS", 0.0)
    voices = {voice["id"]: voice for voice in get(server, "/v1/voices/?model=kokoro")["voices"]}
    assert (voices["jm_kumo"]["status"], voices["jm_kumo"]["command"]) == (
        "needs_install",
        "pip install 'ttsai-server[ja]'",
    )
    assert voices["af_bella"]["status"] == "ready"


def test_a_preview_of_an_unknown_voice_is_404(server: Live) -> None:
    assert httpx.get(f"{server.url}/v1/voices/preview/nobody.mp3").status_code == 404


def test_a_family_of_voices_is_one_model(server: Live) -> None:
    listed = {model["id"] for model in server.client().get("/v1/models/").json()["models"]}
    assert "piper" in listed
    assert not any(id.startswith("piper-") for id in listed)
    assert server.client().get("/v1/models/piper").json()["type"] == "tts"
    voices = server.client().get("/v1/voices/?model=piper").json()["voices"]
    assert {"en_US-joe-medium", "de_DE-thorsten-medium"} <= {voice["id"] for voice in voices}
    assert {voice["model"] for voice in voices} == {"piper"}


def test_there_are_at_least_142_voices(server: Live) -> None:
    assert get(server, "/v1/voices/")["total"] >= 142


def test_a_voice_of_several_speakers_says_how_many(server: Live) -> None:
    voices = {voice["id"]: voice for voice in get(server, "/v1/voices/?model=piper")["voices"]}
    assert voices["de_DE-thorsten_emotional-medium"]["speakers"] == 8
    assert "speakers" not in voices["en_US-joe-medium"]


@pytest.mark.parametrize(("look", "ask"), [("availabilities", "models"), ("languages", "languages")])
async def test_requests_that_come_at_once_cost_one_look(look: str, ask: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look at all models costs a tenth of a second: sixteen at once cost more than all other answers together."""
    settings, looks = Settings(), list[str]()
    real = getattr(listings, look)

    def counted(*arguments: Any) -> Any:
        looks.append("look")
        return real(*arguments)

    monkeypatch.setattr(listings, look, counted)
    lists = listings.Listings(Catalog.of(settings), settings)
    first, *others = await asyncio.gather(*(getattr(lists, ask)() for _ in range(16)))
    assert all(other == first for other in others)
    assert len(looks) == 1
