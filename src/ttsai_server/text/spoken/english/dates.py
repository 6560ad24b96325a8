"""Days, months, dates, years and decades."""

import re

from ttsai_server.text.spoken.english.grammar import Grammar
from ttsai_server.text.spoken.numbers import Numbers, plural
from ttsai_server.text.spoken.rules import Rule

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
DAYS = {
    "Jan": "January", "Feb": "February", "Mar": "March", "Apr": "April", "Jun": "June", "Jul": "July", "Aug": "August",
    "Sep": "September", "Sept": "September", "Oct": "October", "Nov": "November", "Dec": "December", "Mon": "Monday",
    "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday", "Thur": "Thursday",
    "Thurs": "Thursday", "Fri": "Friday", "Sat": "Saturday", "Sun": "Sunday",
}  # fmt: skip
_ALSO_WORDS = {"Jan", "Mar", "Sat", "Sun", "Wed"}
"""Names and words of their own: the Sun."""
_SHORT = "|".join(sorted(DAYS, key=len, reverse=True))
_DAY_OR_MONTH = "|".join(sorted({*DAYS, *DAYS.values(), "May"}, key=len, reverse=True))
_BEFORE_DAY = {"on", "in", "every", "this", "next", "last", "by", "til", "until", "from", "since", "early", "late",
               "mid", "open", "closed", "of"}  # fmt: skip
_BEFORE_YEAR = {"in", "by", "since", "until", "to", "from", "year", "before", "after", "around", "about", "circa", "ad",
                "a.d", "of", "was"}  # fmt: skip
_BEFORE_DECADE = {"the", "early", "mid", "late", "roaring", "swinging", "their", "his", "her", "my", "low", "lower",
                  "upper", "high", "middle"}  # fmt: skip
"""Decades, ages and temperatures: in the low 70s."""
_AND_DECADE = re.compile(
    r"(?:ies|hundreds|tens|thousands)(?:,? (?:and|or|to|through) |\s?[-–]\s?)(?:early |mid |late )?$"
)
_LAST_WORD = re.compile(r"([\w.]+)[ -]$")
_MONTH = "|".join([*MONTHS, *map(str.upper, MONTHS), *(m.lower() for m in MONTHS if m not in ("May", "March"))])
_TH = r"(?:st|nd|rd|th|ST|ND|RD|TH)"
_YEAR = r"(?:1\d\d\d|20\d\d)"
_PIVOT = 50
"""'49 is taken for 2049, '50 for 1950."""


