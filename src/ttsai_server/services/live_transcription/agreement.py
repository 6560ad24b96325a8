"""What is known of speech while it goes on: LocalAgreement-2 (Macháček, Dabre and Bojar 2023, "Turning Whisper into
Real-Time Transcription System").

A word is stable once two successive hearings agree on it and on all that precedes it. Stable words never change; of a
later hearing, only what follows them counts.
"""

from collections.abc import Sequence
from dataclasses import replace

from ttsai_server.domain import Word


class Agreement:
    """The hearings of one segment, each of which hears all of it so far."""

    def __init__(self) -> None:
        self.stable: list[Word] = []
        self.tentative: list[Word] = []
        """What follows in the latest hearing."""

    def add(self, heard: Sequence[Word]) -> Sequence[Word]:
        """The words of the next hearing. → those that have become stable."""
        rest = self._rest(heard)
        # nothing follows the last word yet: it may be the beginning of a longer one, and its punctuation a guess
        agreed = _agreed(self.tentative, rest[:-1])
        self.tentative = rest[agreed:]
        return self._settle(rest[:agreed])

    def finish(self, heard: Sequence[Word]) -> Sequence[Word]:
        """The words of the last hearing, of all of the segment. → those that have become stable: what follows."""
        self.tentative = []
        return self._settle(self._rest(heard))

    def _settle(self, words: Sequence[Word]) -> Sequence[Word]:
        """Their times are of another hearing than those of the words before, and may overlap them."""
        first = len(self.stable)
        for word in words:
            start = max(word.start, self.stable[-1].end if self.stable else 0.0)
            self.stable.append(replace(word, start=start, end=max(word.end, start)))
        return self.stable[first:]

    def _rest(self, heard: Sequence[Word]) -> list[Word]:
        """What follows the stable words: all after the beginning of `heard` that is most like them."""
        if not self.stable:
            return list(heard)
        ends = [word.end for word in heard]
        distances = _distances([_key(word) for word in self.stable], [_key(word) for word in heard])
        until = self.stable[-1].end
        best = min(range(len(distances)), key=lambda n: (distances[n], abs((ends[n - 1] if n else 0.0) - until)))
        return list(heard[best:])


def _agreed(one: Sequence[Word], other: Sequence[Word]) -> int:
    """How many words both begin with."""
    for number, (first, second) in enumerate(zip(one, other, strict=False)):
        if _key(first) != _key(second):
            return number
    return min(len(one), len(other))


def _key(word: Word) -> str:
    """What is compared: letters and digits, whatever their case."""
    return "".join(filter(str.isalnum, word.text.casefold())) or word.text


def _distances(said: Sequence[str], heard: Sequence[str]) -> list[int]:
    """The edit distance (Levenshtein 1966) of `said` to each beginning of `heard`: of no word, of one, of two, …"""
    row = list(range(len(heard) + 1))
    for number, word in enumerate(said, start=1):
        last, row = row, [number]
        for n, other in enumerate(heard):
            row.append(min(row[n] + 1, last[n + 1] + 1, last[n] + (word != other)))
    return row
