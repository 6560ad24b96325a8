"""The rules that the languages share, in their order: what is read as one thing comes before what is a part of it."""

import re

from ttsai_server.text.spoken.continental import amounts, codes, dates, figures, roman, writing
from ttsai_server.text.spoken.continental.characters import fold
from ttsai_server.text.spoken.continental.numbers import Numbers
from ttsai_server.text.spoken.continental.table import Table
from ttsai_server.text.spoken.english import signs
from ttsai_server.text.spoken.rules import Rule, rewrite

_Step = tuple[list[Rule], bool]
"""Rules, and whether they all need a figure."""


_FIGURE = re.compile("[0-9]")


class Continental:
    """Rewrites the text of one language so that nothing but words and punctuation is left."""

    def __init__(self, words: Table, normalise: bool = True) -> None:
        """Without `normalise` only bare figures are put in words, and signs that can't be said are left out."""
        say = Numbers(words)
        as_written = [(figures.plain(words, say), True), (_silence(), False)]
        self._steps = _all(words, say) if normalise else as_written

    def __call__(self, text: str) -> str:
        text = fold(text)
        for rules, need_a_figure in self._steps:
            if not need_a_figure or _FIGURE.search(text):
                text = rewrite(text, rules)
        return text.strip()


def _all(words: Table, say: Numbers) -> list[_Step]:
    before = [
        *words.special,
        *writing.abbreviations(words),
        *writing.addresses(words),
        *roman.rules(words),
        *writing.initials(words),
        *dates.spans(words, say),
    ]
    with_figures = [
        *codes.rules(words, say),
        *figures.fractions(words, say),
        *figures.ordinals(words, say),
        *amounts.rules(words, say),
        *figures.rules(words, say),
    ]
    return [
        (before, False),
        (dates.rules(words, say), True),
        (with_figures, True),
        ([*writing.named_signs(words), *_silence()], False),
    ]


def _silence() -> list[Rule]:
    """What is left is words and the punctuation that is heard."""
    return [(re.compile("[ºª]"), lambda m: "o" if m[0] == "º" else "a"), *signs.silence()]
