"""English: text normalisation, misaki (lexicon, part of speech), then `unknown` for words not in the lexicon."""

import warnings
from functools import partial
from typing import Any

from misaki import en

from ttsai_server.text import spoken
from ttsai_server.text.phonemes.british import british as to_british
from ttsai_server.text.phonemes.packed import Packed
from ttsai_server.text.phonemes.tagger import load_tagger, tags
from ttsai_server.text.phonemes.unknown import UnknownWords


class _Misaki(en.G2P):
    """misaki with the spaCy model installed as a package, which it would otherwise download."""

    def __init__(self, british: bool) -> None:
        self.version, self.british, self.unk = None, british, ""
        self.nlp = load_tagger()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # misaki opens its lexicons the old way
            lexicon: Any = en.Lexicon(british)
        lexicon.golds, lexicon.silvers = Packed(lexicon.golds), Packed(lexicon.silvers)
        self.lexicon = lexicon
        self.unknown = UnknownWords(self._known)
        self.fallback = self._fallback

    def tokenize(self, text: str, tokens: Any, features: Any) -> list[Any]:
        found = super().tokenize(text, tokens, features)
        for before, token, after in zip([None, *found], found, [*found[1:], None], strict=False):
            if token.text == "A" and before and (_is_letter(before) or _is_letter(after)):
                token.tag = "NNP"  # the letter, not the article
            elif token.tag in en.PUNCT_TAGS and any(c.isalnum() for c in token.text):
                token.tag = "NN"  # misaki omits what the tagger takes for punctuation
        return found

    def _known(self, word: str) -> str | None:
        return self.lexicon.get_word(word, "", None, en.TokenContext())[0]

    def _fallback(self, token: Any) -> tuple[str, int]:
        phonemes = self.unknown(token.text)
        return (to_british(phonemes) if self.british else phonemes), 1


class English:
    """English text → phonemes. About 100 MB and 1 s to load; 4 ms for 150 characters."""

    def __init__(self, british: bool, normalise: bool) -> None:
        self._misaki = _Misaki(british)
        self._spoken = spoken.English(british, partial(tags, self._misaki.nlp), normalise)

    def __call__(self, text: str) -> str:
        """Convert `text` to phonemes. misaki's markup, [word](/phonemes/), is not interpreted."""
        with self._misaki.nlp.memory_zone():  # else spaCy keeps every new word in memory
            return self._misaki(self._spoken(text), preprocess=False)[0]


def _is_letter(token: Any) -> bool:
    return token is not None and len(token.text.rstrip(".")) == 1 and token.text[0].isupper()
