"""Addresses, abbreviations, initials and signs by name."""

import re
from collections.abc import Mapping

from ttsai_server.text.spoken.continental.characters import fold
from ttsai_server.text.spoken.continental.dates import ends_sentence
from ttsai_server.text.spoken.continental.numbers import any_of
from ttsai_server.text.spoken.continental.table import Table
from ttsai_server.text.spoken.rules import Rule

_HOSTS = "com|org|net|edu|gov|info|es|fr|it|br|pt|mx|ar|co|cl|pe|be|ch|ca|eu|de|uk|in|io|ai|app|dev|tv|me"
_FILES = "pdf|txt|zip|jpe?g|png|gif|mp[34]|wav|docx?|xlsx?|pptx?|csv|html?|json|xml|py|js"
_LETTERED = (
    "plan plano piano marca vitamina vitamine letra lettre lettera opción option opzione opção grupo groupe gruppo"
    " la clase classe tipo type hepatitis hépatite epatite hepatite"
)
_HEARD = ".,:-_/?"
"""Signs that are punctuation too: named in addresses alone."""


def addresses(words: Table) -> list[Rule]:
    def say(m: re.Match[str]) -> str:
        written = re.sub(r"^(\w+)://", r"\1 ", m[0])
        return re.sub(r"[^\w\s]+|_+", lambda s: f" {words.signs.get(s[0][-1], '')} ", written)

    end = r"[\w/]"
    host = rf"[\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{0,4}}\.(?:{_HOSTS})\b(?!\.\w)(?:/\S*{end}|/)?"
    return [
        (re.compile(rf"(?i)(?:https?://|www\.)\S*{end}"), say),
        (re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}"), say),
        (re.compile(rf"(?<![\w.@-])(?=[a-z0-9-]*[a-z]){host}"), say),
        (re.compile(rf"(?<![\w.])[\w-]{{1,63}}\.(?:{_FILES})\b"), say),
        (re.compile(r"(?<![\w&])#(?=[^\W\d_])"), lambda m: "hashtag "),
        (re.compile(r"(?<!\w)@(?=\w)"), lambda m: f"{words.signs['@']} "),
    ]


def abbreviations(words: Table) -> list[Rule]:
    capital, figure = r"(?=(?:(?<=\.)\s?|\s)[A-ZÀ-Þ])", r"(?=\s?(?:\d|[IVXLC]+(?!\w)))"
    not_a_letter = "".join(rf"(?i:(?<!\b{label} ))" for label in sorted(_lettered(words)))
    units = {key: name for key, name in words.abbreviations.items() if key.rstrip(".") in words.units}
    return [
        _spelled_out(words.closing, r"(?!\w)", closing=True),
        _spelled_out({key: name for key, name in words.abbreviations.items() if key not in units}, r"(?!\w)"),
        _spelled_out(units, r"(?!\w)", before=r"(?<![\w./@])(?<!\d )"),
        _spelled_out(words.before_capital, rf"{capital}(?!\s?[A-ZÀ-Þ]\.)", before=rf"(?<![\w./@-]){not_a_letter}"),
        _spelled_out(words.before_figure, figure),
    ]


def _lettered(words: Table) -> set[str]:
    """Nouns that a letter may follow, which then is no abbreviation: vitamina D. Pero no mucha"""
    return {*_LETTERED.split(), *(words.roman.labels if words.roman else ())}


def initials(words: Table) -> list[Rule]:
    """J. K. Rowling, Pedro F. Gómez without pauses, but Plan B. El resto with one; O.N.U. as ONU"""
    letters = _lettered(words)

    def middle(m: re.Match[str]) -> str:
        whole = m[1].lower() in letters or m[2].lower() in words.particles
        return m[0] if whole else m[0].replace(".", "")

    return [
        (re.compile(r"(?<![\w.])(?:[A-ZÀ-Þ]\.){2,}(?!\w)"), _initialism),
        (re.compile(r"(?<![\w.])(?:[A-ZÀ-Þ]\. ){2,4}(?=[A-ZÀ-Þ][a-zß-ÿ])"), lambda m: m[0].replace(".", "")),
        (re.compile(r"(?<!\w)([A-ZÀ-Þ][a-zß-ÿ]+) [A-ZÀ-Þ]\. ([A-ZÀ-Þ][a-zß-ÿ]+)"), middle),
    ]


def _initialism(m: re.Match[str]) -> str:
    """O.N.U. → ONU"""
    return m[0].replace(".", "") + ("." if ends_sentence(m) else "")


def _spelled_out(table: Mapping[str, str], after: str, before: str = r"(?<![\w./@])", closing: bool = False) -> Rule:
    """Every abbreviation of a table, also in capitals.

    The full stop stays at the end of the text, and of a sentence where the abbreviation may close one.
    """
    said: dict[str, str] = {}
    for key, name in table.items():
        forms = {key, key[:1].upper() + key[1:], key.upper()} if sum(c.isalpha() for c in key) > 2 else {key}
        said |= dict.fromkeys(map(fold, forms), name)

    def say(m: re.Match[str]) -> str:
        ends = ends_sentence(m) if closing else not m.string[m.end() :].strip()
        return said[m[0]] + ("." if ends and m[0].endswith(".") else "")

    return re.compile(rf"{before}(?:{any_of(said)}){after}"), say


def named_signs(words: Table) -> list[Rule]:
    named = [sign for sign in words.signs if sign not in _HEARD]
    return [
        (re.compile(r"(?<=[^\W\d_])/(?=[^\W\d_])"), lambda m: " "),
        (re.compile(any_of(named)), lambda m: f" {words.signs[m[0]]} "),
    ]
