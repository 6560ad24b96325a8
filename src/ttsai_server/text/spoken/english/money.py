"""Sums of money."""

import re

from ttsai_server.text.spoken.numbers import NUMBER, Numbers
from ttsai_server.text.spoken.rules import Rule

_SIGNS = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
    "¥": ("yen", "yen", "sen", "sen"),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "₩": ("won", "won", "jeon", "jeon"),
    "₽": ("ruble", "rubles", "kopeck", "kopecks"),
    "₿": ("bitcoin", "bitcoins", "satoshi", "satoshis"),
    "₺": ("lira", "lira", "kurush", "kurush"),
    "₴": ("hryvnia", "hryvnias", "kopeck", "kopecks"),
    "₫": ("dong", "dong", "hao", "hao"),
    "₪": ("shekel", "shekels", "agora", "agorot"),
    "฿": ("baht", "baht", "satang", "satang"),
    "¢": ("cent", "cents", "", ""),
}
_SCALES = {
    "k": "thousand", "m": "million", "mn": "million", "mio": "million", "bn": "billion", "b": "billion",
    "tn": "trillion", "t": "trillion", "thousand": "thousand", "hundred": "hundred", "million": "million",
    "billion": "billion", "trillion": "trillion",
}  # fmt: skip
_CODES = "USD|EUR|GBP|JPY|CHF|CAD|AUD|INR|CNY|BRL|MXN|KRW|SEK|NOK|DKK|PLN|NZD|BTC|ETH"
_SIGN = f"[{''.join(_SIGNS)}]"
_SCALE = rf"(?:\s?(?P<scale>{'|'.join(sorted(_SCALES, key=len, reverse=True))})\b)?"
_NOUN = r"(?P<noun>[ -](?:deal|bill|fine|fee|loan|budget|investment|prize|note|ticket|fund|contract|grant|bonus)\b)?"


class _Money:
    def __init__(self, say: Numbers) -> None:
        self.say = say

    def sum(self, m: re.Match[str]) -> str:
        """$1,234.56 → one thousand two hundred thirty four dollars and fifty six cents"""
        one, many, cent, cents = _SIGNS[m["sign"]]
        minus = "minus " if m["minus"] else ""
        scale = m["scale"].lower() if m["scale"] else ""
        if scale or m["to"] or m["noun"] or not re.fullmatch(r"[\d,]*\.\d\d", m["n"]):
            unit = one if (m["noun"] or m["n"] == "1") and not m["to"] else many
            return f"{minus}{self._amount(m, scale)} {unit}{m['noun'] or ''}"
        whole, _, part = m["n"].partition(".")
        whole = whole.replace(",", "") or "0"
        said = [f"{self.say.whole(whole)} {one if int(whole) == 1 else many}"] if int(whole) or not int(part) else []
        if int(part):
            said.append(f"{self.say.cardinal(int(part))} {cent if int(part) == 1 else cents}")
        return minus + " and ".join(said)

    def _amount(self, m: re.Match[str], scale: str) -> str:
        said = self.say.number(m["n"]) + (f" to {self.say.number(m['to'])}" if m["to"] else "")
        return f"{said} {_SCALES[scale]}" if scale else said

    def coded(self, m: re.Match[str]) -> str:
        """50 USD → fifty U.S dollars; the other codes are spelled."""
        name = {"USD": "U.S dollars", "EUR": "euros", "GBP": "pounds", "JPY": "yen", "INR": "rupees"}
        code = m["code"]
        return f"{self._amount(m, (m['scale'] or '').lower())} {name.get(code) or '.'.join(code)}"


def rules(say: Numbers) -> list[Rule]:
    money = _Money(say)
    amount = rf"(?P<n>{NUMBER})(?:\s?[-–]\s?{_SIGN}?(?P<to>{NUMBER}))?"
    minus = r"(?P<minus>(?<![\w\d])[-−]\s?)?"
    return [
        (re.compile(rf"(?i){minus}(?:\b(?:US|A|C|NZ|HK|R))?(?P<sign>{_SIGN})\s?{amount}{_SCALE}{_NOUN}"), money.sum),
        (re.compile(rf"(?i){minus}(?<![\w.,]){amount}{_SCALE}\s?(?P<sign>{_SIGN})(?P<noun>)"), money.sum),
        (re.compile(rf"(?<![\w.,]){amount}{_SCALE}\s?(?P<code>{_CODES})\b"), money.coded),
        (re.compile(rf"\b(?P<code>{_CODES})\s?{amount}{_SCALE}"), money.coded),
    ]
