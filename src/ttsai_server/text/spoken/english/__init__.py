"""English as it is spoken: numbers, money, dates, units, addresses, initialisms... in words."""

import re

from ttsai_server.text.spoken.english import (
    codes,
    dates,
    figures,
    maths,
    money,
    names,
    places,
    roman,
    signs,
    times,
    units,
    web,
    words,
)
from ttsai_server.text.spoken.english.grammar import Grammar, Tagger
from ttsai_server.text.spoken.numbers import Numbers
from ttsai_server.text.spoken.rules import Rule, rewrite

_DIGIT = re.compile(r"\d")


class English:
    """Rewrites English text so that nothing but words and punctuation is left."""

    def __init__(self, british: bool, tag: Tagger, normalise: bool = True) -> None:
        """`tag` finds parts of speech; it is called only for texts that can be read in two ways.

        Without `normalise` only bare figures are put in words, and signs that can't be said are left out.
        """
        say, grammar = Numbers(british), Grammar(tag)
        if normalise:
            self._rules = _rules(say, grammar, figures_too=True)
            self._without_figures = _rules(say, grammar, figures_too=False)
        else:
            self._rules = self._without_figures = [*figures.plain(say), *signs.silence()]

    def __call__(self, text: str) -> str:
        """Any text → its words and the punctuation that is heard; no digit is left. Never raises."""
        text = signs.fold(text)
        return rewrite(text, self._rules if _DIGIT.search(text) else self._without_figures).strip()


def _rules(say: Numbers, grammar: Grammar, figures_too: bool) -> list[Rule]:
    """The order matters: the longest forms come first, plain numbers last. Most texts have no figure at all."""
    amounts = [
        *dates.rules(say, grammar),
        *times.rules(say, grammar),
        *money.rules(say),
        *codes.rules(say),
        *units.rules(say, grammar),
        *dates.years(say),
    ]
    return [
        *web.rules(say),
        *maths.signs(),
        *dates.days(say, grammar),
        *places.rules(say, grammar),
        *words.rules(grammar),
        *(amounts if figures_too else []),
        *units.bare(say, grammar),
        *roman.rules(say, grammar),
        *names.rules(),
        *maths.powers(say),
        *(figures.rules(say) if figures_too else []),
        *signs.rules(),
    ]
