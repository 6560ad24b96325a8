"""Streamed speech compared with the same texts spoken whole: words and sentence ends that Whisper hears, and pauses."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise

import httpx
import jiwer
import numpy as np
from numpy.typing import NDArray
from tests.listening import spoken

from benchmarks.bench import Bench
from benchmarks.client import TIMEOUT_SECONDS
from benchmarks.report import Figure
from benchmarks.servers import Running, ours
from benchmarks.texts import prose
from ttsai_server.audio.decode import Bounds, decode

TEXTS, SENTENCES = 10, 4
"""Forty sentences."""
CHARACTERS = 420
MODEL = "whisper-base"
FRAME_SECONDS = 0.01
QUIET = 0.01
"""Level under which a frame is a pause, as a share of the loudest frame."""
MOST_PAUSE_DIFFERENCE = 0.1


@dataclass(frozen=True, slots=True)
class Spoken:
    text: str
    """As Whisper hears it."""
    pauses: Sequence[float]
    """Durations of the longest pauses, one fewer than the text has sentences, in their order, seconds."""

    @property
    def ends(self) -> int:
        """How many sentences end in what is heard."""
        return len(re.findall(r"[.!?]+(?=\s|$)", self.text))


def run(bench: Bench) -> list[Figure]:
    pairs: list[tuple[Spoken, Spoken]] = []
    with ours(bench.model) as server, _client(server) as client:
        for number in range(TEXTS):
            text = " ".join(re.split(r"(?<=[.!?])\s+", prose(CHARACTERS, number))[:SENTENCES])
            whole, streamed = (_speak(client, bench, text, stream=stream) for stream in (False, True))
            pairs.append((whole, streamed))
    words = sum(len(spoken(whole.text).split()) for whole, _ in pairs)
    wrong = sum(_differing(whole.text, streamed.text) for whole, streamed in pairs)
    ends = sum(max(0, streamed.ends - whole.ends) for whole, streamed in pairs)
    differences = [
        abs(one - other) for whole, streamed in pairs for one, other in zip(whole.pauses, streamed.pauses, strict=True)
    ]
    return [
        Figure("words heard otherwise, streamed", 100 * wrong / words, "%", most=1, note=f"{wrong} of {words}"),
        Figure("sentence ends heard, more than whole", ends, "", most=0, note=f"{TEXTS * SENTENCES} sentences"),
        Figure("pauses, streamed - whole, longest", max(differences), "s", most=MOST_PAUSE_DIFFERENCE),
        Figure("pauses, streamed - whole, mean", float(np.mean(differences)), "s"),
    ]


def _client(server: Running) -> httpx.Client:
    headers = {"Authorization": f"Bearer {server.key}"}
    return httpx.Client(base_url=server.url, timeout=TIMEOUT_SECONDS, headers=headers)


def _speak(client: httpx.Client, bench: Bench, text: str, *, stream: bool) -> Spoken:
    order = bench.order(text, format="wav", stream=stream)
    sound = client.post("/v1/tts/", json=order).raise_for_status().content
    form = {"model": MODEL, "language": "en"}
    answer = client.post("/v1/audio/transcriptions", files={"file": ("speech.wav", sound)}, data=form)
    return Spoken(answer.raise_for_status().json()["text"], _pauses(sound, SENTENCES - 1))


def _pauses(sound: bytes, count: int) -> list[float]:
    with decode(BytesIO(sound), Bounds(600)) as recording:
        samples = recording.read(0, recording.frames)[:, 0]
        frame = int(FRAME_SECONDS * recording.rate)
    levels = np.sqrt(np.mean(samples[: len(samples) // frame * frame].reshape(-1, frame) ** 2, axis=1))
    runs = _runs(levels < QUIET * levels.max())
    longest = sorted(sorted(runs, key=lambda run: run[1] - run[0])[-count:])
    return [(end - start) * FRAME_SECONDS for start, end in longest]


def _runs(quiet: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(start, end) of every run of quiet frames between two loud ones."""
    loud = np.flatnonzero(~quiet)
    return [(int(one) + 1, int(other)) for one, other in pairwise(loud) if other - one > 1]


def _differing(whole: str, streamed: str) -> int:
    """How many words must be changed, put in or left out."""
    said, heard = spoken(whole), spoken(streamed)
    counts = jiwer.process_words(said, heard)
    return counts.substitutions + counts.insertions + counts.deletions
