"""Memory while the longest text is streamed: it must not grow with the text."""

from threading import Event, Thread

from benchmarks.bench import Bench
from benchmarks.client import speak
from benchmarks.processes import peak_mb, resident_mb
from benchmarks.report import Figure
from benchmarks.servers import ours
from benchmarks.texts import prose

CHARACTERS = 50_000
MOST_PEAK_MB = 1000.0
EVERY_SECONDS = 0.5


def run(bench: Bench) -> list[Figure]:
    resident: list[float] = []
    done = Event()
    with ours(bench.model) as server:

        def watch() -> None:
            while not done.wait(EVERY_SECONDS):
                resident.append(resident_mb(server.pid))

        loaded, watcher = resident_mb(server.pid), Thread(target=watch)
        watcher.start()
        try:
            body = bench.order(prose(CHARACTERS), format="mp3", stream=True)
            answer = speak(server.url, "/v1/tts/", server.key, body)
        finally:
            done.set()
            watcher.join()
        peak = peak_mb(server.pid)
    half = len(resident) // 2
    grown = max(resident[half:], default=0) - max(resident[: half + 1], default=0)
    note = f"over the whole life of the server; {answer.last_byte:.0f} s of streaming"
    return [
        Figure("resident, model loaded", loaded, "MB"),
        Figure("resident peak", peak, "MB", most=MOST_PEAK_MB, note=note),
        Figure("peak of the second half over the first's", grown, "MB"),
    ]
