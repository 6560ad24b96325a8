"""Fits the weights of the music engine (`engines/music/weights.py`) and prints them.

To scores that `python -m benchmarks music` leaves out, played as it plays them, and to made-up pieces of the tests'
generator. `python -m benchmarks.fit_music` needs what that benchmark needs, and some ten minutes. The weights in use
were fitted to 316 more excerpts, which are not made here: with the benchmark's own accompaniments alone, the tempo and
metre of other music come out worse.
"""

import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from pprint import pprint
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from tests.engines.music.pieces import piece

from benchmarks.music import FONT, MISSING, RATE, rendered
from benchmarks.scores import chosen, corpus
from ttsai_server.audio.recording import Recording
from ttsai_server.engines.music import key, metre
from ttsai_server.engines.music.features import BLOCK, ONSETS_PER_SECOND, FeatureExtractor, Features, joined
from ttsai_server.engines.music.pulse import envelopes, likenesses, note_starts, periods
from ttsai_server.engines.music.spectrum import Floats

EACH, CHORALES = 40, 60
"""Tunes of each of four books in each of four metres; chorales."""
MADE, MADE_WEIGHT = range(2000, 2072), 3.0
"""Seeds of made-up pieces, and how much one counts beside a score."""
NEAR = 0.03
"""A period is right within this share."""
FREE = 3
"""Features of the metre that are no likenesses: a constant, the speed and its square."""
PENALTY, FREE_PENALTY = 1.0, 0.05
"""Of half a weight's square."""
STEPS, SIZE = 200, 0.3
"""Of the descent: how many, and how far the first goes."""
FOLDS, NEIGHBOURS = 3, 60
POINTS, SUREST = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97, 1.0), 0.97
"""Probabilities of which a table tells how often they are right, by as many neighbours; the greatest confidence."""


@dataclass(frozen=True, slots=True)
class Piece:
    tonic: int
    minor: bool
    metre: str
    bpm: float
    features: Features
    weight: float


@dataclass(frozen=True, slots=True)
class Sample:
    """Hypotheses about a piece: pairs of a row (a period of the beat, a tonic) and a column (a metre, a mode)."""

    rows: Floats
    """(rows, features)."""
    base: Floats
    """(rows, columns): scores to which the weighted features are added."""
    right: NDArray[np.bool_]
    """(rows, columns)."""
    weight: float


def main() -> None:
    folder, fluidsynth = corpus(), shutil.which("fluidsynth")
    if not folder or not fluidsynth or not FONT.exists():
        sys.exit(MISSING)
    pprint(weights(list(pieces(folder, fluidsynth))), width=116, compact=True, sort_dicts=False)


def pieces(folder: Path, fluidsynth: str) -> Iterator[Piece]:
    with TemporaryDirectory() as room:
        for score in chosen(folder, EACH, CHORALES, seen=True):
            bpm, sound = rendered(score, fluidsynth, Path(room))
            yield Piece(score.tonic, score.minor, score.metre, bpm, _heard(sound), 1.0)
    for made in map(piece, MADE):
        yield Piece(made.tonic, made.minor, made.metre, made.bpm, _heard(made.sound), MADE_WEIGHT)


def weights(pieces: Sequence[Piece]) -> dict[str, object]:
    """What `weights.py` has."""
    metres, keys = [metre_sample(piece) for piece in pieces], [key_sample(piece) for piece in pieces]
    penalty = np.where(np.arange(metres[0].rows.shape[1]) < FREE, FREE_PENALTY, PENALTY)[:, None]
    metre_fit, key_fit = np.round(fitted(metres, penalty), 2), np.round(fitted(keys, PENALTY), 2)
    metre_answers, key_answers = list(crossed(metres, penalty)), list(crossed(keys, PENALTY))
    return {
        "METRE": dict(zip(metre.BARS, map(tuple, metre_fit.T.tolist()), strict=True)),
        "KEY": dict(zip((False, True), map(tuple, key_fit[:-1].T.tolist()), strict=True)),
        "MINORS": round(float(key_fit[-1, 1] - key_fit[-1, 0]), 2),
        "TEMPO_RIGHT": table(told(sample, chances, by_row=True) for sample, chances in metre_answers),
        "METRE_RIGHT": table(told(sample, chances, by_column=True) for sample, chances in metre_answers),
        "KEY_RIGHT": table(told(sample, chances) for sample, chances in key_answers),
    }


