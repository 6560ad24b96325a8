"""Numbers with a unit: 5km, 20°C, 6 ft., 3/4 lb, 100 km/h, 9.8 m/s²; prices by the unit."""

import re

from ttsai_server.text.spoken.english.grammar import Grammar
from ttsai_server.text.spoken.english.unit_names import unit_names
from ttsai_server.text.spoken.numbers import NUMBER, Numbers
from ttsai_server.text.spoken.rules import Rule, any_of

_ATTACHED_ONLY = {"x", "×", "K", "k", "M", "N", '"', "″"}
"""These are words or names of their own when a space goes before: 5 K is read as it is."""
_SPACED_ONLY = {"in", "kn", "pt", "mo", "bar", "cal"}
"""Joined to a number these are something else."""
_INCH = r"in(?=\.(?!\w)|\.? (?:tall|long|wide|deep|high|thick|across|by|in diameter|x)\b| ?[x×] ?\d)"
"""5 in. or 5 in long, but 5 in all."""
_DOTTED = {"ft", "in", "lb", "lbs", "oz", "tsp", "tbsp", "min", "mins", "sec", "hr", "hrs", "yd", "mi", "gal", "yr"}
"""Written with a full stop that ends no sentence: 5 ft. 10 in."""
_NOUN = (
    r"run|race|walk|ride|drive|hike|radius|lens|drive|cable|wire|file|limit|bag|box|bottle|zone|jump|swim|sprint|dash"
    r"|relay|hurdles|freestyle|bulb|adapter|battery|monitor|screen|plank|pipe|flat|apartment|wind|winds|ladder|rope"
)
_NOT_LETTER = r"(?<!\d [A-Za-z](?=-(?!(?:long|wide|high|tall|deep|thick)\b)[a-z]))"
"""5 t-shirts, 3 s-curves; a 5 m-high wall has metres."""
_AMOUNT = rf"(?:(?:\d+ )?\d{{1,3}}/\d{{1,3}}(?![\d/])|{NUMBER})"
"""1/2, 1 1/2 or a decimal."""


_WORDS = (
    "second|minute|hour|day|night|week|month|year|person|user|head|seat|item|unit|piece|page|word|call|cup|gallon|mile"
    "|pound|square foot|ounce|barrel|ton|share|ticket|student|capita"
)
"""What a price or a speed may be by, beside units."""


def per_names(british: bool) -> dict[str, str]:
    """What may follow a slash → its name: kg → kilogram, day → day."""
    units = {unit: one for unit, (one, _) in unit_names(british).items() if unit[0].isalpha() and unit not in "KkMx"}
    return units | {word: word for word in _WORDS.split("|")}


_QUOTED = re.compile(r'(?<![\w.,!?])"(?:[^"]|(?<=\d)")*$')
"""An open quotation; the sign after a figure in it is one of inches."""
_LENGTHS = {"m", "km", "cm", "mm", "ft", "in", "yd", "mi"}


_BARE = "km|cm|mm|kg|lbs?|oz|tsp|tbsp|mph|km/h|kWh|sq ft"
"""Units also where no number is written before them."""
_ONE = re.compile(r"(?i)\b(?:one|an?|per|each|every|half) $")


