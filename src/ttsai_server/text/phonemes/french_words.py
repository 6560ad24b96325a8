"""French words that the spelling rules pronounce wrongly."""

from ttsai_server.text.phonemes.spelling import words

IRREGULAR = {
    "femme": "fam", "femmes": "fam", "monsieur": "məsjø", "messieurs": "mesjø", "fils": "fis", "sens": "sɑ̃s",
    "os": "ɔs",
    "six": "sis", "dix": "dis", "huit": "ɥit", "sept": "sɛt", "cinq": "sɛ̃k", "neuf": "nœf", "vingt": "vɛ̃",
    "quatrevingt": "katʁəvɛ̃",
    "quatrevingts": "katʁəvɛ̃", "tiers": "tjɛʁ", "hashtag": "aʃtaɡ",
    "août": "ut",
    "est": "ɛ", "es": "ɛ", "et": "e", "les": "le", "des": "de", "mes": "me", "tes": "te", "ses": "se", "ces": "se",
    "ouest": "wɛst", "sud": "syd", "second": "səɡɔ̃", "seconde": "səɡɔ̃d", "secondes": "səɡɔ̃d", "automne": "otɔn",
    "examen": "ɛɡzamɛ̃", "clef": "kle", "pied": "pje", "pieds": "pje", "nez": "ne", "chez": "ʃe", "assez": "ase",
    "esse": "ɛs", "eu": "y", "eue": "y", "eut": "y", "œil": "œj", "yeux": "jø", "œufs": "ø", "bœufs": "bø",
    "oignon": "ɔɲɔ̃",
    "oignons": "ɔɲɔ̃", "ville": "vil", "villes": "vil", "mille": "mil", "tranquille": "tʁɑ̃kil", "village": "vilaʒ",
    "villages": "vilaʒ", "million": "miljɔ̃", "millions": "miljɔ̃", "milliard": "miljaʁ", "milliards": "miljaʁ",
    "hiver": "ivɛʁ", "mer": "mɛʁ", "mers": "mɛʁ", "fier": "fjɛʁ", "cher": "ʃɛʁ", "chers": "ʃɛʁ", "fer": "fɛʁ",
    "ver": "vɛʁ",
    "hier": "jɛʁ", "amer": "amɛʁ", "enfer": "ɑ̃fɛʁ", "cancer": "kɑ̃sɛʁ", "super": "sypɛʁ", "avec": "avɛk",
    "donc": "dɔ̃k",
    "tabac": "taba", "estomac": "ɛstoma", "porc": "pɔʁ", "banc": "bɑ̃", "blanc": "blɑ̃", "blancs": "blɑ̃",
    "franc": "fʁɑ̃",
    "gentil": "ʒɑ̃ti", "fusil": "fyzi", "outil": "uti", "outils": "uti", "sourcil": "suʁsi", "persil": "pɛʁsi",
    "cerf": "sɛʁ", "ours": "uʁs", "mars": "maʁs", "bus": "bys", "autobus": "otobys", "virus": "viʁys", "gaz": "ɡaz",
    "net": "nɛt", "but": "byt", "brut": "bʁyt", "hélas": "elas", "atlas": "atlas", "index": "ɛ̃dɛks",
    "campus": "kɑ̃pys",
    "album": "albɔm", "maximum": "maksimɔm", "minimum": "minimɔm", "rhum": "ʁɔm", "parfum": "paʁfœ̃", "wagon": "vaɡɔ̃",
    "club": "klœb", "plomb": "plɔ̃", "week": "wik", "end": "ɛnd", "chaos": "kao", "chorale": "koʁal", "chœur": "kœʁ",
    "orchestre": "ɔʁkɛstʁ", "technique": "tɛknik", "techniques": "tɛknik", "technologie": "tɛknoloʒi", "écho": "eko",
    "psychologie": "psikoloʒi", "archéologie": "aʁkeoloʒi", "compter": "kɔ̃te", "compte": "kɔ̃t", "comptes": "kɔ̃t",
    "baptême": "batɛm", "sculpture": "skyltyʁ", "fait": "fɛ", "plus": "ply", "tous": "tu", "aujourd": "oʒuʁd",
    "hui": "ɥi", "peut": "pø", "peux": "pø", "veut": "vø", "deux": "dø", "faisait": "fəzɛ", "faisons": "fəzɔ̃",
    "pays": "pei", "paysage": "peizaʒ", "abbaye": "abei", "solennel": "solanɛl", "aquarium": "akwaʁjɔm", "zoo": "zo",
    "alcool": "alkɔl", "football": "futbol", "parking": "paʁkiŋ", "camping": "kɑ̃piŋ", "jazz": "dʒaz", "email": "imɛl",
    "internet": "ɛ̃tɛʁnɛt", "tennis": "tenis", "jean": "ʒɑ̃", "paris": "paʁi", "bruxelles": "bʁysɛl",
    "soixante": "swasɑ̃t",
    "ennui": "ɑ̃nɥi", "enivrer": "ɑ̃nivʁe", "emmener": "ɑ̃mne", "client": "klijɑ̃", "clients": "klijɑ̃",
    "patient": "pasjɑ̃",
    "patients": "pasjɑ̃", "orient": "ɔʁjɑ̃", "science": "sjɑ̃s", "sciences": "sjɑ̃s", "conscience": "kɔ̃sjɑ̃s",
    "ski": "ski",
    "expérience": "ɛkspeʁjɑ̃s", "quotient": "kosjɑ̃", "bien": "bjɛ̃", "rien": "ʁjɛ̃", "gars": "ɡa", "temps": "tɑ̃",
    "printemps": "pʁɛ̃tɑ̃", "longtemps": "lɔ̃tɑ̃", "corps": "kɔʁ", "respect": "ʁɛspɛ", "aspect": "aspɛ",
    "exact": "ɛɡzakt",
    "direct": "diʁɛkt", "correct": "koʁɛkt", "contact": "kɔ̃takt", "impact": "ɛ̃pakt", "stop": "stɔp", "cap": "kap",
    "iceberg": "ajsbɛʁɡ", "quoi": "kwa", "œuvre": "œvʁ", "un": "œ̃", "une": "yn", "le": "lə", "je": "ʒə",
    "te": "tə", "me": "mə", "ce": "sə", "de": "də", "que": "kə", "ne": "nə", "se": "sə", "ai": "e", "y": "i", "à": "a",
    "qu": "k", "en": "ɑ̃", "jusqu": "ʒysk", "lorsqu": "lɔʁsk", "puisqu": "pɥisk", "quelqu": "kɛlk", "parce": "paʁs",
    "lequel": "ləkɛl",
    "dessus": "dəsy", "dessous": "dəsu", "ressource": "ʁəsuʁs", "ressources": "ʁəsuʁs", "ressembler": "ʁəsɑ̃ble",
    "euro": "øʁo", "euros": "øʁo", "virgule": "viʁɡyl", "grosse": "ɡʁos", "grosses": "ɡʁos", "maintenant": "mɛ̃tnɑ̃",
    "samedi": "samdi",
    "médecin": "medsɛ̃", "événement": "evɛnmɑ̃", "petit": "pəti", "petite": "pətit", "petits": "pəti",
    "petites": "pətit",
    "appelle": "apɛl", "lycée": "lise", "musée": "myze", "idée": "ide", "idées": "ide", "thé": "te", "poêle": "pwal",
}  # fmt: skip

