"""Fractions, ordinals, sums, and every number that is left."""

import re

from ttsai_server.text.spoken.continental.numbers import Numbers, any_of
from ttsai_server.text.spoken.continental.table import Table
from ttsai_server.text.spoken.rules import Rule

_TEMPERATURE = 11
"""A number with º from here on, alone, is one of degrees: hace 25º"""
_NOUN = re.compile(r" ([^\W\d_]+)")


class _Figures:
    def __init__(self, words: Table, say: Numbers) -> None:
        self._t = words
        self._say = say

    def fraction(self, m: re.Match[str]) -> str:
        """1/2 kg → medio kilo; 3/4 de litro; 2 1/2 horas → dos horas y media"""
        over, under = int(m["over"]), int(m["under"])
        noun = self._t.units[m["unit"]][0] if m["unit"] else self._noun_after(m)
        if (over, under) == (1, 2):
            part = self._half(m, noun)
        elif under in self._t.parts and 0 < over < under:
            one, many = self._t.parts[under]
            part = self._say.counted(str(over), one) if over == 1 else f"{self._t.cardinal(over)} {many}"
        else:
            link = "" if (over, under) == (24, 7) else f"{self._t.over} "
            part = f"{self._t.cardinal(over)} {link}{self._t.cardinal(under)}"
        if m["whole"]:
            return self._mixed(m, part)
        if noun and (over, under) != (1, 2) and under in self._t.parts:
            part = f"{part} {self._t.part_of}"
        before = m.string[max(0, m.start() - 5) : m.start()].lower()
        part = re.sub(r"^u\w+ ", "", part) if re.search(r"(?<!\w)u(?:n|ne|na|m|ma) $", before) else part
        return f"{part} {noun}" if m["unit"] else part

    def _noun_after(self, m: re.Match[str]) -> str:
        if m.groupdict().get("noun"):
            return m["noun"].lower()
        found = _NOUN.match(m.string, m.end())
        return found[1].lower() if found and found[1].lower() not in self._t.particles else ""

    def _feminine(self, noun: str) -> bool:
        return bool(self._t.agreement and self._t.agreement.feminine(noun))

    def _half(self, m: re.Match[str], noun: str) -> str:
        if m["whole"]:
            return self._t.and_half[self._feminine(noun)]
        return self._t.half[1 + self._feminine(noun)] if noun else self._t.half[0]

    def _mixed(self, m: re.Match[str], part: str) -> str:
        part = f"{self._t.with_part} {part}"
        if m["unit"]:
            return f"{self._say.counted(m['whole'], self._say.form(self._t.units[m['unit']], m['whole']))} {part}"
        if not m["noun"] or m["noun"].lower() in self._t.particles:
            return f"{self._say.whole(m['whole'])} {part} {m['noun'] or ''}".rstrip()
        return f"{self._say.counted(m['whole'], m['noun'])} {part}"

    def ordinal(self, m: re.Match[str]) -> str:
        """1.ª vez → primera vez; 3º piso → tercer piso"""
        noun = self._noun_after(m)
        if m["mark"] == "º" and not noun and not m["lead"] and int(m["n"]) >= _TEMPERATURE:
            return f"{m['n']}°"
        return (m["lead"] or "") + self._ordinal(m, noun)

    def _ordinal(self, m: re.Match[str], noun: str) -> str:
        said, mark = self._t.ordinal(int(m["n"])), m["mark"].lstrip(".")
        if re.fullmatch(self._t.feminine_marks, mark):
            return self._t.feminine_ordinal(said)
        if noun and self._feminine(noun) and mark == "°":
            return self._t.feminine_ordinal(said)
        return self._t.ordinal_before_noun(said) if noun or mark == "er" else said

    def power(self, m: re.Match[str]) -> str:
        square, cube, other = self._t.powers
        named = {"2": square, "3": cube}.get(m["n"])
        if named:
            return f" {named} "
        minus = f"{self._t.minus} " if m["n"].startswith("-") else ""
        return f" {other} {minus}{self._say.whole(m['n'].lstrip('-'))} "

    def plain(self, m: re.Match[str]) -> str:
        said = self._say.in_place(m["n"], m.string, m.start(), m.end("n"))
        return said if said.endswith("'") else _apart(m, said + m[2])

    def whole(self, m: re.Match[str]) -> str:
        return _apart(m, self._say.whole(m[0]))


