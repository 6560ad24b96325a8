"""Roman numerals: of centuries, chapters, kings and popes, and before a noun. Initialisms such as CD are left alone."""

import re
from collections.abc import Callable

from ttsai_server.text.spoken.continental.table import Roman, Table, listed
from ttsai_server.text.spoken.rules import Rule

_NUMERAL = r"(?=[IVXLCDM])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
"""Not empty: one of its letters follows, and each can be the first of a numeral."""
_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_LOOK_BACK = 40
"""Characters in which the word before a numeral is looked for."""
_BEFORE = re.compile(r"([^\W\d_]+)(\.?) $")
_AFTER = re.compile(r" ([^\W\d_]+)")
_RULERS = frozenset(
    listed(
        "Afonso Adriano Alejandro Alessandro Alexandre Alfonso Ana Anna Antonio Beatriz Benedetto Benedicto Benito"
        " Benoît Bento Bonifacio Calisto Carl Carlo Carlos Carol Catalina Catarina Caterina Catherine Celestino"
        " Charles Christian Clément Clemente Constantino Constantin Costantino Cristina Darío Dario Darius Edoardo"
        " Edouard Édouard Eduardo Elisabetta Elizabeth Élisabeth Emanuele Enrico Enrique Felipe Ferdinand Ferdinando"
        " Fernando Filipe Filippo Francesco Francisco François Frédéric Federico Frederico Georges Giacomo Giorgio"
        " Giovanni Giulio Gregorio Gregório Grégoire Guglielmo Guilherme Guillaume Guillermo Gustavo Gustave Henri"
        " Henrique Innocenzo Inocencio Isabel Isabelle Isabella Iván Ivan Jacques Jaime Jean João Jorge José Juan"
        " Juana Jules Julio Júlio Ladislao Leão León Léon Leone Leopold Léopold Leopoldo Louis Ludovico Luigi Luis"
        " Luís Manuel Maria María Marie Martino Martín Maximiliano Massimiliano Miguel Napoleão Napoleón Napoléon"
        " Napoleone Nicolas Nicolás Nicola Nicolau Olaf Otto Otón Pablo Paolo Paul Paulo Pedro Philippe Pie Pierre"
        " Pietro Pío Pio Ramiro Ramón Ramsés Ramsès Ramses Ricardo Riccardo Richard Roberto Rodolfo Sancho Sebastião"
        " Selim Sisto Sixto Sixte Solimano Soliman Teodosio Tolomeo Ptolemeo Umberto Urbain Urbano Victor Víctor"
        " Vittorio Xerxes Jerjes"
    )
)
"""Names that even a single letter may number: Carlos V"""


class _Numerals:
    def __init__(self, words: Table, roman: Roman) -> None:
        self._t = words
        self._r = roman

    def marked(self, m: re.Match[str]) -> str:
        """XIXe, Ier, III.ª"""
        said = self._t.ordinal(_value(m["r"]))
        return self._t.feminine_ordinal(said) if re.search(f"(?:{self._t.feminine_marks})$", m[0]) else said

    def said(self, m: re.Match[str]) -> str:
        """A numeral, or several after one another: los siglos XV y XVI"""
        before, after = self._before(m), _after(m)
        numerals = re.split(f"({_JOINT})", m[0])
        how = self._way(m, numerals[::2], before, after)
        if not how:
            return m[0]
        said = [how(_value(part)) if i % 2 == 0 else self._joint(part) for i, part in enumerate(numerals)]
        return "".join(said)

    def _before(self, m: re.Match[str]) -> str:
        """The word before the numeral in its sentence: cap. IV, but not Luigi. I ragazzi"""
        found = _BEFORE.search(m.string[max(0, m.start() - _LOOK_BACK) : m.start()])
        if not found or (found[2] and found[1].lower() not in self._r.labels):
            return ""
        return found[1]

    def _joint(self, written: str) -> str:
        return f" {self._t.to} " if written.strip() in ("-", "–") else written

    def _way(self, m: re.Match[str], numerals: list[str], before: str, after: str) -> Callable[[int], str] | None:
        """How the numerals are said, None where they are none."""
        known = before.lower() in self._r.labels
        if m[0] in self._r.words_too and after and self._is_word(after):
            return None
        if any(set(numeral) - set("IVX") for numeral in numerals) and not known:
            years = all(len(numeral) >= 4 and numeral[0] == "M" for numeral in numerals)
            return self._t.cardinal if years else None
        if known:
            return None if m[0] in "LCDM" else lambda n: self._r.after_label(n, before.lower())
        alone = len(numerals[0]) == 1
        if before[:1].isupper() and before.lower() not in self._t.particles and not before.isupper():
            if before in _RULERS:
                return lambda n: self._r.after_name(n, before)
            return None if alone else self._t.cardinal
        if alone and self._is_title(before, after):
            return lambda n: self._before_noun(n, before.lower(), after.lower())
        if alone or (before.isupper() and len(before) > 1 and after.isupper()):
            return None
        is_noun = bool(after) and (after.lower() not in self._t.particles or after.isupper())
        if self._r.before_noun and is_noun and (not before or before.lower() in self._t.particles):
            return lambda n: self._before_noun(n, before.lower(), after.lower())
        return self._t.cardinal

    def _is_word(self, after: str) -> bool:
        """I ragazzi, VI AMO"""
        return (after.islower() and after not in self._t.particles) or (after.isupper() and len(after) > 1)

    def _is_title(self, before: str, after: str) -> bool:
        """el I Congreso, la V República"""
        articles = self._t.agreement.he | self._t.agreement.she if self._t.agreement else ()
        return self._r.before_noun and before.lower() in {"a", *articles} and after.istitle()

    def _before_noun(self, n: int, article: str, noun: str) -> str:
        agreement, said = self._t.agreement, self._t.ordinal(n)
        if agreement and (article in agreement.she or (article not in agreement.he and agreement.feminine(noun))):
            return self._t.feminine_ordinal(said)
        return self._t.ordinal_before_noun(said)


_JOINT = r"\s?(?:,|[-–])\s?| (?:y|e|et|o|ou|u|a|à|al|au|ao) (?:el |il |le |o )?"


def _value(numeral: str) -> int:
    """XIV → 14"""
    values = [_VALUES[letter] for letter in numeral]
    return sum(-v if v < following else v for v, following in zip(values, [*values[1:], 0], strict=True))


def _after(m: re.Match[str]) -> str:
    found = _AFTER.match(m.string, m.end())
    return found[1] if found else ""


def rules(words: Table) -> list[Rule]:
    if not words.roman:
        return []
    r = _Numerals(words, words.roman)
    start = r"(?<![\w.'’/&-])"
    return [
        (re.compile(rf"{start}(?P<r>(?=[IVX]){_NUMERAL})(?:{words.roman.marks})(?!\w)"), r.marked),
        (
            re.compile(rf"{start}{_NUMERAL}(?!\w)(?:(?:{_JOINT})(?=[IVX]){_NUMERAL}(?!\w))*(?![\w'’&/]|-\w|\.\w)"),
            r.said,
        ),
    ]
