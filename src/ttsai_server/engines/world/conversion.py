"""Moves speech that was taken apart from one speaker's profile to another's.

The pitch gets the target's mean and range. Formants are moved by the ratio of the vocal tracts' lengths, which follows
from the pitches: across speakers, formants grow as a power of the pitch (Assmann and Nearey 2008, "Identification of
frequency-shifted vowels"). Then the source's distribution of cepstra is carried over to the target's with the least
change of each: the optimal transport between two normal distributions, which is linear. So sounds stay apart as they
were, and no frame of the one speaker has to be matched with one of the other.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ttsai_server.engines.world.profile import Profile, cepstra, outline
from ttsai_server.engines.world.vocoder import HIGHEST, LOWEST, Parts

Array = NDArray[np.float64]
FORMANTS = 0.27
"""Exponent of the formants' growth with the pitch: a woman's pitch is 1.75 of a man's, her formants are 1.16 of his."""
FARTHEST = 1.25
"""Most that formants are moved, as a ratio."""
LIVELIEST = 2.0
"""Most that the range of the pitch is widened, or narrowed."""
MOST = 4.0
"""Most that a frame's spectrum is raised or lowered anywhere, nepers of power (17 dB)."""


class Conversion:
    def __init__(self, source: Profile, target: Profile, rate: int) -> None:
        """source: of warped envelopes, see `warp`. rate: Hertz."""
        self._source, self._target, self._rate = source, target, rate
        self._wider = float(np.clip(target.spread / max(source.spread, 1e-3), 1 / LIVELIEST, LIVELIEST))
        self._warp = warp(source.pitch, target.pitch)
        pairs = zip(source.covariances, target.covariances, strict=True)
        self._turns = np.stack([_transport(one, other) for one, other in pairs])

    def apply(self, parts: Parts) -> Parts:
        """Each frame is as loud as before."""
        made = replace(warped(parts, self._warp), hertz=self._pitch(parts))
        made = replace(made, envelope=made.envelope + self._change(made))
        return replace(made, envelope=made.envelope + (parts.loudness - made.loudness)[:, None])

    def _pitch(self, parts: Parts) -> Array:
        above = np.log(np.maximum(parts.hertz, 1)) - self._source.pitch
        moved = np.exp(self._target.pitch + self._wider * above)
        return np.where(parts.voiced, np.clip(moved, LOWEST, HIGHEST), 0)

    def _change(self, parts: Parts) -> Array:
        """The correction, (frames, bins), that the caller adds to the warped envelope."""
        found, kind = cepstra(parts.envelope, self._rate), parts.voiced.astype(int)
        moved = np.empty_like(found)
        for number, turn in enumerate(self._turns):
            own = kind == number
            moved[own] = self._target.means[number] + (found[own] - self._source.means[number]) @ turn
        return np.clip(outline(moved - found, self._rate, parts.envelope.shape[1]), -MOST, MOST)


def warp(source: float, target: float) -> float:
    """Ratio by which formants are moved between speakers with these mean logarithms of the pitch."""
    return float(np.clip(np.exp(FORMANTS * (target - source)), 1 / FARTHEST, FARTHEST))


def warped(parts: Parts, ratio: float) -> Parts:
    """Formants moved to `ratio` times their frequency; the last bin is repeated beyond the end."""
    bins = parts.envelope.shape[1]
    wanted = np.minimum(np.arange(bins) / ratio, bins - 1)
    low = np.minimum(wanted.astype(int), bins - 2)
    share = wanted - low
    return replace(parts, envelope=parts.envelope[:, low] * (1 - share) + parts.envelope[:, low + 1] * share)


def _transport(source: Array, target: Array) -> Array:
    """The symmetric matrix that carries one covariance to the other with the least change (Olkin and Pukelsheim)."""
    root = _power(source, 0.5)
    inverse = _power(source, -0.5)
    return inverse @ _power(root @ target @ root, 0.5) @ inverse


def _power(matrix: Array, exponent: float) -> Array:
    """Of a symmetric, positive definite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.maximum(values, 1e-9) ** exponent) @ vectors.T