def _apart(m: re.Match[str], said: str) -> str:
    """With a space between a number and what it is written together with: B12"""
    left = " " if m.string[m.start() - 1 : m.start()].isalnum() else ""
    right = " " if m.string[m.end() : m.end() + 1].isalnum() and not said.endswith(" ") else ""
    return f"{left}{said}{right}"


def fractions(words: Table, say: Numbers) -> list[Rule]:
    """To be taken before a measure can be seen in them."""
    fraction = r"(?:(?P<whole>\d+) )?(?P<over>\d{1,2})/(?P<under>\d{1,3})(?![\w/]|[.,]\d)"
    unit = rf"(?:\s?(?P<unit>{any_of(words.units)})(?![\w/]))?"
    noun = r"(?(whole)(?: (?P<noun>[^\W\d_]+))?)"
    return [(re.compile(rf"(?<![\w/.,]){fraction}{unit}{noun}"), _Figures(words, say).fraction)]


def ordinals(words: Table, say: Numbers) -> list[Rule]:
    f = _Figures(words, say)
    lead = rf"(?P<lead>(?i:(?<!\w)(?:{_articles(words)})[ '’]))?"
    noun = rf"(?= (?!(?:{any_of(words.particles)})\b)[^\W\d_]{{3,}})"
    return [
        (re.compile(r"(?<=\d)\s?[°º]\s?(?=[CF]\b)"), lambda m: " °"),
        (re.compile(rf"{lead}(?<![\w.,])(?P<n>\d{{1,4}})(?P<mark>\.?[ºª]|{words.ordinal_marks})(?!\w)"), f.ordinal),
        (re.compile(rf"(?<![\w.,-])(?P<lead>)(?P<n>[12]?\d|3[01])(?P<mark>°){noun}"), f.ordinal),
        (re.compile(rf"{lead[:-1]}(?P<n>\d{{1,4}})(?P<mark>°)(?!\s?[\dCF'’])"), f.ordinal),
    ]


def _articles(words: Table) -> str:
    return any_of(words.agreement.he | words.agreement.she) if words.agreement else "(?!)"


def rules(words: Table, say: Numbers) -> list[Rule]:
    f, signs = _Figures(words, say), words.signs
    return [
        (re.compile(r"(?<=\d) ?[*xX×] ?(?=\d)"), lambda m: f" {signs['×']} "),
        (re.compile(r"(?<=\d) [-–−] (?=\d)|(?<=\d)[-−](?=\d+\s?=)"), lambda m: f" {words.minus} "),
        (re.compile(r"(?<=\d) / (?=\d)"), lambda m: f" {signs['÷']} "),
        (re.compile(r"(?<=\d) ?/ ?(?=\d{4})"), lambda m: f" {signs['/']} "),
        (re.compile(r"(?<=\d) ?/ ?(?=\d)"), lambda m: f" {words.over} "),
        (re.compile(r"(?<=\d):(?=\d)"), lambda m: f" {words.to} "),
        (re.compile(r"(?<![^\W\d_]{2})\^(?P<n>-?\d+)"), f.power),
        (re.compile(r"(?<=[^\W\d_])-(?=\d)|(?<=\d)-(?=[^\W\d_])"), lambda m: " "),
        (re.compile(r"(?<![\w)])[-−]\s?(?=\d)|−\s?(?=\d)"), lambda m: f"{words.minus} "),
        (re.compile(r"#\s?(?=\d)"), lambda m: f"{words.number} "),
        *plain(words, say),
    ]


def plain(words: Table, say: Numbers) -> list[Rule]:
    """Every number that is left."""
    f = _Figures(words, say)
    return [(re.compile(rf"(?P<n>{say.figures})( ?)"), f.plain), (re.compile(r"\d+"), f.whole)]
