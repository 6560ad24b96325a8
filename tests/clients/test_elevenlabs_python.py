"""ElevenLabs' client for Python, unmodified."""

import base64
import os
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from elevenlabs.client import AsyncElevenLabs, ElevenLabs
from elevenlabs.core.api_error import ApiError
from elevenlabs.types import VoiceSettings
from tests.clients.conftest import TEXT
from tests.listening import Ear, wer
from tests.live import Live, live

from ttsai_server.settings import Models, Settings

WORDS = "Hello there. And more."
RATE = 16_000
PCM: Any = f"pcm_{RATE}"


def client_of(server: Live, key: str = "") -> ElevenLabs:
    http = httpx.Client(timeout=300)
    server.clients.append(http)  # which closes it: the client itself never does
    return ElevenLabs(base_url=f"{server.url}/elevenlabs", api_key=key or server.key, httpx_client=http)


@pytest.fixture
def client(server: Live) -> ElevenLabs:
    return client_of(server)


@pytest.fixture(scope="module")
def secure(tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server with a certificate: the client opens WebSockets only with one, whatever its address says."""
    folder, authority = tmp_path_factory.mktemp("secure"), trustme.CA()
    certificate, pem = authority.issue_cert("127.0.0.1"), folder / "server.pem"
    certificate.private_key_and_cert_chain_pem.write_to_path(pem)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    settings = Settings(data_dir=folder, models=Models(dir=tiny_models, demo=True))
    with pytest.MonkeyPatch.context() as patch, live(settings, ssl_certfile=str(pem)) as running:
        patch.setitem(os.environ, "SSL_CERT_FILE", str(folder / "ca.pem"))
        assert ssl.create_default_context().cert_store_stats()["x509_ca"] == 1
        yield replace(running, url=running.url.replace("http", "https"))


def test_it_speaks_words_that_are_understood(real: Live, ear: Ear) -> None:
    sound = b"".join(client_of(real).text_to_speech.convert("21m00Tcm4TlvDq8ikWAM", text=TEXT))
    assert wer(TEXT, ear.listen(sound)) <= 0.12


def test_it_transcribes(real: Live, clip: bytes) -> None:
    heard: Any = client_of(real).speech_to_text.convert(
        model_id="scribe_v1", file=("clip.wav", clip), language_code="eng", timestamps_granularity="character"
    )
    assert wer(TEXT, heard.text) <= 0.12
    assert "".join(word.text for word in heard.words) == heard.text
    assert {word.type for word in heard.words} == {"word", "spacing"}
    assert (heard.language_code, heard.language_probability) == ("eng", 1)
    assert all(word.end <= heard.audio_duration_secs for word in heard.words)
    first = heard.words[0]
    assert (first.characters[0].start, first.characters[-1].end) == (first.start, first.end)


def test_the_stream_is_the_same_sound(client: ElevenLabs) -> None:
    asked: Any = {"text": WORDS, "output_format": PCM}
    whole = b"".join(client.text_to_speech.convert("tone_a", **asked))
    assert whole == b"".join(client.text_to_speech.stream("tone_a", **asked))


@pytest.mark.parametrize(
    ("format", "begins"),
    [("mp3_44100_128", b"\xff\xfb"), ("wav_22050", b"RIFF"), ("opus_48000_64", b"OggS"), ("ulaw_8000", b"\xff")],
)
def test_the_format_is_the_one_asked_for(client: ElevenLabs, format: Any, begins: bytes) -> None:
    sound = b"".join(client.text_to_speech.convert("tone_a", text=WORDS, output_format=format))
    assert sound.startswith(begins)


def test_a_telephone_gets_one_byte_a_sample(client: ElevenLabs) -> None:
    linear, telephone = (
        b"".join(client.text_to_speech.convert("tone_a", text=WORDS, output_format=format))
        for format in ("pcm_8000", "ulaw_8000")
    )
    assert len(linear) == 2 * len(telephone)


def test_the_speed_of_the_voice_settings_is_kept(client: ElevenLabs) -> None:
    once, twice = (
        len(b"".join(client.text_to_speech.convert("tone_a", text=WORDS, output_format=PCM, voice_settings=settings)))
        for settings in (VoiceSettings(speed=1.0, stability=0.5), VoiceSettings(speed=2.0))
    )
    assert once == pytest.approx(2 * twice, rel=0.1)


def test_every_character_has_its_time(client: ElevenLabs) -> None:
    asked: Any = {"text": WORDS, "output_format": PCM}
    timed = client.text_to_speech.convert_with_timestamps("tone_a", **asked)
    alignment: Any = timed.alignment
    assert "".join(alignment.characters) == WORDS
    starts, ends = alignment.character_start_times_seconds, alignment.character_end_times_seconds
    assert all(start <= end for start, end in zip(starts, ends, strict=True))
    assert starts == sorted(starts)
    assert ends[-1] <= len(base64.b64decode(timed.audio_base_64)) / 2 / RATE + 0.01
    lines: list[Any] = list(client.text_to_speech.stream_with_timestamps("tone_a", **asked))
    assert "".join(char for line in lines for char in line.alignment.characters) == WORDS
    assert [start for line in lines for start in line.alignment.character_start_times_seconds] == starts


async def test_the_asynchronous_client_speaks(server: Live) -> None:
    async with httpx.AsyncClient() as http:
        client = AsyncElevenLabs(base_url=f"{server.url}/elevenlabs", api_key=server.key, httpx_client=http)
        assert [part async for part in client.text_to_speech.stream("tone_a", text=WORDS)]


def test_it_lists_voices_and_models_that_are_ready(client: ElevenLabs) -> None:
    assert {"tone_a", "tone_c"} <= {voice.voice_id for voice in client.voices.get_all().voices}
    page = client.voices.search(search="tone", page_size=1)
    assert (page.has_more, page.total_count) == (True, 2)
    following = client.voices.search(search="tone", page_size=1, next_page_token=page.next_page_token)
    assert {voice.voice_id for voice in (*page.voices, *following.voices)} == {"tone_a", "tone_c"}
    assert client.voices.get("tone_c").labels == {"language": "en", "gender": "neutral"}
    models = {model.model_id: model for model in client.models.list()}
    assert models["tone"].can_do_text_to_speech
    assert "eleven_flash_v2_5" in models


def test_what_is_wrong_raises_its_error(server: Live) -> None:
    account, key = server.new_key(credits=0)
    asked: Any = {"text": WORDS}
    for client, voice, told in (
        (client_of(server), "nobody", (404, "voice_not_found")),
        (client_of(server, "sk-tts-no"), "tone_a", (401, "invalid_api_key")),
        (client_of(server, key), "tone_a", (402, "quota_exceeded")),
    ):
        with pytest.raises(ApiError) as caught:
            list(client.text_to_speech.convert(voice, **asked))
        body: Any = caught.value.body
        assert (caught.value.status_code, body["detail"]["status"]) == told
    with pytest.raises(ApiError) as caught:
        list(client_of(server).text_to_speech.convert("tone_a", text=WORDS, model_id="nobody"))
    assert caught.value.status_code == 404
    assert server.account(account).available == 0


@pytest.mark.filterwarnings("ignore:ConnectionClosed.code is deprecated")  # the client asks for it
def test_it_speaks_a_text_while_it_is_written(secure: Live) -> None:
    account, key = secure.new_key(credits=10)
    parts = client_of(secure, key).text_to_speech.convert_realtime(
        "tone_a", text=iter(["Hello ", "there. ", "And ", "more."]), model_id="tone", output_format=PCM
    )
    assert len(b"".join(parts)) > RATE
    assert secure.account(account).available == 9
