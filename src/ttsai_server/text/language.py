"""Detects a text's language, and parses clients' language codes and names."""

import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import regex

from ttsai_server.errors import BadRequest, NotReady

NAMES: Mapping[str, str] = {
    entry.split(" ", 1)[0]: entry.split(" ", 1)[1]
    for entry in """
aa Afar|ab Abkhazian|af Afrikaans|am Amharic|ar Arabic|as Assamese|az Azerbaijani|ba Bashkir|be Belarusian|bg Bulgarian
bm Bambara|bn Bengali|bo Tibetan|br Breton|bs Bosnian|ca Catalan|co Corsican|cs Czech|cy Welsh|da Danish|de German
dv Dhivehi|dz Dzongkha|ee Ewe|el Greek|en English|eo Esperanto|es Spanish|et Estonian|eu Basque|fa Persian|ff Fulah
fi Finnish|fo Faroese|fr French|fy Western Frisian|ga Irish|gd Scottish Gaelic|gl Galician|gn Guarani|gu Gujarati
ha Hausa|haw Hawaiian|he Hebrew|hi Hindi|hr Croatian|ht Haitian Creole|hu Hungarian|hy Armenian|id Indonesian|ig Igbo
is Icelandic|it Italian|ja Japanese|jv Javanese|ka Georgian|kk Kazakh|km Khmer|kn Kannada|ko Korean|ku Kurdish
ky Kyrgyz|la Latin|lb Luxembourgish|lg Ganda|ln Lingala|lo Lao|lt Lithuanian|lv Latvian|mg Malagasy|mi Maori
mk Macedonian|ml Malayalam|mn Mongolian|mr Marathi|ms Malay|mt Maltese|my Burmese|nb Norwegian Bokmål|ne Nepali
nl Dutch|nn Norwegian Nynorsk|no Norwegian|ny Nyanja|oc Occitan|om Oromo|or Odia|pa Punjabi|pl Polish|ps Pashto
pt Portuguese|qu Quechua|rm Romansh|rn Rundi|ro Romanian|ru Russian|rw Kinyarwanda|sa Sanskrit|sc Sardinian|sd Sindhi
se Northern Sami|si Sinhala|sk Slovak|sl Slovenian|sm Samoan|sn Shona|so Somali|sq Albanian|sr Serbian|ss Swati
st Southern Sotho|su Sundanese|sv Swedish|sw Swahili|ta Tamil|te Telugu|tg Tajik|th Thai|ti Tigrinya|tk Turkmen
tl Tagalog|tn Tswana|to Tongan|tr Turkish|ts Tsonga|tt Tatar|ug Uyghur|uk Ukrainian|ur Urdu|uz Uzbek|vi Vietnamese
wo Wolof|xh Xhosa|yi Yiddish|yo Yoruba|yue Cantonese|zh Chinese|zu Zulu
""".strip()
    .replace("\n", "|")
    .split("|")
}
"""Code (ISO 639-1 where there is one) → English name."""

_CODES = {
    other: code
    for code, *others in (
        entry.split()
        for entry in """
aa aar|ab abk|af afr|am amh|ar ara arb|as asm|az aze azj|ba bak|be bel|bg bul|bm bam|bn ben|bo bod tib|br bre|bs bos
ca cat|co cos|cs ces cze|cy cym wel|da dan|de deu ger|dv div|dz dzo|ee ewe|el ell gre|en eng|eo epo|es spa|et est ekk
eu eus baq|fa fas per pes|ff ful|fi fin|fo fao|fr fra fre|fy fry|ga gle|gd gla|gl glg|gn grn|gu guj|ha hau|he heb iw
hi hin|hr hrv|ht hat|hu hun|hy hye arm|id ind in|ig ibo|is isl ice|it ita|ja jpn jp|jv jav jw|ka kat geo|kk kaz|km khm
kn kan|ko kor|ku kur kmr|ky kir|la lat|lb ltz|lg lug|ln lin|lo lao|lt lit|lv lav lvs|mg mlg plt|mi mri mao|mk mkd mac
ml mal|mn mon khk|mr mar|ms msa may zsm|mt mlt|my mya bur|nb nob|ne nep npi|nl nld dut|nn nno|no nor|ny nya|oc oci
om orm|or ori ory|pa pan|pl pol|ps pus pbt|pt por|qu que|rm roh|rn run|ro ron rum mo|ru rus|rw kin|sa san|sc srd
sd snd|se sme|si sin|sk slk slo|sl slv|sm smo|sn sna|so som|sq sqi alb als|sr srp|ss ssw|st sot|su sun|sv swe
sw swa swh|ta tam|te tel|tg tgk|th tha|ti tir|tk tuk|tl tgl fil|tn tsn|to ton|tr tur|ts tso|tt tat|ug uig|uk ukr
ur urd|uz uzb uzn|vi vie|wo wol|xh xho|yi yid ydd ji|yo yor|zh zho chi cmn cn|zu zul
""".strip()
        .replace("\n", "|")
        .split("|")
    )
    for other in others
}
"""ISO 639-2 and 639-3 codes (also of a macrolanguage's main language), old codes and common mistakes → code."""

