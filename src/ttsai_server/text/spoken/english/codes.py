"""Figures that are names, not amounts: telephone numbers, ZIP codes, versions, rooms, flights, formulas."""

import re

from ttsai_server.text.spoken.numbers import Numbers, plural
from ttsai_server.text.spoken.rules import Rule

_BY_DIGITS = (
    "ZIP|ZIP code|postcode|area code|PIN|passcode|password|agent|invoice|invoice number|order number|account number"
    "|serial number|tracking number|ticket number|case number|reference number|confirmation number|code is|code was"
)
"""Words before a number that is said digit by digit."""
_AMOUNT_OF = "(?:dollar|euro|pound|line|character|byte|time|percent|word)"
"""What makes it an amount: paid the agent 500 dollars; the code is 200 lines long."""
_CALLS = "(?:call|dial|ring|text|phone)(?:ed|ing|s)?|rang"
_BY_PAIRS = (
    "Boeing|Airbus|Flight|flight|Room|room|Suite|suite|Highway|highway|Hwy|Route|route|Interstate"
    "|Error|error|HTTP|status|Apt|apartment|Porsche|Peugeot|Bus|bus|Box|box|Gate|gate|Unit|Area|Studio|Course|Exit|exit"
    "|Form|form|Office|Port|port|Boulevard|Levi['’]s|extension"
)
"""Words before a number that is said two digits at a time."""
_ROADS = (
    "street|road|avenue|boulevard|drive|lane|court|place|square|highway|parkway|Street|Road|Avenue|Boulevard|Drive|Lane"
    "|Court|Place|Way|Parkway|Terrace|Crescent"
)
_ELEMENTS = "H|He|Li|C|N|O|F|Na|Mg|Al|Si|P|S|Cl|K|Ca|Ti|Fe|Cu|Zn|Br|Ag|I|Hg|Pb|U"
_COUNT = r"(?:[2-9]|1\d|2[0-4])"


class _Codes:
    def __init__(self, say: Numbers) -> None:
        self.say = say

    def phone(self, m: re.Match[str]) -> str:
        return ("plus " if m[0].startswith("+") else "") + self.say.groups(m[0])

    def bare_phone(self, m: re.Match[str]) -> str:
        """5551234567 → 555, 123, 4567"""
        return self.say.groups(re.sub(r"(1?)(\d{3})(\d{3})(\d{4})$", r"\1 \2 \3 \4", m[0]))

    def thousands(self, m: re.Match[str]) -> str:
        """A long code by threes."""
        return self.say.groups(re.sub(r"(?=(?:\d{3})+$)", " ", m[0]))

    def dotted(self, m: re.Match[str]) -> str:
        """192.168.1.1 by digits, 3.11.4 by numbers; v8 is a version, V8 an engine."""
        parts = m["parts"].split(".")
        if len(parts) > 3:
            said = " dot ".join(map(self.say.digits, parts))
        else:
            said = " point ".join(map(self.say.whole, parts))
        engine = m["v"] == "V" and m["parts"].isdecimal()
        return ("V " if engine else "version " if m["v"] else "") + said + (" " if m["rest"] else "")

    def spelled(self, code: str) -> str:
        """AA12 → A A one two"""
        return " ".join(self.say.digits(c) if c.isdecimal() else c.upper() for c in code.replace(" ", ""))

    def formula(self, m: re.Match[str]) -> str:
        """H2SO4 → H.2.S.O.4"""
        pieces = re.findall(r"[A-Za-z]+|\d+", m[0])
        return " ".join(".".join(p.upper()) if p.isalpha() else self.say.cardinal(int(p)) for p in pieces)

    def pixels(self, m: re.Match[str]) -> str:
        """1920x1080, 2x4"""
        return f"{self.side(m[1])} by {self.side(m[2])}"

    def side(self, digits: str) -> str:
        """1920 → nineteen twenty"""
        return self.say.pairs(digits) if len(digits) == 4 and digits[2] != "0" else self.say.number(digits)

    def plural(self, m: re.Match[str]) -> str:
        """B-52s, Boeing 737s"""
        return plural(self.say.pairs(m[1] or m[2]))

    def house(self, m: re.Match[str]) -> str:
        """221B Baker Street → two twenty one B"""
        return self.say.pairs(m[1]) + (f" {m[2]}" if m[2] else "")


