"""Abbreviations, and names whose spelling misleads."""

import re

from ttsai_server.text.spoken.english.grammar import Grammar
from ttsai_server.text.spoken.rules import Rule, any_of, table

TITLES = {
    "Mr": "Mister", "Mrs": "Missus", "Ms": "Miz", "Dr": "Doctor", "Prof": "Professor", "Sgt": "Sergeant",
    "Lt": "Lieutenant", "Capt": "Captain", "Gen": "General", "Col": "Colonel", "Maj": "Major", "Cpl": "Corporal",
    "Cmdr": "Commander", "Adm": "Admiral", "Rev": "Reverend", "Gov": "Governor", "Sen": "Senator", "Fr": "Father",
    "Rep": "Representative", "Hon": "Honorable", "Pres": "President", "Supt": "Superintendent", "Mt": "Mount",
    "Ft": "Fort", "Messrs": "Messers",
}  # fmt: skip
_NO_STOP = "Mr|Mrs|Ms|Dr|Prof|Sgt|Lt|Capt|Col|Rev|Gov|Sen|Mt|Ft|MR|MRS|DR"
"""Titles that are also written without a full stop."""
_NEW_SENTENCE = r"(?:A|An|The|This|That|He|She|It|They|We|You|His|Her|Then|But|There|In|On|At)\b"
"""Openers that are no names: Dr. Who and Rep. Will Hurd are persons."""
PLAIN = {
    "e.g.": "for example", "i.e.": "that is", "vs.": "versus", "vs": "versus", "approx.": "approximately",
    "dept.": "department", "Dept.": "department", "est.": "established", "Est.": "established", "vol.": "volume",
    "Vol.": "volume", "ca.": "circa", "cf.": "compare", "w/o": "without", "w/": "with ", "viz.": "namely",
    "resp.": "respectively", "incl.": "including", "excl.": "excluding", "pp.": "pages", "PhD": "P.H.D",
    "PhDs": "P.H.D's", "TV": "T.V", "ie": "that is", "eg": "for example", "Apt.": "apartment", "apt.": "apartment",
    "Ste.": "suite", "ext.": "extension", "Ext.": "extension", "tel.": "telephone", "Tel.": "telephone",
    "Univ.": "university", "Assn.": "association", "Assoc.": "associate", "Asst.": "assistant",
    "Intl.": "international", "Natl.": "national", "Gov't": "government", "govt.": "government", "govt": "government",
    "Govt": "government", "mfg.": "manufacturing", "qty.": "quantity", "Qty.": "quantity",
    "avg.": "average", "Attn.": "attention", "E.g.": "For example", "I.e.": "That is", "Approx.": "Approximately",
    "Cf.": "Compare",
    "c/o": "care of", "b/c": "because",
}  # fmt: skip
LAST = {
    "etc.": "et cetera", "&c.": "et cetera", "Inc.": "incorporated", "Ltd.": "limited", "Corp.": "corporation",
    "Co.": "company", "co.": "company", "Cos.": "companies", "Bros.": "brothers", "Sr.": "senior",
    "Jr.": "junior", "Esq.": "esquire", "misc.": "miscellaneous", "et al.": "et al", "a.k.a.": "also known as",
    "Ph.D.": "P.H.D", "Ed.D.": "E.D.D", "Ave.": "avenue", "Blvd.": "boulevard", "Rd.": "road",
    "Hwy.": "highway", "dept.": "department",
    "Dept.": "department", "govt.": "government",
}  # fmt: skip
"""These may end a sentence, and then their full stop ends it too."""
_NUMBERED = {
    "p": "page", "ch": "chapter", "sec": "section", "para": "paragraph", "eq": "equation", "pt": "part",
    "ver": "version", "op": "opus", "fig": "figure", "figs": "figures",
}  # fmt: skip
"""Only before a number."""
_UNNUMBERED = {"min.": "minimum", "max.": "maximum", "a.m.": "A.M", "p.m.": "P.M"}
"""After a number these are minutes and times of day, which have rules of their own."""
_MISLEADING = {
    "GitHub": "Git hub", "Github": "Git hub", "github": "git hub", "iPhone": "eye phone", "iPhones": "eye phones",
    "iPad": "eye pad", "iPads": "eye pads", "iOS": "i.O.S", "macOS": "mac O.S", "YouTube": "you tube",
    "youtube": "you tube", "eBay": "ee bay", "ebay": "ee bay", "WiFi": "why fie", "Wi-Fi": "why fie",
    "wifi": "why fie", "wi-fi": "why fie", "nginx": "engine X", "Nginx": "engine X", "TikTok": "Tick tock",
    "JavaScript": "Java script", "TypeScript": "Type script", "PostgreSQL": "Post gress Q.L", "MySQL": "my S.Q.L",
    "SQLite": "S.Q.L light", "LaTeX": "Lay teck", "JSON": "jason", "YAML": "yammle", "JPEG": "jay peg",
    "JPG": "jay peg", "GUI": "gooey", "C++": "C plus plus", "c++": "C plus plus", "C#": "C sharp", "F#": "F sharp",
    ".NET": "dot net", "openai": "open A.I", "OpenAI": "Open A.I", "ChatGPT": "Chat G.P.T", "chatgpt": "chat G.P.T",
    "WhatsApp": "What's app", "DevOps": "Dev ops", "CAPTCHA": "captcha", "BBC": "B.B.C", "AT&T": "A.T and T",
    "COVID": "covid", "WWI": "World War one", "WWII": "World War two", "backend": "back end",
    "frontend": "front end", "jalapeño": "halapenyo",
}  # fmt: skip
_HETERONYMS: list[Rule] = [
    (re.compile(r"(?i)\blead(?=(?:ed)? (?:pipe|paint|poison|acid|weight|bullet|shot|crystal|glass)|-(?:free|acid))"),
     lambda m: "led"),
    (re.compile(r"(?i)\b(take|takes|taking|took|taken) a bow\b"), lambda m: f"{m[1]} a bough"),
    (re.compile(r"(?i)\bbass(?= (?:guitar|player|drum|line|clef|singer|solo|note|voice)s?\b)"), lambda m: "base"),
    (re.compile(r"(?:^|(?<=[.!?] ))Polish(?= (?:the|your|my|his|her|our|their|it|them)\b)"), lambda m: "polish"),
    (re.compile(r"(?i)\b(made of|contains?|tons of) lead\b"), lambda m: f"{m[1]} led"),
]  # fmt: skip


