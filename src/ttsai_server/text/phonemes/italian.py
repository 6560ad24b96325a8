"""Italian spelling → phonemes.

After Krämer, The Phonology of Italian (2009), and Bertinetto & Loporcaro, "The sound pattern of Standard Italian" (JIPA
35, 2005). The place of stress and the openness of e and o, which are not written, come from endings and a short list.
"""

import re

from ttsai_server.text.phonemes.spelling import Letters, Words, stressed, words

_V = "aeiouàèéìòóù"
_LETTERS = Letters(
    rf"""
h
(?<=^pa)u(?=r)              ˈu
sch                         sk
sci(?=[aoueàòù])            ʃ
sc(?=[eièéì])               ʃ
cci(?=[aoueàòù])            ʧː
cc(?=[eièéì])               ʧː
cch                         kː
ci(?=[aoueàòù])             ʧ
c(?=[eièéì])                ʧ
ch                          k
cq                          kː
ggi(?=[aoueàòù])            ʤː
gg(?=[eièéì])               ʤː
ggh                         ɡː
gli(?=[aeouàèéòù])          ʎ
(?:(?<=[{_V}])|^)gl(?=i)    ʎ
gn                          ɲ
gi(?=[aoueàòù])             ʤ
g(?=[eièéì])                ʤ
gh                          ɡ
qu                          kw
q                           k
(?<=^me)zz|(?<=^a)zz(?=u)|(?<=^bi)zz ʣː
zz                          ʦː
^z(?!i[aeou])               ʣ
z                           ʦ
ss                          S
(?:(?<=nt[aio])|(?<=ila))s(?=e(?:i$|tt|ss|di)) s
(?<=[{_V}])s(?=[{_V}])      z
s(?=[bdgvmnlr])             z
s                           s
bb                          bː
dd                          dː
pp                          pː
tt                          tː
cc                          kː
gg                          ɡː
vv                          vː
b                           b
c|k                         k
d                           d
f                           f
g                           ɡ
j                           j
l                           l
m                           m
n                           n
p                           p
rr                          rɾ
r                           r
t                           t
v                           v
w                           w
x                           ks
y                           i
(?<=[qg])u(?=[{_V}])        w
uo                          wɔ
i(?=[aeouàèéòù])            j
(?<=[ae])u(?![aeiou])       ʊ
(?<=[aeo])i(?![{_V}])       j
i                           i
u                           u
a                           a
e                           e
o                           o
à|á                         ˈa
è                           ˈɛ
é                           ˈe
ì|í                         ˈi
ò                           ˈɔ
ó                           ˈo
ù|ú                         ˈu
"""
)
_VOWELS = "aeiouɛɔ"
_NAMES = "a bi ci di e effe gi acca i ilunga cappa elle emme enne o pi cu erre esse ti u vu doppiavu ics ipsilon zeta"
_WEAK = words(
    "il lo la i gli le un uno una di a da in con su per tra fra del dello della dei degli delle al allo alla ai"
    " agli alle dal dalla dai nel nello nella nei nelle sul sulla sui sulle e ed o ma che non mi ti si ci vi ne se"
    " col"
)
_HIATUS = re.compile(
    r"(?:log|graf|man|scop|metr|craz|fon|sof|nom|er|pat|at|arch|farmac|poliz|energ|allegr|bug|mag|malatt|mar|luc"
    r"|ferrov|compagn|fantas|geometr|teor|trattor|pizz|nostalg|terap|chirurg|gelos|cortes|anch|follia|fol|tub|spi|pediatr)"
    r"i[ae]$|^(?:[mzvptd]i[aeo]|sia|siano|addio|leggio|pendio|ronzio|mormorio|brusio|oblio|desio)$"
)
"""Words stressed on the i of -ia and -io."""
_ANTEPENULT = re.compile(
    r"(?:[aiu]bil[ei]|evol[ei]|issim[oaie]|[^aeiou]?[aeou]?[nrtlsdmfgpb]ic(?:o|a|i|he)|olog[oaie]|ograf[oaie]|[oi]metr[oi]"
    r"|esim[oaie]|udin[ei]|[aiu]gin[ei]|(?:nd|gg|tt|rr|ng|lg|nc|sc|rg|rd|lv|st|mp|ns|nn)er[ei]|[aei]vano|[aei]ssero"
    r"|(?:ar|ir|er)ono|ebbero|er[ei]bb?ero|[aeiu]col[oaie]|tavol[oaie]|[aeiu]mber[oaie]|ass?im[oaie]|ittim[oaie]|ecim[oaie])$"
)
_ANTEPENULT_WORDS = words(
    "telefono tavolo sabato domenica facile facili difficile difficili simile simili utile utili inutile umile"
    " semplice semplici numero numeri macchina macchine albero alberi anima anime angolo angoli popolo popoli secolo"
    " secoli titolo titoli piccolo piccola piccoli piccole ultimo ultima ultimi ultime prossimo prossima massimo"
    " minimo subito giovane giovani camera camere lettera lettere opera opere pagina pagine regola regole isola"
    " isole favola nuvola nuvole essere vivere scrivere ridere chiudere decidere uccidere dividere vedono parlano"
    " dicono fanno possono vogliono devono sanno vengono tengono escono prendono leggono scrivono mangiano giocano"
    " arrivano trovano portano pensano guardano lavorano chiamano restano tornano cercano entrano aspettano amano"
    " abitano studiano comprano costano cantano ballano dormono partono sentono aprono vivono credono mettono"
    " perdono corrono rispondono chiedono lasciano passano cambiano iniziano edera cenere polvere vipera tenero"
    " povero povera poveri libero libera liberi dodici tredici quattordici quindici sedici undici medici amabile"
    " stomaco sindaco monaco parroco attimo anonimo sintomo cinema musica logica crisi analisi ipotesi sintesi"
    " origine ordine margine immagine carcere genere generi sedere interprete ospite limite limiti abito abiti"
    " credito debito merito spirito solito solita compito gomito vomito transito deposito esercito principe vertice"
    " codice indice medico pratica tecnica tecnico politica politico economico storico fisico chimica fabbrica"
    " cronaca lampada mandorla pentola scatola pillola spettacolo ostacolo miracolo pericolo articolo veicolo"
    " periodo metodo episodio cattedra ecco fragola aereo aerea aerei zucchero passero bufalo cavolo diavolo"
    " virgola dollaro dollari ettaro ettari chiocciola eccetera millilitro millilitri"
    " apostolo simbolo calcolo muscolo circolo vincolo bambola tessera maschera cellula formula capitolo vitamina"
) - {"fanno", "sanno", "crisi", "ecco", "vitamina", "sedere", "episodio"}  # fmt: skip
_OPEN = re.compile(
    r"^(?:bene|tempo|tempi|sempre|terra|festa|testa|sette|prezzo|vecchio|medio|merito|gente|niente|centro|aperto|certo|certa"
    r"|verso|perso|guerra|prego|aereo|lei|sei|sesto|resto|cosa|cose|porta|porte|nove|otto|poco|pochi|troppo|troppi|notte|no"
    r"|donna|donne|forte|forti|morte|corpo|forse|fuori|modo|nostro|nostra|vostro|storia|gioco|oggi|poi|noi|voi|suoi|scorso"
    r"|scena|rosa|gnomo|esempio|mezzo|mezza|cielo|sport|opera|zero|europa|esatto|moglie|foglia|costa|posso|nome|nota|collo|soldi|ospite|po)$"
    r"|(?:sette|nove|sei|cento|terz[oaie]|non[oa]|euro|metr[oi])$|(?:enz[ae]|ent[ei]|ell[oaie]|est[oa]|eri[oa]|ess[oai]|ori[oa]|ogi[aeo]|olog[oai]|ott[oi]|ossa)$"
)
_FINAL = words(
    "signor professor dottor ingegner monsignor ragionier cavalier senator amor cuor maggior miglior peggior poter"
    " voler aver dover saper veder"
)
"""Words that have lost their last vowel (apocope) and keep their stress."""
_PENULT = words("amico amica amici amiche nemico nemica nemici antico antica antichi antiche fico fica dico")
_CLOSED = words("nome ponte molto molta molti questo questa quello quella quelli quelle dove come sono ora")


