"""A lexicon in little memory."""

import json
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from itertools import accumulate

Sound = str | dict[str, str | None]
"""Phonemes, or those of each part of speech."""


class Packed(Mapping[str, Sound]):
    """What `entries` holds, in a third of the memory, found by bisection in 5 µs.

    misaki's 365,000 words are 58 MB in dicts.
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
    """Where each begins, and where the last ends."""
    return array("I", accumulate(map(len, texts), initial=0))
