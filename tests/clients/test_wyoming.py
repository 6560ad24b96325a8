"""Wyoming, spoken by the protocol's own client, in the ways of Home Assistant."""

import asyncio
import io
import re
import socket
import subprocess
import sys
import time
import wave
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from math import ceil

import pytest
from tests.clients.conftest import TEXT
from tests.listening import wer
from tests.live import Live
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeStopped, SynthesizeVoice

from ttsai_server.cli.wyoming import server as wyoming_server
from ttsai_server.cli.wyoming.backend import Backend
from ttsai_server.cli.wyoming.server import WyomingServer
from ttsai_server.settings import Recordings, Settings

WORDS = ("Hello ", "there. ", "And ", "more.")
WHOLE = "".join(WORDS)
VOICE = SynthesizeVoice(name="tone_a")
SECONDS = 120
"""After so long without an event a test fails."""


@asynccontextmanager
async def front_of(server: Live, url: str = "", key: str = "", settings: Settings | None = None) -> AsyncGenerator[int]:
    """A Wyoming port in front of a server. url: of another one. key, settings: others than the server's."""
    backend = Backend(url or server.url, key or server.key, "auto")
    async with backend, WyomingServer(backend, settings or server.settings).listening("127.0.0.1", 0) as address:
        yield int(address.rpartition(":")[2])


@pytest.fixture
async def port(server: Live) -> AsyncIterator[int]:
    """In front of the server with the demo voices."""
    async with front_of(server) as opened:
        yield opened


@pytest.fixture
async def client(port: int) -> AsyncIterator[AsyncTcpClient]:
    async with AsyncTcpClient("127.0.0.1", port) as connected:
        yield connected


async def events_until(client: AsyncTcpClient, type: str) -> list[Event]:
    """The next events, up to one of this type, or to the end of the connection."""
    found: list[Event] = []
    async with asyncio.timeout(SECONDS):
        while event := await client.read_event():
            found.append(event)
            if event.type == type:
                break
    return found


def sound_of(events: list[Event]) -> bytes:
    return b"".join(AudioChunk.from_event(event).audio for event in events if AudioChunk.is_type(event.type))


async def said(client: AsyncTcpClient, text: str, voice: SynthesizeVoice | None = VOICE) -> list[Event]:
    """The events of a text that is sent as a whole."""
    await client.write_event(Synthesize(text=text, voice=voice).event())
    return await events_until(client, "audio-stop")


async def test_it_tells_what_it_can_do(client: AsyncTcpClient) -> None:
    await client.write_event(Describe().event())
    info = Info.from_event((await events_until(client, "info"))[-1])
    [speech] = info.tts
    assert speech.installed
    assert speech.supports_synthesize_streaming
    voices = {voice.name: voice for voice in speech.voices}
    assert voices["tone_a"].languages[0] == "en"
    assert all(voice.installed for voice in speech.voices)


async def test_a_text_is_spoken_as_one_stretch_of_sound(client: AsyncTcpClient) -> None:
    events = await said(client, WHOLE)
    start = AudioStart.from_event(events[0])
    assert (start.rate, start.width, start.channels) == (24_000, 2, 1)
    assert {event.type for event in events[1:-1]} == {"audio-chunk"}
    assert len(sound_of(events)) > start.rate


async def test_one_connection_serves_one_request_after_the_other(client: AsyncTcpClient) -> None:
    assert sound_of(await said(client, WHOLE)) == sound_of(await said(client, WHOLE))
    await client.write_event(Ping(text="there?").event())
    assert Pong.from_event((await events_until(client, "pong"))[-1]).text == "there?"


async def test_a_text_in_parts_is_spoken_once_although_it_is_sent_whole_too(client: AsyncTcpClient) -> None:
    """Home Assistant sends it once more, as a whole, for servers that know no parts."""
    await client.write_event(SynthesizeStart(voice=VOICE).event())
    for part in WORDS:
        await client.write_event(SynthesizeChunk(text=part).event())
    await client.write_event(Synthesize(text=WHOLE, voice=VOICE).event())
    await client.write_event(SynthesizeStop().event())
    events = await events_until(client, "synthesize-stopped")
    assert [events[0].type, events[-2].type, events[-1].type] == ["audio-start", "audio-stop", "synthesize-stopped"]
    assert SynthesizeStopped.is_type(events[-1].type)
    in_parts, whole = sound_of(events), sound_of(await said(client, WHOLE))
    assert len(in_parts) == pytest.approx(len(whole), rel=0.1)


async def test_the_first_sentence_is_heard_before_the_last_is_written(client: AsyncTcpClient) -> None:
    await client.write_event(SynthesizeStart(voice=VOICE).event())
    for part in WORDS[:-1]:
        await client.write_event(SynthesizeChunk(text=part).event())
    assert await events_until(client, "audio-chunk")
    await client.write_event(SynthesizeChunk(text=WORDS[-1]).event())
    await client.write_event(SynthesizeStop().event())
    assert (await events_until(client, "synthesize-stopped"))[-1].type == "synthesize-stopped"


async def test_a_text_in_parts_without_a_voice_is_spoken_at_its_end(client: AsyncTcpClient) -> None:
    """Only the whole text tells which language it is in; of none there is no sound."""
    await client.write_event(SynthesizeStart().event())
    await client.write_event(SynthesizeStop().event())
    assert [event.type for event in await events_until(client, "synthesize-stopped")] == ["synthesize-stopped"]