class _Units:
    def __init__(self, say: Numbers, grammar: Grammar) -> None:
        self.say, self.grammar, self.names = say, grammar, unit_names(say.british)
        self.per = per_names(say.british)

    def measured(self, m: re.Match[str]) -> str:
        """5 km, 3/4 lb, -5 to 10 °C, a 900 sq ft flat, 9.8 m/s^2"""
        if m["unit"] == '"' and _QUOTED.search(m.string, max(0, m.start() - 200), m.start()):
            return m[0]  # it ends a quotation
        minus = "minus " if m["minus"] else ""
        said = self._amount(m["n"]) + (f" to {self._amount(m['to'])}" if m["to"] else "")
        unit = self.names[m["unit"]][0 if self._is_one(m) else 1]
        power = {"2": "square ", "3": "cubic "}.get(m["power"] or "", "")
        return f"{m['a'] or ''}{minus}{said} {power}{unit}{self._per(m)}{self._stop(m)}"

    def _is_one(self, m: re.Match[str]) -> bool:
        """One kilometer, half a kilometer; a five kilometer run"""
        if (m["a"] and m["unit"] not in "x×") or m["noun"] is not None:
            return True
        if m["to"]:
            return False
        over, _, under = m["n"].partition("/")
        return m["n"] == "1" or (under != "" and " " not in over and int(over) < int(under))

    def _amount(self, written: str) -> str:
        whole, _, part = written.rpartition(" ")
        over, _, under = part.partition("/")
        if not under:
            return self.say.number(part)
        said = self.say.fraction(int(over), int(under))
        return f"{self.say.whole(whole)} and {re.sub('^one ', 'a ', said)}" if whole else said

    def _per(self, m: re.Match[str]) -> str:
        if not m["per"]:
            return ""
        unit, power = self.per[m["per"]], m["per_power"]
        if not power:
            return f" per {unit}"
        if m["per"] in _LENGTHS:
            return f" per {'square' if power == '2' else 'cubic'} {unit}"
        return f" per {unit} {'squared' if power == '2' else 'cubed'}"

    def _stop(self, m: re.Match[str]) -> str:
        if not m["dot"]:
            return ""
        number_next = re.match(r"\s+\d", m.string[m.end() : m.end() + 2]) is not None
        return "." if number_next and m["unit"] not in _DOTTED else self.grammar.stop(m.string, m.end())

    def bare(self, m: re.Match[str]) -> str:
        """Miles per lb, a few km"""
        one = _ONE.search(m.string, max(0, m.start() - 6), m.start()) is not None
        stop = self.grammar.stop(m.string, m.end()) if m["dot"] else ""
        return self.names[m["unit"]][0 if one else 1] + stop

    def height(self, m: re.Match[str]) -> str:
        return f"{self.say.whole(m['ft'])} foot" + (f" {self.say.whole(m['in'])}" if m["in"] else "")

    def inches(self, m: re.Match[str]) -> str:
        return f"{self.say.whole(m[1])} {self.names['in'][m[1] != '1']}"


def rules(say: Numbers, grammar: Grammar) -> list[Rule]:
    u = _Units(say, grammar)
    joined = any_of(unit for unit in u.names if unit not in _SPACED_ONLY)
    spaced = any_of(unit for unit in u.names if unit not in _ATTACHED_ONLY and unit != "in")
    number = rf"(?P<a>\b[Aa]n? )?(?P<minus>(?<![\w)])[-−])?(?<![\w.,/])(?P<n>{_AMOUNT})(?:\s?[-–]\s?(?P<to>{_AMOUNT}))?"
    tail = (
        rf"(?:\^(?P<power>[23]))?(?: ?/ ?(?P<per>{any_of(u.per)})(?:\^(?P<per_power>[23]))?)?(?![\w/]){_NOT_LETTER}"
        rf"(?P<noun>(?=[ -](?:{_NOUN})\b))?(?P<dot>(?<=[a-z])\.)?"
    )
    next_amount = r"(?:(?P<to>[-–])\s?(?=\d[\d.,]*\s?(?P=unit))|(?P<or>/)\s?(?=[-−]?\d)|[x×]\s?(?=\d))"
    between = rf"(?<=\d)( ?(?P<unit>{joined}|in))\s?{next_amount}"
    return [
        (re.compile(r"(?<![\w.])(?P<ft>\d)['’′](?:\s?(?P<in>\d{1,2})(?:[\"”″]|['’′]{2})?)?(?![\w'’])"), u.height),
        (re.compile(r"(?<![\w.])(\d{1,2}) ?st(?= \d{1,2} ?lbs?\b)"), lambda m: f"{m[1]} stone"),
        (re.compile(between), lambda m: f"{m[1]}{',' if m['or'] else ' to' if m['to'] else ' by'} "),
        (re.compile(rf"{number}-?(?P<unit>{joined}){tail}"), u.measured),
        (re.compile(rf"{number}[ -](?P<unit>{spaced}|{_INCH}){tail}"), u.measured),
        (re.compile(r"(?:(?<=\bfeet )|(?<=\bfoot ))(\d\d?) in\b"), u.inches),
    ]


def bare(say: Numbers, grammar: Grammar) -> list[Rule]:
    """Units without a number: dollars per lb."""
    return [(re.compile(rf"(?<![\w/-])(?P<unit>{_BARE})\b(?![/-]\w)(?P<dot>\.)?"), _Units(say, grammar).bare)]
