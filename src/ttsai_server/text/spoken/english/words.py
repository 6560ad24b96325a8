"""Abbreviations, and names whose spelling misleads."""

import re

from ttsai_server.text.spoken.rules import Rule, table

_TITLES = {
    "Mr.": "mister", "Mrs.": "missus", "Ms.": "miz", "Dr.": "doctor", "Prof.": "professor", "Sgt.": "sergeant",
    "Lt.": "lieutenant", "Capt.": "captain", "Gen.": "general", "Col.": "colonel", "Rev.": "reverend",
    "Gov.": "governor", "Sen.": "senator", "Rep.": "representative", "Hon.": "honorable", "Mt.": "mount",
    "Ft.": "fort", "Pres.": "president", "Mr": "mister", "Mrs": "missus", "Dr": "doctor",
}  # fmt: skip
_ROADS = {
    "St.": "street", "Ave.": "avenue", "Blvd.": "boulevard", "Rd.": "road", "Dr.": "drive", "Ln.": "lane",
    "Ct.": "court", "Hwy.": "highway", "Pl.": "place", "Sq.": "square",
}  # fmt: skip
_PLAIN = {
    "e.g.": "for example", "i.e.": "that is", "vs.": "versus", "vs": "versus", "approx.": "approximately",
    "dept.": "department", "est.": "established", "fig.": "figure", "Fig.": "figure", "vol.": "volume",
    "Vol.": "volume", "Inc.": "incorporated", "Ltd.": "limited", "Corp.": "corporation", "Co.": "company",
    "Bros.": "brothers", "Sr.": "senior", "Jr.": "junior", "ca.": "circa", "cf.": "compare", "w/o": "without",
    "w/": "with ", "a.k.a.": "also known as", "min.": "minimum", "max.": "maximum", "misc.": "miscellaneous",
    "et al.": "et al", "viz.": "namely", "resp.": "respectively", "incl.": "including", "pp.": "pages",
    "Ph.D.": "P.H.D", "PhD": "P.H.D", "PhDs": "P.H.D's", "TV": "T.V", "ie": "that is", "eg": "for example",
}  # fmt: skip
_DAYS = {
    "Jan": "January", "Feb": "February", "Mar": "March", "Apr": "April", "Jun": "June", "Jul": "July", "Aug": "August",
    "Sep": "September", "Sept": "September", "Oct": "October", "Nov": "November", "Dec": "December", "Mon": "Monday",
    "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday", "Thur": "Thursday",
    "Thurs": "Thursday", "Fri": "Friday", "Sat": "Saturday", "Sun": "Sunday",
}  # fmt: skip
_MISLEADING = {
    "GitHub": "git hub", "Github": "git hub", "github": "git hub", "iPhone": "eye phone", "iPhones": "eye phones",
    "iPad": "eye pad", "iPads": "eye pads", "iOS": "i.O.S", "macOS": "mac O.S", "YouTube": "you tube",
    "youtube": "you tube", "eBay": "ee bay", "ebay": "ee bay", "WiFi": "why fie", "Wi-Fi": "why fie",
    "wifi": "why fie", "wi-fi": "why fie", "nginx": "engine X", "Nginx": "engine X", "TikTok": "tick tock",
    "JavaScript": "java script", "TypeScript": "type script", "PostgreSQL": "post gress Q.L", "MySQL": "my S.Q.L",
    "SQLite": "S.Q.L light", "LaTeX": "lay teck", "JSON": "jason", "YAML": "yammle", "JPEG": "jay peg",
    "JPG": "jay peg", "GUI": "gooey", "C++": "C plus plus", "c++": "C plus plus", "C#": "C sharp", "F#": "F sharp",
    ".NET": "dot net", "openai": "open A.I", "OpenAI": "open A.I", "ChatGPT": "chat G.P.T", "chatgpt": "chat G.P.T",
    "WhatsApp": "what's app", "DevOps": "dev ops", "CAPTCHA": "captcha", "BBC": "B.B.C", "AT&T": "A.T and T",
    "COVID": "covid", "backend": "back end", "frontend": "front end", "jalapeño": "halapenyo",
}  # fmt: skip
_HETERONYMS: list[Rule] = [
    (re.compile(r"(?i)\blead(?=(?:ed)? (?:pipe|paint|poison|acid|weight|bullet|shot|crystal|glass)|-(?:free|acid))"),
     lambda m: "led"),
    (re.compile(r"(?i)\b(take|takes|taking|took|taken) a bow\b"), lambda m: f"{m[1]} a bough"),
    (re.compile(r"(?i)\bbass(?= (?:guitar|player|drum|line|clef|singer|solo|note|voice)s?\b)"), lambda m: "base"),
    (re.compile(r"(?:^|(?<=[.!?] ))Polish(?= (?:the|your|my|his|her|our|their|it|them)\b)"), lambda m: "polish"),
    (re.compile(r"(?i)\b(made of|contains?|tons of) lead\b"), lambda m: f"{m[1]} led"),
]  # fmt: skip


