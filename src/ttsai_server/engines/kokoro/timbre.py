"""Finds the decoder's half of a style, the timbre, whose speech is nearest to a speaker by speaker embeddings.

The first guess is the blend of stock voices whose embeddings, blended alike, are nearest. From there it moves along the
principal components of the stock voices' timbres. How the embedding follows from them was measured once, as a linear
map; each trial corrects it (Broyden 1965, "A class of methods for solving nonlinear simultaneous equations"), and the
steps are damped (Marquardt 1963). No gradient of the model is needed, and few trials.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ttsai_server.engines.kokoro.prosody import least_squares
from ttsai_server.engines.kokoro.stock import Stock

Array = NDArray[np.float64]
TRIALS = 6
"""Sentences spoken in a search, of two seconds each."""
DAMPING, CALMER, BOLDER = 0.02, 4.0, 0.4
"""What a step costs against the squared error that it mends, and the factors after a trial that failed or succeeded."""
FARTHEST = 2.5
"""Most standard deviations of a component from the first guess."""


@dataclass(frozen=True, slots=True)
class Trial:
    place: Array
    """Components, from the first guess."""
    embedding: Array
    """Of what it said."""
    cosine: float
    """To the wanted embedding."""


class Search:
    """Finds a timbre by trials."""

    def __init__(self, stock: Stock, timbres: Array, wanted: Array) -> None:
        """timbres: (voices, 128), those of the stock voices. wanted: the speaker's embedding, (256,)."""
        self._basis, self._response = stock.basis, stock.response.copy()
        self._wanted = wanted + stock.sentence
        self._wanted /= np.linalg.norm(self._wanted)
        weights = least_squares(stock.embeddings.T, self._wanted)
        self._start = weights @ timbres / weights.sum()
        self._place, self._damping = np.zeros(len(stock.basis)), DAMPING
        self._best = Trial(self._place, np.zeros(len(wanted)), -1.0)

    @property
    def best(self) -> Array:
        """The best timbre so far, (128,)."""
        return self._timbre(self._best.place)

    @property
    def cosine(self) -> float:
        """How near the best timbre is to the speaker."""
        return self._best.cosine

    @property
    def proposed(self) -> Array:
        """The timbre to be tried next, (128,)."""
        return self._timbre(self._place)

    def learn(self, embedding: Array) -> None:
        """embedding: of SENTENCE as said in the proposed timbre, (256,)."""
        trial, best = Trial(self._place, embedding, float(embedding @ self._wanted)), self._best
        if best.cosine > -1:
            self._correct(trial, best)
        self._damping *= BOLDER if trial.cosine > best.cosine else CALMER
        self._best = max(trial, best, key=lambda one: one.cosine)
        self._place = np.clip(self._best.place + self._step(), -FARTHEST, FARTHEST)

    def _timbre(self, place: Array) -> Array:
        return np.asarray(self._start + place @ self._basis, np.float64)

    def _step(self) -> Array:
        """The change of components that, by the map, mends the best trial's error at the least cost."""
        gram = self._response.T @ self._response + self._damping * np.eye(self._response.shape[1])
        error = self._wanted - self._best.embedding
        return np.linalg.solve(gram, self._response.T @ error).astype(np.float64)

    def _correct(self, trial: Trial, other: Trial) -> None:
        """Broyden's update: of the difference of these two, the map now says what was measured."""
        moved = trial.place - other.place
        surprise = trial.embedding - other.embedding - self._response @ moved
        self._response += np.outer(surprise, moved) / max(float(moved @ moved), 1e-9)
