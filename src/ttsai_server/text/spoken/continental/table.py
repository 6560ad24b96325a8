"""What the rules need to know of a language: its words for figures and signs, and how its numbers agree with nouns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from num2words import num2words

from ttsai_server.text.spoken.continental.characters import fold
from ttsai_server.text.spoken.rules import Rule

Forms = tuple[str, str]
"""One and many: ("euro", "euros")"""


def listed(words: str) -> tuple[str, ...]:
    return tuple(words.split())


def named(rows: str) -> dict[str, str]:
    """Lines or semicolons "sign = name" as a table; the signs as they are in a folded text."""
    pairs = (row.split("=", 1) for row in rows.replace(";", "\n").splitlines() if row.strip())
    return {fold(sign).strip(): name.strip() for sign, name in pairs}


def counted(rows: str) -> dict[str, Forms]:
    """Lines or semicolons "signs = one, many": signs are separated by blanks, `many` may be left out where it is `one`.

    A sign with ² or ³, which are folded to ^2 and ^3, stands for its plain spelling too: m2.
    """
    table: dict[str, Forms] = {}
    for signs, names in named(rows).items():
        one, _, many = names.partition(",")
        forms = one.strip(), (many or one).strip()
        for sign in signs.split():
            table |= {sign: forms, sign.replace("^", ""): forms}
    return table


def by_num2words(lang: str, to: str = "cardinal") -> Callable[[int], str]:
    """A number in words, without the hyphens and commas of print; num2words takes up to a millisecond for one."""

    @lru_cache(4096)
    def say(n: int) -> str:
        return " ".join(num2words(n, lang=lang, to=to).replace("-", " ").replace(",", " ").split())

    return say


def feminine_ordinal(said: str) -> str:
    """vigésimo primero → vigésima primera"""
    return " ".join(f"{word[:-1]}a" if word.endswith("o") else word for word in said.split())


def as_written(number: str, noun: str) -> str:
    """A number that doesn't agree with its noun."""
    return number


@dataclass(frozen=True)
class Agreement:
    """How a number goes with the noun that follows it."""

    feminine: Callable[[str], bool]
    """Whether a noun, in small letters, is feminine."""
    before: Callable[[str, bool, str], str]
    """A number in words as it stands before a noun: (words, whether the noun is feminine, the noun)."""
    plural: str
    """A pattern of nouns that may follow a number over one."""
    singular: str
    """A pattern of nouns that may follow a one."""
    she: frozenset[str] = frozenset()
    """What before a number shows that feminine things are counted: las"""
    he: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Roman:
    """How Roman numerals are said."""

    labels: frozenset[str]
    """What a numeral follows and numbers, in small letters: siglo, capítulo"""
    after_label: Callable[[int, str], str]
    after_name: Callable[[int, str], str]
    """Of kings and popes: Carlos V"""
    marks: str = r"\.?[ºª°]"
    """A pattern of what makes a numeral an ordinal: XIXe"""
    before_noun: bool = True
    """XX Congreso is the twentieth."""
    words_too: frozenset[str] = frozenset()
    """Numerals that are words of the language too."""


@dataclass(frozen=True)
class Table:
    """What `Continental` needs to know of a language."""

    cardinal: Callable[[int], str]
    ordinal: Callable[[int], str]
    """Masculine."""
    ordinal_marks: str
    """A pattern of what follows the figures of an ordinal besides º and ª: 1er, 3e"""
    point: str
    """Between a number and its decimals."""
    minus: str
    to: str
    """Between the ends of a range."""
    of: str
    """Between day, month and year."""
    and_: str
    """Between euros and cents."""
    hour: Callable[[int, int], str]
    """The time of day."""
    months: tuple[str, ...]
    money: Mapping[str, tuple[Forms, Forms]]
    """Sign or code → the unit and its hundredth."""
    units: Mapping[str, Forms]
    abbreviations: Mapping[str, str]
    """Never the end of a sentence by their full stop."""
    signs: Mapping[str, str]
    """Signs by name; those of addresses too: . / - _ @ :"""
    closing: Mapping[str, str] = field(default_factory=dict[str, str])
    """Abbreviations whose full stop may end the sentence too: etc."""
    before_capital: Mapping[str, str] = field(default_factory=dict[str, str])
    """Abbreviations only before a name: St Paul"""
    before_figure: Mapping[str, str] = field(default_factory=dict[str, str])
    """Abbreviations only before a number: p. 12"""
    special: tuple[Rule, ...] = ()
    """Rules of this language alone; they go first."""
    agreement: Agreement | None = None
    roman: Roman | None = None
    particles: frozenset[str] = frozenset()
    """Words in small letters that are no nouns, though they follow a number: 21 es, 3 de"""
    feminine_marks: str = "ª|a"
    feminine_ordinal: Callable[[str], str] = feminine_ordinal
    ordinal_before_noun: Callable[[str], str] = str
    """A masculine ordinal before its noun: tercero → tercer"""
    short_months: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    """From Monday, as they are in a range."""
    short_days: tuple[str, ...] = ()
    day_lead: str = "(?!)"
    """A pattern of what stands before a date without a year: el 3/5"""
    hour_lead: str = "(?!)"
    """A pattern of what stands before a time with a point: alle 10.30"""
    decade_lead: str = "(?!)"
    """A pattern of what stands before a decade: los 80s"""
    halves_of_day: tuple[str, str, str] = ("", "", "")
    """After an hour: in the morning, in the afternoon, at night."""
    half: tuple[str, str, str] = ("", "", "")
    """1/2: alone, before a masculine noun, before a feminine one."""
    and_half: tuple[str, str] = ("", "")
    """The half of 2 1/2: masculine, feminine."""
    with_part: str = ""
    """Between a whole number and its fraction."""
    parts: Mapping[int, Forms] = field(default_factory=dict[int, Forms])
    """Names of fractions by the number below the line, one and many."""
    part_of: str = ""
    """Between a fraction and a noun: 3/4 de litro"""
    over: str = "/"
    """Between the numbers of a fraction without a name."""
    powers: tuple[str, str, str] = ("", "", "")
    """Squared, cubed, to the power of."""
    per: str = ""
    """60 €/persona"""
    number: str = ""
    """#1, n.º 1"""
    version: str = ""
    phone: str = "(?!)"
    """A pattern of telephone numbers that are known by their form."""
    phone_lead: str = "(?!)"
    """A pattern of what announces a telephone number."""
    phone_pairs: bool = False
    """Two digits are said as one number."""
    english_figures: bool = False
    """Numbers are written 1,234.5 (or 12,34,567.8), not 1.234,5."""
    decimals_by_digit: bool = False
    is_one: Callable[[float], bool] = lambda n: n == 1
    """Whether a unit is in the singular after the number."""
    first_day: str = ""
    """The first of a month, where it is an ordinal."""
    scales: Mapping[str, Forms] = field(default_factory=dict[str, Forms])
    """million and more, as written → as said: they stand between a sum and its currency."""
    scale_link: Callable[[str], str] = str
    """A currency as it stands after a scale: (millions) d'euros"""
    thousands: frozenset[str] = frozenset({"mil", "k", "K"})
    """The scales that need no `scale_link`."""
