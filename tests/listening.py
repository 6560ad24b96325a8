"""Ears for the tests: what does this sound say, and how far is that from what it should say?"""

import math
import re
import unicodedata
from io import BytesIO
from pathlib import Path
from typing import Any

import jiwer
import soxr
from num2words import num2words

from ttsai_server.domain import Audio

HEARING_RATE = 16_000
"""Hertz that Whisper takes."""
BY_CHARACTER = {"ja", "zh"}
"""Languages that write no spaces."""
MONEY = {"$": ("dollar", "cent"), "£": ("pound", "penny"), "€": ("euro", "cent")}
PLURALS = {"penny": "pence"}
WORDS = {
    "mr": "mister", "mrs": "missus", "dr": "doctor", "prof": "professor", "vs": "versus", "ok": "okay",
    "can't": "can not", "cannot": "can not", "won't": "will not", "shan't": "shall not", "let's": "let us",
}  # fmt: skip
IS = "it|that|he|she|what|there|here|where|who|how|when"
ENDINGS = {"n't": " not", "'re": " are", "'ve": " have", "'ll": " will", "'m": " am", "'d": " would"}
BRITISH = re.compile(r"\b(col|fav|harb|hon|lab|neighb)our")
"""Spellings that Whisper writes as Americans do: color."""
NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")


class Ear:
    """Whisper by CTranslate2, int8: tiny.en hears English, base every other language."""

    def __init__(self, english: Path, any_language: Path) -> None:
        self._folders = {True: english, False: any_language}
        self._models: dict[bool, Any] = {}

    def listen(self, audio: bytes | Audio, language: str = "en") -> str:
        """The words in a file's bytes or in samples; `language` as in ISO 639-1."""
        sound = BytesIO(audio) if isinstance(audio, bytes) else _heard(audio)
        segments, _ = self._model(language == "en").transcribe(
            sound, language=language, beam_size=5, condition_on_previous_text=False
        )
        return " ".join(segment.text.strip() for segment in segments)

    def _model(self, english: bool) -> Any:
        if english not in self._models:
            from faster_whisper import WhisperModel

            self._models[english] = WhisperModel(
                str(self._folders[english]), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True
            )
        return self._models[english]


def wer(reference: str, heard: str, language: str = "en") -> float:
    """Word error rate (0 is perfect) once both are written alike; by character where a language has no spaces."""
    said, got = spoken(reference, language), spoken(heard, language)
    return jiwer.cer(said, got) if language in BY_CHARACTER else jiwer.wer(said, got)


RARELY = 0.01
"""Share of words that may be misheard of any speech, however clear."""


def margin(share: float, words: int) -> float:
    """How much more of so many words may be misheard by chance: two standard deviations of `share` of them.

    Two hearings of one text agree in most words, so this is more than a processor's rounding makes of it, and less than
    what any fault makes of it.
    """
    likely = max(share, RARELY)
    return 2 * math.sqrt(likely * (1 - likely) / words)


def spoken(text: str, language: str = "en") -> str:
    """Lower case, no punctuation, numbers in words; in English also money, times, ordinals, contractions, titles,
    and British spellings as American ones."""
    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    text = NUMBER.sub(lambda n: _number(n[0], language), _english(text) if language == "en" else text)
    plain = "".join(" " if unicodedata.category(c)[0] in "PSZC" else c for c in text.replace("'", ""))
    return ("" if language in BY_CHARACTER else " ").join(plain.split())


def _english(text: str) -> str:
    text = re.sub(r"([$£€])(\d+(?:,\d{3})*)(?:\.(\d\d))?\b", lambda m: _money(m[1], m[2], m[3]), text)
    text = BRITISH.sub(r"\1or", re.sub(r"\bat (\d{1,2})\.(\d\d)\b", r"at \1:\2", text))
    text = re.sub(r"\b(\d{1,2}):(\d\d)\b", lambda m: m[1] if m[2] == "00" else f"{m[1]} {int(m[2])}", text)
    text = re.sub(r"\b(\d+)(?:st|nd|rd|th)\b", lambda m: num2words(int(m[1]), to="ordinal"), text)
    text = text.replace("%", " percent").replace("&", " and ").replace("o'clock", "")
    text = re.sub(r"[a-z]+(?:'[a-z]+)?", lambda m: WORDS.get(m[0], m[0]), text)
    text = re.sub(rf"\b({IS})'s\b", r"\1 is", text)
    for ending, words in ENDINGS.items():
        text = re.sub(rf"{ending}\b", words, text)
    return re.sub(r"\b(hundred|thousand|million) and\b", r"\1", text)


def _money(sign: str, whole: str, part: str | None) -> str:
    large, small = MONEY[sign]
    sums = [(int(whole.replace(",", "")), large), (int(part or 0), small)]
    return (
        " ".join(f"{n:,} {unit if n == 1 else PLURALS.get(unit, unit + 's')}" for n, unit in sums if n) or f"0 {large}s"
    )


def _number(digits: str, language: str) -> str:
    plain = digits.replace(",", "")
    if language == "en" and re.fullmatch(r"1[1-9]\d\d|20\d\d", digits):
        return str(num2words(int(plain), to="year"))
    words = num2words(float(plain) if "." in plain else int(plain), lang=language)
    return str(words).replace(" and ", " ") if language == "en" else str(words)


def _heard(audio: Audio) -> Any:
    return soxr.resample(audio.samples.mean(axis=1), audio.rate, HEARING_RATE)
