"""Shared by languages with regular spelling: letter rules, splitting into words, placing the stress."""

import re
from collections.abc import Callable

from anyascii import anyascii

STRESS, SECOND = "ˈ", "ˌ"

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*['’]?|\d+")


def words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


class Letters:
    """Converts a word to phonemes by rules; at each position the first that matches applies.

    A rule is a line "pattern phonemes" (no phonemes: silent). Patterns are matched within the whole word, so they can
    look behind and ahead. A letter without a rule is read as its unaccented Latin form.
    """

    def __init__(self, rules: str) -> None:
        rows = [row.split() for row in rules.strip().splitlines()]
        self._sounds = [row[1] if len(row) > 1 else "" for row in rows]
        self._rules = re.compile("|".join(f"({row[0]})" for row in rows))

    def __call__(self, word: str) -> str:
        return "".join(self._sounds[m.lastindex - 1] for m in self._rules.finditer(word) if m.lastindex)


class Words:
    """Converts each word of a text to phonemes separately, and keeps the punctuation."""

    def __init__(self, say: Callable[[str], str], known: str, letters: str) -> None:
        """say: word in lower case → phonemes. known: character class of its letters. letters: names of a to z."""
        self._say = say
        self._foreign = re.compile(f"[^{known}']+")
        self._names = dict(zip("abcdefghijklmnopqrstuvwxyz", letters.split(), strict=True))

    def __call__(self, text: str) -> str:
        return _WORD.sub(self._word, text)

    def _word(self, m: re.Match[str]) -> str:
        word = self._foreign.sub(lambda f: re.sub("[^a-z]", "", anyascii(f[0]).lower()), m[0].lower().replace("’", "'"))
        if _is_spelled(m[0], word):
            return " ".join(self._say(self._names[plain]) for plain in re.sub("[^a-z]", "", anyascii(word).lower()))
        return self._say(word)


def _is_spelled(written: str, word: str) -> bool:
    """Whether to spell a word letter by letter: PDF, USB, FBI or a single consonant, but not ONU and IVA."""
    if "'" in word:
        return False
    if not re.search("[aeiouyàáâãäèéêëìíîïòóôõöùúûüœæ]", word):
        return True
    initialism = written.isascii() and written.isalpha() and written.isupper() and 2 <= len(written) <= 5
    return initialism and (len(word) == 2 or not re.fullmatch("(?:[^aeiou]?[aeiou][^aeiou]?)+", word))


def stressed(phonemes: str, vowels: str, from_end: int, second: bool = True) -> str:
    """Add the stress before the `from_end`-th vowel from the end (1: the last) unless there is one; second: add
    secondary stress early in the word."""
    places = [m.start() for m in re.finditer(f"[{vowels}]", phonemes)]
    if not places:
        return phonemes
    if STRESS not in phonemes:
        at = places[max(0, len(places) - from_end)]
        phonemes = phonemes[:at] + STRESS + phonemes[at:]
    if second and sum(place < phonemes.index(STRESS) for place in places) >= 2:
        phonemes = phonemes[: places[0]] + SECOND + phonemes[places[0] :]
    return phonemes