class Italian:
    """Italian words → phonemes."""

    def __init__(self) -> None:
        self._words = Words(_word, "a-zàáèéìíòóù", _NAMES)

    def __call__(self, text: str) -> str:
        return re.sub("n(?= ?[ɡ])", "ŋ", self._words(text))


def _word(word: str) -> str:
    article, apostrophe, rest = word.rpartition("'")
    if rest and apostrophe:
        return _LETTERS(article + rest)[: len(_LETTERS(article))] + _word(rest)
    word = rest or article
    if word in _WEAK:
        return _reduced(_LETTERS(word))
    if _HIATUS.search(word):
        word = f"{word[:-2]}ì{word[-1]}"
    early = word not in _PENULT and (word in _ANTEPENULT_WORDS or bool(_ANTEPENULT.search(word)))
    place = 1 if word in _FINAL or re.search("(?:nt[aio]|ila|lle)sei$", word) else 3 if early else 2
    phonemes = stressed(_LETTERS(re.sub("byte$", "bait", word)), _VOWELS, place, second=False)
    return _reduced(_opened(phonemes, word, early))


def _opened(phonemes: str, word: str, early: bool) -> str:
    """Open stressed e and o in diphthongs, on the third syllable from the end, and in the listed words and endings."""
    phonemes = phonemes.replace("jˈe", "jˈɛ").replace("wˈo", "wˈɔ")
    if word not in _CLOSED and (early or _OPEN.search(word)):
        phonemes = phonemes.replace("ˈe", "ˈɛ").replace("ˈo", "ˈɔ")
    return phonemes


def _reduced(phonemes: str) -> str:
    return re.sub("(?<=[^ˈˌaeoɛɔ])i$", "ɪ", phonemes)
