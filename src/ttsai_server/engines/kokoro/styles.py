"""Voices: tables of style vectors, with a row for each number of phonemes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ttsai_server.domain import Preset, Reference
from ttsai_server.errors import BadRequest, EngineFailed

Array = npt.NDArray[np.float32]
LONGEST = 510
"""Most phonemes of the model's input; also the number of rows of a table."""
TABLE = "style"
"""Name of the array of a voice from a recording: a whole table, so that it does not depend on the stock voices."""
_WIDTH = 256


class Styles:
    """The style tables in voices/*.bin, each float32 (510, 256), read at the first use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tables: dict[str, Array] = {}

    def blend(self, voices: Sequence[Preset | Reference]) -> Array:
        """The weighted mean of the voices' tables, float32 (510, 256). Raises BadRequest for an unknown voice."""
        total = sum(voice.weight for voice in voices)
        return sum(self._any(voice) * np.float32(voice.weight / total) for voice in voices)  # type: ignore[return-value]

    def _any(self, voice: Preset | Reference) -> Array:
        return self.table(voice.id) if isinstance(voice, Preset) else voice.arrays[TABLE].astype(np.float32)

    def table(self, voice: str) -> Array:
        """The table of a stock voice. Raises BadRequest for an unknown one."""
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
