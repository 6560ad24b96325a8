"""When each word is said, told by the tone engine, in which every character takes as long as any other."""

import base64
import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.live import Live, live
from tests.weights import pulled

from ttsai_server.engines.tone import SECONDS_PER_CHARACTER
from ttsai_server.settings import Models, Settings

TEXT = "It costs **$5**, I say. Yes."
TONE = {"model": "tone", "voice": "tone_a", "text": TEXT, "timestamps": True}
OPENAI = {"model": "tone", "voice": "tone_a", "input": TEXT, "timestamps": True}
WRITTEN = ["It", "costs", "$5,", "I", "say.", "Yes."]
PLACES = ["It", "costs", "$5", "I", "say.", "Yes."]
"""Where they are in the text: markup may part a word from its punctuation."""


def asked(server: Live, body: dict[str, Any], path: str = "/v1/tts/") -> httpx.Response:
    with server.client(server.new_key()[1]) as client:
        return client.post(path, json=body).raise_for_status()


def events(answer: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line.removeprefix("data: ")) for line in answer.text.splitlines() if line.startswith("data: ")]


def job(client: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    uuid = client.post("/api/v1/tts/", json=body).raise_for_status().json()["uuid"]
    until = time.monotonic() + 60
    while time.monotonic() < until:
        state = client.get("/v1/speech/results/", params={"uuid": uuid}).raise_for_status().json()
        if state["status"] == "completed":
            return state
        time.sleep(0.05)
    raise AssertionError("the job did not end")


def subtitles(client: httpx.Client, state: dict[str, Any], **params: Any) -> httpx.Response:
    return client.get("/v1/speech/subtitles/", params={"uuid": state["uuid"], **params})


def check(timestamps: dict[str, Any], duration: float) -> None:
    """The words of TEXT, each as long as its characters, which are all said at one pace."""
    words = timestamps["words"]
    assert timestamps["source"] == "model"
    assert [word["word"] for word in words] == WRITTEN
    assert [TEXT[word["start_char"] : word["end_char"]] for word in words] == PLACES
    lengths = [SECONDS_PER_CHARACTER * len(word) for word in WRITTEN]
    assert [word["end"] - word["start"] for word in words] == pytest.approx(lengths, abs=0.002)
    assert words[0]["start"] == 0
    assert words[-1]["end"] <= duration + 0.001


@pytest.mark.parametrize(("path", "body"), [("/v1/tts/", TONE), ("/v1/audio/speech", OPENAI)])
def test_the_answer_is_json_with_the_sound(server: Live, path: str, body: dict[str, Any]) -> None:
    answer = asked(server, body, path).json()
    plain = asked(server, {key: value for key, value in body.items() if key != "timestamps"}, path)
    assert answer["content_type"] == "audio/mpeg"
    assert len(base64.b64decode(answer["audio"])) == pytest.approx(len(plain.content), rel=0.05)
    check(answer["timestamps"], answer["duration"])


def test_the_sound_is_the_same_as_without(server: Live) -> None:
    body = {**TONE, "format": "wav"}
    plain = asked(server, {**body, "timestamps": False}).content
    assert base64.b64decode(asked(server, body).json()["audio"]) == plain


@pytest.mark.parametrize(
    ("path", "body"),
    [("/v1/tts/", {**TONE, "stream": True}), ("/v1/audio/speech", {**OPENAI, "stream_format": "sse"})],
)
def test_events_tell_the_words_after_their_sound(server: Live, path: str, body: dict[str, Any]) -> None:
    answer = asked(server, body, path)
    told = [event for event in events(answer) if event["type"] == "speech.audio.words"]
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert events(answer)[0]["type"] == "speech.audio.delta"
    assert {event["source"] for event in told} == {"model"}
    check({"source": "model", "words": [word for event in told for word in event["words"]]}, 60)


@pytest.mark.usefixtures("base_weights")
def test_whisper_listens_to_a_model_that_can_not_tell(models_dir: Path, tmp_path: Path) -> None:
    """Piper, whose card does not say here that it can."""
    pulled("piper-en_US-joe-medium", models_dir)
    cards = tmp_path / "cards"
    cards.mkdir()
    for card in Settings().models.cards.glob("*.toml"):
        told = card.read_text("utf-8")
        (cards / card.name).write_text(
            told.replace("timestamps = true\n", "") if card.stem == "piper" else told, "utf-8"
        )
    text = "The rain has stopped, and **20** children play. It is warm."
    body = {"model": "piper", "voice": "en_US-joe-medium", "text": text, "timestamps": True}
    with live(Settings(data_dir=tmp_path, models=Models(dir=models_dir, cards=cards))) as server:
        answer = server.client().post("/v1/tts/", json=body).raise_for_status().json()
    words = answer["timestamps"]["words"]
    moments = [at for word in words for at in (word["start"], word["end"])]
    assert answer["timestamps"]["source"] == "aligned"
    assert [word["word"] for word in words] == text.replace("*", "").split()
    assert moments == sorted(moments)
    assert moments[-1] == pytest.approx(answer["duration"], abs=0.2)
    assert sum(word["end"] - word["start"] for word in words) > answer["duration"] / 2


def test_a_job_tells_them_with_its_state(server: Live) -> None:
    with server.client() as client:
        state = job(client, TONE)
    check(state["timestamps"], state["duration"])


def test_a_job_that_was_not_asked_tells_none(server: Live) -> None:
    with server.client() as client:
        assert "timestamps" not in job(client, {**TONE, "timestamps": False})


def test_each_word_can_be_a_subtitle(server: Live) -> None:
    with server.client() as client:
        srt = subtitles(client, job(client, TONE), by="word").json()["content"]
    assert [block.split("\n")[2] for block in srt.strip().split("\n\n")] == WRITTEN
    assert srt.startswith("1\n00:00:00,000 --> 00:00:00,120\nIt")


def test_karaoke_marks_when_each_word_begins(server: Live) -> None:
    with server.client() as client:
        vtt = subtitles(client, job(client, TONE), format="vtt", karaoke=True).json()["content"]
    assert "It <00:00:00.180>costs <00:00:00.540>$5, <00:00:00.780>I" in vtt


@pytest.mark.parametrize("params", [{"format": "srt"}, {"format": "vtt", "by": "word"}])
def test_karaoke_is_for_sentences_of_webvtt(server: Live, params: dict[str, str]) -> None:
    with server.client() as client:
        answer = subtitles(client, job(client, TONE), karaoke=True, **params)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "karaoke")