class _Dates:
    def __init__(self, say: Numbers, grammar: Grammar) -> None:
        self.say, self.grammar = say, grammar

    def full(self, year: str | None, month: str, day: str) -> str:
        """March fourteenth, twenty twenty six; the British put the day first."""
        said = self.say.ordinal(int(day))
        said = f"the {said} of {month}" if self.say.british else f"{month} {said}"
        return f"{said}, {self.say.year(int(year))}" if year else said

    def numeric(self, m: re.Match[str], month: str, day: str) -> str:
        if not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):
            return m[0]
        year = int(m["y"])
        if len(m["y"]) == 2:
            year += 1900 if year >= _PIVOT else 2000
        return self.full(str(year), MONTHS[int(month) - 1], day)

    def iso(self, m: re.Match[str]) -> str:
        """2024-01-15T10:30 → the date, then the time for the rules of time."""
        said = self.numeric(m, m["m"], m["d"])
        return f"{said}, " if m["time"] and said != m[0] else said

    def slashed(self, m: re.Match[str]) -> str:
        """3/14/2026: the month first, unless British or that can't be."""
        first, second = int(m["a"]), int(m["b"])
        day_first = first > 12 or (self.say.british and second <= 12)
        month, day = (m["b"], m["a"]) if day_first else (m["a"], m["b"])
        return self.numeric(m, month, day)

    def dotted(self, m: re.Match[str]) -> str:
        """15.01.2024: the day first, unless that can't be."""
        month_first = int(m["b"]) > 12
        return self.numeric(m, m["a"], m["b"]) if month_first else self.numeric(m, m["b"], m["a"])

    def named(self, m: re.Match[str]) -> str:
        """March 3rd 1995; July 4, 1776; June 1–5"""
        if not self._is_day(m["d"], m["to"]):
            return m[0]
        said = f"{m['m']} {self._days(m)}"
        return f"{said}{m['sep']}{self.say.year(int(m['y']))}" if m["y"] else said

    def day_first(self, m: re.Match[str]) -> str:
        """5 May 2001; the 4th of July"""
        if not self._is_day(m["d"], m["to"]):
            return m[0]
        if m["of"]:
            said = f"{self._days(m)} of {m['m']}"
        elif self.say.british or m["the"]:
            said = f"{m['the'] or 'the '}{self._days(m)} of {m['m']}"
        else:
            said = f"{m['m']} {self._days(m)}"
        if m["of"] and m["the"]:
            said = m["the"] + said
        return f"{said}{m['sep']}{self.say.year(int(m['y']))}" if m["y"] else said

    def _is_day(self, *days: str | None) -> bool:
        return all(1 <= int(day) <= 31 for day in days if day)

    def _days(self, m: re.Match[str]) -> str:
        return self.say.ordinal(int(m["d"])) + (f" to {self.say.ordinal(int(m['to']))}" if m["to"] else "")

    def month(self, m: re.Match[str]) -> str:
        """2024-05 → May twenty twenty four"""
        return f"{MONTHS[int(m['m']) - 1]} {self.say.year(int(m['y']))}"

    def years(self, m: re.Match[str]) -> str:
        """1914–18, 2023/24, 1990-1995"""
        first, last = m["y"], m["z"]
        if len(last) == 2 and int(last) <= int(first[2:]):
            return m[0]
        said = self.say.year(int(last)) if len(last) == 4 else self.say.pairs(last)
        return f"{self.say.year(int(first))} to {said}"

    def fiscal(self, m: re.Match[str]) -> str:
        """FY2024, FY24"""
        year = self.say.year(int(m["y"])) if len(m["y"]) == 4 else self.say.pairs(m["y"])
        return f"{'.'.join(m['of'])} {year}"

    def decade(self, m: re.Match[str]) -> str:
        tens = self.say.cardinal(int(m["ten"]) * 10)
        if not m["century"]:
            after = _AND_DECADE.search(m.string, max(0, m.start() - 20), m.start())
            return plural(tens) if m[0][0] in "'’" or after or _follows(m, _BEFORE_DECADE) else m[0]
        if m["ten"] == "0":
            return self.say.year(int(m["century"]) * 100) + "s"
        return f"{self.say.cardinal(int(m['century']))} {plural(tens)}"

    def listed(self, m: re.Match[str]) -> str:
        """Mon–Fri; Mon. and Wed.; Jan–Mar"""
        said = re.sub(r"\s?[-–—]\s?", " to ", m[0]).replace("/", ", ")
        said = re.sub(rf"\b({_SHORT})\b\.?", lambda d: DAYS[d[1]], said)
        return said + (self.grammar.stop(m.string, m.end(), names=True) if m[0].endswith(".") else "")

    def after_figure(self, m: re.Match[str]) -> str:
        """5 Jan; not: in 2024 Sun Microsystems"""
        named = m[1] in _ALSO_WORDS and re.match(" [A-Z]", m.string[m.end() : m.end() + 2])
        return m[0] if named else DAYS[m[1]]

    def short(self, m: re.Match[str]) -> str:
        """Oct. → October; the full stop stays where the sentence ends. The Sun. is no day."""
        mid_sentence = re.match(r",| [a-z]", m.string[m.end() : m.end() + 2])
        if m["day"] in _ALSO_WORDS and not mid_sentence and not _follows(m, _BEFORE_DAY):
            return m[0]
        return DAYS[m["day"]] + self.grammar.stop(m.string, m.end(), names=True)


def _follows(m: re.Match[str], words: set[str]) -> bool:
    """Whether one of the words stands before the match."""
    before = _LAST_WORD.search(m.string, max(0, m.start() - 12), m.start())
    return before is not None and before[1].lower() in words


def days(say: Numbers, grammar: Grammar) -> list[Rule]:
    """The abbreviated names of days and months in full."""
    d = _Dates(say, grammar)
    item, between = rf"(?:{_DAY_OR_MONTH})\b\.?", r"(?:\s?[-–—/]\s?|,? (?:and|or|to|through|thru|&) |, )"
    return [
        (re.compile(rf"(?<![\w-]){item}(?:{between}{item})+(?![\w-])"), d.listed),
        (re.compile(rf"\b(?P<day>{_SHORT})\.(?!\w)"), d.short),
        (re.compile(rf"\b({_SHORT})\.?(?=,? \d|, (?:{_DAY_OR_MONTH})\b)"), lambda m: DAYS[m[1]]),
        (re.compile(rf"\b({_SHORT.upper()})\.?(?=,? \d)"), lambda m: DAYS[m[1].capitalize()]),
        (re.compile(rf"(?<=\d )({_SHORT})\.?(?=,? \d{{4}}\b)"), lambda m: DAYS[m[1]]),
        (re.compile(rf"(?<=\d )({_SHORT})\b(?!\.)"), d.after_figure),
    ]  # fmt: skip


