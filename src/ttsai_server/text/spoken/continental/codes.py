"""Telephone numbers, versions and school years."""

import re

from ttsai_server.text.spoken.continental.numbers import Numbers
from ttsai_server.text.spoken.continental.table import Table
from ttsai_server.text.spoken.rules import Rule

_FEWEST = 7
"""Digits of a telephone number."""


class _Codes:
    def __init__(self, words: Table, say: Numbers) -> None:
        self._t = words
        self._say = say

    def phone(self, m: re.Match[str]) -> str:
        """Each group of digits by its digits, with a pause between groups."""
        groups = re.findall(r"\d+", m["n"])
        if sum(map(len, groups)) < _FEWEST:
            return m[0]
        if len(groups) == 1:
            groups = re.findall(r"\d{3}(?=\d\d)|\d+", groups[0])
        said = ", ".join(map(self._group, groups))
        plus = f"{self._t.signs['+']} " if m["n"].startswith("+") else ""
        return (m.groupdict().get("lead") or "") + plus + said

    def _group(self, digits: str) -> str:
        if not self._t.phone_pairs or len(digits) != 2:
            return self._say.digits(digits)
        return self._say.whole(digits)

    def dotted(self, m: re.Match[str]) -> str:
        """2.0.1, 192.168.1.1; v2.0"""
        if re.fullmatch(r"\d{1,3}(?:\.\d{3})+", m[0]):
            return m[0]
        said = f" {self._t.signs['.']} ".join(map(self._say.whole, m["parts"].split(".")))
        engine = m["v"] == "V" and "." not in m[0]
        return f"V {said}" if engine else f"{self._t.version} {said}" if m["v"] else said

    def school_year(self, m: re.Match[str]) -> str:
        return f"{self._say.whole(m[1])} {self._say.whole(m[2])}"


def rules(words: Table, say: Numbers) -> list[Rule]:
    """To be taken before a measure or a range can be seen in them."""
    c = _Codes(words, say)
    ends = r"(?![\w/]|[.,]\d)"
    digits = rf"\+?\(?\d[\d ()./-]{{5,20}}\d{ends}"
    groups = r"(?:[ .-]\d{2,8}){1,5}(?![\w/]|[.,-]\d)"
    return [
        (re.compile(rf"(?i:(?<!\w)(?P<lead>(?:{words.phone_lead})[.:]{{0,2}} ))(?P<n>{digits})"), c.phone),
        (re.compile(rf"(?<![\w.+])(?P<n>\+\d[\d ()-]{{6,18}}\d){ends}"), c.phone),
        (re.compile(rf"(?<![\w.+])(?P<n>\(0?\d{{2,4}}\) ?\d[\d -]{{5,12}}\d){ends}"), c.phone),
        (re.compile(rf"(?<![\w.,/:-])(?P<n>0\d{{1,4}}{groups})"), c.phone),
        (re.compile(rf"(?<![\w.,/:-])(?P<n>{words.phone}){ends}(?!-\d)"), c.phone),
        (re.compile(r"(?<![\w.,])(?P<v>)(?P<parts>\d+(?:\.\d+){2,})(?!\w)"), c.dotted),
        (re.compile(r"(?<![\w.,])(?P<v>[vV])\.?(?P<parts>\d+(?:\.\d+)*)(?!\w)"), c.dotted),
        (re.compile(rf"(?<![\w/.,])((?:19|20)\d\d)/((?:\d\d)?\d\d){ends}"), c.school_year),
    ]
