"""Sums of money, measures and ranges."""

import re

from ttsai_server.text.spoken.continental.numbers import Numbers, any_of
from ttsai_server.text.spoken.continental.table import Table
from ttsai_server.text.spoken.rules import Rule


class _Amounts:
    def __init__(self, words: Table, say: Numbers) -> None:
        self._t = words
        self._say = say

    def money(self, m: re.Match[str]) -> str:
        """3,50 €; $5M; R$ 10 mil; 2 €/kg"""
        unit, cent = self._t.money[m["sign"]]
        said = self._scaled(m, unit[1]) if m["scale"] else self._sum(m["n"], unit, cent)
        return self._minus(m) + said + self._per(m)

    def _scaled(self, m: re.Match[str], unit: str) -> str:
        said = self._scale(m)
        return f"{said} {unit if m['scale'] in self._t.thousands else self._t.scale_link(unit)}"

    def _scale(self, m: re.Match[str]) -> str:
        scale = self._say.form(self._t.scales[m["scale"]], m["n"])
        return scale if m["n"] == "1" and m["scale"] in self._t.thousands else self._say.counted(m["n"], scale)

    def scaled(self, m: re.Match[str]) -> str:
        """5 M de habitantes"""
        return self._scale(m)

    def _sum(self, written: str, unit: tuple[str, str], cent: tuple[str, str]) -> str:
        whole, part = self._say.parts(written)
        if len(part) not in (0, 2) and int(part):
            return self._say.counted(written, self._say.form(unit, written))
        said = [self._say.counted(whole, self._say.form(unit, whole))] if int(whole) or not int(part or 0) else []
        if int(part or 0):
            cents = str(int(part))
            said.append(self._say.counted(cents, self._say.form(cent, cents)))
        return f" {self._t.and_} ".join(said)

    def measure(self, m: re.Match[str]) -> str:
        """21 lb; 5 mg/kg"""
        said = self._say.counted(m["n"], self._say.form(self._t.units[m["unit"]], m["n"]))
        return self._minus(m) + said + self._per(m)

    def _minus(self, m: re.Match[str]) -> str:
        return f"{self._t.minus} " if m["minus"] else ""

    def _per(self, m: re.Match[str]) -> str:
        if not m["per"]:
            return ""
        name = self._t.units[m["per"]][0] if m["per"] in self._t.units else m["per"]
        return f" {self._t.per} {name}"

    def money_range(self, m: re.Match[str]) -> str:
        """$5-$10, R$ 5 - 10"""
        return f"{self._say.agreed(m['a'], self._t.money[m['sign']][0][1])} {self._t.to} {m['sign']}"

    def range(self, m: re.Match[str]) -> str:
        first = self._say.in_place(m["a"], m.string, m.start("a"), m.end("z"))
        return f"{first} {self._t.to} "


def rules(words: Table, say: Numbers) -> list[Rule]:
    a, figures = _Amounts(words, say), say.figures
    unit, scale = any_of(words.units), any_of(words.scales)
    codes = [code for code in words.money if code[0].isalpha()]
    money = rf"(?:{any_of(words.money.keys() - set(codes))}|(?<![A-Za-z])(?:{any_of(codes)}))(?![A-Za-z])"
    minus = r"(?P<minus>(?<![\w)%°])[-−])?"
    number = rf"{minus}(?<![\w.,])(?P<n>{figures})"
    sign = rf"(?P<sign>{money})"
    link = r"(?: de| di| d['’])?"
    scaled = rf"(?:\s?(?P<scale>{scale})(?!\w){link})?"
    per = rf"(?:\s?/\s?(?P<per>(?:{unit})(?!\w)|[^\W\d_]{{2,}}))?"
    follows = rf"(?:\s?(?:{unit}|{money})(?!\w)| (?!(?:es|est|é|è|fa|son|font|fait|são|dá)\b)[^\W\d_]{{2,}})"
    one, other = rf"(?<![\w.,/-])(?P<a>{figures})", rf"(?=(?P<z>{figures})"
    return [
        (re.compile(rf"{one}\s?[-–]\s?{other}{follows})"), a.range),
        (re.compile(rf"{one}(?:[-–]| [-–] (?=[12]\d{{3}}\b)){other}(?![\w-]|\s?=|[.,]\d))"), a.range),
        (re.compile(rf"{sign}\s?(?P<a>{figures})\s?[-–]\s?(?:{money})?\s?(?=\d)"), a.money_range),
        (re.compile(rf"{minus}{sign}\s?(?P<n>{figures}){scaled}{per}(?!\w)"), a.money),
        (
            re.compile(rf"(?<![\w.,])({figures}\s?(?:{unit}|{money}))\s?[-–]\s?(?=\d)"),
            lambda m: f"{m[1]} {words.to} ",
        ),
        (re.compile(rf"{number}{scaled}\s?{sign}{per}"), a.money),
        (re.compile(rf"{number}\s?(?P<unit>{unit}){per}(?![\w/])(?:(?<=[^\W\d_])\.(?=\s[a-zß-ÿ]))?"), a.measure),
        (re.compile(rf"(?<![\w.,])(?P<n>{figures})\s?(?P<scale>{scale})(?=(?: de| di| d['’]) ?\w)"), a.scaled),
    ]
