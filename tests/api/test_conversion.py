"""POST /v1/voice-convert/ and /v1/speech-to-speech/ with the tone engine, whose voices are pitches."""

from typing import Any

import httpx
import numpy as np
import pytest
from tests.api.recordings import heard
from tests.api.test_cloning import pitch_of
from tests.api.test_jobs import ended
from tests.api.test_saved_voices import saved
from tests.engines.voice_encoder import SPEECH_RATE, syllables
from tests.live import Live
from tests.voices import flac, voice_file

from ttsai_server.audio.encode import CONTENT_TYPES
from ttsai_server.store.keys import PUBLISHABLE

CONVERT, ANEW = "/v1/voice-convert/", "/v1/speech-to-speech/"
PATHS = (CONVERT, ANEW)
TARGETS = {CONVERT: "target_voice", ANEW: "voice"}


def converted(
    server: Live,
    path: str = CONVERT,
    recording: bytes | None = None,
    *,
    target: str | None = "tone_a",
    reference: bytes | None = None,
    key: Any = None,
    headers: Any = None,
    **fields: Any,
) -> httpx.Response:
    files = {"file": ("talk.flac", voice_file(110) if recording is None else recording)}
    if reference:
        files["reference_audio"] = ("me.flac", reference)
    voice = {TARGETS[path.removeprefix("/api")]: target} if target else {}
    return server.client(key).post(path, files=files, data={"model": "tone", **voice, **fields}, headers=headers)


def seconds_of(sound: bytes) -> float:
    return heard(sound)[1].seconds


