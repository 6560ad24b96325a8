"""Cost of each audio tool per second of recording, over HTTP, and its memory, which must not grow with the length."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import httpx
import numpy as np

from benchmarks.bench import Bench
from benchmarks.client import TIMEOUT_SECONDS
from benchmarks.processes import peak_mb, settled_cpu_seconds
from benchmarks.report import Figure
from benchmarks.servers import Running, ours
from ttsai_server.audio.encode import Encoder

SHORT, LONG = 60, 600
"""Seconds."""
RATE = 44_100
MOST_GROWTH = 1.5
TOOLS: Mapping[str, Mapping[str, str]] = {
    "convert": {"format": "mp3"},
    "analyze": {},
    "enhance": {},
    "dereverb": {},
    "separate": {"model": "spleeter"},
}


def run(bench: Bench) -> list[Figure]:
    """One round is enough: a tool takes minutes, and each figure stands on its own."""
    del bench
    with TemporaryDirectory() as folder:
        files = {seconds: _recording(Path(folder) / f"{seconds}.flac", seconds) for seconds in (SHORT, LONG)}
        return [figure for tool in TOOLS for figure in _figures(tool, files)]


def _figures(tool: str, files: Mapping[int, Path]) -> list[Figure]:
    figures: list[Figure] = []
    peaks: dict[int, float] = {}
    for seconds, file in files.items():
        # a server for each length: what one takes at most can't be told apart from what another took
        with ours() as server:
            _use(server, tool, files[SHORT])  # loads the model
            before, began = settled_cpu_seconds(server.pid), perf_counter()
            _use(server, tool, file)
            took = perf_counter() - began
            cost = settled_cpu_seconds(server.pid) - before
            peaks[seconds] = peak_mb(server.pid)
        figures += [
            Figure(f"{tool}, {seconds} s", cost / seconds, "CPU-s/audio-s"),
            Figure(f"{tool}, {seconds} s, real-time factor", took / seconds, "×"),
            Figure(f"{tool}, {seconds} s, resident peak", peaks[seconds], "MB"),
        ]
    return [
        *figures,
        Figure(f"{tool}, peak of {LONG} s : of {SHORT} s", peaks[LONG] / peaks[SHORT], "×", most=MOST_GROWTH),
    ]


def _use(server: Running, tool: str, file: Path) -> None:
    headers = {"Authorization": f"Bearer {server.key}"}
    with (
        file.open("rb") as sound,
        httpx.stream(
            "POST",
            f"{server.url}/v1/audio/{tool}/",
            files={"file": sound},
            data=dict(TOOLS[tool]),
            headers=headers,
            timeout=TIMEOUT_SECONDS,
        ) as answer,
    ):
        answer.raise_for_status()
        for _ in answer.iter_raw():
            pass


def _recording(target: Path, seconds: int) -> Path:
    """Chords that fade, over a beat of noise, stereo."""
    random = np.random.default_rng(0)
    time = np.arange(2 * RATE) / RATE
    chords = [[220 * 2 ** (step / 12) for step in steps] for steps in ((0, 4, 7), (5, 9, 12), (7, 11, 14), (9, 12, 16))]
    with target.open("wb") as file:
        encoder = Encoder("flac", RATE, channels=2, file=file)
        for number in range(seconds // 2):
            tones = sum(np.sin(2 * np.pi * hertz * time) for hertz in chords[number % 4]) * np.exp(-time)
            beat = random.standard_normal(len(time)) * np.exp(-8 * (time % 0.5))
            left, right = 0.15 * tones + 0.1 * beat, 0.12 * tones - 0.08 * beat
            encoder.push(np.stack([left, right], axis=1).astype(np.float32))
        encoder.finish()
    return target
