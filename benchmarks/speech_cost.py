"""CPU-seconds for a second of sound: over HTTP, by the engine alone on the same chunks, and by fastkokoro."""

from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from subprocess import Popen

from benchmarks import raw
from benchmarks.bench import Bench, middle
from benchmarks.client import PCM_BYTES_A_SECOND, speak
from benchmarks.processes import settled_cpu_seconds
from benchmarks.report import Figure, has_bf16
from benchmarks.servers import Running, ours, peer
from benchmarks.texts import prose

LENGTHS = (60, 300, 1550)
MOST_TO_RAW = 1.05
MOST_TO_PEER = 0.45 if has_bf16() else 0.8
MP3_BYTES_A_SECOND = 8_000


@dataclass(frozen=True, slots=True)
class Cost:
    cpu: float
    audio: float

    @property
    def rate(self) -> float:
        return self.cpu / self.audio


def run(bench: Bench) -> list[Figure]:
    costs: dict[tuple[str, int], list[Cost]] = defaultdict(list)
    with ExitStack() as stack:
        server = stack.enter_context(ours(bench.model))
        engine = stack.enter_context(raw.alone(bench.model, bench.voice))
        rival = stack.enter_context(peer(bench.voice)) if bench.has_peer else None
        _measure(bench, server, engine, rival, prose(LENGTHS[1]))  # warms everything up
        for turn, length in product(range(1, bench.rounds + 1), LENGTHS):
            for name, cost in _measure(bench, server, engine, rival, prose(length, chapter=turn)).items():
                costs[name, length].append(cost)
    return [figure for length in LENGTHS for figure in _figures(costs, length, bench)]


def _measure(bench: Bench, server: Running, engine: "Popen[str]", rival: Running | None, text: str) -> dict[str, Cost]:
    measured = {
        "wav": _ours(bench, server, text, "wav"),
        "raw": Cost(*raw.cost(engine, text)),
        "mp3": _ours(bench, server, text, "mp3"),
    }
    return {**measured, "peer": _peer(bench, rival, text)} if rival else measured


def _ours(bench: Bench, server: Running, text: str, format: str) -> Cost:
    before = settled_cpu_seconds(server.pid)
    answer = speak(server.url, "/v1/tts/", server.key, bench.order(text, format=format))
    rate = PCM_BYTES_A_SECOND if format == "wav" else MP3_BYTES_A_SECOND
    return Cost(settled_cpu_seconds(server.pid) - before, answer.bytes / rate)


def _peer(bench: Bench, rival: Running, text: str) -> Cost:
    before = settled_cpu_seconds(rival.pid)
    body = {"model": "kokoro", "voice": bench.voice, "input": text, "response_format": "wav", "lang": "en-us"}
    answer = speak(rival.url, "/v1/audio/speech", "", body)
    return Cost(settled_cpu_seconds(rival.pid) - before, answer.audio_seconds)


def _figures(costs: dict[tuple[str, int], list[Cost]], length: int, bench: Bench) -> list[Figure]:
    """Each ratio is taken within its round, where both met the same machine, before the median of the rounds."""
    wav, alone, rival = costs["wav", length], costs["raw", length], costs["peer", length]
    figures = [
        Figure(f"{name}, {length} characters", middle([cost.rate for cost in costs[name, length]]), "CPU-s/audio-s")
        for name in ("wav", "mp3", "raw", "peer")
        if costs[name, length]
    ]
    for name in ("wav", "mp3"):
        ratio = middle([a.rate / b.rate for a, b in zip(costs[name, length], alone, strict=True)])
        work = middle([a.cpu / b.cpu for a, b in zip(costs[name, length], alone, strict=True)])
        note = f"CPU for the same text: × {work:.3f}; the engine's own silence is trimmed over HTTP"
        figures.append(Figure(f"{name} : raw, {length} characters", ratio, "×", most=MOST_TO_RAW, note=note))
    if bench.has_peer:
        ratio = middle([a.rate / b.rate for a, b in zip(wav, rival, strict=True)])
        work = middle([a.cpu / b.cpu for a, b in zip(wav, rival, strict=True)])
        note = f"CPU for the same text: × {work:.3f}"
        figures.append(Figure(f"wav : fastkokoro, {length} characters", ratio, "×", most=MOST_TO_PEER, note=note))
    return figures
