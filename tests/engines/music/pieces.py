"""Made-up music whose key, tempo and metre are known: chords, a bass, a melody and drums, played as people play.

Each seed is another piece. What a musician would do is drawn: which progression, how often the chord changes, who plays
what in which rhythm, swing, how far off the beat, how loud, how far from concert pitch, in which room, in what noise.
"""

from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

import numpy as np
from tests.engines.music.instruments import (
    CHORDAL,
    DRUMS,
    LONGEST,
    MELODIC,
    RATE,
    STRUCK,
    Note,
    Sound,
    bass,
    noise,
    released,
    room,
    swell,
)

MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 10)
RAISED = (0, 2, 3, 5, 7, 8, 11)
"""Harmonic minor, where the dominant sounds."""
PROGRESSIONS = {
    False: "I IV V I,I V vi IV,vi IV I V,I vi IV V,I vi ii V,ii V I I,ii7 V7 I I,I IV I V7,IV V I I,I iii IV V,"
    "I I IV V7,V7 I V7 I,I ii V7 I,IV I V I",
    True: "i iv V i,i VI iv V,i iv V7 i,iio V i i,i VI VII i,i V i V7,iv i V i,VI iv V i,i VII VI V,i iv VII i,"
    "i i iv V7,V7 i V i,i v iv i,i VI III V",
}
"""Minor? → progressions; some begin away from the tonic."""
NUMERALS = ("i", "ii", "iii", "iv", "v", "vi", "vii")
STEADY = {
    "rock": ("kick 0 2", "snare 1 3", "hat 0 .5 1 1.5 2 2.5 3 3.5"),
    "busy": ("kick 0 1.5 2.5", "snare 1 3", "hat 0 .5 1 1.5 2 2.5 3 3.5"),
    "floor": ("kick 0 1 2 3", "snare 1 3", "hat .5 1.5 2.5 3.5"),
    "plain": ("kick 0 2", "snare 1 3", "hat 0 1 2 3"),
    "sixteenths": ("kick 0 2 2.75", "snare 1 3", "hat " + " ".join(str(n / 4) for n in range(16))),
}
WALTZES = {
    "waltz": ("kick 0", "hat 1 2"),
    "snared": ("kick 0", "snare 1 2", "hat 0 1 2"),
    "eighths": ("kick 0", "snare 2", "hat 0 .5 1 1.5 2 2.5"),
}


@dataclass(frozen=True, slots=True)
class Piece:
    sound: Sound
    """float32 (n, 1) at RATE."""
    tonic: int
    minor: bool
    bpm: float
    metre: str
    cents: float
    drums: bool


@dataclass(slots=True)
class Score:
    """What is drawn for a piece, and the tape that it is played onto."""

    random: np.random.Generator
    tonic: int
    minor: bool
    bpm: float
    beats: int
    cents: float
    swing: float
    """Where in its beat the second eighth falls."""
    bars: int
    tape: Sound = field(init=False)

    def __post_init__(self) -> None:
        self.tape = np.zeros(round((self.bars * self.beats * 60 / self.bpm + 3) * RATE))

    def seconds(self, beat: float) -> float:
        """When it is meant to sound; off-beat eighths swing."""
        whole, part = divmod(beat, 1.0)
        swung = part * 2 * self.swing if part < 0.5 else 1 - (1 - part) * 2 * (1 - self.swing)
        return (whole + swung) * 60 / self.bpm

    def play(self, sound: Sound, beat: float, level: float) -> None:
        """At most 10 ms early or late, and not always as loud."""
        late = float(np.clip(self.random.normal(0, 0.005), -0.010, 0.010))
        start = max(0, round((self.seconds(beat) + late) * RATE))
        part = sound[: max(0, len(self.tape) - start)]
        self.tape[start : start + len(part)] += part * level * self.random.uniform(0.8, 1.1)

    def accent(self, beat: float) -> float:
        """The first of a bar is a little louder, and off the beat is softer."""
        return (1.0 if beat % self.beats == 0 else 0.85) if beat % 1 == 0 else 0.7

    def hertz(self, note: float) -> float:
        return 440 * 2 ** ((note - 69 + self.cents / 100) / 12)


