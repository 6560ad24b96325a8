"""Scores of music21's corpus whose key and metre are known: folk tunes in ABC, and Bach's chorales.

A tune's key is that of its signature whose tonic it ends on; what ends elsewhere, or changes metre, is left out.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any
from zlib import crc32

COLLECTIONS = ("airdsAirs", "essenFolksong", "oneills1850", "ryansMammoth")
METRES = {"2/4": "2/4", "3/4": "3/4", "4/4": "4/4", "C": "4/4", "C|": "4/4", "6/8": "6/8"}
QUARTERS = {"2/4": 2.0, "3/4": 3.0, "4/4": 4.0, "6/8": 3.0}
"""Of a bar."""
HALF_TONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
SHARPS = "FCGDAEB"
TUPLETS = {2: 1.5, 3: 2 / 3, 4: 0.75, 6: 1 / 3}
FEWEST = 24
"""Notes of a tune."""
TOKEN = re.compile(
    r'"[^"]*"|\{[^}]*\}|![^!]*!|\((?P<tuplet>\d)|(?P<broken>[<>])|(?P<tie>-)|(?P<bar>[|:]+)'
    r"|(?P<sign>[_=^]*)(?P<letter>[A-Ga-gzx])(?P<octave>[,']*)(?P<length>[\d/]*)"
)


@dataclass(frozen=True, slots=True)
class Tone:
    start: float
    """Quarter notes after the beginning."""
    quarters: float
    pitch: int
    """MIDI's number."""


@dataclass(frozen=True, slots=True)
class Score:
    name: str
    collection: str
    tonic: int
    minor: bool
    metre: str
    voices: tuple[tuple[Tone, ...], ...]
    first_bar: float
    """Quarter notes before the first whole bar."""

    @property
    def seen(self) -> bool:
        """Whether the weights of the engine may have been fitted to it."""
        return crc32(f"{self.collection}-{crc32(self.name.encode()):08x}".encode()) % 4 != 0


def corpus() -> Path | None:
    """The folder of music21's corpus; None where it is not installed."""
    spec = find_spec("music21")
    return Path(spec.origin).parent / "corpus" if spec and spec.origin else None


def chosen(folder: Path, each: int, chorales: int, *, seen: bool) -> list[Score]:
    """So many tunes of each collection in each metre, and chorales, which the engine was fitted to or was not."""
    found = list[Score]()
    for collection in COLLECTIONS:
        tunes = [score for score in _tunes(folder / collection) if score.seen == seen]
        random.Random(collection).shuffle(tunes)
        for metre in QUARTERS:
            found += [score for score in tunes if score.metre == metre][:each]
    return found + list(islice((score for score in _chorales(folder / "bach") if score.seen == seen), chorales))


def _tunes(folder: Path) -> Iterator[Score]:
    for file in sorted(folder.glob("*.abc")):
        for text in re.split(r"(?m)^(?=X:)", file.read_text("utf-8", "replace")):
            if text.startswith("X:") and (score := _tune(text, file)):
                yield score


def _tune(text: str, file: Path) -> Score | None:
    head, _, body = text.partition("K:")
    signature, _, body = body.partition("\n")
    fields = dict(re.findall(r"(?m)^([A-Z]):\s*(.*?)\s*(?:%.*)?$", head))
    metre, sharps = METRES.get(fields.get("M", "")), _sharps(signature)
    if metre is None or sharps is None or re.search(r"(?m)^[MKL]:|\[[A-Z]:|\[[_=^]*[A-Ga-g]", body):
        return None
    unit = _length(fields["L"]) * 4 if "L" in fields else 0.5
    tones, bars = _read(re.sub(r"(?m)^[A-Za-z]:.*$|%.*$", "", body), sharps, unit)
    if len(tones) < FEWEST or not bars:
        return None
    bar = QUARTERS[metre]
    first = bars[0] % bar
    whole = [at for at in bars if (at - first + 0.001) % bar < 0.002]
    tonic, major = tones[-1].pitch % 12, sharps * 7 % 12
    if len(whole) < 0.8 * len(bars) or tonic not in (major, (major + 9) % 12):
        return None
    name = f"{file.name}:{text.partition(chr(10))[0][2:].strip()}"
    return Score(name, file.parent.name, tonic, tonic != major, metre, (tuple(tones),), first)