class _Words:
    def __init__(self, grammar: Grammar) -> None:
        self.stop = grammar.stop

    def last(self, m: re.Match[str]) -> str:
        """Inc., etc.: the full stop stays where a sentence ends."""
        said = LAST.get(m[0]) or _UNNUMBERED[m[0]]
        return said + self.stop(m.string, m.end(), names=m[0] != "etc.")

    def initials(self, m: re.Match[str]) -> str:
        """U.S. may end a sentence; J.K. before a name does not."""
        return m[0][:-1] + self.stop(m.string, m.end(), names=True)

    def initial(self, m: re.Match[str]) -> str:
        """J. Smith, but: vitamin C. It helps."""
        return m[0] if self.stop(m.string, m.end(1) + 1, names=True) else f"{m[1]} "


def _numbered(m: re.Match[str]) -> str:
    return f"{_NUMBERED[m[1].lower()]} "


def _title(m: re.Match[str]) -> str:
    return f"{TITLES[(m[1] or m[2]).capitalize()]} "


def rules(grammar: Grammar) -> list[Rule]:
    words = _Words(grammar)
    titles = "|".join([*TITLES, *map(str.upper, TITLES)])
    return [
        table(_MISLEADING),
        *_HETERONYMS,
        (
            re.compile(rf"(?<![\w&;])(?:({titles})\.|({_NO_STOP})(?= )) ?(?=[A-Z]|and [MDP]|& )(?!{_NEW_SENTENCE})"),
            _title,
        ),
        (re.compile(rf"(?<![\w.])(?:{any_of(LAST)})"), words.last),
        (re.compile(rf"(?<!\w)(?<!\d )(?<!\d)(?:{any_of(_UNNUMBERED)})"), words.last),
        (re.compile(r"(?<!\w)etc(?!\w)"), lambda m: "et cetera"),
        (re.compile(r"(?<!\w)(?:[Nn]os?|NO|Nr)\. ?(?=\d)"), lambda m: "Number " if m[0][0] == "N" else "number "),
        (re.compile(rf"(?<![\w.])(?<!\d )({'|'.join(_NUMBERED)})\. ?(?=\d)", re.IGNORECASE), _numbered),
        (re.compile(r"(?<!\w)M(ax|in)\.(?= [a-z\d])"), lambda m: _UNNUMBERED[f"m{m[1]}."]),
        (re.compile(r"(?<!\w)([Tt])emp\.(?= [a-z\d])"), lambda m: f"{m[1]}emperature"),
        (re.compile(r"(?<!\w)c\. ?(?=\d{3,4}\b)"), lambda m: "circa "),
        (re.compile(r"(?<=[a-z]) v\. (?=[A-Z])"), lambda m: " versus "),
        (re.compile(r"\b(?:[A-Z]\.){2,}"), words.initials),
        (re.compile(r"(?<![\w.])([A-Z])\. ?(?=[A-Z]\. |[A-Z][a-z])"), words.initial),
        table(PLAIN),
    ]
