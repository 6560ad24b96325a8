"""What a GPU makes of several requests at the same time: Kokoro on PyTorch and Whisper, in this process, in batches.

Where there is no GPU it says what it would measure. All of it takes less than six minutes.
"""

import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import count
from statistics import median

import soxr

from benchmarks.bench import Bench
from benchmarks.report import Figure
from benchmarks.texts import prose
from ttsai_server.audio.recording import Recording
from ttsai_server.domain import ModelCard, Preset, SpeechRequest, TranscriptionRequest
from ttsai_server.engines.base import Cancellation, LoadContext, Synthesizer, Transcriber
from ttsai_server.engines.catalog import Catalog, load_class
from ttsai_server.engines.weights import missing_files
from ttsai_server.runtime.gpus import gpus
from ttsai_server.settings import Settings

SPEAKER, VOICE = "kokoro", "af_heart"
LISTENERS = ("whisper-large-v3-turbo", "whisper-large-v3", "whisper-base", "whisper-tiny.en")
"""The first whose weights are here is measured."""
AT_ONCE = (1, 2, 4, 8, 16, 32)
"""Requests at the same time."""
SECONDS = 8.0
"""How long each rate is measured; a round goes before it, which is not."""
SPOKEN, RECORDED = 120, 350
"""Characters of a request for speech, and of the recording that is transcribed: some 20 s, one chunk."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast some requests at the same time are done."""

    at_once: int
    sound: float
    """Seconds of sound, made or heard, a second."""
    waited: float
    """Median time until all of them were done, seconds."""

    def figures(self, name: str) -> list[Figure]:
        what = f"{name}, {self.at_once} at once"
        return [Figure(what, self.sound, "s of sound a second"), Figure(f"{what}, all done", self.waited, "s")]


def run(bench: Bench) -> list[Figure]:
    found = gpus()
    if found:
        print(*(f"{gpu.name}, {gpu.free_mb} of {gpu.total_mb} MB free" for gpu in found), sep="\n", file=sys.stderr)
        return figures("cuda")
    print("There is no GPU here. On one, this would measure:", *planned(), sep="\n- ", file=sys.stderr)
    return []


def planned() -> list[str]:
    """What is measured, a line each."""
    names = [f"{SPEAKER} on PyTorch", f"the first of these that is pulled: {', '.join(LISTENERS)}"]
    rates = [figure for name in names for many in AT_ONCE for figure in Rate(many, 0, 0).figures(name)]
    memory = [_memory(name, 0) for name in names]
    return [f"{figure.name}: {figure.unit}" for figure in [*rates, *memory]]


def figures(device: str, at_once: Sequence[int] = AT_ONCE, seconds: float = SECONDS) -> list[Figure]:
    """device: cuda; or cpu, to see that it works."""
    cards = Catalog.read(Settings().models.cards).models
    listener = next(cards[name] for name in LISTENERS if not missing_files(cards[name], Settings().models.dir))
    return [
        *_speaking(
            replace(cards[SPEAKER], setup={"runtime": "torch", "batch": max(at_once)}), device, at_once, seconds
        ),
        *_listening(replace(listener, setup={"batch": max(at_once)}), device, at_once, seconds),
    ]


def _speaking(card: ModelCard, device: str, at_once: Sequence[int], seconds: float) -> list[Figure]:
    free = _free()
    chapters = count()

    with closing(load_class(card).load(card, _place(card, device, at_once))) as engine:
        assert isinstance(engine, Synthesizer)

        def speak() -> float:
            request = SpeechRequest(prose(SPOKEN, next(chapters)), (Preset(VOICE),), "en-us")
            return sum(audio.seconds for audio in engine.synthesize(request, Cancellation()))

        rates = [_rate(speak, many, seconds) for many in at_once]
        memory = _memory(card.id, free - _free())
    return [*(figure for rate in rates for figure in rate.figures(f"{card.id} on PyTorch")), memory]


def _listening(card: ModelCard, device: str, at_once: Sequence[int], seconds: float) -> list[Figure]:
    free = _free()
    with _recording() as recording, closing(load_class(card).load(card, _place(card, device, at_once))) as engine:
        assert isinstance(engine, Transcriber)

        def hear() -> float:
            for _ in engine.transcribe(recording, TranscriptionRequest("en"), Cancellation()):
                pass
            return recording.seconds

        rates = [_rate(hear, many, seconds) for many in at_once]
        memory = _memory(card.id, free - _free())
    return [*(figure for rate in rates for figure in rate.figures(card.id)), memory]


def _rate(request: Callable[[], float], at_once: int, seconds: float) -> Rate:
    """request: does one; → seconds of sound."""
    sound, took = 0.0, list[float]()
    with ThreadPoolExecutor(at_once) as pool:

        def together() -> float:
            return sum(future.result() for future in [pool.submit(request) for _ in range(at_once)])

        together()
        began = time.perf_counter()
        while not took or time.perf_counter() - began < seconds:
            round_began = time.perf_counter()
            sound += together()
            took.append(time.perf_counter() - round_began)
    return Rate(at_once, sound / sum(took), median(took))


def _recording() -> Recording:
    """Some sentences, spoken on the processor, at 16 kHz."""
    card = Catalog.read(Settings().models.cards).models[SPEAKER]
    recording = Recording(16_000)
    with closing(load_class(card).load(card, LoadContext(Settings().models.dir / card.id))) as engine:
        assert isinstance(engine, Synthesizer)
        for audio in engine.synthesize(SpeechRequest(prose(RECORDED), (Preset(VOICE),), "en-us"), Cancellation()):
            recording.append(soxr.resample(audio.samples, audio.rate, 16_000))
    return recording


def _place(card: ModelCard, device: str, at_once: Sequence[int]) -> LoadContext:
    return LoadContext(Settings().models.dir / card.id, device, steps=max(at_once))


def _free() -> int:
    return sum(gpu.free_mb for gpu in gpus())


def _memory(name: str, megabytes: int) -> Figure:
    return Figure(f"{name}, memory taken on the GPU", megabytes, "MB", note="what its card's gpu_memory should say")