NASAL_ENT = words(
    "vent dent cent lent sent ment souvent content argent accident incident président résident urgent récent agent"
    " talent parent absent présent excellent évident prudent violent différent indifférent intelligent permanent"
    " continent couvent serpent torrent ardent décent adolescent innocent équivalent précédent antécédent fréquent"
    " éloquent délinquent turbulent insolent opulent corpulent transparent apparent cohérent adhérent référent"
    " concurrent courant détergent indulgent négligent exigent contingent divergent convergent imminent éminent"
    " pertinent insolvent dément ciment aliment ferment jument clément véhément tourment froment régent occident"
    " trident strident confident dissident pénitent impatient efficient coefficient ingrédient récipient"
    " inconvénient quotient escient consent ressent dépend couramment"
)
"""Words in -ent with a nasal vowel, i.e. not third-person plurals; for words in -ment it is the default."""

SILENT_MENT = words(
    "aiment forment ferment dorment consomment nomment affirment confirment expriment impriment estiment calment"
    " animent résument fument allument consument proclament réclament transforment informent arment assument"
    " suppriment dépriment programment entament enferment renferment endorment déforment surnomment dénomment riment"
    " priment sèment"
)
"""Third-person plurals in -ment, whose ending is silent."""

ASPIRATED = (
    "haricot|héros|haut|hasard|hont|hach|haie|haine|haï|halt|hamac|hamster|hanch|handicap|hangar|harcel|hareng|harnais|harp"
    "|hauss|hériss|heurt|hibou|hockey|holland|hongr|hors|houss|huit|hurl|homard|hublot|hutte|hall|hanté|hardi|hâte|haleter"
    "|onze|onzième|oui|yaourt|yoga|uhlan|ouistiti|week"
)
"""Words with an aspirated h or the like: no liaison before them."""

LINKS = {
    **dict.fromkeys(
        words(
            "les des mes tes ses ces nos vos leurs aux nous vous ils elles deux trois dans chez sans sous très plus"
            " moins pas quelques plusieurs certains certaines autres petits grands bons gros quels quelles tous"
            " quatrevingts"
        ),
        "z",
    ),
    **dict.fromkeys(words("un mon ton son en on bon aucun bien rien"), "n"),
    **dict.fromkeys(
        words("est sont ont quand tout grand petit c'est sept fait peut avait était"),
        "t",
    ),
}
"""Words that link to a vowel after them, and the sound that links."""

WEAK = words(
    "le la les un une des de du au aux et ou à en dans par pour sur sous chez ce cet cette ces mon ma mes ton ta"
    " tes son sa ses notre nos votre vos leur leurs je tu il elle on nous vous ils elles me te se ne que qui qu y"
    " est comment si mais sans avec"
)
"""Unstressed words."""
