"""The server behind a Wyoming port, by its HTTP API."""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from types import TracebackType
from typing import Any, BinaryIO, Self, cast
from urllib.parse import quote, urlencode

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

CHUNK_BYTES = 4096
"""Of sound that is sent at once."""
WAV_HEADER_BYTES = 44
STREAM_RATE = 24_000
"""Hertz, of the speech of a text that comes in parts."""
TIMEOUT = httpx.Timeout(10, read=600)
"""Seconds; a server that loads a model answers late."""
LIST_SECONDS = 30
"""How long the lists of models and voices are kept."""
AUTO = "auto"


class Refused(Exception):
    """The server can't do what the client wants, and says why."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code
        """The server's error code; unavailable: it can't be reached."""


@dataclass(frozen=True, slots=True)
class Voice:
    """What a client wants its text spoken with; None: it does not say."""

    name: str | None = None
    language: str | None = None
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Lists:
    models: list[dict[str, Any]]
    """The models that listen and are ready, as /v1/models has them."""
    voices: list[dict[str, Any]]
    """The voices that are ready, as /v1/voices has them."""


class Backend:
    """One connection pool; each call is a request of the key's account. All raise Refused."""

    def __init__(self, url: str, key: str, voice: str) -> None:
        """voice: for clients that ask for none; auto: one of the text's language."""
        self._url = url.rstrip("/")
        self._key = key
        self._voice = voice
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.AsyncClient(base_url=self._url, headers=headers, timeout=TIMEOUT)
        self._lists: Lists | None = None
        self._lists_until = 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def lists(self) -> Lists:
        """What the server can do now."""
        now = asyncio.get_running_loop().time()
        if self._lists is None or now > self._lists_until:
            models, voices = await asyncio.gather(self._list("models"), self._list("voices"))
            hearing = [model for model in models if "stt" in model["capabilities"]]
            self._lists, self._lists_until = Lists(hearing, voices), now + LIST_SECONDS
        return self._lists

    async def speak(self, text: str, voice: Voice) -> AsyncGenerator[tuple[int, bytes]]:
        """Speech as it is made: sample rate, Hertz, and 16-bit samples, mono. Must be closed (`aclosing`)."""
        body = {"model": AUTO, "voice": voice.name or self._voice, "text": text, "format": "wav", "stream": True}
        body |= {"language": voice.language} if voice.language else {}
        body |= {"speaker": voice.speaker} if voice.speaker else {}
        try:
            async with self._http.stream("POST", "/v1/tts/", json=body, headers={"Accept": "audio/wav"}) as answer:
                await _check(answer)
                rate = 0
                async with aclosing(cast(AsyncGenerator[bytes], answer.aiter_bytes(CHUNK_BYTES))) as chunks:
                    async for chunk in chunks:
                        if not rate:
                            rate, chunk = int.from_bytes(chunk[24:28], "little"), chunk[WAV_HEADER_BYTES:]
                        yield rate, chunk
        except httpx.HTTPError as error:
            raise _unreachable(error) from None

    async def transcribe(self, recording: BinaryIO, language: str | None, model: str | None) -> tuple[str, str]:
        """A WAV file → what is said, and in which language."""
        fields = {"language": language, "model": model}
        try:
            answer = await self._http.post(
                "/v1/stt/",
                files={"file": ("speech.wav", recording, "audio/wav")},
                data={name: value for name, value in fields.items() if value},
            )
            await _check(answer)
        except httpx.HTTPError as error:
            raise _unreachable(error) from None
        heard = answer.json()
        return heard["text"], heard["language"]

    async def speak_parts(self, parts: AsyncGenerator[str], voice: Voice) -> AsyncGenerator[tuple[int, bytes]]:
        """As `speak`, of a text that comes in parts: each sentence is spoken once it is complete."""
        if self._voice == AUTO and not (voice.name or voice.language):  # only the whole text tells its language
            text = "".join([part async for part in parts])
            if text.strip():
                async with aclosing(self.speak(text, voice)) as sound:
                    async for each in sound:
                        yield each
            return
        query = {"output_format": f"pcm_{STREAM_RATE}", "inactivity_timeout": 180}
        query |= {"language_code": voice.language} if voice.language else {}
        name = quote(voice.name or self._voice, safe="")
        path = f"/elevenlabs/v1/text-to-speech/{name}/stream-input?{urlencode(query)}"
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        try:
            async with connect("ws" + self._url.removeprefix("http") + path, additional_headers=headers) as socket:
                sending = asyncio.create_task(_send_parts(socket, parts))
                try:
                    async for message in socket:
                        told = json.loads(message)
                        if "message" in told:
                            raise Refused(told["message"], told["error"])
                        if told["isFinal"]:
                            return
                        if told["audio"]:
                            yield STREAM_RATE, base64.b64decode(told["audio"])
                    raise Refused("The server has ended the speech early.", "unavailable")
                finally:
                    sending.cancel()
                    await asyncio.gather(sending, return_exceptions=True)
        except InvalidStatus as error:
            raise Refused(*_reason(error.response.body or b"", error.response.status_code)) from None
        except (OSError, ConnectionClosed) as error:
            raise _unreachable(error) from None

    async def _list(self, name: str) -> list[dict[str, Any]]:
        try:
            answer = await self._http.get(f"/v1/{name}/")
            await _check(answer)
        except httpx.HTTPError as error:
            raise _unreachable(error) from None
        return [each for each in answer.json()[name] if each["status"] == "ready"]


async def _send_parts(socket: ClientConnection, parts: AsyncGenerator[str]) -> None:
    async for part in parts:
        if part:
            await socket.send(json.dumps({"text": part}))
    await socket.send(json.dumps({"text": ""}))


async def _check(answer: httpx.Response) -> None:
    if not answer.is_success:
        raise Refused(*_reason(await answer.aread(), answer.status_code))


def _reason(body: bytes | bytearray, status: int) -> tuple[str, str]:
    """Message and code of an error's body, in the server's shape or ElevenLabs'."""
    try:
        told = json.loads(body)
        inner = told.get("error") or told["detail"]
        return inner["message"], inner.get("code") or inner["status"]
    except (ValueError, LookupError, AttributeError):
        return f"The server answered {status}.", "unavailable"


def _unreachable(error: Exception) -> Refused:
    return Refused(f"The server can't be reached: {error or type(error).__name__}", "unavailable")
