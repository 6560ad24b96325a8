"""Numbers that no other rule took: telephone numbers, versions, ordinals, fractions, ranges, plain numbers."""

import re

from ttsai_server.text.spoken.numbers import NUMBER, Numbers
from ttsai_server.text.spoken.rules import Rule

_PARTS = {2: "half", 4: "quarter"}


class _Figures:
    def __init__(self, say: Numbers) -> None:
        self.say = say

    def phone(self, m: re.Match[str]) -> str:
        return ("plus " if m[0].startswith("+") else "") + self.say.groups(m[0])

    def dotted(self, m: re.Match[str]) -> str:
        """192.168.1.1 by digits, 3.11.4 by numbers."""
        parts = m["parts"].split(".")
        said = (
            " dot ".join(map(self.say.digits, parts)) if len(parts) > 3 else " point ".join(map(self.say.whole, parts))
        )
        return ("version " if m["v"] else "") + said

    def part(self, over: int, under: int) -> str:
        """3/4 → three quarters"""
        name = _PARTS.get(under) or self.say.ordinal(under)
        plural = name if over == 1 else ("halves" if name == "half" else f"{name}s")
        return f"{self.say.cardinal(over)} {plural}"

    def mixed(self, m: re.Match[str]) -> str:
        """2 1/2 → two and a half"""
        over, under = int(m["over"]), int(m["under"])
        part = self.part(over, under)
        return f"{self.say.whole(m['whole'])} and {re.sub('^one ', 'a ', part)}"

    def fraction(self, m: re.Match[str]) -> str:
        over, under = int(m["over"]), int(m["under"])
        if (over, under) in {(9, 11), (24, 7), (50, 50)}:
            return f"{self.say.cardinal(over)} {self.say.cardinal(under)}"
        if 0 < over < under <= 100:
            return self.part(over, under)
        return f"{self.say.whole(m['over'])} over {self.say.whole(m['under'])}"

    def ordinal(self, m: re.Match[str]) -> str:
        digits = m[1].replace(",", "")
        return self.say.ordinal(int(digits)) if len(digits) < 16 else self.say.digits(digits) + m[2]

    def pixels(self, m: re.Match[str]) -> str:
        return f"{self._pairs(m[1])} by {self._pairs(m[2])}"

    def _pairs(self, digits: str) -> str:
        """1920 → nineteen twenty"""
        if len(digits) == 4 and digits[2] != "0":
            return f"{self.say.cardinal(int(digits[:2]))} {self.say.cardinal(int(digits[2:]))}"
        return self.say.whole(digits)

    def power(self, m: re.Match[str]) -> str:
        named = {"2": " squared ", "3": " cubed "}.get(m[1])
        return named or f" to the power of {'minus ' if m[1][0] in '-−' else ''}{self.say.number(m[1].lstrip('-−'))} "

    def scientific(self, m: re.Match[str]) -> str:
        sign = "minus " if m[2][0] in "-−" else ""
        return f"{self.say.number(m[1])} times ten to the power of {sign}{self.say.whole(m[2].lstrip('+-−'))}"

    def plain(self, m: re.Match[str]) -> str:
        before = m.string[m.start() - 1 : m.start()]
        after = m.string[m.end() : m.end() + 1]
        left = " " if before.isalpha() else ""
        return left + self.say.number(m[0]) + (" " if after.isalpha() else "")


def codes(say: Numbers) -> list[Rule]:
    """The forms to be taken before a unit or a range can be seen in them."""
    f = _Figures(say)
    return [
        (re.compile(r"(?<![\w.])\+?(?:\d{1,3}[ .-])?(?:\(\d{3}\) ?|\d{3}[.-])\d{3}[.-]\d{4}(?!\w)"), f.phone),
        (
            re.compile(r"(?<![\w.])\+\d{1,3}(?:[ -]\d{2,5}){2,5}(?!\w)|(?<![\w.])0\d{2,4}(?:[ -]\d{3,4}){1,3}(?!\w)"),
            f.phone,
        ),
        (re.compile(r"(?<![\w.-])\d{3}-\d{4}(?![\w-])"), f.phone),
        (re.compile(r"(?<![\w.-])\d+(?:-\d+){3,}(?![\w-])"), f.phone),
        (re.compile(r"\b(?P<v>[vV])(?P<parts>\d+(?:\.\d+)*)\b"), f.dotted),
        (re.compile(r"(?<![\w.])(?P<v>)(?P<parts>\d+(?:\.\d+){2,})(?!\w)"), f.dotted),
        (re.compile(r"(?<![\w.])(\d{2,4})\s?[x×]\s?(\d{2,4})(?!\w)"), f.pixels),
    ]


def rules(say: Numbers) -> list[Rule]:
    f = _Figures(say)
    ends = r"(?![\w/]|\.\d)"
    return [
        (re.compile(rf"(?<![\w.])({NUMBER})[eE]([+-]?\d+)\b"), f.scientific),
        (re.compile(r"\^([-−]?\d+)"), f.power),
        (re.compile(rf"(?<![\w./])(?P<whole>\d+) (?P<over>\d{{1,2}})/(?P<under>\d{{1,3}}){ends}"), f.mixed),
        (re.compile(rf"(?<![\w./])(?P<over>\d+)/(?P<under>\d+){ends}"), f.fraction),
        (re.compile(r"(?<![\w.])(\d+|\d{1,3}(?:,\d{3})+)(st|nd|rd|th)\b"), f.ordinal),
        (re.compile(rf"(?<![\w.])({NUMBER})\s?[-–]\s?(?={NUMBER}(?!\w))(?!\d+-)"), lambda m: f"{say.number(m[1])} to "),
        (re.compile(r"(?<![\w.])(\d+):(\d+)\b"), lambda m: f"{say.whole(m[1])} to {say.whole(m[2])}"),
        (re.compile(rf"(?<![\w)])[-−](?={NUMBER})|−\s?(?={NUMBER})"), lambda m: "minus "),
        (re.compile(r"#\s?(?=\d)"), lambda m: "number "),
        (re.compile(r"(?<!\w)~\s?(?=\d)"), lambda m: "about "),
        *plain(say),
    ]


def plain(say: Numbers) -> list[Rule]:
    """Every number that is left, as a number."""
    return [
        (re.compile(NUMBER), _Figures(say).plain),
        (re.compile(r"\d+"), lambda m: f" {say.whole(m[0])} "),
    ]
