"""Devanagari → phonemes of Hindi.

The inherent vowel is dropped by Ohala's rule (Aspects of Hindi Phonology, 1983), stress goes by weight (Pandey,
"Hindi schwa deletion", Lingua 82, 1990). Words in other letters are read as English.
"""

import re
import unicodedata
from collections.abc import Callable

from ttsai_server.text.phonemes.spelling import STRESS, words

_CONSONANTS = {
    "क": "k", "ख": "kʰ", "ग": "ɡ", "घ": "ɡʰ", "ङ": "ŋ", "च": "c", "छ": "cʰ", "ज": "ɟ", "झ": "ɟʰ", "ञ": "ɲ", "ट": "ʈ",
    "ठ": "ʈʰ", "ड": "ɖ", "ढ": "ɖʰ", "ण": "ɳ", "त": "t", "थ": "tʰ", "द": "d", "ध": "dʰ", "न": "n", "प": "p", "फ": "pʰ",
    "ब": "b", "भ": "bʰ", "म": "m", "य": "j", "र": "ɾ", "ल": "l", "व": "ʋ", "श": "ʃ", "ष": "ʂ", "स": "s", "ह": "h",
    "क़": "q", "ख़": "x", "ग़": "ɣ", "ज़": "z", "ड़": "ɽ", "ढ़": "ɽʰ", "फ़": "f", "ळ": "l", "ऩ": "n", "ऱ": "ɾ",
    "य़": "j",
}  # fmt: skip
_VOWELS = {
    "अ": "ə", "आ": "aː", "इ": "ɪ", "ई": "iː", "उ": "ʊ", "ऊ": "uː", "ऋ": "ɾɪ", "ए": "eː", "ऐ": "ɛː", "ओ": "oː",
    "औ": "ɔː",
    "ऑ": "ɔː", "ऍ": "ɛ", "ऎ": "e", "ऒ": "o", "ॐ": "oːm",
}  # fmt: skip
_SIGNS = {
    "ा": "aː", "ि": "ɪ", "ी": "iː", "ु": "ʊ", "ू": "uː", "ृ": "ɾɪ", "े": "eː", "ै": "ɛː", "ो": "oː", "ौ": "ɔː",
    "ॉ": "ɔː",
    "ॅ": "ɛ", "ॆ": "e", "ॊ": "o",
}  # fmt: skip
_NASALS = {"k": "ŋ", "ɡ": "ŋ", "c": "ɲ", "ɟ": "ɲ", "ʈ": "ɳ", "ɖ": "ɳ", "t": "n", "d": "n", "p": "m", "b": "m", "m": "m"}
_V = "əaɪiʊueɛoɔ"
_C = "[kɡŋcɟɲʈɖɳtdnpbmjɾlʋʃʂshqxɣzɽf]ʰ?"
_IRREGULAR = {"यह": "jəh", "वह": "ʋəh", "और": "ɔːɾ", "क्या": "kjaː", "नहीं": "nəhˈĩː", "है": "hɛː", "हैं": "hɛ̃ː", "मैं": "mɛ̃ː"}
_WEAK = words("का की के को से में ने पर और है हैं हूँ हो था थी थे ही भी तो यह वह ये वे जो कि मैं हम क्या")
_VC = re.compile(f"[{_V}]ː?[N\u0303]?{_C}$")
_CV = re.compile(f"{_C}[{_V}]")
_WORD = re.compile(r"[\u0900-\u0963\u0970-\u097f\u200c\u200d]+")


class Hindi:
    """Hindi words → phonemes."""

    def __init__(self, latin: Callable[[str], str]) -> None:
        """latin: converts words that are not in Devanagari."""
        self._latin = latin

    def __call__(self, text: str) -> str:
        said = re.sub(r"[^\W\d_\u0900-\u097f]+(?:['’ ][^\W\d_\u0900-\u097f]+)*", lambda m: self._latin(m[0]), text)
        return _WORD.sub(lambda m: _word(m[0]), said.replace("।", ".").replace("॥", "."))


def _word(written: str) -> str:
    word = re.sub("[\u200c\u200d]", "", unicodedata.normalize("NFC", written))
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    phonemes = _shortened(_nasals(_without_schwas(_sounds(word))))
    phonemes = re.sub("iː$", "i", phonemes.replace("ɟɲ", "ɡj").replace("kʂ", "kʃ"))
    return phonemes if word in _WEAK else _stressed(phonemes)


def _sounds(word: str) -> str:
    """Phonemes of every letter, with all inherent vowels; ◌ँ is a tilde, ◌ं is N."""
    word = unicodedata.normalize("NFD", word)
    letters = re.findall(r".़?", word)
    out: list[str] = []
    for letter, after in zip(letters, [*letters[1:], ""], strict=True):
        consonant = _CONSONANTS.get(unicodedata.normalize("NFC", letter)) or _CONSONANTS.get(letter)
        consonant = consonant or _CONSONANTS.get(letter[0])
        if consonant:
            out.append(consonant + ("" if after[:1] in _SIGNS or after[:1] == "्" else "ə"))
        else:
            out.append(_VOWELS.get(letter) or _SIGNS.get(letter) or {"ँ": "\u0303", "ं": "N", "ः": "h"}.get(letter, ""))
    return "".join(out)


def _without_schwas(phonemes: str) -> str:
    """Delete ə at a word's end, and between VC and CV, from right to left."""
    if len(re.findall(f"[{_V}]", phonemes)) > 1:
        phonemes = phonemes.removesuffix("ə")
    for m in reversed(list(re.finditer("ə", phonemes))):
        if _VC.search(phonemes[: m.start()]) and _CV.match(phonemes[m.end() :]):
            phonemes = phonemes[: m.start()] + phonemes[m.end() :]
    return phonemes


def _nasals(phonemes: str) -> str:
    """◌ं before a stop becomes the nasal with its place of articulation, else it nasalises the vowel, as ◌ँ does."""
    phonemes = re.sub(
        "N(?=(.?))", lambda m: _NASALS.get(m[1], "n" if m[1] and m[1] in "szɾlʃh" else "\u0303"), phonemes
    )
    return re.sub("ː\u0303", "\u0303ː", phonemes)


def _shortened(phonemes: str) -> str:
    """Replace a doubled consonant by a long one."""
    return re.sub(f"({_C})\\1(?!ʰ)", r"\1ː", phonemes)


def _stressed(phonemes: str) -> str:
    """Stress the heaviest syllable; of equal ones the later, but not the last. A stressed ə becomes ʌ."""
    starts = [m.start() for m in re.finditer(f"[{_V}]", phonemes)]
    if not starts:
        return phonemes
    weights = [_weight(phonemes[a:b]) for a, b in zip(starts, [*starts[1:], len(phonemes)], strict=True)]
    last = len(starts) - 1
    at = starts[max(range(len(starts)), key=lambda i: (weights[i], i != last, i))]
    vowel = "ʌ" if phonemes[at] == "ə" else phonemes[at]
    return phonemes[:at] + STRESS + vowel + phonemes[at + 1 :]


def _weight(rime: str) -> int:
    """Weight of a syllable's rime, 1 (light) to 3: one consonant before a vowel belongs to the next syllable, and a
    word's last consonant does not count."""
    consonants = len(re.findall(_C, rime))
    return min(3, (2 if "ː" in rime else 1) + max(0, consonants - 1))
