"""Accuracy of key, tempo and metre for scores played by a General MIDI sound font; none was used to fit the engine.

Needs `pip install music21` (whose corpus has the scores), FluidSynth and a sound font: `apt install fluidsynth
fluid-soundfont-gm`. A tune is played alone or over chords, in time or a little off it, with accents or without.
"""

import math
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
from numpy.typing import NDArray
from tests.engines.music.tunes import Tone as Stroke
from tests.engines.music.tunes import best_chord, struck

from benchmarks.bench import Bench
from benchmarks.report import Figure
from benchmarks.scores import QUARTERS, Score, Tone, chosen, corpus
from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Music
from ttsai_server.engines.base import Cancellation, LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.music.adapter import MusicAnalyzer
from ttsai_server.settings import Settings

FONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
RATE, SECONDS = 22_050, 32.0
EACH, CHORALES = 15, 24
"""Tunes of each of four books in each of four metres; chorales: 247, so that chance moves a share by 2 or 3 %."""
SPEEDS = {"2/4": (60, 130), "3/4": (60, 185), "4/4": (60, 160), "6/8": (57, 130)}
"""Beats a minute."""
SOLO = (0, 6, 21, 24, 40, 46, 56, 65, 68, 71, 73, 105, 22, 19)
"""Programs of General MIDI that a tune is played on."""
CHOIRS = ((19,) * 4, (52,) * 4, (0,) * 4, (48,) * 4, (68, 69, 71, 70), (40, 41, 42, 42))
TICKS = 480
"""Of a quarter note, in a MIDI file."""
SURE = 0.8
MISSING = "`python -m benchmarks music` needs music21, fluidsynth and " + str(FONT)


@dataclass(frozen=True, slots=True)
class Track:
    program: int
    loudness: int
    """MIDI's velocity."""
    tones: Sequence[Tone]


@dataclass(frozen=True, slots=True)
class Answer:
    score: Score
    bpm: float
    music: Music

    @property
    def key(self) -> bool:
        return (self.music.tonic, self.music.minor) == (self.score.tonic, self.score.minor)

    @property
    def tempo(self) -> bool:
        return self.music.bpm is not None and self._is(self.music.bpm)

    @property
    def candidate(self) -> bool:
        return any(self._is(tempo.bpm) for tempo in self.music.tempi)

    @property
    def metre(self) -> bool:
        return self.music.metre == self.score.metre

    @property
    def bars(self) -> bool:
        """Whether the metre is right for a listener, to whom two bars of 2/4 may be one of 4/4."""
        return self.metre or {self.music.metre, self.score.metre} == {"2/4", "4/4"}

    def _is(self, bpm: float) -> bool:
        return abs(bpm / self.bpm - 1) <= 0.04


def run(bench: Bench) -> list[Figure]:
    """One round is enough: nothing in it is left to chance."""
    del bench
    folder, fluidsynth = corpus(), shutil.which("fluidsynth")
    if not folder or not fluidsynth or not FONT.exists():
        print(MISSING, file=sys.stderr)
        return []
    card = read_card(Settings().models.cards / "key-bpm.toml")
    engine = MusicAnalyzer.load(card, LoadContext(Path()))
    answers, seconds = list[Answer](), 0.0
    with TemporaryDirectory() as room:
        for score in chosen(folder, EACH, CHORALES, seen=False):
            bpm, sound = rendered(score, fluidsynth, Path(room))
            began = time.process_time()
            music = _heard(engine, sound)
            seconds += time.process_time() - began
            answers.append(Answer(score, bpm, music))
    return [*_figures(answers), Figure("CPU a second of sound", 1000 * seconds / len(answers) / SECONDS, "ms", most=18)]


def _figures(answers: Sequence[Answer]) -> list[Figure]:
    told: dict[str, Callable[[Answer], bool]] = {
        "key": lambda a: a.key,
        "bpm": lambda a: a.tempo,
        "time_signature": lambda a: a.metre,
    }
    least = {"key": 85.0, "bpm": 80.0, "time_signature": 75.0}
    figures = [Figure("tempo among the candidates", _percent([a.candidate for a in answers]), "%", least=85)]
    for name, right in told.items():
        figures.append(Figure(f"{name} right", _percent([right(a) for a in answers]), "%", least=least[name]))
        sure = [right(a) for a in answers if a.music.confidence[name] >= SURE]
        note = f"{len(sure)} of {len(answers)}"
        figures.append(Figure(f"{name} right where sure", _percent(sure), "%", least=88, note=note))
    figures.append(Figure("time_signature right, 2/4 as 4/4", _percent([a.bars for a in answers]), "%", least=88))
    for metre in QUARTERS:
        own = [a.metre for a in answers if a.score.metre == metre]
        figures.append(Figure(f"{metre} right", _percent(own), "%", note=f"of {len(own)}"))
    return figures


def _percent(right: Sequence[bool]) -> float:
    return 100 * sum(right) / max(1, len(right))


