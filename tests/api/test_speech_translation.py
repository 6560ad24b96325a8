"""Recordings said in another language: heard again by another model, and compared with the translation."""

import re
from collections.abc import Generator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from tests.api.recordings import encoded, heard
from tests.api.test_jobs import ended
from tests.listening import Ear, wer
from tests.live import Live, live

from ttsai_server.audio.pitch import mean_pitch, track
from ttsai_server.settings import Cloning, Models, Settings

ENGLISH = "The train to the airport leaves at nine in the morning. The children are playing in the garden."
OF = {
    "pt": ("pf_dora", "O trem para o aeroporto sai às nove da manhã. As crianças estão brincando no jardim."),
    "es": ("ef_dora", "Mañana por la mañana vamos a la playa con nuestros amigos."),
    "fr": ("ff_siwis", "Demain matin, nous allons à la plage avec nos amis."),
    "it": ("if_sara", "Domani mattina andiamo in spiaggia con i nostri amici."),
}

pytestmark = pytest.mark.usefixtures("kokoro_weights", "base_weights", "translator_weights")


@pytest.fixture(scope="module")
def english(server: Live) -> bytes:
    return said(server, "af_bella", ENGLISH)


def said(server: Live, voice: str, text: str) -> bytes:
    body = {"model": "kokoro", "voice": voice, "text": text, "format": "flac"}
    return server.client().post("/v1/tts/", json=body).raise_for_status().content


def translated(server: Live, sound: bytes, key: str | None = None, **fields: Any) -> httpx.Response:
    return server.client(key).post("/v1/speech-translate/", files={"file": ("a.flac", sound)}, data=fields)


def test_english_is_heard_in_portuguese(server: Live, english: bytes, ear: Ear) -> None:
    account, key = server.new_key(credits=10)
    answer = translated(server, english, key, target_language="pt")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert list(body)[:6] == [
        "original_text", "translated_text", "source_language", "target_language", "audio_url", "credits_used",
    ]  # fmt: skip
    assert (body["source_language"], body["target_language"], body["credits_used"]) == ("en", "pt", 5)
    assert wer(ENGLISH, body["original_text"]) < 0.1
    assert wer(OF["pt"][1], body["translated_text"], "pt") <= 0.3
    assert re.fullmatch(rf"{server.url}/v1/results/translate_[0-9a-f]{{32}}-audio\.mp3", body["audio_url"])
    sound = httpx.get(body["audio_url"]).content
    assert wer(body["translated_text"], ear.listen(sound, "pt"), "pt") <= 0.15
    assert (answer.headers["X-Credits-Used"], server.account(account).available) == ("5", 5)
    subtitles = {name: httpx.get(url).text for name, url in body["subtitles"].items()}
    assert subtitles["original"].startswith("1\n00:00:0")
    assert "train" in subtitles["original"]
    assert "trem" in subtitles["translated"]


def test_portuguese_is_heard_in_english(server: Live, ear: Ear) -> None:
    body = translated(server, said(server, *OF["pt"]), target_language="English").json()
    assert wer(ENGLISH, body["translated_text"]) <= 0.3
    assert wer(body["translated_text"], ear.listen(httpx.get(body["audio_url"]).content)) <= 0.15


@pytest.mark.parametrize("language", ["es", "fr", "it"])
def test_other_languages_are_translated_to_english_by_the_model_that_listens(
    server: Live, language: str, ear: Ear
) -> None:
    answer = translated(server, said(server, *OF[language]), target_language="en", source_language=language)
    body = answer.json()
    assert (answer.status_code, body["source_language"]) == (200, language)
    assert {"morning", "beach", "friends"} & set(re.findall(r"\w+", body["translated_text"].lower()))
    assert wer(body["translated_text"], ear.listen(httpx.get(body["audio_url"]).content)) <= 0.15


