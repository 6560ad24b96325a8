"""Eight different texts streamed at once: does each begin soon, and play on once it has begun?"""

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
CHARACTERS = 400
MOST_FIRST_SECONDS = 4.0
MOST_STARVED_SECONDS = 1.0
"""Our reading of "none starved": what a player may be silent beyond what the machine's speed makes unavoidable."""
LEAST_THROUGHPUT = 6.0
"""Audio-seconds per second."""
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
    def starved(self) -> float:
        """The worst stream's silence beyond its fair share: at this throughput each second of sound takes so long."""
        slowness = max(0.0, STREAMS / self.throughput - 1)
        return max(silence(answer) - slowness * answer.audio_seconds for answer in self.answers)


def silence(answer: Answer) -> float:
    """Seconds that a player is silent which begins at the first sound and plays whatever has come."""
    plays_until, silent = answer.first_byte, 0.0
    for at, size in answer.arrivals:
        silent += max(0.0, at - plays_until)
        plays_until = max(at, plays_until) + size / PCM_BYTES_A_SECOND
    return silent


def run(bench: Bench) -> list[Figure]:
    with ours(bench.model) as server, ThreadPoolExecutor(STREAMS) as clients:
        rounds = [_round(bench, server, clients, turn) for turn in range(bench.rounds + 1)][1:]
    firsts = middle([max(answer.first_byte for answer in each.answers) for each in rounds])
    waits = [wait for each in rounds for wait in each.pulse.waits_ms]
    late = [late for each in rounds for late in each.pulse.late_ms]
    note = f"of {len(waits)}; 99 % within {_share(waits, 0.99):.1f}; the poller itself woke up to {max(late):.1f} late"
    return [
        Figure("slowest first sound of 8", firsts, "s", most=MOST_FIRST_SECONDS),
        Figure("throughput at 8", middle([each.throughput for each in rounds]), "audio-s/s", least=LEAST_THROUGHPUT),
        Figure("cost at 8", middle([each.cpu / each.audio for each in rounds]), "CPU-s/audio-s"),
        Figure("worst silence of a player", middle([_worst_silence(each) for each in rounds]), "s"),
        Figure("beyond its fair share", middle([e.starved for e in rounds]), "s", most=MOST_STARVED_SECONDS),
        Figure("/health/live, worst", max(waits), "ms", most=MOST_HEALTH_MS, note=note),
    ]


def _round(bench: Bench, server: Running, clients: ThreadPoolExecutor, turn: int) -> Round:
    texts = [prose(CHARACTERS, chapter=turn * STREAMS + number) for number in range(STREAMS)]
    before = settled_cpu_seconds(server.pid)

    def stream(text: str) -> Answer:
        return speak(server.url, "/v1/tts/", server.key, bench.order(text, format="wav", stream=True))

    with polling(server.url) as pulse:
        answers = list(clients.map(stream, texts))
    return Round(answers, settled_cpu_seconds(server.pid) - before, pulse)


def _worst_silence(each: Round) -> float:
    return max(silence(answer) for answer in each.answers)


def _share(values: list[float], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))]
