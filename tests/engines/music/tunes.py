"""Old tunes that are nobody's, written down, and played by a few instruments without drums.

Each seed is another performance: which tune, key, speed, instruments and accompaniment are drawn.
"""

import re
from dataclasses import dataclass
from math import ceil

import numpy as np
from tests.engines.music.instruments import MELODIC, STRUCK, Note, bass
from tests.engines.music.pieces import Piece, Score, recorded, voiced

HALF_TONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
EIGHTHS = {"2/4": 4, "3/4": 6, "4/4": 8, "6/8": 6}
"""Of a bar."""
SPEEDS = {"2/4": (66, 120), "3/4": (76, 170), "4/4": (66, 150), "6/8": (60, 120)}
"""Beats a minute."""
CHORDS = {False: ((0, 4, 7), (5, 9, 0), (7, 11, 2)), True: ((0, 3, 7), (5, 8, 0), (7, 11, 2), (3, 7, 10))}
"""Minor? → half tones above the tonic of the chords that accompany, the likeliest first."""
TUNES = (
    # metre, minor, eighths before the first bar, notes in C major or A minor: ^ sharp, , an octave down, eighths long
    ("4/4", False, 0, "C2 C2 G2 G2 A2 A2 G4 F2 F2 E2 E2 D2 D2 C4 G2 G2 F2 F2 E2 E2 D4 G2 G2 F2 F2 E2 E2 D4 "
     "C2 C2 G2 G2 A2 A2 G4 F2 F2 E2 E2 D2 D2 C4"),  # Twinkle, twinkle
    ("4/4", False, 0, "E2 E2 F2 G2 G2 F2 E2 D2 C2 C2 D2 E2 E3 D D4 E2 E2 F2 G2 G2 F2 E2 D2 C2 C2 D2 E2 D3 C C4 "
     "D2 D2 E2 C2 D2 E F E2 C2 D2 E F E2 D2 C2 D2 G,4 E2 E2 F2 G2 G2 F2 E2 D2 C2 C2 D2 E2 D3 C C4"),  # Ode to joy
    ("4/4", False, 0, "C2 C2 C2 D2 E4 D4 C2 E2 D2 D2 C8 C2 C2 C2 D2 E4 D4 C2 E2 D2 D2 C8 D2 D2 D2 D2 A,4 A,4 "
     "D2 C2 B,2 A,2 G,8 C2 C2 C2 D2 E4 D4 C2 E2 D2 D2 C8"),  # Au clair de la lune
    ("4/4", False, 0, "C2 D2 E2 C2 C2 D2 E2 C2 E2 F2 G4 E2 F2 G4 G A G F E2 C2 G A G F E2 C2 C2 G,2 C4 C2 G,2 C4"),
    # Frère Jacques
    ("4/4", False, 2, "G,2 C3 C C2 E2 D3 C D2 E2 C3 C E2 G2 A6 A2 G3 E E2 C2 D3 C D2 E2 C3 A, A,2 G,2 C6 A2 "
     "G3 E E2 C2 D3 C D2 A2 G3 E E2 G2 A6 A2 G3 E E2 C2 D3 C D2 E2 C3 A, A,2 G,2 C6"),  # Auld lang syne
    ("4/4", True, 2, "A,2 A,2 E2 E2 D2 C2 B,2 A,2 G,2 A,2 B,2 C2 D2 E6 A,2 A,2 E2 E2 D2 C2 B,2 A,2 G,2 A,2 B,2 C2 "
     "D2 E6 E2 F2 D2 E2 F2 G2 A2 E2 D2 C2 A,2 B,2 C2 D4 C2 D2 E4 F2 E2 E2 D2 C2 B,2 A,6"),  # God rest you merry
    ("2/4", False, 0, "C C D E C E D2 C C D E C2 B,2 C C D E F E D C B, G, A, B, C2 C2 A,1.5 B,.5 A, G, A, B, C2 "
     "G,1.5 A,.5 G, F, E,2 G,2 A,1.5 B,.5 A, G, A, B, C A, G, C B, D C2 C2"),  # Yankee Doodle
    ("2/4", False, 1, "C.5 D.5 E G G1.5 A.5 G E C1.5 D.5 E E D C D3 C.5 D.5 E G G1.5 A.5 G E C1.5 D.5 E E D D C4 "
     "F2 F2 A A2 A G G E C D3 C.5 D.5 E G G1.5 A.5 G E C1.5 D.5 E E D D C3"),  # Oh! Susanna
    ("2/4", False, 0, "C C E E G G E2 F F D D B, B, G,2 C C E E G G E2 c c ^F ^F G4 C C E E G G E2 F F D D B, B, G,2 "
     "E E G G c c A2 G F E D C2 C2"),  # after Haydn's symphony 94
    ("2/4", False, 0, "E E C C E E.5 E.5 G2 D D B, B, D D.5 D.5 F2 E E C C E E.5 E.5 G2 D E.5 F.5 E D C2 C2"),
    # Skip to my Lou
    ("2/4", True, 0, "E2 B, C D2 C B, A,2 A, C E2 D C B,2 B, C D2 E2 C2 A,2 A,2 z2 z D D F A2 G F E2 E C E2 D C "
     "B,2 B, C D2 E2 C2 A,2 A,2 z2"),  # Korobeiniki
    ("3/4", False, 0, "G3 A G F E2 C2 C2 D2 G,2 G,2 E2 C2 C2 G3 A G F E2 C2 C2 D2 G,2 G,2 C4 z2 "
     "D2 G,2 G,2 E2 C2 C2 D2 G,2 G,2 E2 C2 C2 G3 A G F E2 C2 C2 D2 G,2 G,2 C6"),  # Ach, du lieber Augustin
    ("3/4", False, 2, "G,2 C4 E C E4 D2 C4 A,2 G,4 G,2 C4 E C E4 D2 G6 G4 E2 G4 E C E4 D2 C4 A,2 G,4 G,2 C4 E C E4 D2 "
     "C6 C4"),  # Amazing grace
    ("3/4", False, 0, "G2 C D E F G2 C2 C2 A2 F G A B c2 C2 C2 F2 G F E D E2 F E D C B,2 C D E C E2 D4 "
     "G2 C D E F G2 C2 C2 A2 F G A B c2 C2 C2 F2 G F E D E2 F E D C D2 E D C B, C6"),  # Petzold's minuet
    ("3/4", False, 2, "C1.5 C.5 C2 G,2 E1.5 E.5 E2 C2 C1.5 E.5 G3 G F1.5 E.5 D4 D1.5 E.5 F2 F2 E1.5 D.5 E2 C2 "
     "C1.5 E.5 D3 G, B,1.5 D.5 C4"),  # Clementine
    ("3/4", False, 2, "G,2 E3 D C2 D2 C2 A,2 G,2 E,4 z4 G,2 E3 D C2 C2 B,2 C2 D6 z4 G,2 E3 D C2 D2 C2 A,2 G,2 E,4 "
     "z4 G,2 A,2 D2 C2 B,2 A,2 B,2 C6 z4"),  # My Bonnie
    ("3/4", True, 0, "E4 D2 C4 A,2 B,2 C2 B,2 A,6 E4 D2 C4 A,2 B,2 C2 B,2 A,6 C4 C2 D4 D2 E4 E2 G2 F2 E2 D2 E2 D2 "
     "C4 B,2 A,6 A,6"),  # We three kings
    ("6/8", False, 0, "C3 C3 C2 D E3 E2 D E2 F G6 c c c G G G E E E C C C G2 F E2 D C6"),  # Row, row, row your boat
    ("6/8", False, 2, "G F E C C G, C C E C E G F E F D D A, D D F D F A G F E C C G, C C E C E G F E F E F D G F "
     "E C C C"),  # The Irish washerwoman
    ("6/8", False, 1, "G, C2 C D2 D E G E C2 G, C2 C D2 D E3 C2 G, C2 C D2 D E G E C3 A3 D2 F E3 C2"),
    # Pop goes the weasel
    ("6/8", False, 0, "G1.5 A.5 G E3 G1.5 A.5 G E3 d2 d B3 c2 c G3 A2 A c1.5 B.5 A G1.5 A.5 G E3 A2 A c1.5 B.5 A "
     "G1.5 A.5 G E3 d2 d f1.5 d.5 B c3 e3 c G E G1.5 F.5 D C6"),  # Silent night
    ("6/8", True, 1, "A, C2 D E1.5 F.5 E D2 B, G,1.5 A,.5 B, C2 A, A,1.5 ^G,.5 A, B,2 ^G, E,2 A, C2 D E1.5 F.5 E "
     "D2 B, G,1.5 A,.5 B, C1.5 B,.5 A, ^G,1.5 ^F,.5 ^G, A,6 G3 G1.5 ^F.5 E D2 B, G,1.5 A,.5 B, C2 A, A,1.5 ^G,.5 A, "
     "B,2 ^G, E,3 G3 G1.5 ^F.5 E D2 B, G,1.5 A,.5 B, C1.5 B,.5 A, ^G,1.5 ^F,.5 ^G, A,5"),  # Greensleeves
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tone:
    eighth: float
    """When it begins, in eighths after the first bar's start."""
    eighths: float
    semitones: tuple[int, ...]
    """Above the tonic; negative below."""


def performance(seed: int, seconds: float = 24.0) -> Piece:
    """Every tune comes in turn; some are played alone, some are accompanied."""
    random = np.random.default_rng(seed)
    metre, minor, before, notes = TUNES[seed % len(TUNES)]
    low, high = SPEEDS[metre]
    bpm = float(np.exp(random.uniform(np.log(low), np.log(high))))
    quarters = bpm * 1.5 if metre == "6/8" else bpm
    tonic, eighths = int(random.integers(12)), round(seconds * quarters / 30)
    bars = int(eighths / EIGHTHS[metre]) + 1
    score = Score(
        random, tonic, minor, quarters, EIGHTHS[metre] // 2, random.uniform(-30, 30), swing=0.5, bars=bars + 1
    )
    tune = repeated(read(notes, minor, before), EIGHTHS[metre], eighths)
    play(score, tune, MELODIC[random.integers(len(MELODIC))], 60, 0.4)
    if random.random() < 0.6:
        chords = [(bar, best_chord(tune, bar * EIGHTHS[metre], EIGHTHS[metre], minor)) for bar in range(bars)]
        play(score, [Tone(bar * EIGHTHS[metre], EIGHTHS[metre], chord[:1]) for bar, chord in chords], bass, 36, 0.3)
        strokes = [tone for bar, chord in chords for tone in struck(metre, bar * EIGHTHS[metre], chord)]
        play(score, strokes, STRUCK[random.integers(len(STRUCK))], 48, 0.12)
    return Piece(recorded(score, seconds), tonic, minor, bpm, metre, score.cents, False)


def read(notes: str, minor: bool, before: int) -> list[Tone]:
    """The tones of a line of TUNES."""
    at, tones = -float(before), list[Tone]()
    for sharp, letter, low, length in re.findall(r"(\^?)([A-Ga-gz])(,?)([\d.]*)", notes):
        eighths = float(length or 1)
        if letter != "z":
            height = HALF_TONES[letter.upper()] + len(sharp) + 12 * letter.islower() - 12 * len(low)
            tones.append(Tone(at, eighths, (height + 3 * minor,)))
        at += eighths
    return tones


def repeated(tune: list[Tone], bar: int, eighths: float) -> list[Tone]:
    """Verse after verse for so many eighths, less what would begin before the first bar."""
    last = tune[-1]
    verse = bar * ceil((last.eighth + last.eighths) / bar)
    verses = [
        Tone(tone.eighth + shift, tone.eighths, tone.semitones)
        for shift in range(0, round(eighths), verse)
        for tone in tune
    ]
    return [tone for tone in verses if 0 <= tone.eighth < eighths]


def best_chord(tune: list[Tone], start: int, eighths: int, minor: bool) -> tuple[int, ...]:
    """The chord that has the most of what sounds in a bar."""
    inside = [tone for tone in tune if start <= tone.eighth < start + eighths]

    def fits(chord: tuple[int, ...]) -> float:
        return sum(tone.eighths for tone in inside if tone.semitones[0] % 12 in chord)

    return max(CHORDS[minor], key=fits)  # of equals the first


def struck(metre: str, start: int, chord: tuple[int, ...]) -> list[Tone]:
    """On each beat but the first, as a guitar strikes it; in 6/8 on the last eighth of each beat."""
    places = {"2/4": (1, 3), "3/4": (2, 4), "4/4": (2, 6), "6/8": (2, 5)}[metre]
    return [Tone(start + place, 1, chord) for place in places]


def play(score: Score, tones: list[Tone], instrument: Note, octave: int, level: float) -> None:
    sound = voiced(score, instrument)
    for tone in tones:
        for semitone in tone.semitones:
            hertz = score.hertz(octave + (score.tonic + 5) % 12 - 5 + semitone)
            score.play(sound(hertz, tone.eighths * 30 / score.bpm * 0.95, score.random), tone.eighth / 2, level)
