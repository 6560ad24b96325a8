"""Signs by their names; emoji and marks of layout are silent."""

import re
import unicodedata

from ttsai_server.text.spoken.rules import Rule, table

NAMES = {
    "&": "and", "@": "at", "+": "plus", "=": "equals", "%": "percent", "×": "times", "÷": "divided by",
    "±": "plus or minus", "≤": "less than or equal to", "≥": "greater than or equal to", "≠": "not equal to",
    "≈": "approximately", "<": "less than", ">": "greater than", "§": "section", "°": "degrees", "©": "copyright",
    "#": "hash", "∞": "infinity", "√": "square root of", "π": "pi", "µ": "micro", "→": "to", "⇒": "implies",
    "$": "dollars", "£": "pounds", "€": "euros", "¥": "yen", "\\": "backslash", "∑": "sum", "∆": "delta", "Ω": "ohms",
    "!=": "not equal to", "==": "equals", "<=": "less than or equal to", ">=": "greater than or equal to",
    "->": "to", "=>": "to", "&&": "and", "||": "or", "++": "plus plus", "+=": "plus equals",
}  # fmt: skip
_KEPT = ";:,.!?—…\"“”()'’-"
"""The punctuation that is heard, and what joins words."""


_STOPS = str.maketrans({"।": ".", "॥": ".", "。": ". ", "、": ", ", "№": "No. "})


def fold(text: str) -> str:
    """One form for each character: full-width to plain, ½ to 1/2, ² to ^2, every kind of space to one."""
    text = text.translate(_STOPS)
    text = re.sub("[™®\u200b-\u200f\u2060\ufeff]", "", text)
    text = re.sub("[½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞]", lambda m: " " + unicodedata.normalize("NFKC", m[0]).replace("⁄", "/"), text)
    text = re.sub("[⁻]?[⁰¹²³⁴-⁹]+", lambda m: "^" + unicodedata.normalize("NFKC", m[0]).replace("−", "-"), text)
    text = unicodedata.normalize("NFKC", text.replace("…", "\0")).replace("\0", "…")
    return re.sub(r"[^\S\n]+", " ", re.sub(r"\s*\n\s*", "\n", text))


def _unheard(m: re.Match[str]) -> str:
    """A space, but for the vowel signs of Indic scripts and other marks, which are part of a word."""
    return m[0] if unicodedata.category(m[0][0]).startswith("M") else " "


def rules() -> list[Rule]:
    named, say = table(NAMES, before="", after="")
    return [
        (re.compile(r"(?<=\w)/(?=or\b)"), lambda m: " "),
        (
            re.compile(r"(?<=[^\W\d])/(?=(?:year|month|week|day|hour|minute|second|person|user|yr|hr|night)\b)"),
            lambda m: " per ",
        ),
        (re.compile(r"(?<=\w)\s?/\s?(?=\w)"), lambda m: " slash "),
        (re.compile(r"(?<=[a-z\d]) \* (?=[a-z\d])"), lambda m: " times "),
        (named, lambda m: f" {say(m)} "),
        (re.compile(r"(?<=\w)[\[{](?=\w)"), lambda m: ", "),
        *silence(),
    ]


def silence() -> list[Rule]:
    """What is left is words and the punctuation that is heard."""
    return [
        (re.compile(r"(?:(?<=\s)|^)[-–]+(?=\s|$)|[–―]|--+"), lambda m: " — "),
        (re.compile(rf"[^\w\s{re.escape(_KEPT)}]|_"), _unheard),
        (re.compile(r"\.{2,}"), lambda m: "…"),
        (re.compile(r"\s+"), lambda m: " "),
        (re.compile(r" (?=[,.;:!?…])"), lambda m: ""),
    ]
