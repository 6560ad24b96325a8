"""The words that a language has for figures and signs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from num2words import num2words


def listed(words: str) -> tuple[str, ...]:
    return tuple(words.split())


Forms = tuple[str, str]
"""One and many: ("euro", "euros")"""


def by_num2words(lang: str, to: str = "cardinal") -> Callable[[int], str]:
    """A number in words, without the hyphens and commas of print."""
    return lambda n: " ".join(num2words(n, lang=lang, to=to).replace("-", " ").replace(",", " ").split())


@dataclass(frozen=True)
class Table:
    """What `Continental` needs to know of a language."""

    cardinal: Callable[[int], str]
    ordinal: Callable[[int], str]
    ordinal_marks: str
    """A pattern of what follows the figures of an ordinal: 1er, 3ª"""
    point: str
    """Between a number and its decimals."""
    minus: str
    to: str
    """Between the ends of a range."""
    of: str
    """Between day, month and year."""
    and_: str
    """Between euros and cents."""
    hour: Callable[[str, str], str]
    """The time of day from the hour and the minutes in words; minutes "" on the hour."""
    months: tuple[str, ...]
    money: Mapping[str, tuple[Forms, Forms]]
    """Sign → the unit and its hundredth."""
    units: Mapping[str, Forms]
    abbreviations: Mapping[str, str]
    signs: Mapping[str, str]
    """Signs by name; those of addresses too: . / - _ @ :"""
    before_noun: Callable[[str], str] = str
    """A number as it stands before a noun: uno → un"""
    english_figures: bool = False
    """Numbers are written 1,234.5 (or 12,34,567.8), not 1.234,5."""
    first_day: str = ""
    """The first of a month, where it is an ordinal."""
    scales: Mapping[str, Forms] = field(default_factory=dict[str, Forms])
    """million and more: they stand between a sum and its currency."""