async def test_what_is_wrong_is_told_and_ends_the_connection(client: AsyncTcpClient) -> None:
    [told] = await said(client, WHOLE, SynthesizeVoice(name="nobody"))
    error = Error.from_event(told)
    assert error.code == "not_found"
    assert "nobody" in error.text


async def test_what_is_wrong_with_a_text_in_parts_is_told_at_once(client: AsyncTcpClient) -> None:
    await client.write_event(SynthesizeStart(voice=SynthesizeVoice(name="nobody")).event())
    [told] = await events_until(client, "error")
    assert Error.from_event(told).code == "voice_not_found"


@pytest.mark.parametrize(
    "line",
    [
        b"[]\n",
        b"{}\n",
        b"no JSON\n",
        b'{"type": "synthesize"}\n',
        b'{"type": "audio-start", "data": {"rate": 1, "width": 2, "channels": 1}}\n',
        b'{"type": "describe", "data_length": "9"}\n',
        b'{"type": "describe", "data_length": %d}\n' % (wyoming_server.MOST_EVENT_BYTES + 1),
        b'{"type": "audio-chunk", "payload_length": %d}\n' % (wyoming_server.MOST_EVENT_BYTES + 1),
        b"x" * 100_000 + b"\n",
    ],
    ids=lambda line: line[:60].decode().strip(),
)
async def test_what_is_no_event_ends_the_connection_and_nothing_else(port: int, line: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(line)
    async with asyncio.timeout(SECONDS):
        answer = await reader.read()
    writer.close()
    assert b'"info"' not in answer
    async with AsyncTcpClient("127.0.0.1", port) as other:
        await other.write_event(Describe().event())
        assert await events_until(other, "info")


async def test_a_server_that_is_away_is_told(server: Live) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        away = f"http://127.0.0.1:{taken.getsockname()[1]}"
    async with front_of(server, away) as port, AsyncTcpClient("127.0.0.1", port) as client:
        [told] = await said(client, WHOLE)
    assert Error.from_event(told).code == "unavailable"


async def test_a_recording_is_transcribed(real: Live, clip: bytes) -> None:
    """In the order of Home Assistant: the language, then 16-bit sound in small chunks."""
    with wave.open(io.BytesIO(clip)) as file:
        rate, sound = file.getframerate(), file.readframes(10**7)
    format = {"rate": rate, "width": 2, "channels": 1}
    async with front_of(real) as port, AsyncTcpClient("127.0.0.1", port) as client:
        await client.write_event(Transcribe(language="en").event())
        await client.write_event(AudioStart(**format).event())
        for start in range(0, len(sound), 2048):
            await client.write_event(AudioChunk(**format, audio=sound[start : start + 2048]).event())
        await client.write_event(AudioStop().event())
        heard = Transcript.from_event((await events_until(client, "transcript"))[-1])
        await client.write_event(Describe().event())
        info = Info.from_event((await events_until(client, "info"))[-1])
    assert wer(TEXT, heard.text) <= 0.12
    assert heard.language == "en"
    assert {"en", "de"} <= {code for model in info.asr[0].models for code in model.languages}


async def test_recordings_may_take_the_accounts_share_of_the_temporary_disk_and_no_more(server: Live) -> None:
    format, second = {"rate": 96_000, "width": 4, "channels": 2}, bytes(96_000 * 8)
    settings = server.settings.model_copy(update={"recordings": Recordings(account_temp_mb=2)})
    async with front_of(server, settings=settings) as port:
        for _ in range(2):  # what the first has taken is free again
            async with AsyncTcpClient("127.0.0.1", port) as client:
                await client.write_event(AudioStart(**format).event())
                for _ in range(3):
                    await client.write_event(AudioChunk(**format, audio=second).event())
                [told] = await events_until(client, "error")
                assert "no room" in Error.from_event(told).text


async def test_a_client_that_leaves_pays_for_what_was_heard_as_over_http(real: Live, clip: bytes) -> None:
    with wave.open(io.BytesIO(clip)) as file:
        rate, sound = file.getframerate(), file.readframes(10**7)
    format = {"rate": rate, "width": 2, "channels": 1}
    account, key = await asyncio.to_thread(real.new_key, credits=1000)

    def reserved(wanted: bool) -> None:
        until = time.monotonic() + SECONDS
        while bool(real.account(account).reserved) is not wanted:
            assert time.monotonic() < until
            time.sleep(0.05)

    async with front_of(real, key=key) as port:
        async with AsyncTcpClient("127.0.0.1", port) as client:
            await client.write_event(AudioStart(**format).event())
            for _ in range(100):
                await client.write_event(AudioChunk(**format, audio=sound).event())
            await client.write_event(AudioStop().event())
            await asyncio.to_thread(reserved, True)
        await asyncio.to_thread(reserved, False)
    minutes = ceil(100 * len(sound) / 2 / rate / 60)
    assert 1000 - (await asyncio.to_thread(real.account, account)).available < 2 * minutes


@pytest.mark.service
def test_the_command_listens_on_this_machine_alone_and_stops_when_told() -> None:
    command = [sys.executable, "-m", "ttsai_server", "wyoming", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        assert re.match(r"Listening on tcp://127\.0\.0\.1:\d+\n", running.stdout.readline())
        running.terminate()
        assert running.wait(30) == 0
