"""The voices that were made from recordings last, so that each is made once."""

import asyncio
from collections import OrderedDict
from weakref import WeakValueDictionary

from ttsai_server.domain import ModelCard, Reference

CACHE_BYTES = 64_000_000


class ReferenceCache:
    """The voices made last, by model and by the hash of their recordings' files."""

    def __init__(self, most_bytes: int = CACHE_BYTES) -> None:
        self._most = most_bytes
        self._kept: OrderedDict[tuple[str, str], Reference] = OrderedDict()
        self._locks = WeakValueDictionary[tuple[str, str], asyncio.Lock]()

    def get(self, card: ModelCard, digest: str) -> Reference | None:
        """The voice that a model has made of the file with this hash, if it is still here."""
        found = self._kept.get((card.id, digest))
        if found:
            self._kept.move_to_end((card.id, digest))
        return found

    def put(self, card: ModelCard, digest: str, reference: Reference) -> None:
        """Keep it; the least recently used ones make room."""
        self._kept[card.id, digest] = reference
        while len(self._kept) > 1 and sum(map(_size, self._kept.values())) > self._most:
            self._kept.popitem(last=False)

    def forget(self, digest: str) -> None:
        """Drop what was made of the file with this hash."""
        for key in [key for key in self._kept if key[1] == digest]:
            del self._kept[key]

    def lock(self, card: ModelCard, digest: str) -> asyncio.Lock:
        """Held while a voice is made, so that it is made once."""
        return self._locks.setdefault((card.id, digest), asyncio.Lock())


def _size(reference: Reference) -> int:
    return sum(array.nbytes for array in reference.arrays.values())
