"""American phonemes → British (Received Pronunciation), for words that only an American source knows.

The regular differences of the two accents (Wells, Accents of English, 1982): r is silent before a consonant, the vowels
of TRAP, LOT, GOAT, FLEECE, GOOSE and THOUGHT have their British symbols, t is not a flap.
"""

import re

_VOWEL = "AIOQWYaiuæɑɒɔəɛɜɪʊʌ"
_NO_VOWEL_NEXT = rf"(?![ˈˌ]?[{_VOWEL}])"
_ONSET = "([ˈˌ][bdfhjklmnpstvwzðŋɡɹʃʒʤʧθ]*)"
_SINGLE = str.maketrans({"T": "t", "ɾ": "t", "ʔ": "t", "ᵻ": "ɪ", "æ": "a", "O": "Q"})
_CHANGES = tuple(
    (re.compile(pattern), new)
    for pattern, new in (
        ("ɜɹ", "ɜː"),
        (f"əɹ{_NO_VOWEL_NEXT}", "ə"),
        (f"ɑɹ{_NO_VOWEL_NEXT}", "ɑː"),
        (f"ɔɹ{_NO_VOWEL_NEXT}", "ɔː"),
        (f"ɪɹ{_NO_VOWEL_NEXT}", "ɪə"),
        (f"ɛɹ{_NO_VOWEL_NEXT}", "ɛː"),
        (f"ʊɹ{_NO_VOWEL_NEXT}", "ʊə"),
        (f"ɹ{_NO_VOWEL_NEXT}", ""),
        ("ɑ(?![ːɹ])", "ɒ"),
        ("ɔ(?!ː)", "ɔː"),
        (f"{_ONSET}i(?!ː)", r"\1iː"),
        ("u(?!ː)", "uː"),
    )
)


def british(american: str) -> str:
    """Convert American phonemes to British ones: wˈɔTəɹ → wˈɔːtə."""
    phonemes = american.translate(_SINGLE)
    for pattern, new in _CHANGES:
        phonemes = pattern.sub(new, phonemes)
    return phonemes
