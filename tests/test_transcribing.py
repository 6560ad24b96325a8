"""What the server hears, over HTTP: Kokoro's speech, of which the words, times and speakers are known."""

import json
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soxr
from tests.cli.test_serve import serve
from tests.containers import KINDS, contained, melody
from tests.damaged import damaged
from tests.diarization import error_rate
from tests.engines.talk import Talk
from tests.listening import wer
from tests.live import Live, live
from tests.processes import peak_mb
from tests.speaker import Speaker
from tests.test_hearing import SENTENCES

from ttsai_server.domain import Turn, Word
from ttsai_server.settings import Models, Settings

RATE = 16_000
VOICES = ["af_heart", "am_michael", "bf_emma", "bm_george", "af_bella"]
PAUSE = 0.6
"""Seconds between two sentences."""
TEXTS = [text for text in SENTENCES if not any(sign.isdigit() for sign in text)]
"""Whose words are written in one way only."""
COLLAR = 0.25
"""Seconds around the edge of a turn that don't count, as is customary."""
SLOW = pytest.mark.slow
CLIP_SECONDS = 12
OFTEN = ("flac", "mp3", "wav-s16le", "wav-mulaw", "ogg-vorbis", "ogg-opus", "m4a", "mp4-video", "webm", "amr", "wma")
"""Kinds of files whose text is asked for in every run; that every kind is decoded, tests/audio/test_decode.py asks."""
MOST_MB = 900
"""The most memory of a server that hears damaged files, two at a time; 350 when it has heard a whole one."""
UNLIMITED = json.dumps({"enterprise": {"requests_per_minute": 100_000, "concurrent": 100}})


@dataclass(frozen=True)
class Saying:
    text: str
    voice: str
    sound: np.ndarray
    """float32 (n, 1) at 16 kHz, from the first sound to the last."""


@pytest.fixture(scope="module")
def listener(
    base_weights: Path, tiny_weights: Path, speakers_weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Live]:
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("listener"),
        models=Models(dir=base_weights.parent, demo=True),
        plans=json.loads(UNLIMITED),
    )
    with live(settings) as running:
        yield running


def said(speaker: Speaker, count: int, voices: Sequence[str] = VOICES) -> list[Saying]:
    """Of so many sentences, by one of five voices after the other, those by some of them."""
    chosen = [(TEXTS[number % len(TEXTS)], VOICES[number % len(VOICES)]) for number in range(count)]
    return [Saying(text, voice, speaker.trimmed(voice, text)) for text, voice in chosen if voice in voices]


def joined(sayings: Sequence[Saying]) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """One after the other with a pause between; and the seconds in which each begins and ends."""
    parts, times, now = list[np.ndarray](), list[tuple[float, float]](), 0.0
    for saying in sayings:
        parts += [saying.sound, np.zeros((round(PAUSE * RATE), 1), np.float32)]
        times.append((now, now + len(saying.sound) / RATE))
        now = times[-1][1] + PAUSE
    return np.concatenate(parts), times


def sent(listener: Live, file: bytes, **fields: Any) -> httpx.Response:
    return listener.client().post("/v1/stt/", files={"file": ("sound", file)}, data=fields)


def heard(listener: Live, sound: np.ndarray, **fields: Any) -> dict[str, Any]:
    answer = sent(listener, contained(KINDS["flac"], sound, RATE), **fields)
    return answer.raise_for_status().json()


@SLOW
def test_four_minutes_by_five_voices_are_written_down(listener: Live, speaker: Speaker) -> None:
    sayings = said(speaker, 70)
    sound, _ = joined(sayings)
    assert len(sound) / RATE >= 240
    text = heard(listener, sound)["text"]
    assert wer(" ".join(saying.text for saying in sayings), text) <= 0.02


@pytest.fixture(scope="module")
def written(listener: Live, known: Talk) -> dict[str, Any]:
    """What is heard of five voices, with the times of the words."""
    return heard(listener, known.sound[:, None], timestamps="true")


def test_what_five_voices_say_is_written_down(written: dict[str, Any], known: Talk) -> None:
    assert wer(known.text, written["text"]) <= 0.03


def test_words_begin_when_they_are_said(written: dict[str, Any], known: Talk) -> None:
    words = [Word(w["word"], w["start"], w["end"], w["probability"]) for s in written["segments"] for w in s["words"]]
    assert known.near(words, seconds=0.2) >= 0.9


