"""Streams eight different texts at once: does each begin soon, and then play without gaps?"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks.bench import Bench, middle
from benchmarks.client import PCM_BYTES_A_SECOND, Answer, speak
from benchmarks.processes import settled_cpu_seconds
from benchmarks.pulse import Pulse, polling
from benchmarks.report import Figure
from benchmarks.servers import Running, ours
from benchmarks.texts import prose

STREAMS = 8
CHARACTERS, WARM_CHARACTERS = 400, 100
MOST_FIRST_SECONDS = 4.0
MOST_STARVED_SECONDS = 1.0
"""Longest silence of a player beyond what the machine's speed makes unavoidable."""
LEAST_THROUGHPUT = 6.0
"""Seconds of sound per second, all streams together."""
MOST_HEALTH_MS = 20.0


@dataclass(frozen=True, slots=True)
class Round:
    answers: list[Answer]
    cpu: float
    pulse: Pulse

    @property
    def audio(self) -> float:
        return sum(answer.audio_seconds for answer in self.answers)

    @property
    def seconds(self) -> float:
        return max(answer.last_byte for answer in self.answers)

    @property
    def throughput(self) -> float:
        return self.audio / self.seconds

    @property
    def cores(self) -> float:
        """CPU cores that the server used on average; the rest was idle, or used by others."""
        return self.cpu / self.seconds

    @property
    def starved(self) -> float:
        """The worst stream's silence beyond its fair share: at this throughput each second of sound takes so long."""
        slowness = max(0.0, STREAMS / self.throughput - 1)
        return max(silence(answer) - slowness * answer.audio_seconds for answer in self.answers)


def silence(answer: Answer) -> float:
    """Seconds of silence of a player that starts at the first sound and plays whatever has arrived."""
    plays_until, silent = answer.first_byte, 0.0
    for at, size in answer.arrivals:
        silent += max(0.0, at - plays_until)
        plays_until = max(at, plays_until) + size / PCM_BYTES_A_SECOND
    return silent


def run(bench: Bench) -> list[Figure]:
    with ours(bench.model) as server, ThreadPoolExecutor(STREAMS) as clients:
        _round(bench, server, clients, _texts(0, WARM_CHARACTERS))
        rounds = [_round(bench, server, clients, _texts(turn, CHARACTERS)) for turn in range(1, bench.rounds + 1)]
    firsts = middle([max(answer.first_byte for answer in each.answers) for each in rounds])
    silences = middle([max(map(silence, each.answers)) for each in rounds])
    return [
        Figure("slowest first sound of 8", firsts, "s", most=MOST_FIRST_SECONDS),
        *_speed(rounds),
        Figure("worst silence of a player", silences, "s"),
        Figure("beyond its fair share", middle([e.starved for e in rounds]), "s", most=MOST_STARVED_SECONDS),
        _health(rounds),
    ]


def _speed(rounds: list[Round]) -> list[Figure]:
    cost, cores = middle([each.cpu / each.audio for each in rounds]), os.cpu_count() or 1
    got = middle([each.cores for each in rounds])
    note = f"the server had {got:.2f} cores' time; at this cost all {cores} make {cores / cost:.1f}"
    throughput = middle([each.throughput for each in rounds])
    return [
        Figure("throughput at 8", throughput, "audio-s/s", least=LEAST_THROUGHPUT, note=note),
        Figure("cost at 8", cost, "CPU-s/audio-s"),
    ]


def _health(rounds: list[Round]) -> Figure:
    waits = sorted(wait for each in rounds for wait in each.pulse.waits_ms)
    late = max(late for each in rounds for late in each.pulse.late_ms)
    most_are = waits[int(0.99 * (len(waits) - 1))]
    note = f"of {len(waits)}; 99 % within {most_are:.1f}; the poller itself woke up to {late:.1f} late"
    return Figure("/health/live, worst", waits[-1], "ms", most=MOST_HEALTH_MS, note=note)


def _texts(turn: int, characters: int) -> list[str]:
    return [prose(characters, chapter=turn * STREAMS + number) for number in range(STREAMS)]


def _round(bench: Bench, server: Running, clients: ThreadPoolExecutor, texts: list[str]) -> Round:
    before = settled_cpu_seconds(server.pid)

    def stream(text: str) -> Answer:
        return speak(server.url, "/v1/tts/", server.key, bench.order(text, format="wav", stream=True))

    with polling(server.url) as pulse:
        answers = list(clients.map(stream, texts))
    return Round(answers, settled_cpu_seconds(server.pid) - before, pulse)
