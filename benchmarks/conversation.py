"""How soon a spoken conversation answers, and how soon live transcription tells what was said.

A turn's sound should begin no later than its parts take one after the other: hearing what is said, the first sentence
of a chat model that writes slowly, and the first sound of that sentence, of which a seventh more is allowed.
"""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, count
from json import dumps, loads
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import httpx
import numpy as np
import soundfile
from tests.listening import wer
from websockets.sync.client import ClientConnection, connect

from benchmarks.bench import Bench, middle
from benchmarks.client import TIMEOUT_SECONDS, speak
from benchmarks.report import Figure
from benchmarks.servers import Running, ours
from benchmarks.slow_writer import FIRST, NAME, first_sentence_seconds, slow_writer
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.live_transcription import (
    FinalText,
    LiveEvent,
    LiveOrder,
    LiveTranscription,
    PartialText,
    SpeechStopped,
    plan_live_transcription,
)
from ttsai_server.settings import Settings

STT = "whisper-base"
REALTIME_RATE = 24_000
"""Hertz of a realtime session's sound."""
MOST_SPEECH = 1.15
MOST_DELAY = 2.0
"""Seconds from the end of speech to its final text, the silence that shows the end included."""
QUESTION = "Could you tell me when the night train from the coast will arrive today?"
UTTERANCES = (
    "The old lighthouse keeper climbed the stairs every evening, counting each step under his breath.",
    "Nobody knew exactly how the fire had started.",
    "If it rains tomorrow, the picnic will be moved to the school gym, and the children will have their games inside.",
    "Could you please turn down the music?",
    "They walked along the beach in silence, watching the sun go down, and neither of them thought of the next day.",
)
PAUSE = 1.5
"""Seconds between two utterances."""
PUSHED = 0.1
"""Seconds of sound that come at a time, as from a microphone."""
SOUND = "response.output_audio.delta"
AUDIBLE = 0.01
"""Of full scale: more is speech."""


def run(bench: Bench) -> list[Figure]:
    with slow_writer() as url:
        chat = {"CHAT__BASE_URL": url, "CHAT__MODEL": NAME}
        with ours("kokoro", STT, settings=chat) as server:
            question, *utterances = [_said(server, text) for text in (QUESTION, *UTTERANCES)]
            turns = _turns(bench, server, question)
    return [*turns, *asyncio.run(_live([_samples(sound) for sound in utterances]))]


def _said(server: Running, text: str) -> bytes:
    """A WAV file."""
    body = {"model": "kokoro", "voice": "af_heart", "text": text, "format": "wav"}
    with _client(server) as client:
        return client.post("/v1/tts/", json=body).raise_for_status().content


def _client(server: Running) -> httpx.Client:
    headers = {"Authorization": f"Bearer {server.key}"}
    return httpx.Client(base_url=server.url, headers=headers, timeout=TIMEOUT_SECONDS)


def _turns(bench: Bench, server: Running, question: bytes) -> list[Figure]:
    """The turns and their parts, by turns, so that what disturbs the machine disturbs both."""
    ways = {"voice-chat": _turn, "realtime": _realtime_turn}
    turns = {name: list[float]() for name in ways}
    bounds, heard, spoken, detected = list[float](), list[float](), list[float](), list[float]()
    for turn in ways.values():
        turn(server, question)
    for _ in range(bench.rounds):
        heard.append(_hearing(server, question))
        spoken.append(_first_sound(server))
        bounds.append(heard[-1] + first_sentence_seconds() + MOST_SPEECH * spoken[-1])
        for name, turn in ways.items():
            turns[name].append(turn(server, question))
        detected.append(_detected_turn(server, question))
    return [
        Figure("hearing the question", middle(heard), "s"),
        Figure("first sentence of the chat model", first_sentence_seconds(), "s"),
        Figure("first sound of that sentence", middle(spoken), "s"),
        Figure("end of speech → first sound, realtime with server_vad", middle(detected), "s"),
        *chain.from_iterable(_turn_figures(name, taken, bounds) for name, taken in turns.items()),
    ]


