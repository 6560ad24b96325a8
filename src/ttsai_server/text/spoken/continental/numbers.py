"""Numbers as they are written, 1.234,5 or 1 234,5 (in Hindi 1,234.5), and in words that agree with their noun."""

import re
from collections.abc import Iterable

from ttsai_server.text.spoken.continental.table import Forms, Table

_GROUPS = r"(?:(?:\.\d{3})+|(?: \d{3})+|(?:['’]\d{3})+)(?!\d)(?:,\d+)?"
_ENGLISH = r"(?:(?:,\d{3})+\.\d+|(?:,\d{3}){2,})(?!\d)"
"""1,234.56 and 1,234,567 can be read in one way only."""
_FIGURES = rf"(?:\d{{1,3}}(?:{_GROUPS}|{_ENGLISH})|\d+(?:[.,]\d+)?)"
_INDIAN_FIGURES = r"(?:\d{1,3}(?:,\d{2,3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?)"
"""A point before other than three digits is a decimal point."""
_LONGEST = 15
"""Digits; a longer run is a code and is said digit by digit."""
_DECIMALS = 3
"""More decimals than these are said digit by digit."""
_BEFORE = re.compile(r"([^\W\d_]+)['’ ]$")
_AFTER = re.compile(r"(?P<or> (?:a|e|o|ou|u|y) \d[\d.]*)?(?: (?:mil )?(?P<noun>[^\W\d_]+))")
"""What is counted: 200 personas, 200 mil personas, 200 o 300 personas"""


class Numbers:
    """Says the numbers of one language."""

    def __init__(self, words: Table) -> None:
        self._t = words
        self.figures = _INDIAN_FIGURES if words.english_figures else _FIGURES
        self._unit = re.compile(rf" ?({any_of(words.units)})(?![\w/])")

    def digits(self, digits: str) -> str:
        return " ".join(self._t.cardinal(int(digit)) for digit in digits)

    def whole(self, digits: str) -> str:
        """A run of digits: a number, or a code where it starts with 0 or is too long to be one."""
        code = len(digits) > _LONGEST or (len(digits) > 1 and digits[0] == "0")
        return self.digits(digits) if code else self._t.cardinal(int(digits))

    def number(self, written: str) -> str:
        """What `figures` matches."""
        whole, part = self.parts(written)
        return " ".join([self.whole(whole), self._t.point, self._decimals(part)]) if part else self.whole(whole)

    def parts(self, written: str) -> tuple[str, str]:
        """1.234,5 → 1234 and 5; 3.14 → 3 and 14; 7 → 7 and nothing"""
        written = re.sub("[ '’]", "", written)
        if self._t.english_figures or re.fullmatch(rf"\d{{1,3}}{_ENGLISH}", written):
            whole, _, part = written.replace(",", "").partition(".")
            return whole, part
        if re.fullmatch(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?", written):
            written = written.replace(".", "")
        whole, _, part = written.replace(".", ",").partition(",")
        return whole, part

    def value(self, written: str) -> float:
        whole, part = self.parts(written)
        return float(f"{whole}.{part}")

    def form(self, forms: Forms, written: str) -> str:
        return forms[0] if self._t.is_one(self.value(written)) else forms[1]

    def counted(self, written: str, noun: str) -> str:
        """The number and the noun, which is in its right form already: 21 libras → veintiuna libras"""
        whole, part = self.parts(written)
        millions = len(whole) > 6 and whole.endswith("000000") and not int(part or 0)
        return joined(self.agreed(written, noun), self._t.scale_link(noun) if millions else noun)

    def in_place(self, written: str, text: str, start: int, end: int) -> str:
        """The number that is text[start:end], or that another one at its end continues, before what is counted."""
        if unit := self._unit.match(text, end):
            return self.agreed(written, self.form(self._t.units[unit[1]], written))
        if noun := self.noun(written, text, start, end):
            return self.agreed(written, noun, self._shown_gender(text, start))
        return self.agreed(written, "", True) if self._shown_gender(text, start) else self.number(written)

    def noun(self, written: str, text: str, start: int, end: int) -> str:
        """The noun after a number, in small letters, else nothing."""
        agreement, after = self._t.agreement, _AFTER.match(text, end)
        if not agreement or not after:
            return ""
        word, before = after["noun"].lower(), _word_before(text, start)
        if word in self._t.particles:
            return ""
        if written != "1" or after["or"]:
            return word if re.search(agreement.plural, word) else ""
        labels = self._t.roman.labels if self._t.roman else ()
        numbers_it = before.lower() in labels or before.lower() in agreement.he or _is_name(before, text, start)
        return word if not numbers_it and re.search(agreement.singular, word) else ""

    def _shown_gender(self, text: str, start: int) -> bool | None:
        """Whether an article before the number is feminine."""
        before = _word_before(text, start).lower()
        agreement = self._t.agreement
        if not agreement or before not in agreement.she | agreement.he:
            return None
        return before in agreement.she

    def agreed(self, written: str, noun: str, feminine: bool | None = None) -> str:
        """The number as it stands before the noun, whose gender may be known otherwise."""
        said, agreement = self.number(written), self._t.agreement
        if not agreement or self.parts(written)[1]:
            return said
        return agreement.before(said, agreement.feminine(noun) if feminine is None else feminine, noun)

    def _decimals(self, part: str) -> str:
        if self._t.decimals_by_digit or len(part) > _DECIMALS:
            return self.digits(part)
        bare = part.lstrip("0")
        return " ".join([*[self._t.cardinal(0)] * (len(part) - len(bare)), *([self.whole(bare)] if bare else [])])


def any_of(keys: Iterable[str]) -> str:
    """A pattern of the keys, the longest first; of none it matches nothing."""
    return "|".join(map(re.escape, sorted(keys, key=len, reverse=True))) or "(?!)"


def joined(number: str, noun: str) -> str:
    return f"{number}{noun}" if number.endswith("'") else f"{number} {noun}"


def _word_before(text: str, start: int) -> str:
    before = _BEFORE.search(text[max(0, start - 30) : start])
    return before[1] if before else ""


def _is_name(word: str, text: str, start: int) -> bool:
    """Whether a number after the word belongs to it: Fórmula 1; not at the start of a sentence: Tengo 1"""
    at = start - len(word) - 1
    return word[:1].isupper() and bool(re.search(r"[\w,;] $", text[max(0, at - 2) : at]))
