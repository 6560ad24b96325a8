"""Streets, directions and states of addresses; saints."""

import re

from ttsai_server.text.spoken.english.grammar import OPENER, Grammar
from ttsai_server.text.spoken.numbers import Numbers
from ttsai_server.text.spoken.rules import Rule

ROADS = {
    "St": "street", "Ave": "avenue", "Blvd": "boulevard", "Rd": "road", "Dr": "drive", "Ln": "lane", "Ct": "court",
    "Hwy": "highway", "Pl": "place", "Sq": "square", "Pkwy": "parkway", "Ter": "terrace", "Cres": "crescent",
}  # fmt: skip
_ALWAYS_ROADS = "Ave|Blvd|Rd|Hwy|Pkwy"
"""These are nothing but roads after a name; Dr., Ct. and the like only where there is a house number or "on"."""
SIDES = {
    "N": "north", "S": "south", "E": "east", "W": "west", "NE": "northeast", "NW": "northwest", "SE": "southeast",
    "SW": "southwest",
}  # fmt: skip
STATES = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California", "CO": "Colorado",
    "CT": "Connecticut", "DE": "Delaware", "DC": "D.C", "FL": "Florida", "GA": "Georgia", "HI": "Hawaii", "ID": "Idaho",
    "IL": "Illinois", "IN": "Indiana", "IA": "Iowa", "KS": "Kansas", "KY": "Kentucky", "LA": "Louisiana", "ME": "Maine",
    "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan", "MN": "Minnesota", "MS": "Mississippi", "MO": "Missouri",
    "MT": "Montana", "NE": "Nebraska", "NV": "Nevada", "NH": "New Hampshire", "NJ": "New Jersey", "NM": "New Mexico",
    "NY": "New York", "NC": "North Carolina", "ND": "North Dakota", "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon",
    "PA": "Pennsylvania", "RI": "Rhode Island", "SC": "South Carolina", "SD": "South Dakota", "TN": "Tennessee",
    "TX": "Texas", "UT": "Utah", "VT": "Vermont", "VA": "Virginia", "WA": "Washington", "WV": "West Virginia",
    "WI": "Wisconsin", "WY": "Wyoming",
}  # fmt: skip
_ALSO_ELSE = {"DC", "HI", "ID", "IN", "LA", "MA", "MD", "ME", "MS", "OH", "OK", "OR", "PA", "CO", "AL", "DE",
    "AR", "MI",
              "SD", "VA"}  # fmt: skip
"""Words, degrees or initialisms of their own where no ZIP code follows."""
_NAME = r"(?P<name>[A-Z][a-z]+(?: [A-Z][a-z]+){0,2})"
_ORDINAL = r"(?P<name>\d+(?:st|nd|rd|th|ST|ND|RD|TH))"
_ON = r"\b(?:[Oo]n|[Aa]t|[Tt]o|[Ff]rom|[Oo]ff?|[Aa]long|[Dd]own|[Uu]p|[Nn]ear|[Ii]n|[Pp]ast|[Aa]nd|[Aa]cross) "
_NO_NAME = rf"(?:(?! ?[A-Z])|(?= {OPENER}))"
"""What follows isn't a name: St. Paul, Dr. Smith."""


class _Places:
    def __init__(self, say: Numbers, grammar: Grammar) -> None:
        self.say, self.grammar = say, grammar

    def road(self, m: re.Match[str]) -> str:
        """12 N. Main St. NW → 12 north Main street northwest; the full stop stays where it ends the sentence."""
        before = f"{SIDES[m['from']]} " if m["from"] else ""
        after = f" {SIDES[m['to']]}" if m["to"] else ""
        dot = m["stop"] if m["to"] else m["dot"]
        stop = self.grammar.stop(m.string, m.end()) if dot else ""
        return f"{m['on']}{before}{m['name']} {ROADS[m['road'].capitalize()]}{after}{stop}"

    def zip(self, m: re.Match[str]) -> str:
        more = f", {self.say.digits(m['more'])}" if m["more"] else ""
        return f", {STATES[m['state']]} {self.say.digits(m['zip'])}{more}"


def _road(name: str, roads: str, begin: str = "", end: str = r"\.?") -> str:
    sides = "|".join(sorted(SIDES, key=len, reverse=True))
    side = rf"(?:,? (?P<to>{sides})\b(?P<stop>\.)?)?"
    return rf"(?P<on>{begin})(?:(?P<from>{sides})\.? )?{name} (?P<road>{roads})(?P<dot>{end})(?!\w){side}"


def rules(say: Numbers, grammar: Grammar) -> list[Rule]:
    places = _Places(say, grammar)
    roads, states = "|".join(ROADS), "|".join(STATES)
    clear = "|".join(state for state in STATES if state not in _ALSO_ELSE)
    return [
        (re.compile(rf"(?<=[a-z]), ?(?P<state>{states}),? (?P<zip>\d{{5}})(?:-(?P<more>\d{{4}}))?(?!\w)"), places.zip),
        (
            re.compile(rf"\b(?!{OPENER}|Today|Well|[A-Z]\w+ly\b)([A-Z][a-z]+, )({clear})(?![\w-]| scan)"),
            lambda m: m[1] + STATES[m[2]],
        ),
        (re.compile(_road(_NAME, roads, r"\b\d+[A-Z]? ")), places.road),
        (re.compile(rf"\b{_road(_ORDINAL, f'{roads}|{roads.upper()}')}"), places.road),
        (re.compile(rf"\b{_road(_NAME, _ALWAYS_ROADS)}"), places.road),
        (re.compile(rf"\b{_road(_NAME, 'St', end=rf'[.]{_NO_NAME}')}"), places.road),
        (re.compile(_road(_NAME, roads, _ON, end=rf"[.]{_NO_NAME}")), places.road),
        (re.compile(rf"(?<!\w)(?:St\. ?|S[tT] )(?=[A-Z])(?!{OPENER})"), lambda m: "saint "),
        (re.compile(r"(?<!\w)Sts\. ?(?=[A-Z])"), lambda m: "saints "),
        (re.compile(r"(?<= )St\."), lambda m: f"street{grammar.stop(m.string, m.end())}"),
    ]
