"""What clients send, made fit to be spoken."""

import unicodedata

import regex

_SPEAKABLE = regex.compile(r"[\p{L}\p{N}]")
_CONTROL = regex.compile(r"[\p{Cc}\p{Cs}\p{Co}\p{Cn}--[\n\t]]", regex.V1)
"""Control characters, lone surrogates, private use and what Unicode does not know."""
_LINES = regex.compile(r"\r\n?|\u2028|\u0085|\v|\f")
_JOINED = r"\p{M}\p{Arabic}\p{Extended_Pictographic}\p{Emoji_Modifier}"
"""What a zero-width joiner may follow: a vowel sign (Hindi's virama), an Arabic letter (Persian), an emoji."""
_INVISIBLE = regex.compile(
    rf"(?<![{_JOINED}])[\u200c\u200d]|[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
"""Soft hyphens, zero-width and direction marks."""


def clean(text: str) -> str:
    """Unicode NFC, lines that end in \\n, nothing invisible; a space for a control character or a lone surrogate."""
    text = _LINES.sub("\n", text).replace("\u2029", "\n\n")
    return unicodedata.normalize("NFC", _CONTROL.sub(" ", _INVISIBLE.sub("", text)))


def speakable(text: str) -> bool:
    """Whether there is a letter or a digit in it: not so for blanks, punctuation and emoji alone."""
    return _SPEAKABLE.search(text) is not None
