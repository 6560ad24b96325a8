"""The alphabet of phonemes: IPA, stress and punctuation, and the symbols that `text.phonemes` lists.

It is what misaki writes, and what Kokoro was trained on.
"""

import re
import unicodedata

ALPHABET = frozenset(
    ';:,.!?—…"()“” \u0303ʣʥʦʨᵝ\uab67AIOQSTWYᵊabcdefhijklmnopqrstuvwxyzɑɐɒæβɔɕçɖðʤəɚɛɜɟɡɥɨɪʝɯɰŋɳɲɴøɸθœ'
    "ɹɾɻʁɽʂʃʈʧʊʋʌɣɤχʎʒʔˈˌːʰʲ↓→↗↘ᵻ"
)
_NOT_IN_IT = re.compile(f"[^{re.escape(''.join(ALPHABET))}]")


def keep(phonemes: str) -> str:
    """Remove what is not in the alphabet, repeated spaces, and spaces before punctuation."""
    phonemes = unicodedata.normalize("NFD", phonemes).replace("c\u0327", "ç")  # nasal vowels are two symbols
    kept = re.sub(r"\s+", " ", _NOT_IN_IT.sub(lambda m: " " if m[0].isspace() else "", phonemes))
    return re.sub(r" (?=[,.;:!?…])", "", kept).strip()
