"""Times of day, and spans of time written with colons or letters."""

import re

from ttsai_server.text.spoken.english.grammar import Grammar
from ttsai_server.text.spoken.numbers import Numbers
from ttsai_server.text.spoken.rules import Rule

ZONES = "UTC|GMT|EST|EDT|ET|CST|CDT|CT|MST|MDT|MT|PST|PDT|PT|BST|CET|CEST|EET|IST|JST|AEST|AEDT|AKST|HST"
_AFTER_TIME = (
    rf"(?:{ZONES}|Mon|Tues|Wednes|Thurs|Fri|Satur|Sun|Jan|Feb|Mar|Apr|May|June|July|Aug|Sept|Oct|Nov|Dec|Eastern|Central"
    r"|Mountain|Pacific|Atlantic|London|New York)"
)
"""With a capital, but no new sentence."""
_BEFORE_TIME = re.compile(r"\b(?i:at|by|from|until|till|before|after|since|to|around|between|and) $")
_HALF = r"(?P<half>[AaPp](?:\.[Mm]\b\.?|[Mm]\b(?:\.(?= [a-z]))?))"


class _Times:
    def __init__(self, say: Numbers, grammar: Grammar) -> None:
        self.say, self.grammar = say, grammar

    def clock(self, m: re.Match[str]) -> str:
        hour, minute, second = int(m["h"]), int(m["min"]), int(m["s"] or 0)
        if hour > 24:
            return m[0]
        said = self.say.cardinal(hour)
        half = self._half(m)
        if minute or second:
            said += f" oh {self.say.cardinal(minute)}" if 0 < minute < 10 else f" {self.say.cardinal(minute)}"
        elif not half:
            said += " o'clock" if hour <= 12 and not m["zone"] else " hundred"
        said += f" and {self.say.cardinal(second)} seconds" if second else ""
        return said + half + self._zone(m)

    def hour(self, m: re.Match[str]) -> str:
        first = f"{self._first(m['from'])} to " if m["from"] else ""
        return f"{first}{self.say.cardinal(int(m['h']))}{self._half(m)}"

    def _first(self, written: str) -> str:
        """The 5 or 5:30 of 5:30–7 p.m."""
        hour, _, minute = written.partition(":")
        return self.say.cardinal(int(hour)) + (f" {self.say.pairs(minute)}" if int(minute or 0) else "")

    def _half(self, m: re.Match[str]) -> str:
        if not m["half"]:
            return ""
        said = " A.M" if m["half"][0] in "Aa" else " P.M"
        end = m.end("half")
        if not m["half"].endswith(".") or re.match(rf"\s+{_AFTER_TIME}", m.string[end : end + 12]):
            return said
        return said + self.grammar.stop(m.string, end)

    def _zone(self, m: re.Match[str]) -> str:
        """Z is UTC, +02:00 is plus two."""
        if not m["zone"] or m["zone"] == "Z":
            return " U.T.C" if m["zone"] else ""
        sign = "plus" if m["zone"][0] == "+" else "minus"
        hours, minutes = m["zone"][1:3], m["zone"][-2:]
        return f" {sign} {self._first(f'{hours}:{minutes}')}"

    def military(self, m: re.Match[str]) -> str:
        """1530 hours; 1000 and 2000 hours are a time only after at, by and the like."""
        if m["h"] in ("10", "20") and m["min"] == "00" and not _BEFORE_TIME.search(m.string, 0, m.start()):
            return m[0]
        zero = "zero " if m["h"][0] == "0" else ""
        return f"{zero}{self.say.cardinal(int(m['h']))} {self.say.pairs(m['min'])} hours"

    def span(self, m: re.Match[str]) -> str:
        """1h30, 1h30m, 2m 30s"""
        written = m[0] if m[0][-1].isalpha() else f"{m[0]}m"
        return " ".join(self._counted(n, unit) for n, unit in re.findall(r"(\d+)([hms])", written))

    def _counted(self, n: str, unit: str) -> str:
        name = {"h": "hour", "m": "minute", "s": "second"}[unit]
        return f"{self.say.whole(n)} {name}{'' if n == '1' else 's'}"


def rules(say: Numbers, grammar: Grammar) -> list[Rule]:
    t = _Times(say, grammar)
    clock = r"(?<![\d:.])(?P<h>\d{1,2}):(?P<min>[0-5]\d)(?::(?P<s>[0-5]\d)(?:\.\d+)?)?"
    zone = r"(?P<zone>Z\b|[+−-](?:0\d|1[0-4]):?\d\d(?!\d))?"
    until = r"(?P<from>\d{1,2}(?::[0-5]\d)?)\s?[-–]\s?"
    return [
        (re.compile(r"(?<=:[0-5]\d)\s?[-–]\s?(?=[12]?\d:[0-5]\d(?!\d))"), lambda m: " to "),
        (re.compile(rf"(?<![\d:.])(?:{until})?(?P<h>1[0-2]|0?[1-9])\s?{_HALF}(?!\w)"), t.hour),
        (re.compile(rf"{clock}(?:\s?{_HALF})?{zone}(?![\d:])"), t.clock),
        (re.compile(r"(?<=[AP]\.M)\s?[-–]\s?(?=\w)"), lambda m: " to "),
        (re.compile(rf"(?<=[a-zA-Z] )({ZONES})\b"), lambda m: ".".join(m[1])),
        (re.compile(r"(?<![\w:.])(?P<h>[01]\d|2[0-3])(?P<min>[0-5]\d) ?(?:hours|hrs|h)\b"), t.military),
        (re.compile(r"(?<![\w:.])\d{1,3}(?:h ?[0-5]?\d(?:m(?:in)?)?(?: ?[0-5]?\ds)?|m ?[0-5]?\ds)(?!\w)"), t.span),
    ]  # fmt: skip
