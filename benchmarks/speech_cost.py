"""CPU-seconds for a second of sound: over HTTP, by the engine alone on the same chunks, and by fastkokoro.

The machine gets faster and slower all the time. So a text goes through the server and the engine one right after the
other, each first in turn, and ratios are taken within a round before their median is.
"""

from collections import defaultdict
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle, product
from subprocess import Popen

from benchmarks import raw
from benchmarks.bench import Bench, middle
from benchmarks.client import speak
from benchmarks.processes import settled_cpu_seconds
from benchmarks.report import Figure, has_bf16
from benchmarks.servers import Running, ours, peer
from benchmarks.texts import prose

LENGTHS = (60, 300, 1550)
FORMATS = ("wav", "mp3")
MOST_TO_RAW = 1.05
MOST_TO_PEER = 0.45 if has_bf16() else 0.8
SHORT_CHARACTERS = 600
"""Shorter texts are spoken several at a time, to so many characters: /proc counts in hundredths of a second."""
ALL = "all lengths"
SAME = 0.01
"""Share by which two voicings of the same chunks may differ in length."""
_OURS_FIRST = cycle((True, False))


@dataclass(frozen=True, slots=True)
class Cost:
    cpu: float
    audio: float
    """Seconds that a listener gets."""
    made: float
    """Seconds that the engine made, the silence around its chunks included."""

    @property
    def rate(self) -> float:
        return self.cpu / self.audio


Costs = dict[tuple[str, str], list[Cost]]
"""By what was measured and which texts, one a round."""


def run(bench: Bench) -> list[Figure]:
    costs: Costs = defaultdict(list)
    with ExitStack() as stack:
        server = stack.enter_context(ours(bench.model))
        engine = stack.enter_context(raw.alone(bench.voice, bench.options))
        rival = stack.enter_context(peer(bench.voice)) if bench.has_peer else None
        _measure(bench, server, engine, [prose(LENGTHS[1])], "wav")  # warms everything up
        if rival:
            _peer(bench, rival, [prose(LENGTHS[1])])
        for turn, length in product(range(bench.rounds), LENGTHS):
            for number, format in enumerate(FORMATS):
                texts, kind = _texts(length, 1 + len(FORMATS) * turn + number), _kind(length)
                over_http, alone = _measure(bench, server, engine, texts, format)
                costs[format, kind].append(over_http)
                costs[f"raw, {format}", kind].append(alone)
                if rival and format == "wav":
                    costs["fastkokoro", kind].append(_peer(bench, rival, texts))
    for name in {name for name, _ in costs}:
        costs[name, ALL] = [
            _sum(round) for round in zip(*(costs[name, kind] for kind in map(_kind, LENGTHS)), strict=True)
        ]
    return [figure for kind in (*map(_kind, LENGTHS), ALL) for figure in _figures(costs, kind, bench)]


def _kind(length: int) -> str:
    return f"{length} characters"


def _texts(length: int, part: int) -> list[str]:
    """New ones for each part: an engine is quicker with a length that it has met before."""
    several = max(1, SHORT_CHARACTERS // length)
    return [prose(length, chapter=part * several + number) for number in range(several)]


def _measure(bench: Bench, server: Running, engine: "Popen[str]", texts: list[str], format: str) -> tuple[Cost, Cost]:
    """→ over HTTP, and by the engine alone."""
    over_http: list[Cost] = []
    alone: list[Cost] = []
    for text in texts:
        if ours_first := next(_OURS_FIRST):
            over_http.append(_ours(bench, server, text, format))
        alone.append(_raw(engine, text))
        if not ours_first:
            over_http.append(_ours(bench, server, text, format))
        if abs(alone[-1].audio - over_http[-1].audio) > SAME * alone[-1].audio:
            raise RuntimeError(
                f"not the same chunks: {over_http[-1].audio:.2f} s, {alone[-1].audio:.2f} s by the engine"
            )
    return _sum(over_http), _sum(alone)


def _ours(bench: Bench, server: Running, text: str, format: str) -> Cost:
    before = settled_cpu_seconds(server.pid)
    answer = speak(server.url, "/v1/tts/", server.key, bench.order(text, format=format))
    audio = float(answer.headers["x-audio-seconds"])
    return Cost(settled_cpu_seconds(server.pid) - before, audio, audio)


def _raw(engine: "Popen[str]", text: str) -> Cost:
    sound = raw.cost(engine, text)
    return Cost(sound.cpu, sound.heard, sound.made)


def _peer(bench: Bench, rival: Running, texts: list[str]) -> Cost:
    before = settled_cpu_seconds(rival.pid)
    common = {"model": "kokoro", "voice": bench.voice, "response_format": "wav", "lang": "en-us"}
    answers = [speak(rival.url, "/v1/audio/speech", "", {**common, "input": text}) for text in texts]
    audio = sum(answer.audio_seconds for answer in answers)
    return Cost(settled_cpu_seconds(rival.pid) - before, audio, audio)


def _sum(costs: Iterable[Cost]) -> Cost:
    cpu, audio, made = map(sum, zip(*((cost.cpu, cost.audio, cost.made) for cost in costs), strict=True))
    return Cost(cpu, audio, made)


def _figures(costs: Costs, kind: str, bench: Bench) -> list[Figure]:
    figures = [
        Figure(f"{name}, {kind}", middle([cost.rate for cost in costs[name, kind]]), "CPU-s/audio-s")
        for name in (*FORMATS, *(f"raw, {format}" for format in FORMATS), "fastkokoro")
        if costs[name, kind]
    ]
    figures += [_to_raw(costs, name, kind) for name in FORMATS]
    return [*figures, _to_peer(costs, kind)] if bench.has_peer else figures


def _to_raw(costs: Costs, name: str, kind: str) -> Figure:
    """Each ratio is taken within its round, where both met the same machine, before the median of the rounds."""
    pairs = list(zip(costs[name, kind], costs[f"raw, {name}", kind], strict=True))
    untrimmed = middle([ours.rate / (alone.cpu / alone.made) for ours, alone in pairs])
    note = f"if the silence that the engine makes and the server cuts counted as sound: {untrimmed:.3f}"
    ratio = middle([ours.rate / alone.rate for ours, alone in pairs])
    return Figure(f"{name} : raw, {kind}", ratio, "×", most=MOST_TO_RAW, note=note)


def _to_peer(costs: Costs, kind: str) -> Figure:
    pairs = list(zip(costs["wav", kind], costs["fastkokoro", kind], strict=True))
    note = f"CPU for the same text: × {middle([ours.cpu / rival.cpu for ours, rival in pairs]):.3f}"
    ratio = middle([ours.rate / rival.rate for ours, rival in pairs])
    return Figure(f"wav : fastkokoro, {kind}", ratio, "×", most=MOST_TO_PEER, note=note)
