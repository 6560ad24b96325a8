"""What clients that cost as much as they can do to another account: endless heads, silent connections, and bombs."""

import io
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import perf_counter

import httpx
import numpy as np

from benchmarks.bench import Bench, middle
from benchmarks.client import TIMEOUT_SECONDS, speak
from benchmarks.flood import ENDLESS, SILENT, flooding
from benchmarks.processes import peak_mb
from benchmarks.pulse import polling
from benchmarks.report import Figure
from benchmarks.servers import Running, new_key, ours
from benchmarks.texts import prose
from ttsai_server.audio.encode import Encoder

BOMBS = 4
BOMB_MINUTES = 30
"""Of stereo at 48 kHz: 173 million samples in 300 kB."""
SHORT_SECONDS = 3
CALLS = 10
"""Conversions and speeches that are measured, each."""
CHARACTERS = 60
MOST_HEALTH_MS = 50.0
MOST_CONVERSION, MOST_SPEECH = 3.0, 2.0
"""Times as long as when all is quiet."""


def run(bench: Bench) -> list[Figure]:
    bomb, short = _silence(60 * BOMB_MINUTES), _silence(SHORT_SECONDS)
    with ours(bench.model) as server:
        other = new_key(server.data_dir)["key"]
        _convert(server, other, short)
        quiet = [_measure(bench, server, other, short, turn) for turn in range(CALLS)]
        with flooding(server.url), _bombing(server, bomb), polling(server.url) as pulse:
            hostile = [_measure(bench, server, other, short, CALLS + turn) for turn in range(CALLS)]
        server_mb = peak_mb(server.pid)
    (quiet_conversion, quiet_speech), (conversion, speech) = (
        [middle(each) for each in zip(*part, strict=True)] for part in (quiet, hostile)
    )
    waits, late = sorted(pulse.waits_ms), max(pulse.late_ms)
    note = (
        f"{ENDLESS} endless heads, {SILENT} silent connections, {BOMBS} bombs; the poller itself woke {late:.0f} late"
    )
    return [
        Figure("/health/live, 99 % within", waits[int(0.99 * (len(waits) - 1))], "ms", most=MOST_HEALTH_MS, note=note),
        Figure("/health/live, worst", waits[-1], "ms"),
        _times("another account's short conversion", conversion, quiet_conversion, MOST_CONVERSION),
        _times("another account's speech, first byte", speech, quiet_speech, MOST_SPEECH),
        Figure("peak memory, all processes", server_mb, "MB", note="with the model"),
    ]


def _times(name: str, hostile: float, quiet: float, most: float) -> Figure:
    return Figure(name, hostile / quiet, "×", most=most, note=f"{hostile:.2f} s; quiet {quiet:.2f}")


def _silence(seconds: int) -> bytes:
    file = io.BytesIO()
    encoder = Encoder("flac", 48_000, channels=2, file=file)
    for _ in range(seconds):
        encoder.push(np.zeros((48_000, 2), np.float32))
    encoder.finish()
    return file.getvalue()


@contextmanager
def _bombing(server: Running, bomb: bytes) -> Generator[None]:
    """One account converts bombs, one after the other in each of so many threads, until the block ends."""
    over = threading.Event()

    def convert() -> None:
        while not over.is_set():
            _convert(server, server.key, bomb)

    with ThreadPoolExecutor(BOMBS) as threads:
        works = [threads.submit(convert) for _ in range(BOMBS)]
        try:
            yield
        finally:
            over.set()
    for work in works:
        work.result()


def _measure(bench: Bench, server: Running, key: str, short: bytes, turn: int) -> tuple[float, float]:
    """→ seconds of a short conversion, and until the first byte of speech."""
    began = perf_counter()
    _convert(server, key, short)
    converted = perf_counter() - began
    order = bench.order(prose(CHARACTERS, turn), format="wav", stream=True)
    return converted, speak(server.url, "/v1/tts/", key, order).first_byte


def _convert(server: Running, key: str, sound: bytes) -> None:
    """Raises RuntimeError for anything but the sound, or a 503 that says when to come again."""
    answer = httpx.post(
        f"{server.url}/v1/audio/convert/",
        files={"file": sound},
        data={"format": "flac"},
        headers={"Authorization": f"Bearer {key}"},
        timeout=TIMEOUT_SECONDS,
    )
    if answer.is_error and not (answer.status_code == 503 and "Retry-After" in answer.headers):
        raise RuntimeError(f"a conversion: {answer.status_code} {answer.text[:500]}")
