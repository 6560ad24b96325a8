"""OpenAI's client for Python, unmodified."""

import base64
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from openai import (
    APIStatusError,
    AsyncOpenAI,
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    NotFoundError,
    OpenAI,
    PermissionDeniedError,
    RateLimitError,
)
from tests.clients.conftest import TEXT
from tests.listening import Ear, wer
from tests.live import Live


def client_of(server: Live, key: str = "", **options: Any) -> OpenAI:
    return OpenAI(base_url=f"{server.url}/v1", api_key=key or server.key, **options)


@pytest.fixture
def client(real: Live) -> Iterator[OpenAI]:
    with client_of(real) as made:
        yield made


def test_speech_whole_streamed_and_as_events_has_the_same_sound(client: OpenAI, ear: Ear) -> None:
    asked: Any = {"model": "tts-1", "voice": "nova", "input": TEXT, "response_format": "pcm"}
    whole = client.audio.speech.create(**asked).content
    with client.audio.speech.with_streaming_response.create(**asked) as stream:
        streamed = b"".join(stream.iter_bytes(4096))
    with client.audio.speech.with_streaming_response.create(**asked, stream_format="sse") as stream:
        events = [json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: ")]
    sound = b"".join(base64.b64decode(event["audio"]) for event in events if event["type"] == "speech.audio.delta")
    assert whole == streamed == sound
    assert events[-1]["type"] == "speech.audio.done"
    mp3 = client.audio.speech.create(model="tts-1", voice="nova", input=TEXT).content
    assert wer(TEXT, ear.listen(mp3)) <= 0.12


def test_a_voice_may_be_an_object(client: OpenAI) -> None:
    speech = client.audio.speech.create(model="gpt-4o-mini-tts", voice={"id": "coral"}, input="Yes.", speed=1.2)
    assert len(speech.content) > 1000


def test_transcriptions_in_every_form(client: OpenAI, clip: bytes) -> None:
    asked: Any = {"file": ("a.wav", clip), "model": "whisper-1"}
    plain = client.audio.transcriptions.create(**asked)
    assert wer(TEXT, plain.text) <= 0.12
    verbose = client.audio.transcriptions.create(
        **asked, response_format="verbose_json", timestamp_granularities=["word"], language="en"
    )
    assert verbose.words
    assert (verbose.language, verbose.text) == ("english", plain.text)
    assert client.audio.transcriptions.create(**asked, response_format="text").strip() == plain.text
    assert " --> " in client.audio.transcriptions.create(**asked, response_format="srt")
    events = list(client.audio.transcriptions.create(**asked, stream=True))
    assert getattr(events[-1], "text", None) == plain.text


def test_translations(client: OpenAI, clip: bytes) -> None:
    translations: Any = client.audio.translations
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        heard = translations.create(file=("a.wav", clip), model="whisper-1")  # which some versions call deprecated
    assert wer(TEXT, heard.text) <= 0.3


def test_models_are_listed_and_retrieved_under_openais_names(client: OpenAI) -> None:
    listed = {model.id for model in client.models.list()}
    assert {"tts-1", "tts-1-hd", "gpt-4o-mini-tts", "whisper-1", "kokoro"} <= listed
    assert client.models.retrieve("tts-1").id == "tts-1"


async def test_the_asynchronous_client_speaks(real: Live) -> None:
    async with AsyncOpenAI(base_url=f"{real.url}/v1", api_key=real.key) as client:
        speech = await client.audio.speech.create(model="tts-1", voice="alloy", input="Yes.", response_format="wav")
        assert speech.content.startswith(b"RIFF")


WRONG: dict[str, tuple[type[APIStatusError], dict[str, Any], str | None]] = {
    "model": (BadRequestError, {"model": "nobody"}, "model"),
    "voice": (BadRequestError, {"voice": "nobody"}, "voice"),
    "input": (BadRequestError, {"input": ""}, "input"),
    "speed": (BadRequestError, {"speed": 9.0}, "speed"),
    "response_format": (BadRequestError, {"response_format": "midi"}, "response_format"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_raises_the_clients_own_error_that_names_it(client: OpenAI, name: str) -> None:
    kind, change, param = WRONG[name]
    asked: Any = {"model": "tts-1", "voice": "alloy", "input": "Hello.", **change}
    with pytest.raises(kind) as caught:
        client.audio.speech.create(**asked)
    assert (caught.value.param, caught.value.code) == (param, "bad_request")


def refused(server: Live, kind: type[APIStatusError], key: str) -> APIStatusError:
    with client_of(server, key, max_retries=0) as client, pytest.raises(kind) as caught:
        client.audio.speech.create(model="tts-1", voice="alloy", input="Hello.")
    return caught.value


def test_keys_plans_and_balances_raise_the_clients_own_errors(real: Live) -> None:
    assert refused(real, AuthenticationError, "sk-tts-" + "0" * 40).code == "unauthorized"
    assert refused(real, PermissionDeniedError, real.new_key(plan="free")[1]).code == "forbidden"
    assert refused(real, APIStatusError, real.new_key(credits=0)[1]).status_code == 402


def test_an_unknown_model_is_not_found(client: OpenAI) -> None:
    with pytest.raises(NotFoundError):
        client.models.retrieve("nobody")


def test_too_many_requests_raise_rate_limit_error(real: Live) -> None:
    with client_of(real, real.new_key(plan="pro")[1], max_retries=0) as client:
        for _ in range(60):
            client.models.list()
        with pytest.raises(RateLimitError):
            client.models.list()


def test_a_model_without_weights_is_asked_for_once(real: Live, clip: bytes, caplog: pytest.LogCaptureFixture) -> None:
    asked: Any = {"file": ("a.wav", clip), "model": "whisper-tiny"}
    with client_of(real, max_retries=2) as client, caplog.at_level(logging.INFO), pytest.raises(InternalServerError):
        client.audio.transcriptions.create(**asked)
    seen = [record for record in caplog.records if record.name == "ttsai_server.access"]
    assert [vars(record)["status"] for record in seen] == [503]