def _turn_figures(name: str, turns: Sequence[float], bounds: Sequence[float]) -> list[Figure]:
    ratio = middle([turn / bound for turn, bound in zip(turns, bounds, strict=True)])
    return [
        Figure(f"first sound of a turn, {name}", middle(turns), "s"),
        Figure(f"{name}: hearing + sentence + {MOST_SPEECH:g} first sound", ratio, "×", most=1.0),
    ]


def _hearing(server: Running, question: bytes) -> float:
    began = perf_counter()
    with _client(server) as client:
        files = {"file": ("question.wav", question)}
        client.post("/v1/stt/", files=files, data={"model": STT}).raise_for_status()
    return perf_counter() - began


def _first_sound(server: Running) -> float:
    body = {"model": "kokoro", "voice": "af_heart", "text": FIRST, "format": "mp3", "stream": True}
    return speak(server.url, "/v1/tts/", server.key, body).first_byte


def _turn(server: Running, question: bytes) -> float:
    """→ seconds until its first sound."""
    fields, files = {"stt_model": STT, "voice": "af_heart", "stream": "true"}, {"audio": ("question.wav", question)}
    began, first = perf_counter(), 0.0
    with _client(server) as client, client.stream("POST", "/v1/voice-chat/", data=fields, files=files) as answer:
        answer.raise_for_status()
        for line in answer.iter_lines():
            event = loads(line[6:]) if line.startswith("data: ") else {}
            if event.get("type") == "audio.delta" and b64decode(event["delta"]) and not first:
                first = perf_counter() - began
    return first


@contextmanager
def _session(server: Running, detection: Mapping[str, str] | None) -> Generator[ClientConnection]:
    """A realtime session that hears and answers aloud."""
    listening = {"transcription": {"model": STT}, "turn_detection": detection}
    audio = {"input": listening, "output": {"voice": "af_heart"}}
    url, headers = f"ws{server.url[len('http') :]}/v1/realtime", {"Authorization": f"Bearer {server.key}"}
    with connect(url, additional_headers=headers, max_size=None) as socket:
        socket.send(dumps({"type": "session.update", "session": {"type": "realtime", "audio": audio}}))
        _until(socket, "session.updated")
        yield socket


def _append(socket: ClientConnection, samples: np.ndarray) -> None:
    sound = b64encode((samples * 32_767).astype("<i2").tobytes()).decode()
    socket.send(dumps({"type": "input_audio_buffer.append", "audio": sound}))


def _realtime_turn(server: Running, question: bytes) -> float:
    """→ seconds from the end of the question, which the client tells, until the first sound."""
    samples, rate = _samples(question)
    assert rate == REALTIME_RATE
    with _session(server, None) as socket:
        _append(socket, samples)
        began = perf_counter()
        for kind in ("input_audio_buffer.commit", "response.create"):
            socket.send(dumps({"type": kind}))
        _until(socket, SOUND)
        return perf_counter() - began


def _detected_turn(server: Running, question: bytes) -> float:
    """→ seconds from the end of speech, which the server finds in what comes as from a microphone, likewise."""
    samples, _ = _samples(question)
    speech = int(np.flatnonzero(np.abs(samples) > AUDIBLE)[-1])
    step = round(PUSHED * REALTIME_RATE)
    with _session(server, {"type": "server_vad"}) as socket:
        began = perf_counter()
        for start in count(0, step):
            heard = samples[: speech + 1][start : start + step]
            while (left := began + (start + step) / REALTIME_RATE - perf_counter()) > 0:
                with suppress(TimeoutError):
                    if loads(socket.recv(left))["type"] == SOUND:
                        return perf_counter() - began - speech / REALTIME_RATE
            _append(socket, np.pad(heard, (0, step - len(heard))))
    raise AssertionError


