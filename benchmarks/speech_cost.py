"""CPU-seconds for a second of sound: over HTTP, by the engine alone on the same chunks, and by fastkokoro."""

from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
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
SAME = 0.01
"""Share by which two voicings of the same chunks may differ in length."""


@dataclass(frozen=True, slots=True)
class Cost:
    cpu: float
    audio: float
    """Seconds that a listener gets."""
    made: float = 0.0
    """Seconds that the engine made, the silence around its chunks included."""

    @property
    def rate(self) -> float:
        return self.cpu / self.audio


def run(bench: Bench) -> list[Figure]:
    costs: dict[tuple[str, int], list[Cost]] = defaultdict(list)
    with ExitStack() as stack:
        server = stack.enter_context(ours(bench.model))
        engine = stack.enter_context(raw.alone(bench.model, bench.voice))
        rival = stack.enter_context(peer(bench.voice)) if bench.has_peer else None
        _measure(bench, server, engine, [prose(LENGTHS[1])], "wav")  # warms everything up
        if rival:
            _peer(bench, rival, [prose(LENGTHS[1])])
        for turn, length in product(range(bench.rounds), LENGTHS):
            for number, format in enumerate(FORMATS):
                texts = _texts(length, 1 + len(FORMATS) * turn + number)
                over_http, alone = _measure(bench, server, engine, texts, format)
                costs[format, length].append(over_http)
                costs[f"raw, {format}", length].append(alone)
                if rival and format == "wav":
                    costs["fastkokoro", length].append(_peer(bench, rival, texts))
    return [figure for length in LENGTHS for figure in _figures(costs, length, bench)]


def _texts(length: int, part: int) -> list[str]:
    """New ones for each part: an engine is quicker with a length that it has met before."""
    several = max(1, SHORT_CHARACTERS // length)
    return [prose(length, chapter=part * several + number) for number in range(several)]


def _measure(bench: Bench, server: Running, engine: "Popen[str]", texts: list[str], format: str) -> tuple[Cost, Cost]:
    """→ over HTTP, and by the engine alone."""
    over_http = _ours(bench, server, texts, format)
    alone = [raw.cost(engine, text) for text in texts]
    heard, made = sum(each.heard for each in alone), sum(each.made for each in alone)
    if abs(heard - over_http.audio) > SAME * heard:
        raise RuntimeError(f"not the same chunks: {over_http.audio:.2f} s over HTTP, {heard:.2f} s by the engine alone")
    return over_http, Cost(sum(each.cpu for each in alone), heard, made)


def _ours(bench: Bench, server: Running, texts: list[str], format: str) -> Cost:
    before = settled_cpu_seconds(server.pid)
    bodies = [bench.order(text, format=format) for text in texts]
    answers = [speak(server.url, "/v1/tts/", server.key, body) for body in bodies]
    audio = sum(float(answer.headers["x-audio-seconds"]) for answer in answers)
    return Cost(settled_cpu_seconds(server.pid) - before, audio)


def _peer(bench: Bench, rival: Running, texts: list[str]) -> Cost:
    before = settled_cpu_seconds(rival.pid)
    common = {"model": "kokoro", "voice": bench.voice, "response_format": "wav", "lang": "en-us"}
    answers = [speak(rival.url, "/v1/audio/speech", "", {**common, "input": text}) for text in texts]
    return Cost(settled_cpu_seconds(rival.pid) - before, sum(answer.audio_seconds for answer in answers))


def _figures(costs: dict[tuple[str, int], list[Cost]], length: int, bench: Bench) -> list[Figure]:
    figures = [
        Figure(f"{name}, {length} characters", middle([cost.rate for cost in costs[name, length]]), "CPU-s/audio-s")
        for name in (*FORMATS, *(f"raw, {format}" for format in FORMATS), "fastkokoro")
        if costs[name, length]
    ]
    figures += [_to_raw(costs, name, length) for name in FORMATS]
    return [*figures, _to_peer(costs, length)] if bench.has_peer else figures


def _to_raw(costs: dict[tuple[str, int], list[Cost]], name: str, length: int) -> Figure:
    """Each ratio is taken within its round, where both met the same machine, before the median of the rounds."""
    pairs = list(zip(costs[name, length], costs[f"raw, {name}", length], strict=True))
    untrimmed = middle([ours.rate / (alone.cpu / alone.made) for ours, alone in pairs])
    note = f"if the silence that the engine makes and the server cuts counted as sound: {untrimmed:.3f}"
    ratio = middle([ours.rate / alone.rate for ours, alone in pairs])
    return Figure(f"{name} : raw, {length} characters", ratio, "×", most=MOST_TO_RAW, note=note)


def _to_peer(costs: dict[tuple[str, int], list[Cost]], length: int) -> Figure:
    pairs = list(zip(costs["wav", length], costs["fastkokoro", length], strict=True))
    note = f"CPU for the same text: × {middle([ours.cpu / rival.cpu for ours, rival in pairs]):.3f}"
    ratio = middle([ours.rate / rival.rate for ours, rival in pairs])
    return Figure(f"wav : fastkokoro, {length} characters", ratio, "×", most=MOST_TO_PEER, note=note)
