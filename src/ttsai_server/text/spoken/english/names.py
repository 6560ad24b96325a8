"""Initialisms, and words that mix letters with digits or cases."""

import re

from ttsai_server.text.spoken.english.web import spell
from ttsai_server.text.spoken.rules import Rule

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


_SMALL = {"AT", "IN", "ON", "TO", "OF", "IS", "AS", "BY", "OR", "IF", "AN", "WE", "HE", "ME", "MY", "SO", "UP", "NO",
          "DO", "GO", "BE"}  # fmt: skip
"""Words that a shouted sentence doesn't make initialisms of."""
_SOUND = re.compile("HM{2,}|SH{2,}|PS{2,}T|[GB]R{2,}|Z{2,}|PF+T|TSK")
"""HMM, SHH"""


def _initialism(m: re.Match[str]) -> str:
    word, plural = m["word"], m["plural"] or ""
    near = m.string[max(0, m.start() - 60) : m.start()] + " " + m.string[m.end() : m.end() + 60]
    shouted = re.search(r"\b[A-Z]{4,}\b", near) is not None
    if word in _WORDS or _SOUND.fullmatch(word):
        return word.lower() + plural
    if shouted and word in _SMALL and not plural:
        return word.lower()
    ending = "'s" if plural else ""
    if (word in _LETTERS and not (shouted and word in {"IT", "US", "WHO", "AM", "LA"})) or not re.search(
        "[AEIOUY]", word
    ):
        return spell(word) + ending
    return spell(word) + ending if plural == "s" else word + plural


def _letters(m: re.Match[str]) -> str:
    """Q1–Q3, A–Z"""
    return f"{m[1]} to " if m[1][0] == m[2] or m[1] + m[2] == "AZ" else m[0]


def rules() -> list[Rule]:
    return [
        (re.compile(r"\b([A-Z])&([A-Z])\b"), lambda m: f"{m[1]} and {m[2]}"),
        (re.compile(r"\b([A-Z])2([A-Z])\b"), lambda m: f"{m[1]} to {m[2]}"),
        (re.compile(r"\b([A-Z]\d{0,3})\s?[-–]\s?(?=([A-Z])\d{0,3}(?!\w))"), _letters),
        (re.compile(r"(?<=[A-Z])-(?=\d)|(?<=\d)-(?=[A-Z]\b)"), lambda m: " "),
        (
            re.compile(
                rf"{_NO_PREFIX}(?<=[a-z])(?=[A-Z][a-z])|(?<=[A-Z]{{2}})(?=[A-Z][a-z]{{2}})|(?<=[a-z]{{2}})(?=[A-Z]{{2,}}\b)"
            ),
            lambda m: " ",
        ),
        (re.compile(r"\b(?P<word>[A-Z]{2,})(?P<plural>['’]?s)?\b(?!\.[A-Z])"), _initialism),
    ]