def rules(say: Numbers, grammar: Grammar) -> list[Rule]:
    d = _Dates(say, grammar)
    day = rf"(?P<d>\d{{1,2}}){_TH}?(?:\s?[-–]\s?(?P<to>\d{{1,2}}){_TH}?(?![\w:]))?"
    year = rf"(?P<y>{_YEAR})"
    return [
        (re.compile(r"(?<![\d-])(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)(?:(?P<time>T)(?=\d\d:)|(?![\d-]))"), d.iso),
        (re.compile(r"(?<![\d/])(?P<y>\d{4})/(?P<m>\d\d?)/(?P<d>\d\d?)(?P<time>)(?![\d/])"), d.iso),
        (re.compile(r"(?<![\d/])(?P<a>\d{1,2})/(?P<b>\d{1,2})/(?P<y>\d{4}|\d\d)(?![\d/])"), d.slashed),
        (re.compile(r"(?<![\d-])(?P<a>\d{1,2})-(?P<b>\d{1,2})-(?P<y>(?:19|20)\d\d)(?![\d-])"), d.slashed),
        (re.compile(r"(?<![\d.])(?P<a>\d{1,2})\.(?P<b>\d{1,2})\.(?P<y>(?:19|20)\d\d)(?!\d|\.\d)"), d.dotted),
        (re.compile(rf"(?<=\d)\s?[-–]\s?(?=(?:{_MONTH})\b)"), lambda m: " to "),
        (re.compile(rf"\b(?P<m>{_MONTH}) {day}\b(?![:%])(?:(?P<sep>,? ){year}(?![\d,.]\d)\b)?"), d.named),
        (
            re.compile(
                rf"(?P<the>\b[Tt]he )?(?<![\w.,:]){day}(?P<of> of)? (?P<m>{_MONTH})\b(?:(?P<sep>,? ){year}\b)?"
            ),
            d.day_first,
        ),
        (re.compile(rf"(?<![\w$£€.,-]){year}\s?[-–]\s?(?P<z>{_YEAR})(?![\w%])"), d.years),
        (re.compile(rf"(?<![\w$£€.,-]){year}[-–/](?P<z>\d\d)(?![\w%/-]|[.,]\d)"), d.years),
        (re.compile(r"(?<![\w$£€.,-])(?P<y>(?:19|20)\d\d)-(?P<m>0[1-9]|1[0-2])(?![\w%/-])"), d.month),
        (re.compile(r"\b(?P<of>FY|CY|AY) ?['’]?(?P<y>(?:19|20)?\d\d)(?!\w)"), d.fiscal),
        (re.compile(r"(?<!\w)(?P<century>1[1-9]|20)(?P<ten>\d)0['’]?s\b"), d.decade),
        (re.compile(r"(?<!\w)['’]?(?P<century>)(?P<ten>[2-9])0['’]?s\b"), d.decade),
        (re.compile(r"\bAD(?= \d)|(?<=\d )AD\b"), lambda m: "A.D"),
        (re.compile(r"(?<=\d )(B?CE)\b"), lambda m: ".".join(m[1])),
        (re.compile(r"(?<!\w)['’](?P<y>\d\d)(?![\w'’])"), lambda m: say.pairs(m["y"])),
    ]  # fmt: skip


def years(say: Numbers) -> list[Rule]:
    """Bare years, when no unit has taken the number: 1905, 2008; 1066 only where the words before it say so."""
    end = r"(?![\w%°:/×-])(?![.,]\d)"

    listed = re.compile(r",? (?:and|or|to) (?:1[1-9]|20)\d\d\b")

    def around_1066(m: re.Match[str]) -> str:
        a_year = (
            _follows(m, _BEFORE_YEAR) or m.string[m.start() - 1 : m.start()] == "(" or listed.match(m.string, m.end())
        )
        return say.pairs(m["y"]) if a_year else m[0]

    return [
        (re.compile(rf"(?<!\w)(?P<y>10(?!24)[1-9]\d){end}(?! (?:of|\w+s)\b)"), around_1066),
        (re.compile(rf"(?<![\w$£€.,])(?P<y>1[1-9]\d\d|20\d\d){end}"), lambda m: say.year(int(m["y"]))),
    ]
