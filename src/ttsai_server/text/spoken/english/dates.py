"""Dates and times of day."""

import re

from ttsai_server.text.spoken.numbers import Numbers
from ttsai_server.text.spoken.rules import Rule

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_MONTH = "|".join(_MONTHS)
_YEAR = r"(?P<y>\d{4})"
_HALF = r"(?P<half>[AaPp]\.?[Mm]\b\.?)"


class _Dates:
    def __init__(self, say: Numbers) -> None:
        self.say = say

    def full(self, year: str | None, month: str, day: str) -> str:
        """March fourteenth, twenty twenty six; the British put the day first."""
        said = self.say.ordinal(int(day))
        said = f"the {said} of {month}" if self.say.british else f"{month} {said}"
        return f"{said}, {self.say.year(int(year))}" if year else said

    def iso(self, m: re.Match[str]) -> str:
        month, day = int(m["m"]), int(m["d"])
        return self.full(m["y"], _MONTHS[month - 1], m["d"]) if 1 <= month <= 12 and 1 <= day <= 31 else m[0]

    def slashed(self, m: re.Match[str]) -> str:
        """3/14/2026: the month first, unless British or that can't be."""
        first, second = int(m["a"]), int(m["b"])
        day_first = first > 12 or (self.say.british and second <= 12)
        month, day = (second, first) if day_first else (first, second)
        if not (1 <= month <= 12 and 1 <= day <= 31):
            return m[0]
        year = m["y"] if len(m["y"]) == 4 else f"20{m['y']}"
        return self.full(year, _MONTHS[month - 1], str(day))

    def named(self, m: re.Match[str]) -> str:
        """March 3rd 1995; July 4, 1776; 5 May 2001"""
        if not 1 <= int(m["d"]) <= 31:
            return m[0]
        said = f"{m['m']} {self.say.ordinal(int(m['d']))}"
        return f"{said}{m['sep']}{self.say.year(int(m['y']))}" if m["y"] else said

    def years(self, m: re.Match[str]) -> str:
        return f"{self.say.year(int(m['y']))} to {self.say.year(int(m['z']))}"

    def decade(self, m: re.Match[str]) -> str:
        tens = self.say.cardinal(int(m["ten"]) * 10)
        plural = f"{tens[:-1]}ies" if tens.endswith("y") else f"{tens}s"
        if not m["century"]:
            return plural
        if m["ten"] == "0":
            return self.say.year(int(m["century"]) * 100) + "s"
        return f"{self.say.cardinal(int(m['century']))} {plural}"

    def time(self, m: re.Match[str]) -> str:
        hour, minute, second = int(m["h"]), int(m["min"]), m["s"]
        if hour > 24 or minute > 59:
            return m[0]
        said = self.say.cardinal(hour)
        half = f" {_half(m['half'])}" if m["half"] else ""
        if minute or second:
            said += f" oh {self.say.cardinal(minute)}" if 0 < minute < 10 else f" {self.say.cardinal(minute)}"
        elif not half:
            said += " o'clock" if hour <= 12 else " hundred"
        return said + (f" and {self.say.cardinal(int(second))} seconds" if second else "") + half

    def hour(self, m: re.Match[str]) -> str:
        return f"{self.say.cardinal(int(m['h']))} {_half(m['half'])}"


def _half(written: str) -> str:
    return "A.M" if written[0] in "Aa" else "P.M"


def rules(say: Numbers) -> list[Rule]:
    d = _Dates(say)
    day = r"(?P<d>\d{1,2})(?:st|nd|rd|th)?"
    year = r"(?P<y>1[1-9]\d\d|20\d\d)"
    the = r"(?:(?<!\w)['’]|(?<=\bthe )|(?<=\bthe early )|(?<=\bthe mid-)|(?<=\bthe late ))"
    clock = r"(?<![\d:.])(?P<h>\d{1,2}):(?P<min>[0-5]\d)(?::(?P<s>[0-5]\d))?"
    return [
        (re.compile(rf"(?<![\d-]){_YEAR}-(?P<m>\d\d)-(?P<d>\d\d)(?![\d-])"), d.iso),
        (re.compile(r"(?<![\d/])(?P<a>\d{1,2})/(?P<b>\d{1,2})/(?P<y>\d{4}|\d\d)(?![\d/])"), d.slashed),
        (re.compile(rf"\b(?P<m>{_MONTH}) {day}\b(?!:)(?:(?P<sep>,? ){year}(?![\d,.]\d)\b)?"), d.named),
        (re.compile(rf"\b{day}(?: of)? (?P<m>{_MONTH})\b(?:(?P<sep>,? ){year}\b)?"), d.named),
        (re.compile(rf"(?<![\w$£€.,]){year}\s?[-–]\s?(?P<z>1[1-9]\d\d|20\d\d)(?![\w%])"), d.years),
        (re.compile(r"(?<!\w)(?P<century>1[1-9]|20)(?P<ten>\d)0['’]?s\b"), d.decade),
        (re.compile(rf"{the}(?P<century>)(?P<ten>[2-9])0['’]?s\b"), d.decade),
        (re.compile(rf"{clock}(?:\s?{_HALF})?(?![\d:])"), d.time),
        (re.compile(rf"(?<![\d:.])(?P<h>1[0-2]|[1-9])\s?{_HALF}(?!\w)"), d.hour),
        (re.compile(r"(?<=[AP]\.M)\s?[-–]\s?(?=\w)"), lambda m: " to "),
        (re.compile(rf"(?<![\w$£€.,]){year}(?![\w%°:/×-])(?![.,]\d)"), lambda m: say.year(int(m["y"]))),
    ]  # fmt: skip
