"""Moves speech that was taken apart towards another speaker's profile."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ttsai_server.engines.world.profile import Profile
from ttsai_server.engines.world.vocoder import HIGHEST, LOWEST, Parts

Array = NDArray[np.float64]
WARPS = np.linspace(0.8, 1.25, 46)
"""Ratios of vocal tract lengths that are tried."""
COMPARED = slice(8, 300)
"""Bins in which warped envelopes are compared, 200 Hz to 7 kHz."""
SMOOTH = 41
"""Bins that the equaliser is averaged over: it has no lines of its own."""
LIVELIEST = 2.0
"""Most that the range of the pitch is widened, or narrowed."""


@dataclass(frozen=True, slots=True)
class Conversion:
    source: Profile
    target: Profile
    warp: float
    """Ratio of formant frequencies, target : source."""
    equaliser: Array
    """(bins,): what is added to the warped envelope, natural logarithm of power."""

    @classmethod
    def between(cls, source: Profile, target: Profile) -> Self:
        warp = min(WARPS, key=lambda ratio: _distance(_warped(source.envelope, ratio), target.envelope))
        return cls(source, target, warp, _smooth(target.envelope - _warped(source.envelope, warp)))

    def apply(self, parts: Parts) -> Parts:
        """Each frame is as loud as before."""
        envelope = _warped(parts.envelope, self.warp) + self.equaliser
        gain = _loudness(parts.envelope) - _loudness(envelope)
        return replace(parts, hertz=self._pitch(parts), envelope=envelope + gain[:, None])

    def _pitch(self, parts: Parts) -> Array:
        wider = np.clip(self.target.spread / max(self.source.spread, 1e-3), 1 / LIVELIEST, LIVELIEST)
        above = np.log(np.maximum(parts.hertz, 1)) - self.source.pitch
        return np.where(parts.voiced, np.clip(np.exp(self.target.pitch + wider * above), LOWEST, HIGHEST), 0)


def _warped(envelope: Array, ratio: float) -> Array:
    """(…, bins): formants moved to `ratio` times their frequency; the last bin is repeated beyond the end."""
    bins = envelope.shape[-1]
    wanted = np.minimum(np.arange(bins) / ratio, bins - 1)
    low = np.minimum(wanted.astype(int), bins - 2)
    share = wanted - low
    return envelope[..., low] * (1 - share) + envelope[..., low + 1] * share


def _distance(one: Array, other: Array) -> float:
    return float(np.var((one - other)[COMPARED]))


def _smooth(values: Array) -> Array:
    window = np.hanning(SMOOTH + 2)[1:-1]
    around = np.lib.stride_tricks.sliding_window_view(np.pad(values, SMOOTH // 2, mode="edge"), SMOOTH)
    return around @ (window / window.sum())


def _loudness(envelope: Array) -> Array:
    """(frames,): logarithm of the mean power."""
    return np.log(np.mean(np.exp(envelope), axis=-1))
