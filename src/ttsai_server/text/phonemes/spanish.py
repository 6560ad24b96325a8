"""Spanish (Castilian) spelling → phonemes, by the rules of the Ortografía de la lengua española (RAE, 2010) and the
phonology in Hualde, The Sounds of Spanish (2005): stress, approximants, glides and nasal assimilation."""

import re

from ttsai_server.text.phonemes.spelling import STRESS, Letters, Words, stressed, words

_LETTERS = Letters("""
^h?y$                            i
^hie                             je
^hue                             we
^ps                              s
^x                               s
[aá][iy](?![aeiouáéíóúy])        I
[aá]u(?![aeiouáéíóú])            W
[eé][iy](?![aeiouáéíóúy])        A
[oó][iy](?![aeiouáéíóúy])        oɪ
[eé]u(?![aeiouáéíóú])            eʊ
uy$                              uj
ch                               ʧ
ll                               ʎ
rr                               r
(?:^|(?<=[nls]))r                r
r                                ɾ
qu(?=[eiéí])                     k
gu(?=[eiéí])                     ɡ
gü                               ɡw
g(?=[eiéí])                      x
g                                ɡ
sc(?=[eiéí])                     sθ
cc(?=[eiéí])                     kθ
c(?=[eiéí])                      θ
c|q                              k
z                                θ
j                                x
ñ                                ɲ
x                                ks
v                                b
h
i(?=[aeouáéóú])                  j
u(?=[aeioáéíó])                  w
y(?=[aeiouáéíóú])                ʝ
y                                i
ph                               f
á                                ˈa
é                                ˈe
í                                ˈi
ó                                ˈo
ú                                ˈu
ü                                u
a                                a
bb?                              b
dd?                              d
e                                e
ff?                              f
i                                i
kk?                              k
ll?                              l
mm?                              m
nn?                              n
o                                o
pp?                              p
ss?                              s
tt?                              t
u                                u
ww?                              w
""")  # fmt: skip
_VOWELS = "aeiouIWA"
_WEAK = words(
    "el la los las de del a al en con por que y e o u su sus mi mis tu tus se me te le lo nos les os un sin si"
)
_OPEN = "(?<=[aeiouIWAɪʊjwsɾrθxkpt{}])( ?)"
"""After these, b d g are approximants."""
_NAMES = "a be ce de e efe ge hache i jota ca ele eme ene o pe cu erre ese te u uve uvedoble equis igriega zeta"


class Spanish:
    """Spanish words → phonemes."""

    def __init__(self) -> None:
        self._words = Words(_word, "a-zñáéíóúü", _NAMES)

    def __call__(self, text: str) -> str:
        return _joined(self._words(text))


def _word(word: str) -> str:
    word = re.sub("byte(?=s?$)", "bait", word)
    if word.endswith("mente") and len(word) > 7:
        return _simple(word[:-5]) + "mˈente"
    return _simple(word)


def _simple(word: str) -> str:
    phonemes = _accented(word)
    if word in _WEAK:
        return phonemes
    return stressed(phonemes, _VOWELS, 2 if re.search("[aeiouáéíóú][ns]?$", word) else 1)


def _accented(word: str) -> str:
    """Phonemes of the letters, with the stress of a written accent also in a diphthong: seis, coméis."""
    phonemes = _LETTERS(word)
    if STRESS not in phonemes and (m := re.search("[áéó](?:[iyu])(?![aeiouáéíóú])", word)):
        at = len(_LETTERS(word[: m.start()]))
        phonemes = phonemes[:at] + STRESS + phonemes[at:]
    return phonemes


def _joined(phonemes: str) -> str:
    """Assimilate sounds to their neighbours, also across words: un poco, la guitarra, mismo."""
    phonemes = re.sub("n(?= ?[pb])", "m", phonemes)
    phonemes = re.sub("n(?= ?[ɡk])", "ŋ", phonemes)
    phonemes = re.sub(f"{_OPEN.format('lðβɣ')}b", r"\1β", phonemes)
    phonemes = re.sub(f"{_OPEN.format('βɣ')}d(?! |$|\\W)", r"\1ð", phonemes)
    return re.sub(f"{_OPEN.format('lðβ')}ɡ", r"\1ɣ", phonemes)