def test_each_segment_is_heard_at_its_time_if_the_times_are_kept(server: Live, english: bytes) -> None:
    pause = np.zeros((44_100, 1), np.float32)
    sound, recording = heard(english)
    apart = encoded(np.concatenate([pause[: recording.rate], sound, pause[: recording.rate], sound]), recording.rate)
    body = translated(server, apart, target_language="pt", keep_timing="true", format="wav").json()
    assert len(body["segments"]) >= 2
    assert all(part["audio_start"] >= part["start"] for part in body["segments"])
    assert abs(body["segments"][0]["audio_start"] - body["segments"][0]["start"]) < 0.01
    made = heard(httpx.get(body["audio_url"]).content)[1]
    assert made.seconds == pytest.approx(max(body["duration"], body["segments"][-1]["audio_end"]), abs=0.1)


def test_each_speaker_has_a_voice_if_they_are_told_apart(server: Live, english: bytes, speakers_weights: Path) -> None:
    other = said(server, "bm_george", "Nobody knew exactly how the fire in the old barn by the river had started.")
    (one, recording), (two, _) = heard(english), heard(other)
    pause = np.zeros((recording.rate // 2, 1), np.float32)
    both = encoded(np.concatenate([one, pause, two]), recording.rate)
    asked = {"target_language": "pt", "source_language": "en", "diarize": "true", "format": "wav"}
    body = translated(server, both, **asked).json()
    by_speaker = {name: list(parts) for name, parts in groupby(body["segments"], key=itemgetter("speaker"))}
    assert list(by_speaker) == ["SPEAKER_00", "SPEAKER_01"]
    assert "river" in " ".join(part["text"] for part in by_speaker["SPEAKER_01"])
    sound, made = heard(httpx.get(body["audio_url"]).content)
    first, second = (pitch_of(sound, made.rate, parts) for parts in by_speaker.values())
    assert first > 1.3 * second  # a woman's voice and a man's


def pitch_of(sound: np.ndarray, rate: int, parts: list[dict[str, Any]]) -> float:
    """Hertz, of what is said in these segments."""
    first, last = round(parts[0]["audio_start"] * rate), round(parts[-1]["audio_end"] * rate)
    return mean_pitch(track(sound[first:last, 0], rate))


def test_as_a_job_it_has_the_same_result(server: Live, english: bytes) -> None:
    account, key = server.new_key(credits=10)
    asked = {"target_language": "pt", "voice": "pm_alex", "async": "true"}
    accepted = translated(server, english, key, **asked).json()
    state = ended(server.client(key), accepted["uuid"])
    assert state["status"] == "completed"
    body = httpx.get(state["result_url"]).json()
    assert "trem" in body["translated_text"]
    assert httpx.get(body["audio_url"]).headers["Content-Type"] == "audio/mpeg"
    assert server.account(account).available == 5
    query = {"uuid": accepted["uuid"], "format": "vtt"}
    assert "trem" in httpx.get(f"{server.url}/v1/speech/subtitles/", params=query).json()["content"]


@pytest.fixture(scope="module")
def cloning(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Live]:
    """A server whose one model that clones voices is the demo's, which speaks English alone."""
    folder, models = tmp_path_factory.mktemp("cloning"), Models(dir=models_dir, demo=True)
    with live(Settings(data_dir=folder, models=models, cloning=Cloning(models=("tone",)))) as running:
        yield running


def test_the_speakers_own_voice_is_kept_by_a_model_that_clones(cloning: Live, server: Live) -> None:
    spanish = said(server, *OF["es"])
    answer = translated(cloning, spanish, target_language="en", source_language="es", preserve_voice="true")
    assert answer.status_code == 200, answer.text
    assert "tone only approximates voices" in answer.headers["Warning"]
    own = heard(httpx.get(answer.json()["audio_url"]).content)[1]
    stock = translated(cloning, spanish, target_language="en", source_language="es", voice="tone_a")
    assert own.seconds == pytest.approx(heard(httpx.get(stock.json()["audio_url"]).content)[1].seconds, rel=0.3)


def test_a_voice_that_no_model_can_keep_is_told(cloning: Live, english: bytes) -> None:
    answer = translated(cloning, english, target_language="pt", preserve_voice="true")
    assert answer.status_code == 200
    assert "no model that clones voices and speaks Portuguese is ready" in answer.headers["Warning"]


def test_a_voice_that_is_named_though_the_speakers_own_is_kept_is_told(cloning: Live, english: bytes) -> None:
    asked = {"target_language": "en", "source_language": "es", "preserve_voice": "true", "voice": "tone_a"}
    answer = translated(cloning, english, **asked, **{"async": "true"})
    assert "'voice' is not used" in answer.headers["Warning"]


@pytest.fixture
def muttering(tmp_path: Path, models_dir: Path) -> Generator[Live]:
    """A server whose translator has no words for anything."""
    for file in Settings().models.cards.glob("*.toml"):
        own, mutters = "ttsai_server.engines.bergamot.adapter:Bergamot", "tests.services.muttering:Muttering"
        (tmp_path / file.name).write_text(file.read_text().replace(own, mutters))
    with live(Settings(data_dir=tmp_path, models=Models(dir=models_dir, cards=tmp_path))) as running:
        yield running


def test_what_is_left_unsaid_since_its_translation_has_no_words_is_told(muttering: Live, english: bytes) -> None:
    answer = translated(muttering, english, target_language="pt", source_language="en")
    assert (answer.status_code, {part["translation"] for part in answer.json()["segments"]}) == (200, {"…"})
    count = len(answer.json()["segments"])
    assert f"{count} of {count} segments are not spoken" in answer.headers["Warning"]


def test_a_recording_that_is_too_short_to_keep_its_voice_is_refused(cloning: Live, server: Live) -> None:
    account, key = cloning.new_key(credits=10)
    short = said(server, "ef_dora", "Buenos días.")
    answer = translated(cloning, short, key, target_language="en", source_language="es", preserve_voice="true")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "preserve_voice")
    assert cloning.account(account).available == 10


@pytest.mark.parametrize(
    ("fields", "param", "told"),
    [
        ({"target_language": "ja"}, "target_language", "To 'ja': none"),
        ({"target_language": "ja", "source_language": "de"}, "target_language", "From 'de': bg, ca, cs, da, el, en"),
        ({"target_language": "klingon"}, "target_language", "klingon"),
        ({"target_language": "pt", "source_language": "xx"}, "source_language", "xx"),
        ({"target_language": "pt", "voice": "tone_a"}, "language", "does not speak"),
        ({}, "target_language", "required"),
    ],
)
def test_what_is_impossible_is_refused_and_costs_nothing(
    server: Live, fields: dict[str, str], param: str, told: str
) -> None:
    account, key = server.new_key(credits=10)
    answer = translated(server, b"not looked at", key, **fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert told in answer.json()["error"]["message"]
    assert server.account(account).available == 10


def test_a_model_whose_weights_are_missing_is_503_that_says_what_to_run(server: Live) -> None:
    account, key = server.new_key(credits=10)
    answer = translated(server, b"not looked at", key, target_language="fr", source_language="en")
    assert (answer.status_code, answer.headers["X-Should-Retry"]) == (503, "false")
    assert "ttsai-server models pull firefox-fr" in answer.json()["error"]["message"]
    assert server.account(account).available == 10


def test_a_recording_in_which_nothing_is_said_is_refused_and_costs_nothing(server: Live) -> None:
    account, key = server.new_key(credits=10)
    silence = encoded(np.zeros((32_000, 1), np.float32), 16_000)
    answer = translated(server, silence, key, target_language="pt")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "file")
    assert server.account(account).available == 10


def test_the_list_of_languages_says_what_can_be_translated(server: Live) -> None:
    found = {each["code"]: each for each in server.client().get("/v1/speech/languages/").json()["languages"]}
    assert found["en"]["translate_to"] == ["pt"]
    assert found["pt"]["translate_to"] == found["fr"]["translate_to"] == ["en"]
    assert (found["pt"]["speak"], found["pt"]["listen"]) == (True, True)
    assert (found["de"]["speak"], found["de"]["listen"], found["de"]["translate_to"]) == (False, True, ["en"])
