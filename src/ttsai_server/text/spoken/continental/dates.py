"""Dates, days, decades and times of day."""

import re

from ttsai_server.text.spoken.continental.numbers import Numbers, any_of
from ttsai_server.text.spoken.continental.table import Table
from ttsai_server.text.spoken.rules import Rule

_CLOCK = r"(?:[01]?\d|2[0-4])(?::[0-5]\d(?::[0-5]\d)?(?!\d)|\s?h\s?[0-5]\d(?!\d)|\s?h\b)"
_HALF = r"(?P<half>[AaPp])\.?\s?[Mm](?:\.|\b)(?!\w)"


class _Dates:
    def __init__(self, words: Table, say: Numbers) -> None:
        self._t = words
        self._say = say
        self._short_months = dict(zip(words.short_months, words.months, strict=False))
        self._named = {name.lower(): name for name in (*words.days, *words.months)}
        self._named |= dict(zip(words.short_days, words.days, strict=False)) | self._short_months

    def date(self, m: re.Match[str]) -> str:
        """15/01/2024, 15.1.24, 2024-01-15"""
        groups = m.groupdict()
        if not (1 <= int(m["d"]) <= 31 and 1 <= int(m["m"]) <= 12):
            return m[0]
        said = [self._day(m["d"]), self._t.of, self._t.months[int(m["m"]) - 1]]
        if year := groups.get("y"):
            full = year if len(year) == 4 else f"{'19' if year >= '50' else '20'}{year}"
            said += [self._t.of, self._say.whole(full)]
        return (groups.get("lead") or "") + " ".join(filter(None, said)) + (" " if groups.get("t") else "")

    def _day(self, day: str) -> str:
        return self._t.first_day if int(day) == 1 and self._t.first_day else self._t.cardinal(int(day))

    def short_month(self, m: re.Match[str]) -> str:
        """15 ene. 2024, 3-mai-2024; what follows is left to the other rules"""
        day = self._day(m["d"]) if 1 <= int(m["d"]) <= 31 else m["d"]
        said = [day, self._t.of, self._short_months[m["m"].lower()], *([self._t.of, m["y"]] if m["y"] else [])]
        return " ".join(filter(None, said))

    def first(self, m: re.Match[str]) -> str:
        return f"{self._t.first_day} "

    def span(self, m: re.Match[str]) -> str:
        """lun-ven, enero-marzo"""
        return f"{self._named[m['a'].lower()]} {self._t.to} {self._named[m['z'].lower()]}"

    def days(self) -> re.Pattern[str]:
        name = any_of(self._named)
        return re.compile(rf"(?i)(?<![\w-])(?P<a>{name})\.?\s?[-–]\s?(?P<z>{name})\b(?!-)")

    def time(self, m: re.Match[str]) -> str:
        hour, minute, groups = int(m["h"]), int(m["min"]), m.groupdict()
        said, half = self._t.hour(hour, minute), self._half(hour, groups.get("half"))
        if seconds := int(groups.get("s") or 0):
            said += (
                f" {self._t.and_} {self._say.counted(str(seconds), self._say.form(self._t.units['s'], str(seconds)))}"
            )
        return (groups.get("lead") or "") + said + half + _stop(m)

    def hour(self, m: re.Match[str]) -> str:
        """8 p. m."""
        return self._t.hour(int(m["h"]), 0) + self._half(int(m["h"]), m["half"]) + _stop(m)

    def _half(self, hour: int, written: str | None) -> str:
        if not written:
            return ""
        morning, afternoon, night = self._t.halves_of_day
        late = afternoon if hour < 8 or hour == 12 else night
        return f" {late if written in 'Pp' else morning}"


def _stop(m: re.Match[str]) -> str:
    """The full stop of an abbreviation that ends the sentence too."""
    return "." if m[0].endswith(".") and ends_sentence(m) else ""


def ends_sentence(m: re.Match[str]) -> bool:
    """Whether a capital letter or nothing follows."""
    return bool(re.compile(r"\s*$|\s+[¡¿\"“«(]{0,2}[A-ZÀ-Þ]").match(m.string, m.end()))


def rules(words: Table, say: Numbers) -> list[Rule]:
    d = _Dates(words, say)
    day, month, year = r"(?P<d>\d\d?)", r"(?P<m>\d\d?)", r"(?P<y>(?:1\d|20)\d\d|\d\d)"
    after = rf"(?:\s?{_HALF}|\s?h(?:r?s)?(?!\w))?"
    hour, minute = r"(?P<h>[01]?\d|2[0-4])", r"(?P<min>[0-5]\d)"
    of, short = words.of or "(?!)", any_of(words.short_months)
    lead = rf"(?i:(?<!\w)(?P<lead>(?:{words.day_lead}) ?))"
    ends = r"(?![\w/-]|[.,]\d)"
    return [
        (re.compile(rf"(?<![\w-])(?P<y>\d{{4}})-(?P<m>\d\d)-(?P<d>\d\d)(?:(?P<t>T)(?=\d\d:)|{ends})"), d.date),
        (re.compile(r"(?<=\d:\d\d)(?:\.\d+)?(?:Z\b|\+00:?00\b)"), lambda m: ""),
        (re.compile(rf"(?<![\w/.,-]){day}([/.-]){month}\2{year}{ends}"), d.date),
        (re.compile(rf"{lead}{day}/{month}(?!\d|[/.,]\d| d['’eoiu])"), d.date),
        (re.compile(rf"(?<![\w/.,]){day}/(?P<m>0[1-9]){ends}"), d.date),
        (
            re.compile(
                rf"(?i)(?<![\w.,/-]){day}(?:(?P<sep>[-/])| (?:{of} )?)(?P<m>{short})"
                rf"(?:\.(?: (?:{of} )?(?P<y>\d{{4}}))?|(?(sep)(?=\b)|(?!)))"
            ),
            d.short_month,
        ),
        *(
            [(re.compile(rf"(?i)(?<![\w.,])1 (?=(?:de )?(?:{any_of(words.months)})\b)"), d.first)]
            if words.first_day
            else []
        ),
        (re.compile(rf"(?i)\b({words.decade_lead})( ?)['’]?((?:\d\d)?\d0)['’]?s?\b(?![.,]\d)"), _decade),
        (re.compile(r"(?<!\w)['’](?=\d{2,3}(?!\d))"), lambda m: ""),
        (re.compile(r"(?<![\w:.,])(\d\d?)\s?h\s?(\d\d?)\s?min\b"), lambda m: f"{m[1]} h {m[2]} min"),
        (re.compile(rf"(?<![\w:.,])({_CLOCK})\s?[-–]\s?(?={_CLOCK})"), lambda m: f"{m[1]} {words.to} "),
        (re.compile(rf"(?<![\w:.,]){hour}:{minute}(?::(?P<s>[0-5]\d))?{after}(?![\w:])"), d.time),
        (re.compile(rf"(?<![\w:.,]){hour}\s?[hH]\s?{minute}(?!\s?min|\w)"), d.time),
        (re.compile(rf"(?i:\b(?P<lead>(?:{words.hour_lead}) )){hour}\.{minute}(?![\w:]|[.,]\d)"), d.time),
        (re.compile(rf"(?<![\w:.,])(?P<h>1[0-2]|[1-9])\s?{_HALF}"), d.hour),
    ]  # fmt: skip


def spans(words: Table, say: Numbers) -> list[Rule]:
    """Ranges of days and months."""
    d = _Dates(words, say)
    return [(d.days(), d.span)] if words.days else []


def _decade(m: re.Match[str]) -> str:
    return f"{m[1]} {m[3]}"