def _read(body: str, sharps: int, unit: float) -> tuple[list[Tone], list[float]]:
    """Tones as they are written, repeats once; and where the bars end, quarter notes."""
    degrees = {letter: (number < sharps) - (6 - number < -sharps) for number, letter in enumerate(SHARPS)}
    tones, bars, altered = list[Tone](), list[float](), dict[str, int]()
    at, left, factor, dotted, tied = 0.0, 0, 1.0, 1.0, False
    for token in TOKEN.finditer(body):
        if token["bar"]:
            altered = {}
            bars += [at] if at and at not in bars else []
        elif token["tuplet"]:
            left, factor = int(token["tuplet"]), TUPLETS.get(int(token["tuplet"]), 1.0)
        elif token["broken"] and tones:
            share = 1.5 if token["broken"] == ">" else 0.5
            tones[-1] = Tone(tones[-1].start, tones[-1].quarters * share, tones[-1].pitch)
            at, dotted = tones[-1].start + tones[-1].quarters, 2 - share
        elif token["tie"]:
            tied = True
        elif letter := token["letter"]:
            quarters = _length(token["length"]) * unit * dotted * (factor if left else 1)
            left, dotted = max(0, left - 1), 1.0
            if letter not in "zx":
                place = letter + token["octave"]
                if token["sign"]:
                    altered[place] = token["sign"].count("^") - token["sign"].count("_")
                octave = 12 * (letter.islower() + token["octave"].count("'") - token["octave"].count(","))
                pitch = 60 + HALF_TONES[letter.upper()] + altered.get(place, degrees[letter.upper()]) + octave
                if tied and tones[-1].pitch == pitch:
                    tones[-1] = Tone(tones[-1].start, tones[-1].quarters + quarters, pitch)
                else:
                    tones.append(Tone(at, quarters, pitch))
            at, tied = at + quarters, False
    return tones, bars


def _length(text: str) -> float:
    over, slashes, under = text.partition("/")
    return float(over or 1) / (float(under) if under.isdigit() else 2 ** (len(slashes) + len(under)))


def _sharps(key: str) -> int | None:
    """Of a major or minor key; None of another mode."""
    found = re.fullmatch(r"\s*([A-G])([#b]?)\s*(|m|min\w*|maj\w*)\s*(?:%.*)?", key, re.IGNORECASE)
    if not found:
        return None
    sharps = SHARPS.index(found[1].upper()) - 1 + {"#": 7, "b": -7, "": 0}[found[2]]
    return sharps - 3 if re.fullmatch(r"m|min.*", found[3], re.IGNORECASE) else sharps


def _chorales(folder: Path) -> Iterator[Score]:
    """In four parts; the key is that of the last bass note whose signature is as written, or one sharp away."""
    converter: Any = import_module("music21.converter")
    for file in sorted(folder.glob("bwv*.mxl")):
        music: Any = converter.parse(file)
        metres = {time.ratioString for time in music.recurse().getElementsByClass("TimeSignature")}
        signatures = list(music.parts[0].recurse().getElementsByClass("KeySignature"))
        if len(metres) != 1 or not metres < QUARTERS.keys() or not signatures or len(music.parts) != 4:
            continue
        voices = tuple(_voice(part.stripTies()) for part in music.parts)
        tonic = voices[-1][-1].pitch % 12
        for minor in (False, True):
            own = next(number for number in range(-5, 7) if (number * 7 + 9 * minor) % 12 == tonic)
            if abs(own - signatures[0].sharps) <= 1:
                yield Score(file.stem, "bach", tonic, minor, metres.pop(), voices, 0.0)
                break


def _voice(part: Any) -> tuple[Tone, ...]:
    return tuple(Tone(float(n.offset), float(n.quarterLength), n.pitches[0].midi) for n in part.flatten().notes)
