"""Roman numerals: of chapters and wars, of rulers, and of years."""

import re

from ttsai_server.text.spoken.english.grammar import OPENER, REIGN, Grammar
from ttsai_server.text.spoken.numbers import Numbers
from ttsai_server.text.spoken.rules import Rule

COUNTED = (
    "chapter|part|volume|vol|act|scene|section|phase|type|war|book|title|appendix|bowl|grade|stage|class|level|article"
    "|figure|table|unit|episode|season|version|mark|group|division|round|lesson|step|rocky|final fantasy|psalm|canto"
    "|amendment|schedule|annex|verse|movement|symphony|olympiad|tier|category|zone"
)
RULERS = (
    "Henry|Louis|Charles|Elizabeth|George|Edward|Richard|James|William|Napoleon|Paul|Pius|Leo|Francis|Nicholas|Alexander"
    "|Catherine|Frederick|Philip|Ivan|Peter|Mary|Ramses|Ramesses|Gregory|Innocent|Clement|Otto|Wilhelm|Ferdinand"
    "|Alfonso|Carlos|Carl|Gustav|Christian|Harald|Haakon|Robert|Constantine|Ptolemy|Cleopatra|Urban|Xerxes|Darius"
    "|Thutmose|Benedict|Albert|Juan|Umberto|Victor|Emmanuel|Leopold|Baldwin|Boniface|Sixtus|Julius|Felipe|Joseph"
    "|Rockefeller|Downey"
)
_NUMERAL = r"(?=[IVXLC])(?![CL](?!\w))C{0,3}(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})(?!\.?\w)"
"""1 to 399; never empty, as what follows a numeral is no letter. A lone C or L is a letter."""
_INTRAVENOUS = (
    r"(?!IV (?:drip|drug|line|fluid|bag|pole|push|port|access|antibiotic|injection|infusion|therapy|treatment|medic))"
)
_LIST = rf"{_NUMERAL}(?:(?:\s?[-–/]\s?|,? (?:and|or|to|through) |, )(?!I\b){_NUMERAL})*"
"""II; I and II; IV–VI. An I that follows a comma or "and" is the pronoun."""
_YEAR = r"(?<!\w)(?=[MDCLXVI]{4})(M{1,2})(CM|CD|D?C{0,3})(XC|XL|L?X{0,3})(IX|IV|V?I{0,3})(?!\w)"
_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def roman(numeral: str) -> int:
    """XIV → 14"""
    values = [_VALUES[c] for c in numeral]
    return sum(-v if v < after else v for v, after in zip(values, [*values[1:], 0], strict=True))


class _Roman:
    def __init__(self, say: Numbers, grammar: Grammar) -> None:
        self.say, self.grammar = say, grammar

    def counted(self, m: re.Match[str]) -> str:
        """World War II, parts I and II, chapters IV–VI; section C is a letter, in part I agree a pronoun."""
        if self._pronoun(m, person=False):
            return m[0]
        said = re.sub(r"\s?[-–]\s?", " to ", m["n"]).replace("/", " ")
        return f"{m['of']} " + re.sub("[IVXLC]+", lambda n: self.say.cardinal(roman(n[0])), said)

    def ruler(self, m: re.Match[str]) -> str:
        if self._pronoun(m, person=True):
            return m[0]
        return f"{m['of']} the {self.say.ordinal(roman(m['n']))}"

    def century(self, m: re.Match[str]) -> str:
        return self.say.ordinal(roman(m["n"]))

    def year(self, m: re.Match[str]) -> str:
        return self.say.year(roman(m[0]))

    def _pronoun(self, m: re.Match[str], person: bool) -> bool:
        return m["n"] == "I" and self.grammar.is_pronoun(m.string, m.start("n"), person)


def rules(say: Numbers, grammar: Grammar) -> list[Rule]:
    r = _Roman(say, grammar)
    return [
        (re.compile(rf"(?<!\w)(?P<n>{_NUMERAL})(?= (?:century|centuries|dynasty)\b)"), r.century),
        (re.compile(rf"(?i:\b(?P<of>(?:{COUNTED})s?)) (?P<n>{_LIST})"), r.counted),
        (re.compile(rf"\b(?P<of>(?:{RULERS})(?: [A-Z][a-z]+(?= [IVX]{{2}}))?) (?P<n>{_NUMERAL})"), r.ruler),
        (re.compile(rf"\b(?P<of>(?:{REIGN}) [A-Z][a-z]+(?: [A-Z][a-z]+)?) (?P<n>{_NUMERAL})"), r.ruler),
        (
            re.compile(
                rf"\b(?!{OPENER})(?P<of>[A-Z][a-z]+) (?P<n>(?=[IVX]{{2,}}(?!\w))(?!X+(?!\w)){_INTRAVENOUS}{_NUMERAL})"
            ),
            r.counted,
        ),
        (re.compile(r"(?<=\beye phone )X(?!\w)|(?<=\biPhone )X(?!\w)"), lambda m: say.cardinal(10)),
        (re.compile(_YEAR), r.year),
    ]
