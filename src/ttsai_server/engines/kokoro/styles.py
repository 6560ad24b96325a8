"""Voices: tables of style vectors, with a row for each number of phonemes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ttsai_server.domain import Preset
from ttsai_server.errors import BadRequest, EngineFailed

Array = npt.NDArray[np.float32]
LONGEST = 510
"""Most phonemes of the model's input; also the number of rows of a table."""
_WIDTH = 256


class Styles:
    """The style tables in voices/*.bin, each float32 (510, 256), read at the first use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tables: dict[str, Array] = {}

    def blend(self, voices: Sequence[Preset]) -> Array:
        """The weighted mean of the voices' tables, float32 (510, 256). Raises BadRequest for an unknown voice."""
        total = sum(voice.weight for voice in voices)
        return sum(self._table(voice.id) * np.float32(voice.weight / total) for voice in voices)  # type: ignore[return-value]

    def _table(self, voice: str) -> Array:
        if voice not in self._tables:
            self._tables[voice] = self._read(voice)
        return self._tables[voice]

    def _read(self, voice: str) -> Array:
        path = self._folder / f"{voice}.bin"
        if path.parent != self._folder or not path.is_file():
            raise BadRequest(f"Kokoro has no voice {voice!r}.", param="voice")
        table = np.fromfile(path, "<f4")
        if table.size != LONGEST * _WIDTH:
            raise EngineFailed(f"{path.name} is not a style table: {table.size} numbers")
        return table.reshape(LONGEST, _WIDTH)


def row(table: Array, phonemes: int) -> Array:
    """The style vector for that many phonemes, float32 (1, 256)."""
    return table[None, min(max(phonemes, 1), LONGEST) - 1]