def _heard(engine: MusicAnalyzer, sound: NDArray[np.float32]) -> Music:
    with Recording(RATE) as recording:
        recording.append(sound)
        *_, last = engine.analyze(recording, Cancellation())
    assert last.music
    return last.music


def rendered(score: Score, fluidsynth: str, room: Path) -> tuple[float, NDArray[np.float32]]:
    """Its beats a minute, and its sound (n, 1), played in a folder that exists."""
    chance = random.Random(score.name)
    low, high = (60, 100) if score.collection == "bach" else SPEEDS[score.metre]
    bpm = math.exp(chance.uniform(math.log(low), math.log(high)))
    quarters = bpm * 1.5 if score.metre == "6/8" else bpm
    midi = _midi(_tracks(score, SECONDS * quarters / 60, chance), score, quarters, chance)
    (room / "piece.mid").write_bytes(midi)
    command = [fluidsynth, "-niq", "-g", "0.5", "-r", str(RATE), "-T", "wav", "-F", "piece.wav", str(FONT), "piece.mid"]
    subprocess.run(command, cwd=room, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    sound, _ = soundfile.read(room / "piece.wav", dtype="float32", always_2d=True)
    return bpm, sound[: round(SECONDS * RATE)].mean(axis=1, keepdims=True)


def _tracks(score: Score, quarters: float, chance: random.Random) -> list[Track]:
    if len(score.voices) > 1:
        return [Track(p, 84, v) for p, v in zip(chance.choice(CHOIRS), score.voices, strict=True)]
    bar, tune = QUARTERS[score.metre], next(iter(score.voices))
    verse = bar * math.ceil((tune[-1].start + tune[-1].quarters - score.first_bar) / bar - 0.001)
    times = math.ceil(quarters / verse)
    song = [Tone(tone.start + verse * n, tone.quarters, tone.pitch) for n in range(times) for tone in tune]
    tracks = [Track(chance.choice(SOLO), 90, song)]
    if chance.random() < 0.5:
        low, strokes = _accompaniment(score, song, int(quarters / bar))
        tracks += [Track(chance.choice((32, 33, 43)), 78, low), Track(chance.choice((0, 24, 25, 21)), 62, strokes)]
    return tracks


def _accompaniment(score: Score, tune: Sequence[Tone], bars: int) -> tuple[list[Tone], list[Tone]]:
    """The bass note of each bar, and chords after it."""
    bar, eighths = QUARTERS[score.metre], round(2 * QUARTERS[score.metre])
    melody = [Stroke(2 * (t.start - score.first_bar), 2 * t.quarters, (t.pitch - score.tonic,)) for t in tune]
    low, strokes = list[Tone](), list[Tone]()
    for number in range(bars):
        start, chord = score.first_bar + number * bar, best_chord(melody, number * eighths, eighths, score.minor)
        low.append(Tone(start, bar, 36 + (score.tonic + chord[0]) % 12))
        for stroke in struck(score.metre, 0, chord):
            strokes += [Tone(start + stroke.eighth / 2, 0.5, 55 + (score.tonic + n - 7) % 12) for n in stroke.semitones]
    return low, strokes


def _midi(tracks: Sequence[Track], score: Score, quarters: float, chance: random.Random) -> bytes:
    """A file of one track a voice; `quarters` of them a minute."""
    accent, off = chance.choice((0, 0, 10)), chance.choice((0.0, 0.008))
    tempo = b"\x00\xff\x51\x03" + round(60e6 / quarters).to_bytes(3, "big")
    chunks = [_chunk(b"MTrk", tempo + b"\x00\xff\x2f\x00")]
    for channel, track in enumerate(tracks):
        events = list[tuple[int, bytes]]()
        for tone in track.tones:
            on_bar = (tone.start - score.first_bar + 0.001) % QUARTERS[score.metre] < 0.002
            late = max(0.0, tone.start + chance.gauss(0, off) * quarters / 60)
            loud = track.loudness + chance.randint(-5, 5) + (accent if on_bar else 0)
            events.append((round(late * TICKS), bytes([0x90 | channel, tone.pitch, loud])))
            events.append((round((late + 0.95 * tone.quarters) * TICKS), bytes([0x80 | channel, tone.pitch, 0])))
        at, body = 0, b"\x00" + bytes([0xC0 | channel, track.program])
        for tick, event in sorted(events):
            body, at = body + _varied(tick - at) + event, tick
        chunks.append(_chunk(b"MTrk", body + b"\x00\xff\x2f\x00"))
    header = b"".join(number.to_bytes(2, "big") for number in (1, len(chunks), TICKS))
    return _chunk(b"MThd", header) + b"".join(chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + len(body).to_bytes(4, "big") + body


def _varied(number: int) -> bytes:
    """A number of seven bits a byte, as MIDI writes lengths of time."""
    digits = [number & 127]
    while number := number >> 7:
        digits.insert(0, 128 | number & 127)
    return bytes(digits)