_CALLED = {name.lower(): code for code, name in NAMES.items()} | {
    "american english": "en-us",
    "brazilian portuguese": "pt-br",
    "british english": "en-gb",
    "castilian": "es",
    "farsi": "fa",
    "filipino": "tl",
    "flemish": "nl",
    "haitian": "ht",
    "letzeburgesch": "lb",
    "mandarin": "zh",
    "moldavian": "ro",
    "moldovan": "ro",
    "myanmar": "my",
    "nynorsk": "nn",
    "panjabi": "pa",
    "pushto": "ps",
    "sinhalese": "si",
    "valencian": "ca",
}
"""Name in lower case → code."""
_CODE = regex.compile(r"([a-z]{2,3})((?:-[a-z0-9]{2,8})*)")

_SCRIPTS = {
    "Arab": "ar fa ps sd ug ur",
    "Armn": "hy",
    "Beng": "as bn",
    "Cyrl": "ba be bg kk ky mk mn ru sr tg tt uk",
    "Deva": "hi mr ne sa",
    "Ethi": "am ti",
    "Geor": "ka",
    "Grek": "el",
    "Gujr": "gu",
    "Guru": "pa",
    "Hang": "ko",
    "Hani": "ja yue zh",
    "Hebr": "he yi",
    "Kana": "ja",
    "Khmr": "km",
    "Knda": "kn",
    "Laoo": "lo",
    "Mlym": "ml",
    "Mymr": "my",
    "Orya": "or",
    "Sinh": "si",
    "Taml": "ta",
    "Telu": "te",
    "Thai": "th",
    "Tibt": "bo dz",
}
"""Script → the languages written in it; every other language is written in Latin letters."""
_LETTER = regex.compile(
    r"[\p{Hiragana}\p{Katakana}](?P<Kana>)|\p{Latin}(?P<Latn>)"
    + "".join(rf"|\p{{{script}}}(?P<{script}>)" for script in _SCRIPTS if script != "Kana")
    + r"|[\p{L}--[\p{Common}\p{Inherited}]](?P<Zzzz>)",
    regex.V1,
)
_SYMBOL = regex.compile(r"(?<!\p{Greek})\p{Greek}(?!\p{Greek})|\p{N}")
"""A single π, Ω or β is a symbol in every language, and digits of any script are numbers."""
_SCRIPT_NAMES = {"Cjk": "Chinese", "Hiragana": "Japanese", "Katakana": "Japanese"}
"""First word of a character's Unicode name → its script, where they differ."""

_LOOKED_AT = 1000
"""Characters that are examined; more do not improve the detection."""
_FEW_WORDS = 4
"""A text of fewer words is too short to replace the voice's language by another of the same script."""
_SURE, _NOT = 0.9, 0.001
"""Least probability of another language, and greatest probability of the voice's, to change the language."""
_NOT_IN_A_SENTENCE = 1e-5
"""The latter for one sentence: an English one about `a pizza al pomodoro` reaches 5e-5."""


def normalise_code(name: str) -> str:
    """`en_US`, `eng-US`, `English`, `pt-BR` → BCP 47 in lower case: `en-us`, `en-us`, `en`, `pt-br`.

    Accepts all codes and names that Whisper accepts (its `jw` becomes `jv`). Raises BadRequest for an unknown language.
    """
    wanted = name.strip().lower().replace("_", "-")
    form = _CODE.fullmatch(_CALLED.get(wanted, wanted))
    code = _CODES.get(form[1], form[1]) if form else ""
    if not form or code not in NAMES:
        raise BadRequest(f"Unknown language: {name[:40]!r}. Send a code such as 'en' or 'pt-br'.", param="language")
    return code + form[2]


def three_letters(code: str) -> str:
    """The ISO 639-3 code of a language, ISO 639-1; itself where there is only that."""
    return next((other for other, known in _CODES.items() if known == code), code)


@dataclass(frozen=True, slots=True)
class Foreign:
    """The letters of a text that are not in its language's script; Latin letters are never foreign."""

    share: float
    """Their share of all letters, 0 to 1."""
    languages: frozenset[str]
    """Languages written in the commonest foreign script, ISO 639-1."""
    names: tuple[str, ...]
    """English names of the foreign scripts, the commonest first."""


def foreign(text: str, language: str) -> Foreign:
    """Find letters foreign to `language`, ISO 639-1. Digits are not foreign, nor are single Greek letters such as π."""
    if text.isascii():
        return Foreign(0.0, frozenset(), ())
    home = {"Latn", *(script for script, codes in _SCRIPTS.items() if language in codes.split())}
    letters, first = Counter[str](), dict[str, str]()
    for match in _LETTER.finditer(_SYMBOL.sub("", text)):
        script = str(match.lastgroup)
        letters[script] += 1
        first.setdefault(script, match[0])
    strange = [script for script, _ in letters.most_common() if script not in home]
    if not strange:
        return Foreign(0.0, frozenset(), ())
    share = sum(letters[script] for script in strange) / letters.total()
    names = dict.fromkeys(_script_name(first[script]) for script in strange)
    return Foreign(share, frozenset(_SCRIPTS.get(strange[0], "").split()), tuple(names))


