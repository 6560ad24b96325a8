"""Brazilian Portuguese spelling → phonemes.

After Barbosa & Albano, "Brazilian Portuguese" (JIPA 34, 2004), and Cristófaro Silva, Fonética e fonologia do português
(1999): nasal vowels, raised final vowels, palatal d and t before i.
"""

import re

from ttsai_server.text.phonemes.spelling import Letters, Words, stressed

_V = "aeiouáéíóúâêôãõàü"
_LETTERS = Letters(
    rf"""
ções$                         sˈõjs
ões                           ˈõjs
õe                            ˈõj
ães                           ˈɐ̃ys
ãe                            ˈɐ̃y
ãos                           ˈɐ̃υ̃s
ão                            ˈɐ̃υ̃
am$                           ɐ̃υ̃
ém$                           ˈAŋ
éns$                          ˈAŋs
êm$                           ˈAŋ
em$                           Aŋ
ens$                          Aŋs
muit                          mwˈiŋt
ã                             ˈɐ̃
[âa]m(?=[pb])                 ɐ̃m
[âa]n(?=[^{_V}h]|$)           ɐ̃ŋ
[âa](?=nh)                    ɐ̃
[êe]m(?=[pb])                 Am
[êe]n(?=[^{_V}h]|$)           Aŋ
im(?=[pb])                    im
i[mn](?=[^{_V}h]|$)           iŋ
om(?=[pb])                    om
o[mn](?=[^{_V}h]|$)           oŋ
um(?=[pb])                    ũm
u[mn](?=[^{_V}h]|$)           ũŋ
ei                            A
éi                            ˈɛi
ai(?!nh|m|n|r$|l$|z$)         I
ái                            ˈI
au                            W
áu                            ˈW
oi                            oɪ
ói                            ˈɔɪ
ou                            ow
eu                            eυ
éu                            ˈɛυ
iu$                           iυ
ui(?!r$|z$|nh)                uɪ
al(?=[^{_V}h]|$)              W
el$                           ɛυ
el(?=[^{_V}h]|$)              eυ
il(?=[^{_V}h]|$)              iυ
ol$                           ˈɔl
ol(?=[^{_V}h]|$)              oυ
ul(?=[^{_V}h]|$)              uυ
ál(?=[^{_V}h]|$)              ˈW
él(?=[^{_V}h]|$)              ˈɛυ
ól(?=[^{_V}h]|$)              ˈɔυ
lh                            lj
nh                            ɲ
ch                            ʃ
h
ss|ç|sç                       s
sc(?=[eiéêí])                 s
xc(?=[eiéêí])                 s
c(?=[eiéêí])                  s
qu(?=[eiéêí])                 k
qu|qü                         kw
q|c|k                         k
gu(?=[eiéêí])                 ɡ
gü                            ɡw
gu(?=[aoáó])                  ɡw
g(?=[eiéêí])                  ʒ
g                             ɡ
j                             ʒ
rr                            x
^r|(?<=[nls])r                x
(?<=[{_V}])r(?=[{_V}])        ɾ
(?<=[{_V}])r(?=[^{_V}])       ɾə
r                             r
(?<=^e)x(?=[{_V}])            z
^inex                         inez
x                             ʃ
(?<=[{_V}])s(?=[{_V}])        z
s(?=[bdgmnlv])                z
s                             s
z$                            s
z                             z
d(?=[ií]|es?$)                ʤ
t(?=[ií]|es?$)                ʧ
(?<=[^{_V}])i(?=[aeo]s?$)     j
(?<=[g])u(?=[aeio])           w
(?<=.)as$                     æs
(?<=.)a$                      æ
(?<=.)os$                     ʊs
(?<=.)o$                      ʊ
(?<=.)es$                     ys
(?<=.)e$                      y
á|à                           ˈa
â                             ˈɐ
é                             ˈɛ
ê                             ˈe
í                             ˈi
ó                             ˈɔ
ô                             ˈo
õ                             ˈõ
ú                             ˈu
ü                             u
y                             i
w                             w
a                             a
b                             b
d                             d
e                             e
f                             f
i                             i
l                             l
m                             m
n                             n
o                             o
p                             p
t                             t
u                             u
v                             v
"""
)
_VOWELS = "aeiouɛɔɐæʊyIWAõũ"
_IRREGULAR = {
    "doze": "dˈozy", "treze": "trˈezy", "catorze": "katˈoɾəzy", "quatorze": "kwatˈoɾəzy",
    "táxi": "tˈaksi", "sexo": "sˈɛksʊ", "próximo": "prˈɔsimʊ", "próxima": "prˈɔsimæ", "fixo": "fˈiksʊ",
    "tóxico": "tˈɔksikʊ",
    "máximo": "mˈasimʊ", "auxílio": "Wsˈiljʊ", "texto": "tˈestʊ", "sexta": "sˈestæ", "trouxe": "trˈowsy", "e": "i",
    "o": "ʊ",
    "a": "a", "os": "ʊs", "as": "as", "que": "ky", "de": "ʤy", "do": "dʊ", "da": "da", "dos": "dʊs", "das": "das",
    "em": "Aŋ",
    "no": "nʊ", "na": "na", "nos": "nʊs", "nas": "nas", "com": "koŋ", "por": "por", "para": "pˌaɾæ", "mas": "mas",
    "se": "sy",
    "me": "my", "te": "ʧy", "lhe": "ljy", "um": "ũŋ", "uma": "ˌumæ", "ao": "aʊ", "aos": "aʊs", "não": "nˌɐ̃ʊ̃",
    "nem": "nAŋ", "sem": "sAŋ", "ou": "ow", "está": "estˌa", "estão": "estˌɐ̃ʊ̃",
    "rosa": "xˈɔzæ", "rosas": "xˈɔzæs", "quero": "kˈɛɾʊ", "quer": "kˈɛr", "ele": "ˈely", "eles": "ˈelys",
    "hoje": "ˈoʒy",
    "objeto": "ˌobʒˈɛtʊ", "esse": "ˈesy", "este": "ˈesʧy", "ela": "ˈɛlæ", "elas": "ˈɛlæs", "agora": "aɡˈɔɾæ", "é": "ˈɛ",
    "hora": "ˈɔɾæ", "horas": "ˈɔɾæs", "senhora": "seɲˈɔɾæ", "tranquilo": "trˌɐ̃ŋkwˈilʊ", "cinquenta": "sˌiŋkwˈAŋtæ",
}  # fmt: skip
_NAMES = "a bê cê dê e éfe gê agá i jota cá éle ême ene o pê quê érre ésse tê u vê dáblio xis ípsilon zê"
_MARKED = "[áéíóúâêôãõ]"
_LAST = re.compile(r"(?:[iu]|[iu]s|[lrzn]|[iou]m|[iou]ns|[aeo][iu]s?|x)$")
_CLOSED_ENDINGS = re.compile(r"(?:os[ao]s?|ez[ao]s?|or[ae]s?|ess[ae]s?|er|eb[eo]|ess?[eo]|eir[ao]s?|ent[eo]s?)$")


