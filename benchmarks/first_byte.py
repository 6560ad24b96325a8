"""Time to the first sound of a streamed long text with a warm model, compared with fastkokoro.

No server gets a text twice, since engines are faster with an input length that they have seen before.
"""

from collections import defaultdict
from contextlib import ExitStack

from benchmarks.bench import Bench, middle
from benchmarks.client import WAV_HEAD, speak
from benchmarks.processes import cpu_seconds, settled_cpu_seconds
from benchmarks.report import Figure
from benchmarks.servers import Running, ours, peer
from benchmarks.texts import prose

CHARACTERS = 1550
MOST_SECONDS = 0.5
"""On two idle cores with bf16."""


def run(bench: Bench) -> list[Figure]:
    taken: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with ExitStack() as stack:
        server = stack.enter_context(ours(bench.model))
        rival = stack.enter_context(peer(bench.voice)) if bench.has_peer else None
        for turn in range(bench.rounds + 1):
            mp3, wav = (prose(CHARACTERS, chapter=2 * turn + number) for number in range(2))
            measured = {
                "mp3": _first(server, "/v1/tts/", bench.order(mp3, format="mp3", stream=True)),
                "wav": _first(server, "/v1/tts/", bench.order(wav, format="wav", stream=True)),
            }
            if rival:
                body = {"model": "kokoro", "voice": bench.voice, "input": wav, "response_format": "pcm"}
                measured["fastkokoro"] = _first(rival, "/v1/audio/speech", {**body, "stream": True})
            for name, each in measured.items() if turn else ():
                taken[name].append(each)
    return [_figure(name, each) for name, each in taken.items()]


def _first(server: Running, path: str, body: dict[str, object]) -> tuple[float, float]:
    """→ wall seconds and the server's CPU-seconds until the first sound; then the client disconnects."""
    before = settled_cpu_seconds(server.pid)
    answer = speak(server.url, path, server.key, body, leave_after=WAV_HEAD + 1)
    cpu = cpu_seconds(server.pid) - before
    _wait_for_rest(server.pid)
    return answer.first_byte, cpu


def _wait_for_rest(pid: int) -> None:
    """Wait until the server has stopped the abandoned work."""
    used = cpu_seconds(pid)
    while (now := settled_cpu_seconds(pid)) > used + 0.02:
        used = now


def _figure(name: str, taken: list[tuple[float, float]]) -> Figure:
    seconds, cpu = (middle(each) for each in zip(*taken, strict=True))
    most = None if name == "fastkokoro" else MOST_SECONDS
    note = f"{cpu:.2f} CPU-s spent by then; wall time, so on an idle machine only"
    return Figure(f"first sound, {name}", seconds, "s", most=most, note=note)