def metre_sample(piece: Piece) -> Sample:
    pitches = key.chroma(piece.features, key.tuning(piece.features)[0])
    alike = likenesses(envelopes(piece.features, pitches), pitches)
    seconds = periods(alike["all"])
    right = np.outer(abs(60 / seconds / piece.bpm - 1) < NEAR, [name == piece.metre for name in metre.BARS])
    return Sample(metre.described(alike, seconds), np.zeros(right.shape), right, piece.weight)


def key_sample(piece: Piece) -> Sample:
    pitches = key.chroma(piece.features, key.tuning(piece.features)[0])
    starts = note_starts(envelopes(piece.features, pitches)["all"]) / ONSETS_PER_SECOND
    heard = key.degrees(pitches, starts)
    rows = np.array([[*row, 1] for row in key.described(heard, key.successions(pitches, starts))])
    right = np.outer(np.arange(12) == piece.tonic, [not piece.minor, piece.minor])
    return Sample(rows, key.PROFILE * key.likenesses(heard[0]), right, piece.weight)


def fitted(samples: Sequence[Sample], penalty: Floats | float) -> Floats:
    """(features, columns): the weights of a logistic model conditional on the piece, by Adam (Kingma and Ba 2015)."""
    samples = [sample for sample in samples if sample.right.any()]
    rows, base, right = (np.concatenate([getattr(s, name) for s in samples]) for name in ("rows", "base", "right"))
    sizes = [len(sample.rows) for sample in samples]
    begins, owner = np.cumsum([0, *sizes[:-1]]), np.repeat(np.arange(len(sizes)), sizes)
    counts = np.array([sample.weight for sample in samples])[owner, None]

    def shared(powers: Floats) -> Floats:
        return powers / np.add.reduceat(powers.sum(axis=1), begins)[owner, None]

    fit, mean, square = (np.zeros((rows.shape[1], right.shape[1])) for _ in range(3))
    for step in range(1, STEPS + 1):
        scores = base + rows @ fit
        powers = np.exp(scores - np.maximum.reduceat(scores.max(axis=1), begins)[owner, None])
        slope = rows.T @ (counts * (shared(powers) - shared(powers * right + 1e-300))) + penalty * fit
        mean, square = 0.9 * mean + 0.1 * slope, 0.99 * square + 0.01 * slope**2
        size = SIZE * (1 - step / STEPS) / (1 - 0.9**step)
        fit -= size * mean / (np.sqrt(square / (1 - 0.99**step)) + 1e-9)
    return fit


def crossed(samples: Sequence[Sample], penalty: Floats | float) -> Iterator[tuple[Sample, Floats]]:
    """Scores' samples, and the chances (rows, columns) of their hypotheses by weights that were fitted without them."""
    folds = np.random.default_rng(0).permutation(len(samples)) % FOLDS
    for fold in range(FOLDS):
        fit = fitted([sample for sample, own in zip(samples, folds, strict=True) if own != fold], penalty)
        for sample, own in zip(samples, folds, strict=True):
            if own == fold and sample.weight == 1:
                scores = sample.base + sample.rows @ fit
                powers = np.exp(scores - scores.max())
                yield sample, powers / powers.sum()


def told(sample: Sample, chances: Floats, *, by_row: bool = False, by_column: bool = False) -> tuple[float, bool]:
    """The probability of the likeliest hypothesis, or of its row or column, and whether it is right."""
    row, column = np.unravel_index(np.argmax(chances), chances.shape)
    if by_row:
        return float(chances[row].sum()), bool(sample.right[row].any())
    if by_column:
        return float(chances[:, column].sum()), bool(sample.right[:, column].any())
    return float(chances[row, column]), bool(sample.right[row, column])


def table(answers: Iterable[tuple[float, bool]]) -> tuple[tuple[float, float], ...]:
    """(probability, share of such answers that are right)."""
    chances, right = np.array(list(answers)).T
    shares = [float(np.mean(right[np.argsort(abs(chances - point))[:NEIGHBOURS]])) for point in POINTS]
    rising = np.minimum(np.maximum.accumulate(shares), SUREST).round(2).tolist()
    return ((0.0, 0.0), *zip(POINTS, rising, strict=True))


def _heard(sound: NDArray[np.float32]) -> Features:
    extractor = FeatureExtractor()
    with Recording(RATE) as recording:
        recording.append(sound)
        return joined([extractor.extract(recording, start) for start in range(0, recording.frames, BLOCK)])


if __name__ == "__main__":
    main()