class Portuguese:
    """Brazilian Portuguese words → phonemes."""

    def __init__(self) -> None:
        self._words = Words(_word, "a-zàáâãçéêíóôõúü", _NAMES)

    def __call__(self, text: str) -> str:
        return self._words(text)


def _word(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if not re.search(_MARKED, word):
        word = re.sub(r"(?<=[^aeiou])i(?=[aeo]s?$)", "í", word)
    phonemes = _LETTERS(re.sub("byte(?=s?$)", "baite", word))
    if len(re.findall(_MARKED, word)) > 1:  # órgão: the accent marks the stress, not the tilde
        first = phonemes.index("ˈ") + 1
        phonemes = phonemes[:first] + phonemes[first:].replace("ˈ", "")
    phonemes = stressed(phonemes, _VOWELS, 1 if _LAST.search(word) else 2)
    return _opened(phonemes, word).replace("υ", "ʊ")


def _opened(phonemes: str, word: str) -> str:
    """Open stressed e and o without accent before a final a or e, not before o (metaphony); some endings differ."""
    if re.search(_MARKED, word) or _CLOSED_ENDINGS.search(word):
        return phonemes
    return re.sub("ˈ([eo])(?=[^aeiouAIWυɪwŋmɲ̃]+[æy]s?$)", lambda m: "ˈ" + {"e": "ɛ", "o": "ɔ"}[m[1]], phonemes)
