"""French spelling → phonemes, after Fagyal, Kibbee & Jenkins, French: A Linguistic Introduction (2006), and Tranel, The
Sounds of French (1987): silent endings, nasal vowels, liaison, stress on the last full vowel of a word."""

import re

from ttsai_server.text.phonemes.french_words import ASPIRATED, IRREGULAR, LINKS, NASAL_ENT, SILENT_MENT, WEAK
from ttsai_server.text.phonemes.spelling import Letters, Words, stressed, words

_V = "aeiouyàâäéèêëîïôöùûüÿœæ"
_N = rf"(?![{_V}nmh])"
"""What must follow n or m to make the vowel before it nasal."""
_LETTERS = Letters(
    rf"""
(?<=[tv])ien(?:t|s)$                 jɛ̃
ing$                                 iŋ
^mill(?=[ié])                        mil
amment$|emment$                      amɑ̃
eaux?                                o
aulx?$|aux?$|auts?$|auds?$           o
au                                   o
ouill(?=[{_V}])                      uj
euill(?=[{_V}])|ueill(?=[{_V}])      œj
aill(?=[{_V}])                       aj
eill(?=[{_V}])                       ɛj
euil$|ueil                           œj
^heur(?=eu)                         øʁ
[œo]eux?$|eux?$|œux?$                ø
eu(?=(?:se|x|t)s?$)                  ø
(?:œ|o?e)u(?=[rlfvbpn])              œ
(?:œ|o?e)ux?                         ø
œ                                    œ
ail$|aïl                             aj
eil$                                 ɛj
ill(?=[{_V}])                        ij
oin{_N}                              wɛ̃
oy(?=[{_V}])                         waj
oi|oî                                wa
ou(?=[aeéèi](?!$|s$))|ou(?=i$)       w
o[uùû]                               u
[ae]y(?=[{_V}])                      ɛj
(?:ai|ei)[nm]{_N}                    ɛ̃
(?<=[ié])en{_N}(?!t$|t[es]|c)        ɛ̃
yen{_N}                              jɛ̃
(?:i|y|î)[nm]{_N}                    ɛ̃
um$                                  ɔm
u[nm]{_N}                            œ̃
en$                                  ɛn
[ae][nm]{_N}|aon$                    ɑ̃
^en(?=nu|iv)|^em(?=m)                ɑ̃
o[nm]{_N}                            ɔ̃
ai$                                  ɛ
ai|aî|ei|ey|ay                       ɛ
gn                                   ɲ
ch(?=[rlnt])                         k
ch|sch|sh                            ʃ
ph                                   f
h
qu                                   k
q                                    k
ck                                   k
gu(?=[eiyéèêî])                      ɡ
ge(?=[aouâô])                        ʒ
gg(?=[eé])                           ɡʒ
g(?=[eiyéèêî])                       ʒ
g$
ng$                                  ŋ
g+                                   ɡ
cc(?=[eiyéèê])                       ks
sc(?=[eiyéèêî])                      s
ç|c(?=[eiyéèêî])                     s
c+                                   k
(?<=s)tion                           tjɔ̃
tion                                 sjɔ̃
(?<=[aeic])ti(?=el|eu[xs])           sj
(?<=a)tie(?=s?$)                     si
tien(?=c)                            sjɑ̃
ti(?=a(?:l|ux)s?$)                   sj
^ex(?=[{_V}])                        ɛɡz
x$
x                                    ks
(?<=[{_V}])s(?=[{_V}])               z
s+(?!$)                              s
s$
(?<=[^{_V}])ents$|(?<=[ié])ents$     ɑ̃
er$                                  e
ers$                                 e
ez$                                  e
et$|ets$                             ɛ
ed$                                  e
(?<=.)e$
(?<=.)es$
(?<=[{_V}][^{_V}])e(?=ments?$)
(?<=pp|tt|ss|ll|nn)e(?=ments?$)
e(?=x|ll|tt|rr|nn|mm|ss|pp|ff|cc)    ɛ
e(?=[^{_V}h][^{_V}hrl]|[rlcfmn]$|[rl][^{_V}]|sc|st|sp) ɛ
e(?=[mn]n)                           ɛ
e                                    ə
ë|è|ê                                ɛ
é                                    e
ô                                    o
o(?=s$|t$|ts$|p$|ps$|$|s[eo]|tion|ment$|[^{_V}]h?(?:(?!e)[{_V}]|e(?!s?$|nt$))) o
o|ö                                  ɔ
bs(?=c|t)                            ps
(?<=m)b$
b+                                   b
d$|ds$|t$|ts$|p$|ps$|z$
d+                                   d
f+                                   f
j                                    ʒ
k                                    k
(?<=[bcdfgptv][rl])i(?=[aeouéèâ])(?!es?$|ent$) ij
i(?=[aeouéèêâôœ])(?!es?$|ent$)       j
i|î|ï                                i
l+                                   l
m+                                   m
n+                                   n
p+                                   p
r+                                   ʁ
t+h?                                 t
(?<=g)u(?=[aâ])                      w
u(?=i)                               ɥ
u|û|ù|ü                              y
v                                    v
w                                    w
(?<=[{_V}])y(?=[{_V}])|y(?=[{_V}])   j
y|ÿ                                  i
z+                                   z
a|à|â|ä                              a
æ                                    e
"""
)
_VOWELS = "aeɛiouyøœɔɑ"
_NAMES = "a bé cé dé e effe gé ache i ji ka elle emme enne o pé cu erre esse té u vé doublevé ixe igrec zède"
_START = re.compile(rf"(?!{ASPIRATED})h?[{_V}]")


