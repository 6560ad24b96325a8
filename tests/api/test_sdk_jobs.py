"""The vendor's own clients, unmodified, against a live server: every public method that starts or awaits a job."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, get_origin, get_type_hints

import httpx
import pytest
from tests.api.test_jobs import ended
from tests.live import Live
from tests.voices import voice_file
from tts_ai import (
    AsyncTTSClient,
    AuthenticationError,
    InsufficientCreditsError,
    ModelNotFoundError,
    RateLimitError,
    ServerError,
    TTSClient,
    TTSError,
)
from tts_ai import TimeoutError as SdkTimeout

TONE = {"model": "tone", "voice": "tone_a"}
TEXT = "Hello there. How are you?"
BREAKING = "Oh, this breaks the engine."
LONG = "A sentence of some length, said for a while. " * 1000


class Client:
    """Either client, through the interface of the blocking one."""

    def __init__(self, kind: type[TTSClient] | type[AsyncTTSClient], server: Live, key: str) -> None:
        self._make = lambda: kind(api_key=key, base_url=server.url, gpu_url=server.url, max_retries=0)

    def __getattr__(self, method: str) -> Any:
        def call(*arguments: Any, **fields: Any) -> Any:
            client = self._make()
            if isinstance(client, TTSClient):
                with client:
                    return getattr(client, method)(*arguments, **fields)
            return asyncio.run(_awaited(client, method, arguments, fields))

        return call


async def _awaited(client: AsyncTTSClient, method: str, arguments: tuple[Any, ...], fields: dict[str, Any]) -> Any:
    async with client:
        return await getattr(client, method)(*arguments, **fields)


@pytest.fixture(params=[TTSClient, AsyncTTSClient])
def kind(request: pytest.FixtureRequest) -> type[TTSClient] | type[AsyncTTSClient]:
    return request.param


@pytest.fixture
def sdk(kind: type[TTSClient] | type[AsyncTTSClient], server: Live) -> Client:
    return Client(kind, server, server.new_key()[1])


@pytest.fixture
def tone_of_words(server: Live) -> bytes:
    return server.client().post("/v1/tts/", json={**TONE, "text": TEXT, "format": "wav"}).content


def test_generate(sdk: Client, tone_of_words: bytes) -> None:
    assert len(sdk.generate(TEXT, **TONE)) == pytest.approx(len(tone_of_words), abs=8)


def test_generate_async_and_poll_result(sdk: Client, tone_of_words: bytes) -> None:
    job = sdk.generate_async(TEXT, **TONE, pitch=2)
    assert job.status == "queued"
    assert sdk.poll_result(job.uuid, timeout=120, interval=0.05) == tone_of_words


def test_a_job_that_fails_raises_what_went_wrong(sdk: Client) -> None:
    with pytest.raises(TTSError, match="told to fail"):
        sdk.poll_result(sdk.generate_async(BREAKING, **TONE).uuid, timeout=120, interval=0.05)


def test_waiting_too_long_raises_timeout(sdk: Client, server: Live) -> None:
    uuid = sdk.generate_async(LONG, **TONE).uuid
    with pytest.raises(SdkTimeout):
        sdk.poll_result(uuid, timeout=0.1, interval=0.1)
    server.client().delete(f"/v1/tasks/{uuid}")


def test_transcribe(sdk: Client, tone_of_words: bytes, tiny_weights: object) -> None:
    result = sdk.transcribe(tone_of_words, model="whisper-tiny.en")
    assert (result.language, result.raw["duration"]) == ("en", pytest.approx(1.5, abs=0.01))


def test_clone_voice_speaks_and_saves_the_voice(sdk: Client) -> None:
    job = sdk.clone_voice("Me", voice_file(150), model="tone", text="Hello.")
    assert job.status == "queued"
    assert len(sdk.poll_result(job.uuid, timeout=120, interval=0.05)) > 1000
    assert sdk.list_voices(model="tone")[0].voice_id == job.raw["voice_id"]
    assert len(sdk.generate(TEXT, model="tone", voice=job.raw["voice_id"])) > 1000


def test_a_recording_that_no_voice_can_be_made_of_raises(sdk: Client) -> None:
    with pytest.raises(TTSError, match="has only") as caught:
        sdk.clone_voice("Me", voice_file(150, seconds=2), model="tone", text="Hello.")
    assert caught.value.status_code == 400


@pytest.mark.parametrize("agent", ["tts-ruby/0.1.0", "tts-rust/0.1.0"])
def test_the_clones_of_the_ruby_and_the_rust_sdk(server: Live, agent: str) -> None:
    """As they send them: Ruby's `boost` is a boolean, Rust's a number; both read the job's uuid, then its URL."""
    fields = {"name": "Me", "model": "tone", "text": "Hello.", "language": "en"}
    boost = "true" if "ruby" in agent else "0.5"
    answer = httpx.post(
        f"{server.url}/v1/voice-clone/",
        headers={"Authorization": f"Bearer {server.key}", "User-Agent": agent},
        files={"reference_audio": ("me.flac", voice_file(150), "application/octet-stream")},
        data={**fields, "boost": boost},
        timeout=60,
    ).raise_for_status()
    assert "boost" in answer.headers["Warning"]
    body = ended(server.client(), answer.json()["uuid"])
    assert len(httpx.get(body["cdn_url"]).content) > 1000


