"""Sums of money."""

import re

from ttsai_server.text.spoken.english.units import per_names
from ttsai_server.text.spoken.numbers import NUMBER, Numbers
from ttsai_server.text.spoken.rules import Rule, any_of

SIGNS = {
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
SCALES = {
    "k": "thousand", "m": "million", "mn": "million", "mio": "million", "bn": "billion", "b": "billion",
    "tn": "trillion", "t": "trillion", "thousand": "thousand", "hundred": "hundred", "million": "million",
    "billion": "billion", "trillion": "trillion", "mm": "million",
}  # fmt: skip
CODES = {
    "USD": "U.S dollars", "EUR": "euros", "GBP": "pounds", "JPY": "yen", "INR": "rupees", "CHF": "Swiss francs",
    "CAD": "Canadian dollars", "AUD": "Australian dollars", "NZD": "New Zealand dollars", "CNY": "yuan",
    "RMB": "R.M.B", "BRL": "reais", "MXN": "Mexican pesos", "KRW": "won", "SEK": "Swedish kronor",
    "NOK": "Norwegian kroner", "DKK": "Danish kroner", "PLN": "zloty", "CZK": "Czech crowns", "HUF": "forints",
    "TRY": "Turkish lira", "ZAR": "rand", "ILS": "shekels", "SGD": "Singapore dollars", "HKD": "Hong Kong dollars",
    "THB": "baht", "BTC": "bitcoin", "ETH": "ether",
}  # fmt: skip
_COUNTRIES = {"c": "Canadian ", "ca": "Canadian ", "a": "Australian ", "au": "Australian ", "nz": "New Zealand ",
              "hk": "Hong Kong ", "s": "Singapore "}  # fmt: skip
"""Whose dollar it is: C$20. R$ and US$ are heard without."""
_SIGN = f"[{''.join(SIGNS)}]"
_SCALE = rf"(?:\s?(?P<scale>{'|'.join(sorted(SCALES, key=len, reverse=True))})\b(?<!\s[A-Za-z](?=-)))?"
_SCALE_2 = _SCALE.replace("<scale>", "<scale_2>")
_NOUN = r"(?P<noun>[ -](?:deal|bill|fine|fee|loan|budget|investment|prize|note|ticket|fund|contract|grant|bonus)s?\b)?"


class _Money:
    def __init__(self, say: Numbers) -> None:
        self.say, self.per = say, per_names(say.british)

    def _per(self, m: re.Match[str]) -> str:
        """$3/lb is by the pound."""
        power = {"2": "square ", "3": "cubic "}.get(m["power"] or "", "")
        return f" per {power}{self.per[m['per']]}" if m["per"] else ""

    def sum(self, m: re.Match[str]) -> str:
        """$1,234.56 → one thousand two hundred thirty four dollars and fifty six cents"""
        one, many, cent, cents = SIGNS[m["sign"]]
        country = _COUNTRIES.get((m["country"] or "").lower(), "")
        minus = "minus " if m["minus"] else ""
        if m["scale"] or m["to"] or m["noun"] or not re.fullmatch(r"[\d,]*\.\d\d", m["n"]) or not cent:
            single = m["noun"] or m["a"] or (m["n"] == "1" and not (m["to"] or m["scale"]))
            unit = one if single and not m["to"] else many
            return f"{m['a'] or ''}{minus}{self._amount(m)} {country}{unit}{m['noun'] or ''}{self._per(m)}"
        return (
            (m["a"] or "")
            + minus
            + self._with_cents(m["n"], f"{country}{one}", f"{country}{many}", cent, cents)
            + self._per(m)
        )

    def _with_cents(self, n: str, one: str, many: str, cent: str, cents: str) -> str:
        whole, _, part = n.partition(".")
        whole = whole.replace(",", "") or "0"
        said = [f"{self.say.whole(whole)} {one if int(whole) == 1 else many}"] if int(whole) or not int(part) else []
        if int(part):
            said.append(f"{self.say.cardinal(int(part))} {cent if int(part) == 1 else cents}")
        return " and ".join(said)

    def _amount(self, m: re.Match[str]) -> str:
        """$5m–$10m has a scale for each number, $5–10m one for both."""
        first, last = m["scale"], m["scale_2"]
        if not m["to"]:
            return self._scaled(m["n"], first)
        return f"{self._scaled(m['n'], first)} to {self._scaled(m['to'], last)}"

    def _scaled(self, n: str, scale: str | None) -> str:
        return self.say.number(n) + (f" {SCALES.get(scale.lower(), scale)}" if scale else "")

    def coded(self, m: re.Match[str]) -> str:
        """50 USD → fifty U.S dollars"""
        return f"{self._amount(m)} {CODES[m['code']]}{self._per(m)}"


def rules(say: Numbers) -> list[Rule]:
    money = _Money(say)
    to = rf"(?:\s?[-–]\s?{_SIGN}?(?P<to>{NUMBER}){_SCALE_2})?"
    amount = rf"(?P<n>{NUMBER}){_SCALE}{to}"
    minus = r"(?P<minus>(?<![\w\d)])[-−]\s?)?"
    codes = rf"(?P<code>{'|'.join(CODES)})"
    country = r"(?:(?<!\w)(?P<country>US|CA|AU|C|A|NZ|HK|R|S))?"
    per = rf"(?:\s?/\s?(?P<per>(?-i:{any_of(money.per)}))(?:\^(?P<power>[23]))?(?!\w))?"
    a = r"(?P<a>\ban? )?"
    return [
        (re.compile(r"\bRs\.? ?(?=\d)"), lambda m: "₹"),
        (re.compile(rf"(?i){a}{minus}{country}(?P<sign>{_SIGN})\s?{amount}{_NOUN}{per}"), money.sum),
        (
            re.compile(rf"(?i){minus}(?<![\w.,])(?P<a>)(?P<country>){amount}\s?(?P<sign>{_SIGN})(?P<noun>){per}"),
            money.sum,
        ),
        (re.compile(rf"(?<![\w.,]){amount}\s?{codes}\b{per}"), money.coded),
        (re.compile(rf"\b(?!TRY \d+ [A-Z]{{2}}){codes}\s?{amount}{per}"), money.coded),
    ]