class French:
    """French words → phonemes."""

    def __init__(self) -> None:
        self._words = Words(_word, "a-zàâäçéèêëîïôöùûüÿœæ", _NAMES)

    def __call__(self, text: str) -> str:
        text = re.sub("(?i)\\bquatre[ -](?=vingts?\\b)", "quatre", text)
        text = re.sub("(?i)-t-(?=il|elle|on)", "-t'", re.sub("(?i)(?<=e)st-ce\\b", "sse", text))
        return _WITH_NEXT.sub(lambda m: _linked(self._words(m[1]), m[1], m[2]), text)


_WITH_NEXT = re.compile(r"([^\W\d_]+(?:['’][^\W\d_]+)*['’]?)(?=[ -]([^\W\d_]+)|)")
_ELIDED = {"l": "l", "d": "d", "j": "ʒ", "n": "n", "s": "s", "c": "s", "m": "m", "t": "t"}


def _before_a_number(phonemes: str, following: str) -> str:
    """six and dix: silent before a consonant, but dix-sept, and z in dix-huit and dix-neuf"""
    if following in ("huit", "neuf") or _START.match(following):
        return phonemes.removesuffix("s") + "z"
    return phonemes if not following or following == "sept" else phonemes.removesuffix("s")


def _vingt(phonemes: str, following: str) -> str:
    """The t is pronounced in 22 to 29, but not in vingt pages."""
    return phonemes + "t" if following in _UNITS or _START.match(following) else phonemes


def _cent(phonemes: str, following: str) -> str:
    return phonemes + "t" if _START.match(following) and following not in ("un", "une") else phonemes


def _huit(phonemes: str, following: str) -> str:
    return phonemes.removesuffix("t") if following and not _START.match(following) else phonemes


def _neuf(phonemes: str, following: str) -> str:
    return phonemes[:-1] + "v" if following in ("ans", "heures", "heure", "autres", "hommes") else phonemes


_UNITS = words("deux trois quatre cinq six sept huit neuf")
_NUMBERS = {
    "six": _before_a_number,
    "dix": _before_a_number,
    "vingt": _vingt,
    "cent": _cent,
    "huit": _huit,
    "neuf": _neuf,
}
"""Numbers whose final sound depends on the next word."""


def _linked(phonemes: str, word: str, following: str | None) -> str:
    """Add the liaison with the next word: les enfants → lez ɑ̃fˈɑ̃."""
    last = word.lower().replace("’", "'")
    if number := _NUMBERS.get(last):
        return number(phonemes, (following or "").lower())
    sound = LINKS.get(last) or LINKS.get(last.rpartition("'")[2])
    if not sound or not following or not _START.match(following.lower()):
        return phonemes
    return phonemes.removesuffix("s" if sound == "z" else sound) + sound


def _word(word: str) -> str:
    *elided, last = word.split("'")
    head = "".join(_ELIDED.get(part) or _plain(part) for part in elided)
    phonemes = head + _plain(last) if last else head
    return phonemes if last in WEAK else stressed(phonemes, _VOWELS, 1, second=False)


def _plain(word: str) -> str:
    if word in IRREGULAR:
        return IRREGULAR[word]
    if word.endswith("ent") and not _is_nasal(word):
        return _LETTERS(f"{word[:-3]}e")
    return _LETTERS(word)


def _is_nasal(word: str) -> bool:
    """Whether final -ent is a nasal vowel: in vraiment and content, not in parlent."""
    if word.endswith("ment"):
        return word not in SILENT_MENT
    return word in NASAL_ENT or bool(re.search("[tv]ient$", word))