def rules(say: Numbers) -> list[Rule]:
    """The forms to be taken before a unit or a range can be seen in them."""
    c = _Codes(say)
    decimal = r"\d{1,4}(?:\.\d+)?"
    return [
        (re.compile(r"(?<=\w)#(?=\d)"), lambda m: " number "),
        (re.compile(r"#\s?(?=\d)"), lambda m: "number "),
        (re.compile(r"\b([A-Z]{2,6})((?:-\d{2,}){2,})(?!\w)"), lambda m: f"{m[1]} {say.groups(m[2])}"),
        (re.compile(r"\b0[xX]([0-9a-fA-F]+)\b"), lambda m: f"zero X {c.spelled(m[1])}"),
        (re.compile(r"(?<=light )((?:is |number )?)([A-Z]{2} ?\d{2,4})(?!\w)"), lambda m: m[1] + c.spelled(m[2])),
        (re.compile(r"(?<![\w.])\+?(?:\d{1,3}[ .-])?(?:\(\d{3}\) ?|\d{3}[.-])\d{3}[.-]\d{4}(?!\w)"), c.phone),
        (
            re.compile(r"(?<![\w.])\+\d{1,3}(?:[ -]\d{2,5}){2,5}(?!\w)|(?<![\w.])0\d{2,4}(?:[ -]\d{3,4}){1,3}(?!\w)"),
            c.phone,
        ),
        (re.compile(r"(?<![\w.-])\d{3}-(?!19|20)\d{4}(?![\w-])"), c.phone),
        (re.compile(r"(?<![\w.-])\d+(?:-\d+){2,}(?:-X)?(?![\w-])"), c.phone),
        (re.compile(r"(?<![\w.,$£€-])1?[2-9]\d{9}(?<!000)(?![\w-]|[.,]\d)"), c.bare_phone),
        (re.compile(r"(?<![\w.,$£€-])\d{9,}(?<!000)(?![\w-]|[.,]\d)(?! ?[a-zμ°%/]{1,4}\b)"), c.thousands),
        (re.compile(r"\b(?P<v>[vV])\.? ?(?P<parts>\d+(?:\.\d+)*)(?:(?P<rest>-)(?=[a-z])|\b)"), c.dotted),
        (re.compile(r"(?<![\w.])(?P<v>)(?P<parts>\d+(?:\.\d+){2,})(?:(?P<rest>-)(?=[a-z])|(?!\w))"), c.dotted),
        (re.compile(rf"(?<![\w.])({decimal})(?:\s?x\s?|×)({decimal})(?![\w\"^])"), c.pixels),
        (re.compile(rf"(?<![\w.])({decimal})(?:\s?x\s?|×)(?=\d)(?!10\^)"), lambda m: f"{say.number(m[1])} by "),
        (re.compile(rf"\b(?=[A-Za-z]*\d)(?:(?:{_ELEMENTS}){_COUNT}?){{2,}}(?!\w)"), c.formula),
        (re.compile(r"\b(?:NaCl|KCl|HCl|NaOH|KOH|AgCl|NaF|HBr)(?!\w)"), c.formula),
        (re.compile(rf"\b((?i:{_BY_DIGITS}))((?: (?:is|was|number))?:? )(\d{{3,8}})(?![\w,.]\d|\w| {_AMOUNT_OF})"),
         lambda m: f"{m[1]}{m[2]}{say.digits(m[3])}"),
        (re.compile(r"\b1s and 0s\b"), lambda m: "ones and zeros"),
        (re.compile(r"\b0s and 1s\b"), lambda m: "zeros and ones"),
        (re.compile(r"(?<=\b[A-Z]-)(\d{2,3})s\b|(?<=Boeing )(7\d7)s\b"), c.plural),
        (re.compile(rf"\b((?:{_BY_PAIRS}) (?:number )?)(\d{{3,4}})(?!\w|[,.]\d)"), lambda m: m[1] + say.pairs(m[2])),
        (re.compile(r"\b([A-Z]|US)-?(\d{3})(?!\w)"), lambda m: f"{m[1]} {say.pairs(m[2])}"),
        (re.compile(r"\b([A-Z]{2,3})-?(\d{3})(?!\w|-\d)"), lambda m: f"{'.'.join(m[1])} {say.pairs(m[2])}"),
        (re.compile(r"\b([A-Z]{2,3})-?(\d{4})(?!\w|-\d)"), lambda m: f"{'.'.join(m[1])} {say.digits(m[2])}"),
        (re.compile(rf"(?<![\w.,$£€-])(\d{{3,4}})([A-Z])?(?= (?:[A-Z][a-z]+ ){{1,3}}(?:{_ROADS})\b)"), c.house),
        (re.compile(r"(?<![\w.,])(240|360|480|540|720|1080|1440|2160|4320)([pi])(?!\w)"),
         lambda m: f"{say.pairs(m[1])} {m[2].upper()}"),
        (re.compile(r"(?<![\w.,])(40[13]|457|529)\(?([bk])\)?(?!\w)"), lambda m: f"{say.pairs(m[1])} {m[2].upper()}"),
        (re.compile(rf"\b((?i:{_CALLS}) )([1-9]11|999|112|988)(?! \w+s\b)(?!\w)"), lambda m: m[1] + say.digits(m[2])),
        (re.compile(r"\b911(?= (?:call|operator|dispatch|emergenc))|(?<=\ba )911(?!\w)"), lambda m: say.digits(m[0])),
        (re.compile(r"\b9/11\b"), lambda m: say.cardinal(9) + " " + say.cardinal(11)),
        (re.compile(r"(?<=hashtag )(\d{4})(?=[^\W\d])"), lambda m: f"{say.pairs(m[1])} "),
    ]  # fmt: skip
