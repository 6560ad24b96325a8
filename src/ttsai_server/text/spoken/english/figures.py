"""Numbers that no other rule took: ordinals, fractions, ranges, ratios, plain numbers."""

import re

from ttsai_server.text.spoken.numbers import NUMBER, Numbers
from ttsai_server.text.spoken.rules import Rule

_NAMED = {(24, 7), (50, 50), (20, 20), (80, 20), (60, 40), (70, 30)}
"""24/7, 50/50, 20/20 vision: one number after the other."""


class _Figures:
    def __init__(self, say: Numbers) -> None:
        self.say = say

    def mixed(self, m: re.Match[str]) -> str:
        """2 1/2 → two and a half"""
        part = self.say.fraction(int(m["over"]), int(m["under"]))
        return f"{self.say.whole(m['whole'])} and {re.sub('^one ', 'a ', part)}"

    def fraction(self, m: re.Match[str]) -> str:
        if len(m[0]) > 10:
            return f"{self.say.whole(m['over'])} over {self.say.whole(m['under'])}"
        over, under = int(m["over"]), int(m["under"])
        if (over, under) in _NAMED:
            return f"{self.say.cardinal(over)} {self.say.cardinal(under)}"
        return self.say.fraction(over, under)

    def ordinal(self, m: re.Match[str]) -> str:
        digits = m[1].replace(",", "")
        return self.say.ordinal(int(digits)) if len(digits) < 16 else f"{self.say.digits(digits)} {m[2]}"

    def players(self, m: re.Match[str]) -> str:
        """49ers → forty niners"""
        return re.sub("e$", "", self.say.whole(m[1])) + m[2]

    def plain(self, m: re.Match[str]) -> str:
        before = m.string[m.start() - 1 : m.start()]
        after = m.string[m.end() : m.end() + 1]
        left = " " if before.isalpha() else ""
        return left + self.say.number(m[0]) + (" " if after.isalpha() else "")


def rules(say: Numbers) -> list[Rule]:
    f = _Figures(say)
    ends = r"(?![\w/]|\.\d)"
    th = r"(?:st|nd|rd|th|ST|ND|RD|TH)"
    return [
        (re.compile(r"(?<![\w.])(\d+)(ers?)\b"), f.players),
        (re.compile(r"(?<=\d/\d)\s?[-–]\s?(?=\d+/\d)"), lambda m: " to "),
        (re.compile(rf"(?<![\w./])(?P<whole>\d+) (?P<over>\d{{1,2}})/(?P<under>\d{{1,3}}){ends}"), f.mixed),
        (re.compile(rf"(?<![\w./])(?P<over>\d+)/(?P<under>\d+){ends}"), f.fraction),
        (re.compile(r"(?<![\w.])(\d{1,3})-(\1)(?![\w-])"), lambda m: f"{say.whole(m[1])} {say.whole(m[1])}"),
        (re.compile(r"(?<![\w.])(\d\.\d)/(?=(?:5|10)(?!\w|\.\d))"), lambda m: f"{say.number(m[1])} out of "),
        (re.compile(r"(?<=\d[snrt][tdh])[-–](?=\d+(?:st|nd|rd|th)\b)"), lambda m: " to "),
        (re.compile(rf"(?<![\w.])(\d+|\d{{1,3}}(?:,\d{{3}})+)({th})\b"), f.ordinal),
        (re.compile(rf"(?<![\w.])({NUMBER})\s?[-–]\s?(?={NUMBER}(?!\w))(?!\d+-)"), lambda m: f"{say.number(m[1])} to "),
        (re.compile(rf"(?<![\w.])({NUMBER}):({NUMBER})\b"), lambda m: f"{say.number(m[1])} to {say.number(m[2])}"),
        (re.compile(rf"(?<![\w)])[-−](?={NUMBER})|−\s?(?={NUMBER})"), lambda m: "minus "),
        (re.compile(r"(?<!\w)~\s?(?=\d)"), lambda m: "about "),
        *plain(say),
    ]


def plain(say: Numbers) -> list[Rule]:
    """Every number that is left, as a number."""
    return [
        (re.compile(NUMBER), _Figures(say).plain),
        (re.compile(r"\d+"), lambda m: f" {say.whole(m[0])} "),
    ]