def test_batch_generate_and_wait(sdk: Client) -> None:
    result = sdk.batch_generate_and_wait([{"text": TEXT, **TONE}, {"text": "", **TONE}], timeout=120, interval=0.1)
    assert (result.status, result.total, result.completed, result.credits_charged) == ("completed", 2, 1, 1)
    assert result.items[0].url
    assert result.items[1].error


def test_batch_generate_and_batch_result(sdk: Client) -> None:
    begun = sdk.batch_generate([{"text": TEXT, **TONE}] * 2)
    assert begun.status == "processing"
    until = time.monotonic() + 120
    while (result := sdk.batch_result(begun.batch_id)).status != "completed" and time.monotonic() < until:
        time.sleep(0.05)
    assert [item.status for item in result.items] == ["completed", "completed"]


def test_list_voices(sdk: Client) -> None:
    assert {voice.model_name for voice in sdk.list_voices(model="tone")} == {"tone"}


def test_list_models(sdk: Client) -> None:
    assert "tone" in {model.name for model in sdk.list_models()}


ANSWERS: dict[str, Callable[[Client], list[Any]]] = {
    "list_voices": lambda client: client.list_voices(),
    "list_models": lambda client: client.list_models(),
    "generate_async": lambda client: [client.generate_async(TEXT, **TONE)],
    "batch_generate": lambda client: [(batch := client.batch_generate([{"text": TEXT, **TONE}])), *batch.items],
}


@pytest.mark.parametrize("answers", ANSWERS.values(), ids=ANSWERS)
def test_every_field_of_an_answer_has_the_type_that_the_client_gives_it(
    sdk: Client, answers: Callable[[Client], list[Any]]
) -> None:
    given = answers(sdk)
    assert given
    for answer in given:
        for name, kind in get_type_hints(type(answer)).items():
            assert isinstance(getattr(answer, name), get_origin(kind) or kind), (type(answer), name)


CALLS: dict[str, Callable[[Client], Any]] = {
    "generate": lambda client: client.generate(TEXT, **TONE),
    "generate_async": lambda client: client.generate_async(TEXT, **TONE),
    "batch_generate": lambda client: client.batch_generate([{"text": TEXT, **TONE}]),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_an_unknown_key_raises_authentication_error(kind: Any, server: Live, call: Any) -> None:
    with pytest.raises(AuthenticationError):
        call(Client(kind, server, "sk-tts-" + "0" * 40))


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_no_credits_raise_with_both_counts(kind: Any, server: Live, call: Any) -> None:
    with pytest.raises(InsufficientCreditsError) as caught:
        call(Client(kind, server, server.new_key(credits=0)[1]))
    assert (caught.value.credits_needed, caught.value.credits_remaining) == (1, 0)


def test_an_unknown_model_raises_model_not_found(sdk: Client) -> None:
    with pytest.raises(ModelNotFoundError):
        sdk.generate(TEXT, model="no-such")


def test_an_engine_that_breaks_raises_server_error(sdk: Client) -> None:
    with pytest.raises(ServerError):
        sdk.generate(BREAKING, **TONE)


def test_too_many_requests_raise_rate_limit_error(kind: Any, server: Live) -> None:
    client = Client(kind, server, server.new_key(plan="pro")[1])
    for _ in range(60):
        client.list_models()
    with pytest.raises(RateLimitError):
        client.list_models()
