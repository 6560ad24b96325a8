"""Makes a voice for Kokoro from a recording: the style whose speech is nearest to the speaker's.

A style has two halves. The predictor's (rhythm, pitch) is a blend of the stock voices' that has the speaker's prosody.
The decoder's (timbre) is searched for; it is one for all rows, since the stock voices' hardly differs between them.
Approximate: it finds the nearest of the voices that the model can have, which is not the speaker's own.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ttsai_server.engines.kokoro.prosody import Prosody, blend
from ttsai_server.engines.kokoro.stock import HALF, Stock
from ttsai_server.engines.kokoro.styles import LONGEST, Array
from ttsai_server.engines.kokoro.timbre import Search

Embed = Callable[[Array], Array]
"""Samples, (n,) → the embedding of the speaker, (256,)."""


class Cloning:
    """A search, trial by trial."""

    def __init__(self, samples: Array, prosody: Prosody, tables: Array, embed: Embed) -> None:
        """samples: (n,), the speaker's speech. tables: (voices, 510, 256), of `Stock.voices`."""
        stock = Stock.read()
        self._embed = embed
        self._predictor = predictor(prosody, tables)
        timbres = tables[..., :HALF].mean(axis=1)
        self._search = Search(stock, timbres, embed(samples).astype(np.float64))

    def try_next(self, speak: Callable[[Array], Array]) -> None:
        """speak: style table → `stock.SENTENCE` in it, (n,) samples."""
        proposed = join(self._search.proposed, self._predictor).astype(np.float32)
        self._search.learn(self._embed(speak(proposed)).astype(np.float64))

    @property
    def table(self) -> npt.NDArray[np.float16]:
        """The best style table so far, (510, 256)."""
        return join(self._search.best, self._predictor)

    @property
    def similarity(self) -> float:
        """Cosine of the speaker's embedding and of what the best style says."""
        return self._search.cosine


def predictor(prosody: Prosody, tables: Array) -> Array:
    """The predictor's half of a style table that speaks so, (510, 128).

    tables: (voices, 510, 256), of `Stock.voices`.
    """
    return np.tensordot(blend(prosody, Stock.read().prosody), tables[..., HALF:], 1).astype(np.float32)


def join(timbre: npt.NDArray[np.floating], predictor: Array) -> npt.NDArray[np.float16]:
    """A style table, (510, 256), of a timbre, (128,), and the predictor's half.

    float16 is exact to a hundredth of the stock voices' spread.
    """
    return np.hstack([np.tile(timbre, (LONGEST, 1)), predictor]).astype(np.float16)
