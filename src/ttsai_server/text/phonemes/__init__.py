"""Text → phonemes, by the rules and lexicons of its language.

The alphabet is IPA with one symbol for a diphthong or an affricate, as the package misaki writes it:

    A eɪ    I aɪ    W aʊ    Y ɔɪ    O oʊ (American)    Q əʊ (British)    S ss    ʤ dʒ    ʧ tʃ    ʣ dz    ʦ ts
    T the flap of American "water"    ᵊ a schwa that hardly sounds    ᵻ between ɪ and ə    ˈ ˌ stress, before its vowel

Nasal vowels are two symbols, a vowel and a tilde. Punctuation is kept. `alphabet.ALPHABET` has all symbols that may
occur; an engine maps them to those that its model was trained on.
Light to import: spaCy, misaki and the other packages are imported when a language is loaded.
"""

from ttsai_server.text.phonemes.phonemizer import Phonemizer, Phonemizers, WordPhonemes

__all__ = ["Phonemizer", "Phonemizers", "WordPhonemes"]
