"""Open WebUI and Home Assistant: their requests, as their code sends them, with the libraries that they use."""

import io
import wave
from typing import Any

import aiohttp
import httpx
import pytest
import requests
from tests.clients.conftest import TEXT
from tests.listening import Ear, wer
from tests.live import Live


def test_open_webui_fills_its_lists_without_a_key(real: Live) -> None:
    models = requests.get(f"{real.url}/v1/audio/models", timeout=60).json()["models"]
    voices = requests.get(f"{real.url}/v1/audio/voices", timeout=60).json()["voices"]
    assert {"tts-1", "tts-1-hd", "kokoro"} <= {model["id"] for model in models}
    assert models[0]["status"] == "ready"
    shown = {voice["id"]: voice["name"] for voice in voices}
    assert shown["af_bella"] == "Bella"
    assert len(set(shown.values())) == len(shown)


async def test_open_webui_speaks(real: Live, ear: Ear) -> None:
    """Its page asks for `input` and `voice`; its server adds the model and who asks."""
    user = {f"X-OpenWebUI-User-{name}": "a%20b" for name in ("Name", "Id", "Email", "Role")}
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {real.key}", **user}
    body = {"input": TEXT, "voice": "alloy", "model": "tts-1"}
    async with aiohttp.ClientSession(trust_env=True) as session:
        answer = await session.post(f"{real.url}/v1/audio/speech", json=body, headers=headers)
        answer.raise_for_status()
        sound = await answer.read()
    assert answer.headers["Content-Type"] == "audio/mpeg"
    assert wer(TEXT, ear.listen(sound)) <= 0.12


async def test_open_webui_shows_what_is_wrong(real: Live) -> None:
    body, headers = {"input": TEXT, "voice": "nobody", "model": "tts-1"}, {"Authorization": f"Bearer {real.key}"}
    async with aiohttp.ClientSession(trust_env=True) as session:
        answer = await session.post(f"{real.url}/v1/audio/speech", json=body, headers=headers)
        assert (answer.status, (await answer.json())["error"]["param"]) == (400, "voice")


@pytest.mark.parametrize("fields", [{}, {"language": "en"}])
def test_open_webui_listens(real: Live, clip: bytes, fields: dict[str, str]) -> None:
    answer = requests.post(
        f"{real.url}/v1/audio/transcriptions",
        headers={"Authorization": f"Bearer {real.key}"},
        files={"file": ("7b1f.wav", io.BytesIO(clip))},
        data={"model": "whisper-1", **fields},
        timeout=60,
    )
    answer.raise_for_status()
    assert wer(TEXT, answer.json()["text"]) <= 0.12


async def home_assistant_says(real: Live, **fields: Any) -> tuple[int, bytes]:
    """The integration `openai_tts`: the address is that of the path, and the format of a stream is opus."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "HomeAssistant-OpenAI-TTS",
        "Authorization": f"Bearer {real.key}",
    }
    body = {"model": "tts-1", "input": TEXT, "voice": "shimmer", "response_format": "mp3", "speed": 1.0, **fields}
    async with aiohttp.ClientSession() as session:
        answer = await session.post(f"{real.url}/v1/audio/speech", json=body, headers=headers)
        chunks = [chunk async for chunk in answer.content.iter_chunked(4096)]
        return answer.status, b"".join(chunks)


@pytest.mark.parametrize("fields", [{}, {"response_format": "opus", "instructions": "Speak slowly."}])
async def test_home_assistant_speaks(real: Live, ear: Ear, fields: dict[str, Any]) -> None:
    status, sound = await home_assistant_says(real, **fields)
    assert status == 200
    assert wer(TEXT, ear.listen(sound)) <= 0.12


async def test_home_assistant_checks_a_key_by_a_full_stop(real: Live) -> None:
    status, sound = await home_assistant_says(real, input=".", response_format="wav")
    assert status == 200
    with wave.open(io.BytesIO(sound)) as file:
        silence = file.readframes(24_000)
    assert 0.3 < len(silence) / 2 / 24_000 < 0.4
    assert not any(silence)


def test_home_assistant_listens(real: Live, clip: bytes) -> None:
    """The integration `openai_stt`: microphones give 16 kHz, and every setting is sent, as text."""
    with wave.open(io.BytesIO(clip)) as file:
        assert file.getnchannels() == 1
    answer = httpx.post(
        f"{real.url}/v1/audio/transcriptions",
        headers={"Authorization": f"Bearer {real.key}"},
        files={
            "file": ("whisper_audio.wav", clip, "audio/wav"),
            "model": (None, "whisper-1"),
            "language": (None, "en"),
            "prompt": (None, ""),
            "temperature": (None, "0"),
            "response_format": (None, "json"),
        },
        timeout=60,
    )
    assert wer(TEXT, answer.json()["text"].strip()) <= 0.12
