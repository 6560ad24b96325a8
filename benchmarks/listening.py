"""CPU-seconds of transcription per second of recording, over HTTP and by faster-whisper alone with the same options;
throughput of four at once; and memory, which must not grow with the recording."""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import httpx

from benchmarks import raw_listening
from benchmarks.bench import Bench, middle
from benchmarks.client import TIMEOUT_SECONDS
from benchmarks.processes import peak_mb, settled_cpu_seconds
from benchmarks.report import Figure
from benchmarks.servers import Running, ours
from benchmarks.texts import prose
from ttsai_server.audio.encode import Encoder
from ttsai_server.audio.recording import Recording

MODEL = "whisper-base"
MINUTE, LONG = 60, 600
"""Seconds."""
CHARACTERS = 2000
"""Some two minutes of speech."""
AT_ONCE = 4
MOST_TO_RAW = 1.03
MOST_CPU = 0.09
LEAST_GAIN = 1.5
MOST_GROWTH = 1.2


def run(bench: Bench) -> list[Figure]:
    with TemporaryDirectory() as folder:
        files = _recordings(bench, Path(folder))
        return [*_costs(bench, files), *_memory(files)]


def _recordings(bench: Bench, folder: Path) -> dict[int, Path]:
    """Our own speech, FLAC, 60 s and 600 s of it."""
    from ttsai_server.audio.decode import Bounds, decode

    with ours("kokoro") as server:
        body = {"model": "kokoro", "voice": "af_heart", "text": prose(CHARACTERS), "format": "wav"}
        with httpx.Client(base_url=server.url, timeout=TIMEOUT_SECONDS) as client:
            answer = client.post("/v1/tts/", json=body, headers={"Authorization": f"Bearer {server.key}"})
    (folder / "speech.wav").write_bytes(answer.raise_for_status().content)
    with (folder / "speech.wav").open("rb") as file, decode(file, Bounds(LONG)) as speech:
        return {seconds: _tiled(speech, seconds, folder / f"{seconds}.flac") for seconds in (MINUTE, LONG)}


def _tiled(speech: Recording, seconds: int, target: Path) -> Path:
    """The speech repeated to a length of `seconds`."""
    left = seconds * speech.rate
    with target.open("wb") as file:
        encoder = Encoder("flac", speech.rate, file=file)
        while left:
            samples = speech.read(0, left)
            encoder.push(samples)
            left -= len(samples)
        encoder.finish()
    return target


def _costs(bench: Bench, files: dict[int, Path]) -> list[Figure]:
    costs: dict[tuple[str, int], list[float]] = defaultdict(list)
    gains: list[float] = []
    with ours(MODEL) as server, raw_listening.alone(MODEL) as engine:
        _over_http(server, files[MINUTE])
        raw_listening.cost(engine, str(files[MINUTE]))
        for _ in range(bench.rounds):
            for seconds, file in files.items():
                costs["HTTP", seconds].append(_over_http(server, file) / seconds)
                costs["alone", seconds].append(raw_listening.cost(engine, str(file)) / seconds)
            gains.append(_seconds(server, files[MINUTE], 1) / _seconds(server, files[MINUTE], AT_ONCE) * AT_ONCE)
    return [*_figures(costs), Figure("four at once : one at a time", middle(gains), "×", least=LEAST_GAIN)]


def _figures(costs: dict[tuple[str, int], list[float]]) -> list[Figure]:
    figures: list[Figure] = []
    for seconds in (MINUTE, LONG):
        ours, alone = costs["HTTP", seconds], costs["alone", seconds]
        ratio = middle([one / other for one, other in zip(ours, alone, strict=True)])
        figures += [
            Figure(f"HTTP, {seconds} s", middle(ours), "CPU-s/audio-s", most=MOST_CPU),
            Figure(f"faster-whisper alone, {seconds} s", middle(alone), "CPU-s/audio-s"),
            Figure(f"HTTP : alone, {seconds} s", ratio, "×", most=MOST_TO_RAW),
        ]
    return figures


def _memory(files: dict[int, Path]) -> list[Figure]:
    peaks: dict[int, float] = {}
    for seconds, file in files.items():
        with ours(MODEL) as server:
            _over_http(server, file)
            peaks[seconds] = peak_mb(server.pid)
    growth = peaks[LONG] / peaks[MINUTE]
    return [
        *(Figure(f"resident peak, {seconds} s", peak, "MB") for seconds, peak in peaks.items()),
        Figure("peak of 600 s : of 60 s", growth, "×", most=MOST_GROWTH),
    ]


def _over_http(server: Running, file: Path) -> float:
    """→ CPU-seconds."""
    before = settled_cpu_seconds(server.pid)
    _transcribe(server, file)
    return settled_cpu_seconds(server.pid) - before


def _seconds(server: Running, file: Path, at_once: int) -> float:
    """→ seconds until all are answered."""
    began = perf_counter()
    with ThreadPoolExecutor(at_once) as clients:
        list(clients.map(_transcribe, [server] * at_once, [file] * at_once))
    return perf_counter() - began


def _transcribe(server: Running, file: Path) -> str:
    fields = {"model": MODEL, "language": "en"}
    headers = {"Authorization": f"Bearer {server.key}"}
    with file.open("rb") as sound:
        answer = httpx.post(
            f"{server.url}/v1/stt/", files={"file": sound}, data=fields, headers=headers, timeout=TIMEOUT_SECONDS
        )
    return answer.raise_for_status().json()["text"]
