"""Numbers in words, by num2words, in the forms that speech needs."""

import re

from num2words import num2words

NUMBER = r"(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|(?<![\d\w])\.\d+)"
"""An unsigned English decimal: 7, 1,234, 3.14, .5"""

_LONGEST = 15
"""Digits; a longer run is a code and is said digit by digit."""


def plural(said: str) -> str:
    """More than one of a number in words: fifties, sixes, tens."""
    return f"{said[:-1]}ies" if said.endswith("y") else f"{said}{'es' if said.endswith('x') else 's'}"


class Numbers:
    """Says English numbers, the British way ("one hundred and five") or the American ("one hundred five")."""

    def __init__(self, british: bool) -> None:
        self.british = british

    def cardinal(self, n: int) -> str:
        return self._words(n, "cardinal")

    def ordinal(self, n: int) -> str:
        return self._words(n, "ordinal")

    def year(self, n: int) -> str:
        """1905 → nineteen oh five; 2008 → two thousand eight; 1000 to 1099 as a plain number."""
        return self._words(n, "cardinal" if 1000 <= n < 1100 else "year")

    def pairs(self, digits: str) -> str:
        """Up to four digits two by two: 747 → seven forty seven, 404 → four oh four, 1600 → sixteen hundred."""
        if len(digits) > 4 or digits.endswith("000"):
            return self.whole(digits)
        if len(digits) > 2:
            return f"{self.whole(digits[:-2])} {self.pairs(digits[-2:])}"
        if digits == "00":
            return "hundred"
        return (
            f"oh {self.cardinal(int(digits))}" if len(digits) == 2 and int(digits) < 10 else self.cardinal(int(digits))
        )

    def fraction(self, over: int, under: int) -> str:
        """3/4 → three quarters; 120/80 → one hundred twenty over eighty"""
        if not 0 < over < under <= 100:
            return f"{self.cardinal(over)} over {self.cardinal(under)}"
        name = {2: "half", 4: "quarter"}.get(under) or self.ordinal(under)
        plural = name if over == 1 else ("halves" if name == "half" else f"{name}s")
        return f"{self.cardinal(over)} {plural}"

    def digits(self, digits: str) -> str:
        """Each digit by its name."""
        return " ".join(self.cardinal(int(d)) for d in digits)

    def groups(self, text: str) -> str:
        """Each group of digits by its digits, with a pause between groups."""
        return ", ".join(self.digits(group) for group in re.findall(r"\d+", text))

    def whole(self, digits: str) -> str:
        """A run of digits: a number, or a code where it starts with 0 or is too long to be one."""
        digits = digits.replace(",", "")
        code = len(digits) > _LONGEST or (len(digits) > 1 and int(digits[0]) == 0)
        return self.digits(digits) if code else self.cardinal(int(digits))

    def number(self, text: str) -> str:
        """What NUMBER matches."""
        whole, _, fraction = text.partition(".")
        parts = [self.whole(whole)] if whole else []
        if fraction:
            parts += ["point", self.digits(fraction)]
        return " ".join(parts)

    def _words(self, n: int, to: str) -> str:
        words = re.sub(r"[-,]", " ", num2words(n, lang="en", to=to))
        words = words if self.british else re.sub(r"\band\b", " ", words)
        return re.sub(r"\s+", " ", words).strip()