@dataclass(frozen=True, slots=True)
class Chord:
    notes: tuple[int, ...]
    """Half tones above the tonic, root first."""
    scale: tuple[int, ...]


def chord(numeral: str, minor: bool) -> Chord:
    name = numeral.rstrip("7o")
    degree = NUMERALS.index(name.lower())
    scale = MINOR if minor else MAJOR
    root = scale[degree]
    third = 4 if name.isupper() else 3
    seventh = (root + 10,) if numeral.endswith("7") else ()
    dominant = minor and name == "V"
    return Chord(
        (root, root + third, root + (6 if numeral.endswith("o") else 7), *seventh), RAISED if dominant else scale
    )


def piece(seed: int, seconds: float = 17.0) -> Piece:
    """Two of three are played in noise, 10 to 20 dB below; all 24 keys come in turn."""
    random = np.random.default_rng(seed)
    tonic, minor = seed % 12, seed // 12 % 2 == 1
    bpm = float(np.exp(random.uniform(np.log(60), np.log(190))))
    beats = 3 if random.random() < 0.4 else 4
    swing = random.choice([0.5, 0.5, 0.5, 0.58, 0.66])
    bars = int(np.ceil(seconds * bpm / 60 / beats))
    score = Score(random, tonic, minor, bpm, beats, random.uniform(-30, 30), float(swing), bars)
    drums = bool(random.random() < 0.5)
    perform(score, drums)
    return Piece(recorded(score, seconds), tonic, minor, bpm, f"{beats}/4", score.cents, drums)


def drummed(seed: int, seconds: float = 17.0) -> Piece:
    """Drums alone, in four."""
    random = np.random.default_rng(seed)
    bpm = random.uniform(80, 160)
    score = Score(random, 0, False, bpm, 4, 0.0, 0.5, int(np.ceil(seconds * bpm / 240)))
    drum(score)
    return Piece(recorded(score, seconds), 0, False, bpm, "4/4", 0.0, True)


def held(seed: int, seconds: float = 24.0) -> Piece:
    """Soft chords that swell and fade, each as long as it likes: a key without a beat."""
    random = np.random.default_rng(seed)
    score = Score(random, seed % 12, bool(seed % 2), 60.0, 4, random.uniform(-30, 30), 0.5, int(seconds / 4) + 1)
    names = str(random.choice(PROGRESSIONS[score.minor].split(","))).split() * 4
    at, home = 0.0, "i" if score.minor else "I"
    for name in (home, *names):
        if at > seconds:
            break
        long = random.uniform(3, 6)
        for note in (chord(name, score.minor).notes[0] - 12, *chord(name, score.minor).notes):
            hertz = score.hertz(48 + (score.tonic + note) % 12 + (0 if note < 0 else 12))
            score.play(swell(hertz, long + 1.5), at, 0.1)
        at += long
    return Piece(recorded(score, seconds), score.tonic, score.minor, 60.0, "4/4", score.cents, False)


def perform(score: Score, drums: bool) -> None:
    chords = harmony(score)
    notes, tune = score.random.choice(len(CHORDAL)), score.random.choice(len(MELODIC))
    play_bass(score, chords)
    accompany(score, chords, CHORDAL[notes])
    if score.random.random() < 0.85:
        sing(score, chords, MELODIC[tune])
    if drums:
        drum(score)


