"""Which language a text is in, and what clients call languages."""

from collections import Counter
from collections.abc import Collection, Mapping

import regex

from ttsai_server.errors import BadRequest

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

_CALLED = {name.lower(): code for code, name in NAMES.items()} | {
    "american english": "en-us",
    "british english": "en-gb",
    "brazilian portuguese": "pt-br",
    "mandarin": "zh",
    "castilian": "es",
    "farsi": "fa",
    "cmn": "zh",
    "iw": "he",
    "jp": "ja",
    "cn": "zh",
}
_CODE = regex.compile(r"([a-z]{2,3})(-[a-z0-9]{2,8})*")

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
)

_LOOKED_AT = 1000
"""Characters: more of them do not make it surer."""
_FEW_WORDS = 4
"""A shorter text is too short to leave the voice's language for another of the same script."""
_SURE, _NOT = 0.9, 0.001
"""What another language must reach, and the voice's own must not."""


def normalise_code(name: str) -> str:
    """`en_US`, `English`, `pt-BR` → BCP 47 in lower case: `en-us`, `en`, `pt-br`. Raises BadRequest for no language."""
    wanted = name.strip().lower().replace("_", "-")
    code = _CALLED.get(wanted, wanted)
    form = _CODE.fullmatch(code)
    if not form or form[1] not in NAMES:
        raise BadRequest(f"Unknown language: {name[:40]!r}. Send a code such as 'en' or 'pt-br'.", param="language")
    return code


def detect(text: str, candidates: Collection[str], default: str) -> str:
    """The language of a text, one of `candidates` (ISO 639-1), or that of `default` (BCP 47: the voice's own).

    The script decides where it can. Among languages of one script the text must be long and the detector sure, or the
    voice's language stays: a wrong guess spoils a text that was right. A script that the voice's language does not use
    is English when in doubt. The detector (lingua's trigrams) takes 15 MB at the first text that needs it.
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


def _without_names(text: str) -> list[str]:
    """Words in lower case: names are written alike in many languages, and a few of them outweigh all the rest."""
    return text.lower().split() if text.isupper() else [word for word in text.split() if word == word.lower()]


def _written(text: str, candidates: Collection[str]) -> set[str]:
    """Those of the candidates that are written as most of the text is."""
    letters = Counter(match.lastgroup for match in _LETTER.finditer(text))
    if not letters:
        return set()
    # a Japanese text is mostly Chinese characters at times; a Chinese one has no kana
    if 10 * letters["Kana"] > letters["Hani"]:
        letters["Kana"] += letters.pop("Hani", 0)
    script = letters.most_common(1)[0][0]
    if script != "Latn":
        return set(candidates) & set(_SCRIPTS[str(script)].split())
    return set(candidates) - {code for codes in _SCRIPTS.values() for code in codes.split()}


def _chances(text: str, candidates: Collection[str]) -> dict[str, float]:
    """How likely the text is in each of the languages; those that the detector does not know are left out."""
    from lingua import IsoCode639_1, LanguageDetectorBuilder

    known = [getattr(IsoCode639_1, code.upper()) for code in candidates if hasattr(IsoCode639_1, code.upper())]
    if len(known) < 2:
        return {}
    detector = LanguageDetectorBuilder.from_iso_codes_639_1(*known).with_low_accuracy_mode().build()
    values = detector.compute_language_confidence_values(text)
    return {value.language.iso_code_639_1.name.lower(): value.value for value in values}