def _script_name(letter: str) -> str:
    name = unicodedata.name(letter, "other").split()[0].title()
    return _SCRIPT_NAMES.get(name, name)


def detect(text: str, candidates: Collection[str], default: str) -> str:
    """The language of a text: one of `candidates` (ISO 639-1), or that of `default` (BCP 47: the voice's).

    The script decides if it can. Between languages of the same script, the text must be long and the detection
    certain to change the voice's language, because a wrong guess is worse than none. A text in a script that the
    voice's language does not use is taken for English if in doubt. The detector (lingua's trigrams) takes 15 MB from
    its first use. Raises NotReady if it is needed and not installed.
    """
    own = default.split("-")[0]
    text = text[:_LOOKED_AT]
    written = _written(text, candidates)
    if not written or written == {own}:
        return own
    if len(written) == 1:
        return written.pop()
    words = _without_names(text)
    if own in written and len(words) < _FEW_WORDS:
        return own
    chances = _chances(" ".join(words) if own in written else text, written)
    best = max(chances, key=lambda code: chances[code], default=own)
    if best != own and (chances[best] < _SURE or chances.get(own, 0) > _NOT):
        return own if own in written else "en" if "en" in written else best
    return best


def detect_sentence(text: str, candidates: Collection[str], main: str, before: str, also: str = "") -> str:
    """The language of one sentence of a text: one of `candidates` (ISO 639-1).

    As `detect`, but surer before it differs from the text's, since a sentence is less evidence than a text. One in
    doubt is in the language of the text, or of the sentence before it, whichever is likelier.

    Args:
        text: the sentence.
        candidates: languages that it may be in.
        main: the text's language, ISO 639-1.
        before: that of the sentence before it.
        also: another language that the text is known to be in; it takes no more certainty than `detect` asks for.
    """
    written = _written(text, candidates)
    if main not in written or len(written) == 1:
        return detect(text, candidates, main)
    words = _without_names(text)
    chances = _chances(" ".join(words), written) if words and (len(words) >= _FEW_WORDS or before != main) else {}
    best = max(chances, key=lambda code: chances[code], default=main)
    most = _NOT if best == also else _NOT_IN_A_SENTENCE
    if len(words) >= _FEW_WORDS and chances.get(best, 0) >= _SURE and chances.get(main, 0) <= most:
        return best
    return before if chances.get(before, 0) > chances.get(main, 0) else main


def is_surely(text: str, language: str, candidates: Collection[str]) -> bool:
    """Whether a sentence is long enough to judge, and in the language rather than in any other of `candidates`."""
    words, written = _without_names(text), _written(text, candidates)
    enough = language in written and len(words) >= _FEW_WORDS
    return enough and _chances(" ".join(words), written).get(language, 0) >= _SURE


def _without_names(text: str) -> list[str]:
    """The words in lower case only: names are the same in many languages, and a few of them would decide."""
    return text.lower().split() if text.isupper() else [word for word in text.split() if word == word.lower()]


def _written(text: str, candidates: Collection[str]) -> set[str]:
    """The candidates that are written in the text's main script."""
    letters = Counter(match.lastgroup for match in _LETTER.finditer(text))
    if not letters:
        return set()
    # a Japanese text is mostly Chinese characters at times; a Chinese one has no kana
    if 10 * letters["Kana"] > letters["Hani"]:
        letters["Kana"] += letters.pop("Hani", 0)
    script = letters.most_common(1)[0][0]
    if script != "Latn":
        return set(candidates) & set(_SCRIPTS.get(str(script), "").split())
    return set(candidates) - {code for codes in _SCRIPTS.values() for code in codes.split()}


def _chances(text: str, candidates: Collection[str]) -> dict[str, float]:
    """Probability of each language; those that the detector does not support are omitted."""
    try:
        from lingua import IsoCode639_1, LanguageDetectorBuilder
    except ModuleNotFoundError:
        raise NotReady(
            "The package that detects languages is not installed. Name the text's in 'language', or run: "
            "pip install 'ttsai-server[languages]'",
            param="language",
        ) from None
    known = [getattr(IsoCode639_1, code.upper()) for code in candidates if hasattr(IsoCode639_1, code.upper())]
    if len(known) < 2:
        return {}
    detector = LanguageDetectorBuilder.from_iso_codes_639_1(*known).with_low_accuracy_mode().build()
    values = detector.compute_language_confidence_values(text)
    return {value.language.iso_code_639_1.name.lower(): value.value for value in values}
