"""Roman numerals, initialisms, and words that mix letters with digits or cases."""

import re

from ttsai_server.text.spoken.english.web import spell
from ttsai_server.text.spoken.numbers import Numbers
from ttsai_server.text.spoken.rules import Rule

_COUNTED = (
    "chapter|part|volume|vol|act|scene|section|phase|type|war|book|title|appendix|bowl|grade|stage|class|level|article"
    "|figure|table|unit|episode|season|version|mark|group|division|round|lesson|step|rocky|final fantasy"
)
_RULERS = (
    "Henry|Louis|Charles|Elizabeth|George|Edward|Richard|James|William|Napoleon|Paul|Pius|Leo|Francis|Nicholas|Alexander"
    "|Catherine|Frederick|Philip|Ivan|Peter|Mary|Ramses|Gregory|Innocent|Clement|Otto|Wilhelm|Ferdinand|Alfonso|Carlos"
    "|Carl|Gustav|Christian|Harald|Haakon|Malcolm|Robert|Constantine|Ptolemy|Cleopatra|Urban|Xerxes|Darius|Thutmose"
    "|Benedict|Albert|Juan|Umberto|Victor|Emmanuel|Leopold|Baldwin|Boniface|Sixtus|Julius|Felipe|Joseph|Francis"
)
_ROMAN = r"(?=[IVXL]+\b)(?:L?X{0,3}|XL)(?:IX|IV|V?I{0,3})"
_NO_PREFIX = r"(?<!\bMc)(?<!\bMac)(?<!\bDe)(?<!\bDi)(?<!\bLe)(?<!\bLa)(?<!\bVan)(?<!\bFitz)"
"""McDonald and LeBron are one word."""
_WORDS = {
    "NASA", "NATO", "UNESCO", "UNICEF", "OPEC", "FIFA", "NAFTA", "SWAT", "RAM", "ROM", "GIF", "LAN", "WAN", "PIN",
    "SIM", "RADAR", "SONAR", "NASDAQ", "POTUS", "ASCII", "LASER", "SCUBA", "AIDS", "SARS", "MERS", "COVID", "CAPTCHA",
    "BIOS", "CAD", "TED", "DARPA", "FEMA", "OSHA", "YOLO", "ASAP", "BASIC", "COBOL", "NAND", "SAT", "LIDAR", "ANOVA",
}  # fmt: skip
"""Initialisms that are said as words."""
_LETTERS = {"US", "UK", "EU", "UN", "IT", "AI", "TV", "PC", "HR", "PR", "ID", "OK", "LA", "WHO", "AM", "PM", "IP", "IQ",
            "OS", "UI", "UX", "VR", "AR", "ML", "CEO", "CFO", "CTO", "API", "DIY", "FAQ", "ATM", "URL", "USA", "EPA",
            "ACE", "IDE", "IRA", "AMA", "APP", "BIO", "ETA", "ISP", "MRI", "NBA", "CAT", "PHP", "ISO"}  # fmt: skip
"""Initialisms that are spelled though they could be read as words."""


def roman(numeral: str) -> int:
    """XIV → 14"""
    values = [{"I": 1, "V": 5, "X": 10, "L": 50}[c] for c in numeral]
    return sum(-v if v < after else v for v, after in zip(values, [*values[1:], 0], strict=True))


def _initialism(m: re.Match[str]) -> str:
    word, plural = m["word"], m["plural"] or ""
    near = m.string[max(0, m.start() - 60) : m.start()] + " " + m.string[m.end() : m.end() + 60]
    shouted = re.search(r"\b[A-Z]{4,}\b", near) is not None
    if word in _WORDS:
        return word.lower() + plural
    ending = "'s" if plural else ""
    if (word in _LETTERS and not (shouted and word in {"IT", "US", "WHO", "AM", "LA"})) or not re.search(
        "[AEIOUY]", word
    ):
        return spell(word) + ending
    return spell(word) + ending if plural else word


def rules(say: Numbers) -> list[Rule]:
    def counted(m: re.Match[str]) -> str:
        return f"{m[1]} {say.cardinal(roman(m[2]))}"

    def ruler(m: re.Match[str]) -> str:
        return f"{m[1]} the {say.ordinal(roman(m[2]))}"

    return [
        (re.compile(rf"(?i:\b({_COUNTED})) ({_ROMAN})\b(?!['’])"), counted),
        (re.compile(rf"\b({_RULERS}) (?!I (?:am|was|have|think|will|would|had|do)\b)({_ROMAN})\b(?!['’])"), ruler),
        (re.compile(r"\b([A-Z][a-z]+) ((?:I{2,3}|IV|VI{1,3}|IX|XI{1,3}|XIV|XV))\b(?!['’])"), counted),
        (re.compile(r"\b([A-Z])&([A-Z])\b"), lambda m: f"{m[1]} and {m[2]}"),
        (re.compile(r"\b([A-Z])2([A-Z])\b"), lambda m: f"{m[1]} to {m[2]}"),
        (re.compile(r"(?<=[A-Z])-(?=\d)|(?<=\d)-(?=[A-Z]\b)"), lambda m: " "),
        (
            re.compile(
                rf"{_NO_PREFIX}(?<=[a-z])(?=[A-Z][a-z])|(?<=[A-Z]{{2}})(?=[A-Z][a-z]{{2}})|(?<=[a-z]{{2}})(?=[A-Z]{{2,}}\b)"
            ),
            lambda m: " ",
        ),
        (re.compile(r"\b(?P<word>[A-Z]{2,})(?P<plural>['’]?s)?\b(?!\.[A-Z])"), _initialism),
    ]
