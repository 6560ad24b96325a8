"""POST /v1/tts/clone/ and /v1/voice-clone/ with the tone engine, whose voices are pitches."""

import re
from typing import Any

import httpx
import numpy as np
import pytest
from tests.api.recordings import heard
from tests.api.test_jobs import ended
from tests.engines.voice_encoder import SPEECH_RATE, syllables
from tests.live import Live
from tests.voices import flac, voice_file

from ttsai_server.audio.pitch import mean_pitch, track
from ttsai_server.store.keys import PUBLISHABLE

TEXT = "The rain has stopped."
PATHS = ("/v1/tts/clone/", "/v1/voice-clone/")


def cloned(
    server: Live, reference: bytes | None = None, path: str = "/v1/tts/clone/", *, key: Any = None, **fields: Any
) -> httpx.Response:
    headers = fields.pop("headers", None)
    files = {"reference_audio": ("me.flac", voice_file() if reference is None else reference)}
    data = {"model": "tone", "text": TEXT, **fields}
    return server.client(key).post(path, files=files, data=data, headers=headers)


def pitch_of(sound: bytes) -> float:
    """Hz."""
    samples, recording = heard(sound)
    return mean_pitch(track(samples[:, 0], recording.rate))


@pytest.mark.parametrize("hertz", [120, 190])
def test_the_text_is_said_with_the_voice_of_the_recording(server: Live, hertz: float) -> None:
    answer = cloned(server, voice_file(hertz), format="wav")
    assert answer.status_code == 200, answer.text
    assert pitch_of(answer.content) == pytest.approx(hertz, rel=0.03)
    assert heard(answer.content)[1].seconds == pytest.approx(float(answer.headers["X-Audio-Seconds"]), abs=0.001)


@pytest.mark.parametrize(("format", "kind"), [("mp3", "audio/mpeg"), ("wav", "audio/wav"), ("flac", "audio/flac")])
def test_every_format(server: Live, format: str, kind: str) -> None:
    answer = cloned(server, format=format)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, kind)
    assert f'filename="speech.{format}"' in answer.headers["Content-Disposition"]


def test_mp3_is_the_default(server: Live) -> None:
    assert cloned(server).headers["Content-Type"] == "audio/mpeg"


def test_the_answer_names_the_model_and_warns_that_it_approximates(server: Live) -> None:
    answer = cloned(server)
    assert answer.headers["X-Model"] == "tone"
    assert "tone only approximates voices" in answer.headers["Warning"]


def test_double_speed_is_half_as_long(server: Live) -> None:
    lengths = [float(cloned(server, speed=speed).headers["X-Audio-Seconds"]) for speed in (1, 2)]
    assert lengths[1] == pytest.approx(lengths[0] / 2, rel=0.15)


def test_unknown_fields_are_ignored_with_a_warning(server: Live) -> None:
    assert "cfg_weight" in cloned(server, cfg_weight="0.5").headers["Warning"]


@pytest.mark.parametrize(("characters", "credits"), [(1, 4), (1000, 4), (1001, 8)])
def test_each_started_1000_characters_costs_4_credits(server: Live, characters: int, credits: int) -> None:
    account, key = server.new_key(credits=100)
    answer = cloned(server, key=key, text="a" * characters)
    assert answer.headers["X-Credits-Used"] == str(credits)
    assert server.account(account).available == 100 - credits
    assert server.account(account).reserved == 0


def test_no_credits_is_402(server: Live) -> None:
    _, key = server.new_key(credits=3)
    assert cloned(server, key=key).status_code == 402
    assert cloned(server, b"no recording", key=key).status_code == 402  # told before any work is done


def test_an_equal_recording_is_embedded_once(server: Live) -> None:
    first, second = (cloned(server, voice_file(133), format="wav") for _ in range(2))
    assert first.content == second.content


def silence(seconds: float) -> bytes:
    return flac(np.zeros((round(seconds * SPEECH_RATE), 1), np.float32), SPEECH_RATE)


def clipped() -> bytes:
    return flac(np.clip(8 * syllables(150, 6), -1, 1), SPEECH_RATE)


def noise() -> bytes:
    return flac((0.1 * np.random.default_rng(0).normal(size=(6 * SPEECH_RATE, 1))).astype(np.float32), SPEECH_RATE)