def harmony(score: Score) -> list[Chord]:
    """The chord of each beat. A slow piece may change it twice a bar, a fast one every other bar; most end at home."""
    pick = score.random.choice
    lines = PROGRESSIONS[score.minor].split(",")
    span = score.beats
    if score.bpm > 130 and score.random.random() < 0.4:
        span *= 2
    elif score.bpm < 85 and score.beats == 4 and score.random.random() < 0.5:
        span //= 2
    verse, chorus = (str(pick(lines)).split() for _ in range(2))
    names = (verse * int(pick([1, 2])) + chorus) * (score.bars * score.beats // span)
    names = names[: -(-score.bars * score.beats // span)]
    if score.random.random() < 0.6:
        home = "i" if score.minor else "I"
        names[-2:] = ["V", home]
    return [chord(name, score.minor) for name in names for _ in range(span)][: score.bars * score.beats]


def voiced(score: Score, play: Note) -> Note:
    """The same instrument with each pitch sounded once, then cut as long as it is held."""

    @cache
    def heard(hertz: float) -> Sound:
        return play(hertz, LONGEST, score.random)

    return lambda hertz, seconds, _: released(heard(hertz), min(seconds, LONGEST - 0.1))


def play_bass(score: Score, chords: list[Chord]) -> None:
    instrument = voiced(score, bass)
    style = score.random.choice(["whole", "root-fifth", "walk", "eighths", "beats"])
    level = score.random.uniform(0.35, 0.6)
    for beat, now in enumerate(chords):
        first = beat % score.beats == 0 or chords[beat - 1] is not now
        for at, note, beats in bass_notes(str(style), score, beat, now, first):
            pitch = score.hertz(36 + (score.tonic + note + 4) % 12 - 4)
            score.play(instrument(pitch, beats * 60 / score.bpm * 0.95, score.random), at, level * score.accent(at))


def bass_notes(style: str, score: Score, beat: int, now: Chord, first: bool) -> list[tuple[float, int, float]]:
    """(beat, half tones above the tonic, beats) that begin in a beat."""
    root, fifth, place = now.notes[0], now.notes[2], beat % score.beats
    if style == "eighths" and score.bpm < 150:
        return [(beat, root, 0.5), (beat + 0.5, root, 0.5)]
    if style == "walk" and not first:
        return [(beat, int(score.random.choice(now.notes)), 1)]
    if style == "root-fifth" and score.beats == 4 and place == 2 and not first:
        return [(beat, fifth, 2)]
    if style in ("beats", "eighths"):
        return [(beat, root, 1)]
    return [(beat, root, {"walk": 1, "root-fifth": 2}.get(style, score.beats))] if first else []


def accompany(score: Score, chords: list[Chord], play: Note) -> None:
    instrument = voiced(score, play)
    styles = ["pad", "beats", "pah", "arpeggio", "strum"]
    style = str(score.random.choice(styles if play in STRUCK else styles[:1] * 3 + styles[1:3]))
    level = score.random.uniform(0.1, 0.2)
    for beat, now in enumerate(chords):
        place = beat % score.beats
        change = place == 0 or chords[beat - 1] is not now
        held = 60 / score.bpm
        for at, notes, beats in strokes(style, score, beat, now, change, place):
            for note in notes:
                pitch = score.hertz(55 + (score.tonic + note - 7) % 12)
                score.play(instrument(pitch, beats * held, score.random), at, level * score.accent(at))


def strokes(
    style: str, score: Score, beat: int, now: Chord, change: bool, place: int
) -> list[tuple[float, tuple[int, ...], float]]:
    """(beat, half tones above the tonic, beats) of the chords that are struck in a beat."""
    if style == "pad":
        return [(beat, now.notes, score.beats)] if change else []
    if style == "pah":
        return [(beat, now.notes, 0.6)] if place and not (score.beats == 4 and place == 2) else []
    if style == "arpeggio" and score.bpm < 160:
        tones = (*now.notes[:3], now.notes[1])
        return [(beat + half, (tones[(2 * place + n) % 4],), 0.9) for n, half in enumerate((0, 0.5))]
    if style == "strum" and place % 2:
        return [(beat, now.notes, 0.5), (beat + 0.5, now.notes, 0.4)]
    return [(beat, now.notes, 0.8)]


def sing(score: Score, chords: list[Chord], play: Note) -> None:
    """A tune that goes mostly by step: a note of the chord on the beat, passing notes between."""
    instrument = voiced(score, play)
    level, note = score.random.uniform(0.25, 0.45), 72 + score.tonic % 12 - 6
    times = list(rhythm(score, len(chords)))
    for at, after in pairwise(times):
        now = chords[min(int(at), len(chords) - 1)]
        allowed = [n % 12 for n in (now.notes if at % 1 == 0 and score.random.random() < 0.8 else now.scale)]
        near = [n for n in range(note - 7, note + 8) if (n - score.tonic) % 12 in allowed and 64 <= n <= 88]
        weights = np.array([np.exp(-abs(n - note) / 2.0) * (0.3 if n == note else 1) for n in near])
        note = int(score.random.choice(near, p=weights / weights.sum()))
        held = score.seconds(after) - score.seconds(at)
        score.play(instrument(score.hertz(note), held * 0.92, score.random), at, level * score.accent(at))


def rhythm(score: Score, beats: int) -> list[float]:
    """Beats at which the notes of a tune begin; sixteenths only in a slow piece, long notes now and then."""
    cells = [([0.0], 4.0), ([0.0, 0.5], 3.0), ([], 1.5), ([0.5], 0.4)]
    if score.bpm < 95:
        cells += [([0, 0.25, 0.5, 0.75], 1.0), ([0, 0.75], 1.0), ([0, 0.5, 0.75], 0.8)]
    weights = np.array([weight for _, weight in cells])
    bar = [cells[score.random.choice(len(cells), p=weights / weights.sum())][0] for _ in range(2 * score.beats)]
    times: list[float] = []
    for beat in range(beats):
        again = score.random.random() < 0.6  # rhythms come back
        cell = bar[beat % len(bar)] if again else cells[score.random.choice(len(cells), p=weights / weights.sum())][0]
        times += [beat + at for at in ([0.0] if beat % score.beats == 0 and score.random.random() < 0.7 else cell)]
    return [*times, float(beats)]


def drum(score: Score) -> None:
    if score.beats == 3:
        names = list(WALTZES)[: 2 if score.bpm > 140 else 3]
        lines = WALTZES[str(score.random.choice(names))]
    else:
        names = ["plain", "rock", "floor"] if score.bpm > 150 else ["rock", "busy", "floor", "plain"]
        names += ["sixteenths"] * 2 if score.bpm < 90 else []
        lines = STEADY[str(score.random.choice(names))]
    level = score.random.uniform(0.3, 0.8)
    loud = {"kick": 0.9, "snare": 0.6, "hat": 0.25}
    for bar in range(score.bars):
        for line in lines:
            name, *times = line.split()
            for time in times:
                at = bar * score.beats + float(time)
                score.play(DRUMS[name](score.random), at, level * loud[name] * score.accent(at))


def recorded(score: Score, seconds: float) -> Sound:
    """In a room, from somewhere in the first bar on or after some quiet, in noise or without; float32 (n, 1)."""
    random = score.random
    sound = room(score.tape, random.uniform(0.3, 1.2), random.uniform(0.05, 0.3), random)
    start = random.choice([0.0, random.uniform(0, score.beats * 60 / score.bpm)])
    sound = np.concatenate([np.zeros(round(random.uniform(0, 0.5) * RATE)), sound[round(start * RATE) :]])
    sound = sound[: round(seconds * RATE)]
    decibels = random.uniform(10, 20) if random.random() < 0.67 else 50
    sound = sound + noise(len(sound), random) * np.std(sound) * 10 ** (-decibels / 20)
    return (random.uniform(0.1, 0.9) * sound / np.max(np.abs(sound))).astype(np.float32)[:, None]