def _full_stop(m: re.Match[str], said: str) -> str:
    """Keep the stop where the abbreviation also ends a sentence."""
    rest = m.string[m.end() :]
    return said + ("." if m[0].endswith(".") and re.match(r"\s*$|\s+[\"“(]?[A-Z]", rest) else "")


def _initials(m: re.Match[str]) -> str:
    """U.S. may end a sentence; J.K. before a name does not."""
    country = m[0] in ("U.S.", "U.K.", "U.S.A.", "E.U.", "D.C.", "P.M.", "A.M.")
    return _full_stop(m, m[0][:-1]) if country or not m.string[m.end() :].strip() else m[0][:-1]


def _saint(m: re.Match[str]) -> str:
    return "saint " if m[0].startswith("S") else "saints "


def rules() -> list[Rule]:
    roads = "|".join(re.escape(road) for road in _ROADS)
    days = "|".join(sorted(_DAYS, key=len, reverse=True))
    return [
        table(_MISLEADING),
        *_HETERONYMS,
        (re.compile(rf"(?<=[a-z\d]) (?P<road>{roads})(?=$|[\s,;)])(?! [A-Z]\w+ (?!and\b)[a-z])"), _road),
        (re.compile(r"\bSt\. ?(?=[A-Z])"), _saint),
        (re.compile(r"\bSt\."), lambda m: _full_stop(m, "street")),
        table(_TITLES, after=r"(?= ?[A-Z]| and\b)"),
        (re.compile(r"(?<!\w)etc\."), lambda m: _full_stop(m, "et cetera")),
        (re.compile(r"(?<!\w)etc(?!\w)"), lambda m: "et cetera"),
        (re.compile(r"(?<!\w)[Nn]o\. ?(?=\d)|(?<!\w)Nr\. ?(?=\d)|№ ?(?=\d)"), lambda m: "number "),
        (re.compile(rf"\b({days})\."), lambda m: _DAYS[m[1]]),
        (re.compile(rf"\b({days})(?=,? \d)"), lambda m: _DAYS[m[1]]),
        (re.compile(r"\b(?:[A-Z]\.){2,}"), _initials),
        (re.compile(r"\b([A-Z])\. ?(?=[A-Z]\. |[A-Z][a-z])"), lambda m: f"{m[1]} "),
        _plain(),
    ]


def _road(m: re.Match[str]) -> str:
    before = m.string[: m.start() + 1]
    if not re.search(r"(?:[A-Z][a-z]+|\d(?:st|nd|rd|th))$", before.rstrip()):
        return m[0]
    return " " + _full_stop(m, _ROADS[m["road"]])


def _plain() -> Rule:
    pattern, say = table(_PLAIN)
    return (
        pattern,
        lambda m: _full_stop(m, say(m)) if m[0] in ("Inc.", "Ltd.", "Corp.", "Co.", "Jr.", "Sr.") else say(m),
    )
