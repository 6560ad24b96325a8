"""A memory-efficient lexicon."""

import json
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from itertools import accumulate

Sound = str | dict[str, str | None]
"""Phonemes, or part of speech → phonemes."""


class Packed(Mapping[str, Sound]):
    """A read-only mapping in a third of a dict's memory, looked up by bisection in 5 µs.

    As dicts, misaki's 365,000 words take 58 MB.
    """

    def __init__(self, entries: Mapping[str, Sound]) -> None:
        words = sorted(entries)
        sounds = [json.dumps(entries[word], ensure_ascii=False) for word in words]
        self._words, self._starts = "".join(words), _ends(words)
        self._sounds, self._begins = "".join(sounds), _ends(sounds)

    def __getitem__(self, word: str) -> Sound:
        at = bisect_left(range(len(self)), word, key=self._word)
        if at == len(self) or self._word(at) != word:
            raise KeyError(word)
        return json.loads(self._sounds[self._begins[at] : self._begins[at + 1]])

    def __iter__(self) -> Iterator[str]:
        return map(self._word, range(len(self)))

    def __len__(self) -> int:
        return len(self._starts) - 1

    def _word(self, at: int) -> str:
        return self._words[self._starts[at] : self._starts[at + 1]]


def _ends(texts: list[str]) -> "array[int]":
    """Offset of each text in their concatenation, and its length."""
    return array("I", accumulate(map(len, texts), initial=0))
