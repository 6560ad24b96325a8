"""English as it is spoken: numbers, money, dates, units, addresses, initialisms... in words."""

from ttsai_server.text.spoken.english import dates, figures, money, names, signs, units, web, words
from ttsai_server.text.spoken.numbers import Numbers
from ttsai_server.text.spoken.rules import Rule, rewrite


class English:
    """Rewrites English text so that nothing but words and punctuation is left."""

    def __init__(self, british: bool, normalise: bool = True) -> None:
        """Without `normalise` only bare figures are put in words, and signs that can't be said are left out."""
        say = Numbers(british)
        self._rules = _all(say) if normalise else [*figures.plain(say), *signs.silence()]

    def __call__(self, text: str) -> str:
        return rewrite(signs.fold(text), self._rules).strip()


def _all(say: Numbers) -> list[Rule]:
    return [
        *web.rules(say),
        *words.rules(),
        *dates.rules(say),
        *money.rules(say),
        *figures.codes(say),
        *units.rules(say),
        *names.rules(say),
        *figures.rules(say),
        *signs.rules(),
    ]
