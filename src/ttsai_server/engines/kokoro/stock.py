"""What was measured once of the stock voices, in `stock.npz`: how they speak, and how their timbres sound.

It is part of the package, not made after a pull: it takes minutes of speech and the weights of another model, and the
voices are the same everywhere (their checksums are in the card). `python -m benchmarks.stock_voices` measures it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
FILE = Path(__file__).with_name("stock.npz")
HALF = 128
"""Numbers of a style before which the decoder's half ends, timbre, and the predictor's begins, prosody."""
SENTENCE = "We saw a yellow boat, far up the river."
"""What is said to hear a timbre: two seconds."""


@dataclass(frozen=True, slots=True)
class Stock:
    voices: tuple[str, ...]
    """Their ids, as in the card."""
    prosody: Array
    """(voices, 3): `Prosody.vector` of each."""
    basis: Array
    """(components, HALF): principal components of their timbres, each of the size of its standard deviation."""
    response: Array
    """(256, components): how the embedding of SENTENCE changes with the components."""
    embeddings: Array
    """(voices, 256): the speaker embedding of each saying SENTENCE."""
    sentence: Array
    """(256,): what is added to the embedding of a voice if it says nothing but SENTENCE."""

    @classmethod
    def read(cls) -> Stock:
        with np.load(FILE) as stored:
            arrays = {name: stored[name].astype(np.float64) for name in stored if name != "voices"}
            return cls(tuple(stored["voices"].tolist()), **arrays)