def _until(socket: ClientConnection, kind: str) -> None:
    """Read events until one of that type. Raises RuntimeError for one that tells of an error."""
    while (event := loads(socket.recv(TIMEOUT_SECONDS)))["type"] != kind:
        if event["type"] in ("error", "response.done"):
            raise RuntimeError(f"{kind} did not come, but {event}")


def _samples(wav: bytes) -> tuple[np.ndarray, int]:
    """float32 (n,), and its rate."""
    from io import BytesIO

    samples, rate = soundfile.read(BytesIO(wav), dtype="float32")
    return samples, rate


@dataclass(frozen=True)
class Told:
    """An event, and when it was told: seconds from the first sound."""

    at: float
    event: LiveEvent


async def _live(utterances: Sequence[tuple[np.ndarray, int]]) -> list[Figure]:
    """Somebody speaks the utterances in real time."""
    from ttsai_server.app import create_app
    from ttsai_server.app.parts import LOCAL_CALLER

    with TemporaryDirectory() as folder:
        app = create_app(Settings(data_dir=Path(folder)))
        async with app.router.lifespan_context(app):
            context: ServiceContext = app.state.services.flow.context.unbilled()
            plan = await asyncio.to_thread(
                plan_live_transcription, context, LOCAL_CALLER, LiveOrder(STT, language="en")
            )
            for card in (plan.detector, plan.listening.card):
                async with context.runtime.lease(card):
                    pass
            rate = utterances[0][1]
            pause = np.zeros(round(PAUSE * rate), np.float32)
            sound = np.concatenate([pause, *chain.from_iterable((said, pause) for said, _ in utterances)])
            async with LiveTranscription(plan, LOCAL_CALLER, context, rate) as live:
                return _live_figures(await _spoken(live, sound, rate))


async def _spoken(live: LiveTranscription, sound: np.ndarray, rate: int) -> list[Told]:
    loop, told = asyncio.get_running_loop(), list[Told]()
    began = loop.time()

    async def listen() -> None:
        async for event in live.events():
            told.append(Told(loop.time() - began, event))

    listening = asyncio.create_task(listen())
    step = round(PUSHED * rate)
    for start in range(0, len(sound), step):
        # what a microphone gives is there once it has been said
        await asyncio.sleep(max(0.0, began + (start + step) / rate - loop.time()))
        await live.push(sound[start : start + step])
    await live.end()
    await listening
    return told


def _live_figures(told: Sequence[Told]) -> list[Figure]:
    finals = [(one.at, one.event) for one in told if isinstance(one.event, FinalText)]
    stops = {one.event.utterance: one.event.position / 16_000 for one in told if isinstance(one.event, SpeechStopped)}
    delays = [at - stops[event.utterance] for at, event in finals]
    text = " ".join(event.text for _, event in finals)
    shown, stable = _lags(told, stable=False), _lags(told, stable=True)
    partials = sum(isinstance(one.event, PartialText) for one in told)
    return [
        Figure("live: end of speech → final text", middle(delays), "s", most=MOST_DELAY),
        Figure("live: end of speech → final text, longest", max(delays), "s"),
        Figure("live: word said → shown", middle(shown), "s"),
        Figure("live: word said → stable", middle(stable), "s"),
        Figure("live: partial texts per utterance", partials / len(finals), ""),
        Figure("live: what is said : final text", wer(" ".join(UTTERANCES), text), "WER", most=0.1),
    ]


def _lags(told: Sequence[Told], *, stable: bool) -> list[float]:
    """Of each word of the final texts: seconds from its end until as many words of its segment had been told."""
    lags = list[float]()
    segment: list[tuple[float, int]] = []
    for one in told:
        match one.event:
            case PartialText():
                known = one.event.stable if stable else f"{one.event.stable} {one.event.tentative}"
                segment.append((one.at, len(known.split())))
            case FinalText(words=words):
                segment.append((one.at, len(words)))
                for number, word in enumerate(words, start=1):
                    lags.append(next(at for at, count in segment if count >= number) - word.end)
                segment.clear()
            case _:
                pass
    return lags
