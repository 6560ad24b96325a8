"""The rules that the languages share. Numbers are written 1.234,5 or 1 234,5; a point before other than three digits is
a decimal point."""

import re
from collections.abc import Iterable

from ttsai_server.text.spoken.continental.table import Forms, Table
from ttsai_server.text.spoken.english import signs
from ttsai_server.text.spoken.rules import Rule, rewrite, table

_FIGURES = r"(?:\d{1,3}(?:[. \u00a0\u202f]\d{3})+(?!\d)(?:,\d+)?|\d+(?:[.,]\d+)?)"
_ENGLISH_FIGURES = r"(?:\d{1,3}(?:,\d{2,3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?)"
_LONGEST = 15


class Continental:
    """Rewrites the text of one language so that nothing but words and punctuation is left."""

    def __init__(self, words: Table, normalise: bool = True) -> None:
        self._t = words
        self._figures = _ENGLISH_FIGURES if words.english_figures else _FIGURES
        self._rules = self._all() if normalise else [*self._plain(), *signs.silence()]

    def __call__(self, text: str) -> str:
        return rewrite(signs.fold(text), self._rules).strip()

    def _all(self) -> list[Rule]:
        t = self._t
        unit, money = _any_of(t.units), _any_of(t.money)
        scale = rf"(?:\s?(?P<scale>{'|'.join(t.scales) or '(?!)'})\b(?: de| di| d['’])?)?"
        number = rf"(?P<minus>(?<![\w)])[-−])?(?<![\w.,])(?P<n>{self._figures})"
        return [
            (
                re.compile(r"(?i)(?:https?://|www\.)\S*[\w/]|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}"),
                self._address,
            ),
            (
                re.compile(r"(?<![\w.])[\w-]{1,63}\.(?:com|org|net|es|fr|it|br|pt|in|io|pdf|txt|zip|jpg)\b"),
                self._address,
            ),
            table(dict(t.abbreviations), after=r"(?!\w)"),
            (re.compile(r"(?<!\d)(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)(?!\d)"), self._date),
            (re.compile(r"(?<![\d/])(?P<d>\d\d?)[/.](?P<m>\d\d?)[/.](?P<y>\d{4})(?![\d/])"), self._date),
            (re.compile(r"(?<![\d:])(?P<h>[01]?\d|2[0-4])(?::|\s?h\s?)(?P<m>[0-5]\d)(?:\s?h\b)?(?![\d:])"), self._time),
            (re.compile(r"(?<![\w:])(?P<h>[01]?\d|2[0-4])\s?h(?P<m>)\b"), self._time),
            (re.compile(rf"(?P<minus>-)?(?P<sign>{money})\s?(?P<n>{self._figures}){scale}"), self._money),
            (re.compile(rf"{number}{scale}\s?(?P<sign>{money})"), self._money),
            (re.compile(rf"(?<![\w.,-])({self._figures})\s?[-–]\s?(?={self._figures}(?![\w-]))"), self._range),
            (re.compile(rf"{number}\s?(?P<unit>{unit})(?![\w/])"), self._measure),
            (re.compile(rf"(?<![\w.,])(\d+)(?:{t.ordinal_marks})(?!\w)"), self._ordinal),
            (re.compile(r"(?<![\w.])\+?\d{2,4}(?:[ .-]\d{2,4}){2,5}(?!\w)"), self._phone),
            (re.compile(r"(?<![\w)])[-−](?=\d)"), lambda m: f"{t.minus} "),
            *self._plain(),
            (re.compile(_any_of(self._spoken_signs())), lambda m: f" {t.signs[m[0]]} "),
            *signs.silence(),
        ]

    def _plain(self) -> list[Rule]:
        return [
            (re.compile(self._figures), lambda m: f" {self._number(m[0])} "),
            (re.compile(r"\d+"), lambda m: f" {self._whole(m[0])} "),
        ]

    def _spoken_signs(self) -> list[str]:
        return [sign for sign in self._t.signs if sign not in ".,:-_/?"]

    def _whole(self, digits: str) -> str:
        if len(digits) > _LONGEST or (len(digits) > 1 and int(digits[0]) == 0):
            return " ".join(self._t.cardinal(int(d)) for d in digits)
        return self._t.cardinal(int(digits))

    def _number(self, written: str) -> str:
        whole, _, part = self._parts(written)
        said = self._whole(whole)
        if not part:
            return said
        zeros = len(part) - len(part.lstrip("0"))
        tail = [self._t.cardinal(0)] * zeros + ([self._whole(part[zeros:])] if part[zeros:] else [])
        return " ".join([said, self._t.point, *tail])

    def _parts(self, written: str) -> tuple[str, str, str]:
        """1.234,5 → 1234 and 5; 3.14 → 3 and 14"""
        written = re.sub(r"[\s\u00a0\u202f]", "", written)
        if self._t.english_figures:
            return written.replace(",", "").partition(".")
        if re.fullmatch(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?", written):
            written = written.replace(".", "")
        return written.replace(".", ",").partition(",")

    def _address(self, m: re.Match[str]) -> str:
        return re.sub(r"[./_@:?=&#%~+-]+", lambda s: f" {self._t.signs.get(s[0][-1], '')} ", m[0].replace("://", " "))

    def _date(self, m: re.Match[str]) -> str:
        day, month = int(m["d"]), int(m["m"])
        if not (1 <= day <= 31 and 1 <= month <= 12):
            return m[0]
        first = self._t.first_day if day == 1 else ""
        said = (first or self._t.cardinal(day), self._t.of, self._t.months[month - 1], self._t.of, self._whole(m["y"]))
        return " ".join(filter(None, said))

    def _time(self, m: re.Match[str]) -> str:
        minutes = "" if not m["m"] or int(m["m"]) == 0 else self._t.cardinal(int(m["m"]))
        return self._t.hour(self._t.cardinal(int(m["h"])), minutes)

    def _money(self, m: re.Match[str]) -> str:
        unit, cent = self._t.money[m["sign"]]
        minus = f"{self._t.minus} " if m["minus"] else ""
        if m["scale"]:
            forms = self._t.scales[m["scale"]]
            return f"{minus}{self._counted(m['n'])} {_form(forms, m['n'])} {unit[1]}"
        whole, _, part = self._parts(m["n"])
        said = f"{self._counted(whole)} {_form(unit, whole)}"
        if len(part) == 2 and int(part):
            said += f" {self._t.and_} {self._counted(str(int(part)))} {_form(cent, str(int(part)))}"
        elif int(part or 0):
            said = f"{self._number(m['n'])} {unit[1]}"
        return minus + said

    def _measure(self, m: re.Match[str]) -> str:
        minus = f"{self._t.minus} " if m["minus"] else ""
        return f"{minus}{self._counted(m['n'])} {_form(self._t.units[m['unit']], m['n'])}"

    def _counted(self, written: str) -> str:
        return self._t.before_noun(self._number(written))

    def _ordinal(self, m: re.Match[str]) -> str:
        said = self._t.ordinal(int(m[1])) if len(m[1]) < 5 else self._whole(m[1])
        feminine = m[0].endswith(("ª", "a")) and said.endswith("o")
        return f"{said[:-1]}a" if feminine else said

    def _range(self, m: re.Match[str]) -> str:
        return f"{self._number(m[1])} {self._t.to} "

    def _phone(self, m: re.Match[str]) -> str:
        return ", ".join(" ".join(self._t.cardinal(int(d)) for d in group) for group in re.findall(r"\d+", m[0]))


def _any_of(keys: Iterable[str]) -> str:
    return "|".join(map(re.escape, sorted(keys, key=len, reverse=True)))


def _form(forms: Forms, number: str) -> str:
    return forms[0] if number == "1" else forms[1]