@pytest.mark.parametrize("count", [25, pytest.param(70, marks=SLOW)])
@pytest.mark.parametrize("voices", [("af_heart", "am_michael"), pytest.param(("af_heart", "bf_emma"), marks=SLOW)])
@pytest.mark.parametrize(("asked", "most"), [({"num_speakers": "2"}, 0.08), ({}, 0.12)])
def test_two_speakers_are_told_apart(
    listener: Live, speaker: Speaker, voices: tuple[str, str], asked: dict[str, str], most: float, count: int
) -> None:
    dialogue = said(speaker, count, voices)
    dialogue = sorted(dialogue, key=lambda saying: (dialogue.index(saying) // 2 % 6, voices.index(saying.voice)))
    sound, times = joined(dialogue)
    truth = [Turn(start, end, voices.index(saying.voice)) for saying, (start, end) in zip(dialogue, times, strict=True)]
    segments = heard(listener, sound, diarize="true", **asked)["segments"]
    found = [Turn(s["start"], s["end"], int(s["speaker"].removeprefix("SPEAKER_"))) for s in segments]
    assert error_rate(truth, found, COLLAR) <= most


NOISE = np.random.default_rng(0).standard_normal((20 * RATE, 1)).astype(np.float32)
QUIET = {
    "silence": np.zeros((20 * RATE, 1), np.float32),
    "noise": 0.1 * NOISE,
    "hum": (0.2 * np.sin(2 * np.pi * 50 * np.arange(20 * RATE) / RATE)).astype(np.float32)[:, None],
    "a melody": melody(20, RATE),
}


@pytest.mark.parametrize("name", QUIET)
def test_where_nobody_speaks_nothing_is_written(listener: Live, name: str) -> None:
    body = heard(listener, QUIET[name])
    assert (body["text"], body["segments"]) == ("", [])


@pytest.mark.parametrize("names", [OFTEN, pytest.param(tuple(KINDS), marks=SLOW)], ids=["often", "all"])
def test_one_clip_gives_one_text_in_every_container_and_sample_format(
    listener: Live, known: Talk, names: Sequence[str]
) -> None:
    clip = _sentences(known)
    texts: dict[str, str] = {}
    for name in names:
        kind = KINDS[name]
        rate = kind.rate or 48_000
        sound = np.repeat(soxr.resample(clip, RATE, rate).astype(np.float32), kind.channels, axis=1)
        answer = sent(listener, contained(kind, sound, rate), model="whisper-tiny.en")
        assert answer.status_code == 200, (name, answer.text)
        texts[name] = answer.json()["text"]
    telephone = {"amr", "3gp"}
    assert {name: text for name, text in texts.items() if name not in telephone and wer(texts["flac"], text)} == {}
    assert {name: text for name, text in texts.items() if name in telephone and wer(texts["flac"], text) > 0.05} == {}


def _sentences(known: Talk) -> np.ndarray:
    """float32 (n, 1): as many whole sentences of it as fit into CLIP_SECONDS; half a word is heard in many ways."""
    after = [start for (word, _), (_, start) in pairwise(known.words) if word[-1] in ".?"]
    end = max(start for start in after if start < CLIP_SECONDS)
    return known.sound[: round((end - 0.1) * RATE), None]


@pytest.mark.parametrize("count", [100, pytest.param(1000, marks=SLOW)])
def test_damaged_files_are_heard_or_refused_in_bounded_memory(tiny_weights: Path, tmp_path: Path, count: int) -> None:
    originals = [
        contained(kind, melody(0.3, kind.rate or 48_000, kind.channels), kind.rate or 48_000) for kind in KINDS.values()
    ]
    with serve(tmp_path, TTSAI_SERVER__PLANS=UNLIMITED, TTSAI_SERVER__LOG__LEVEL="ERROR") as server:
        headers = {"Authorization": f"Bearer {server.key}"}
        with httpx.Client(base_url=server.url, headers=headers, timeout=60) as client, ThreadPoolExecutor(8) as clients:

            def told(file: bytes) -> int:
                return client.post("/v1/stt/", files={"file": file}, data={"model": "whisper-tiny.en"}).status_code

            assert told(originals[0]) == 200
            statuses = list(clients.map(told, damaged(2026, count, originals)))
        assert {200, 400} <= set(statuses) <= {200, 400, 413}  # a FLAC whose damaged head claims 7.5 hours
        assert peak_mb(server.process.pid) < MOST_MB