BAD = {
    "short": (lambda: voice_file(seconds=2), r"has only 1\.\d s of speech; at least 3 s are needed"),
    "long but silent": (lambda: silence(10), "has only 0.0 s of speech"),
    "quiet": (lambda: voice_file(gain=0.005), r"too quiet: its speech is at -\d\d dBFS; it must be above -45 dBFS"),
    "clipped": (clipped, r"is clipped: \d+\.\d% of its samples"),
    "noisy": (lambda: voice_file(noise=0.1), r"too noisy, .* only \d+ dB louder .* at least 15 dB"),
    "noise": (noise, "too noisy, or has no speech"),
    "no sound": (lambda: b"RIFF", "can't be read|is no|not"),
}


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("path", PATHS)
def test_a_bad_recording_is_400_says_why_and_costs_nothing(server: Live, what: str, path: str) -> None:
    make, told = BAD[what]
    account, key = server.new_key(credits=100)
    answer = cloned(server, make(), path, key=key)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request"), answer.text
    assert re.search(told, answer.json()["message"]), answer.json()["message"]
    assert (server.account(account).available, server.account(account).reserved) == (100, 0)


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"model": "nobody"}, 404, "model"),
        ({"model": "whisper"}, 404, "model"),
        ({"text": ""}, 400, "text"),
        ({"text": " \n"}, 400, "text"),
        ({"text": "…"}, 400, "text"),
        ({"text": "a" * 50_001}, 400, "text"),
        ({"format": "ogg"}, 400, "format"),
        ({"language": "fr"}, 400, "language"),
        ({"language": "klingon"}, 400, "language"),
        ({"speed": 3}, 400, "speed"),
    ],
)
def test_bad_fields_are_refused(server: Live, fields: dict[str, Any], status: int, param: str) -> None:
    answer = cloned(server, **fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param), answer.text


def test_a_recording_is_required(server: Live) -> None:
    answer = server.client().post("/v1/tts/clone/", data={"model": "tone", "text": TEXT})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "reference_audio")


def test_the_plan_limits_the_text(server: Live) -> None:
    _, key = server.new_key(plan="pro")
    assert [cloned(server, key=key, text="a" * n).status_code for n in (5000, 5001)] == [200, 400]


@pytest.mark.parametrize("path", PATHS)
def test_a_file_over_20_mb_is_413(server: Live, path: str) -> None:
    answer = cloned(server, bytes(20 * 1024 * 1024 + 1), path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "file_too_large")


@pytest.mark.parametrize("path", PATHS)
def test_a_publishable_key_may_not_clone(server: Live, path: str) -> None:
    _, key = server.new_key(kind=PUBLISHABLE, origins=("https://example.org",))
    answer = cloned(server, path=path, key=key, headers={"Origin": "https://example.org"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/v1/voice-clone/", {}),
        ("/api/v1/voice-clone/", {}),
        ("/api/v1/tts/clone/", {}),
        ("/v1/tts/clone/", {"async": "true"}),
        ("/v1/tts/clone/", {"headers": {"Accept": "application/json"}}),
        ("/v1/tts/clone/", {"headers": {"User-Agent": "tts-ruby/1.0"}}),
    ],
)
def test_a_clone_as_a_job_has_the_same_sound(server: Live, path: str, fields: dict[str, Any]) -> None:
    account, key = server.new_key(credits=100)
    answer = cloned(server, voice_file(170), path, key=key, format="wav", **fields)
    assert answer.json()["credits_used"] == 4, answer.text
    body = ended(server.client(key), answer.json()["uuid"])
    assert body["status"] == "completed"
    result = httpx.get(body["result_url"])
    assert result.headers["Content-Type"] == "audio/wav"
    assert pitch_of(result.content) == pytest.approx(170, rel=0.03)
    assert server.account(account).available == 96


def test_a_clone_needs_a_purpose(server: Live) -> None:
    answer = cloned(server, path="/v1/voice-clone/", text="")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "text")


def test_a_failing_job_is_free(server: Live) -> None:
    account, key = server.new_key(credits=100)
    answer = cloned(server, path="/v1/voice-clone/", key=key, text="Oh, this breaks the engine.")
    assert ended(server.client(key), answer.json()["uuid"])["status"] == "failed"
    assert (server.account(account).available, server.account(account).reserved) == (100, 0)


def test_a_repeated_request_is_answered_once(server: Live) -> None:
    account, key = server.new_key(credits=100)
    first, second = (cloned(server, key=key, headers={"Idempotency-Key": "one"}) for _ in range(2))
    assert first.content == second.content
    assert server.account(account).available == 96
