"""What a GPU makes of several requests at the same time: Kokoro on PyTorch, in float32 and with its decoder in half
precision, and Whisper, in this process, in batches.

Where there is no GPU it says what it would measure. All of it takes less than six minutes.
"""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from statistics import median

import numpy as np
import soxr
from numpy.typing import NDArray

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
PRECISIONS = ("f32", "bf16")
LIKENESS = "difference of what is spoken in a batch from the same alone"
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
    rates = f"{', '.join(map(str, AT_ONCE))} at once: seconds of sound a second, and the time until all are done"
    speakers = [_in(precision) for precision in PRECISIONS]
    each = [(name, what) for name in (*speakers, _listener().id) for what in (rates, "memory taken on the GPU")]
    return [*(f"{name}, {LIKENESS}" for name in speakers), *(f"{name}, {what}" for name, what in each)]


def figures(device: str, at_once: Sequence[int] = AT_ONCE, seconds: float = SECONDS) -> list[Figure]:
    """device: cuda; or cpu, to see that it works."""
    listener = replace(_listener(), setup={"batch": max(at_once)})
    spoken = [figure for precision in PRECISIONS for figure in _speaking(precision, device, at_once, seconds)]
    return [*spoken, *_listening(listener, device, at_once, seconds)]


def _in(precision: str) -> str:
    return f"{SPEAKER} in {precision}"


def _cards() -> Mapping[str, ModelCard]:
    return Catalog.read(Settings().models.cards).models


def _listener() -> ModelCard:
    return next(_cards()[name] for name in LISTENERS if not missing_files(_cards()[name], Settings().models.dir))


def _speaking(precision: str, device: str, at_once: Sequence[int], seconds: float) -> list[Figure]:
    setup = {"runtime": "torch", "batch": max(at_once), "precision": precision}
    card, name = replace(_cards()[SPEAKER], setup=setup), _in(precision)
    free, chapters = _free(), count()
    with closing(load_class(card).load(card, _place(card, device, at_once))) as engine:
        assert isinstance(engine, Synthesizer)

        def speak() -> float:
            return len(_said(engine, prose(SPOKEN, next(chapters)))) / card.rate

        likeness = _likeness(name, engine, max(at_once))
        rates = [_rate(speak, many, seconds) for many in at_once]
        memory = _memory(name, free - _free())
    return [likeness, *(figure for rate in rates for figure in rate.figures(name)), memory]


def _said(engine: Synthesizer, text: str) -> NDArray[np.float32]:
    """(n,) samples."""
    request = SpeechRequest(text, (Preset(VOICE),), "en-us")
    return np.concatenate([audio.samples[:, 0] for audio in engine.synthesize(request, Cancellation())])


def _likeness(name: str, engine: Synthesizer, at_once: int) -> Figure:
    """The worst of some texts, of different lengths; those that last otherwise can't be compared."""
    texts = [prose(SPOKEN * (1 + number % 3) // 3, number) for number in range(at_once)]
    alone = [_said(engine, text) for text in texts]
    with ThreadPoolExecutor(at_once) as pool:
        together = list(pool.map(partial(_said, engine), texts))
    pairs = [(one, other) for one, other in zip(alone, together, strict=True) if len(one) == len(other)]
    worst = max((np.square(one - other).sum() / np.square(one).sum() for one, other in pairs), default=1.0)
    note = f"{len(texts) - len(pairs)} of {len(texts)} last otherwise"
    return Figure(f"{name}, {LIKENESS}", float(10 * np.log10(worst + 1e-20)), "dB", most=-20, note=note)


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
    card, recording = _cards()[SPEAKER], Recording(16_000)
    with closing(load_class(card).load(card, LoadContext(Settings().models.dir / card.id))) as engine:
        assert isinstance(engine, Synthesizer)
        recording.append(soxr.resample(_said(engine, prose(RECORDED)), card.rate, 16_000)[:, None])
    return recording


def _place(card: ModelCard, device: str, at_once: Sequence[int]) -> LoadContext:
    return LoadContext(Settings().models.dir / card.id, device, steps=max(at_once))


def _free() -> int:
    return sum(gpu.free_mb for gpu in gpus())


def _memory(name: str, megabytes: int) -> Figure:
    return Figure(f"{name}, memory taken on the GPU", megabytes, "MB", note="what its card's gpu_memory should say")