@pytest.mark.parametrize("path", PATHS)
def test_a_voice_of_a_model_says_it(server: Live, path: str) -> None:
    answer = converted(server, path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "audio/wav"
    assert pitch_of(answer.content) == pytest.approx(220, rel=0.02)


@pytest.mark.parametrize("path", PATHS)
def test_a_saved_voice_says_it(server: Live, path: str) -> None:
    key = server.new_key()[1]
    answer = converted(server, path, target=saved(server, key, 170)["id"], key=key)
    assert pitch_of(answer.content) == pytest.approx(170, rel=0.02)


def test_the_voice_of_another_recording_says_it(server: Live) -> None:
    answer = converted(server, target=None, reference=voice_file(185))
    assert pitch_of(answer.content) == pytest.approx(185, rel=0.02)


def test_a_conversion_is_as_long_as_its_recording(server: Live) -> None:
    answer = converted(server, recording=voice_file(110, 12.34))
    assert seconds_of(answer.content) == pytest.approx(12.34, rel=0.02)


def test_silence_stays_silent(server: Live) -> None:
    quiet = flac(np.zeros((3 * SPEECH_RATE, 1), np.float32), SPEECH_RATE)
    sound, made = heard(converted(server, recording=quiet).content)
    assert made.seconds == pytest.approx(3, rel=0.02)
    assert np.max(np.abs(sound)) < 1e-3


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("format", ["wav", "mp3", "flac"])
def test_every_format(server: Live, path: str, format: str) -> None:
    answer = converted(server, path, format=format)
    assert answer.headers["Content-Type"] == CONTENT_TYPES[format]
    assert seconds_of(answer.content) == pytest.approx(6, abs=0.2)


@pytest.mark.parametrize("path", PATHS)
def test_the_answer_names_the_model_and_warns_that_it_approximates(server: Live, path: str) -> None:
    answer = converted(server, path)
    assert answer.headers["X-Model"] == "tone"
    assert "tone only approximates voices" in answer.headers["Warning"]


@pytest.mark.parametrize("path", PATHS)
def test_each_started_minute_costs_3_credits(server: Live, path: str) -> None:
    account, key = server.new_key(credits=100)
    long = flac(syllables(110, 61), SPEECH_RATE)
    answers = [converted(server, path, recording, key=key) for recording in (None, long)]
    assert [answer.headers["X-Credits-Used"] for answer in answers] == ["3", "6"]
    assert (server.account(account).available, server.account(account).reserved) == (91, 0)


@pytest.mark.parametrize("path", PATHS)
def test_no_credits_is_402(server: Live, path: str) -> None:
    assert converted(server, path, key=server.new_key(credits=2)[1]).status_code == 402


@pytest.mark.parametrize("path", [*PATHS, "/api/v1/voice-convert/"])
@pytest.mark.parametrize("wish", ["field", "header"])
def test_a_conversion_may_be_a_job(server: Live, path: str, wish: str) -> None:
    account, key = server.new_key(credits=100)
    fields: dict[str, Any] = {"async": "true"} if wish == "field" else {}
    headers = {"Prefer": "respond-async"} if wish == "header" else {}
    answer = converted(server, path, key=key, headers=headers, **fields)
    body = ended(server.client(key), answer.json()["uuid"])
    assert body["status"] == "completed"
    assert pitch_of(httpx.get(body["result_url"]).content) == pytest.approx(220, rel=0.02)
    assert server.account(account).available == 97


def test_a_job_with_a_reference_has_both_files(server: Live) -> None:
    key = server.new_key()[1]
    job: dict[str, Any] = {"async": "true"}
    answer = converted(server, target=None, reference=voice_file(185), key=key, **job)
    body = ended(server.client(key), answer.json()["uuid"])
    assert pitch_of(httpx.get(body["result_url"]).content) == pytest.approx(185, rel=0.02)


@pytest.mark.parametrize(
    ("path", "fields", "status", "param"),
    [
        (CONVERT, {"target": None}, 400, "target_voice"),
        (CONVERT, {"reference": voice_file(185)}, 400, "target_voice"),
        (CONVERT, {"target": "nobody"}, 404, "target_voice"),
        (CONVERT, {"target": "voice_" + "0" * 32}, 404, "target_voice"),
        (CONVERT, {"target": None, "reference": voice_file(185, 2)}, 400, "reference_audio"),
        (CONVERT, {"target": None, "reference": voice_file(185, 2), "async": "true"}, 400, "reference_audio"),
        (CONVERT, {"target": None, "reference": b"RIFF"}, 400, "reference_audio"),
        (CONVERT, {"model": "nobody"}, 404, "model"),
        (CONVERT, {"model": "kokoro"}, 404, "model"),
        (CONVERT, {"format": "ogg"}, 400, "format"),
        (CONVERT, {"recording": b"RIFF"}, 400, "file"),
        (ANEW, {"target": None}, 400, "voice"),
        (ANEW, {"target": "nobody"}, 404, "voice"),
        (ANEW, {"emotion": "bored"}, 400, "emotion"),
        (ANEW, {"speed": "2.1"}, 400, "speed"),
        (ANEW, {"speed": "nan"}, 400, "speed"),
        (ANEW, {"recording": b"RIFF"}, 400, "file"),
    ],
)
def test_bad_fields_are_refused_and_cost_nothing(
    server: Live, path: str, fields: dict[str, Any], status: int, param: str
) -> None:
    account, key = server.new_key(credits=100)
    answer = converted(server, path, key=key, **fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param), answer.text
    assert (server.account(account).available, server.account(account).reserved) == (100, 0)


@pytest.mark.parametrize("path", PATHS)
def test_a_saved_voice_of_another_account_is_no_target(server: Live, path: str) -> None:
    voice = saved(server, server.new_key()[1])["id"]
    assert converted(server, path, target=voice, key=server.new_key()[1]).status_code == 404


@pytest.mark.parametrize("path", PATHS)
def test_a_file_over_50_mb_is_413(server: Live, path: str) -> None:
    assert converted(server, path, bytes(50 * 1024 * 1024 + 1)).status_code == 413


@pytest.mark.parametrize("path", PATHS)
def test_a_publishable_key_may_not_convert(server: Live, path: str) -> None:
    _, key = server.new_key(kind=PUBLISHABLE, origins=("https://example.org",))
    answer = converted(server, path, key=key, headers={"Origin": "https://example.org"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


@pytest.mark.parametrize("path", PATHS)
def test_a_repeated_request_is_answered_once(server: Live, path: str) -> None:
    account, key = server.new_key(credits=100)
    first, second = (converted(server, path, key=key, headers={"Idempotency-Key": "one"}) for _ in range(2))
    assert first.content == second.content
    assert server.account(account).available == 97


@pytest.mark.parametrize("speed", [0.5, 2.0])
def test_speed_changes_the_length(server: Live, speed: float) -> None:
    assert seconds_of(converted(server, ANEW, speed=speed).content) == pytest.approx(6 / speed, rel=0.05)


@pytest.mark.parametrize(("emotion", "higher"), [("happy", True), ("sad", False), ("angry", True), ("excited", True)])
def test_an_emotion_moves_the_pitch_of_the_target(server: Live, emotion: str, higher: bool) -> None:
    pitch = pitch_of(converted(server, ANEW, emotion=emotion).content)
    assert (pitch > 235) if higher else (pitch < 210)
