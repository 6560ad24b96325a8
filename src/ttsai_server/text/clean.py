"""Normalises clients' text before it is spoken."""

import unicodedata

import regex

_SPEAKABLE = regex.compile(r"[\p{L}\p{N}]")
_CONTROL = regex.compile(r"[\p{Cc}\p{Cs}\p{Co}\p{Cn}--[\n\t]]", regex.V1)
"""Control characters, lone surrogates, private use and unassigned characters."""
_LINES = regex.compile(r"\r\n?|\u2028|\u0085|\v|\f")
_JOINED = r"\p{M}\p{Arabic}\p{Extended_Pictographic}\p{Emoji_Modifier}"
"""Characters after which a zero-width joiner is kept: a mark (Hindi's virama), an Arabic letter (Persian), an emoji."""
_INVISIBLE = regex.compile(
    rf"(?<![{_JOINED}])[\u200c\u200d]|[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
"""Soft hyphens, zero-width and direction marks."""


def clean(text: str) -> str:
    """Convert to NFC and \\n, remove invisible characters, and replace control characters and lone surrogates by
    spaces."""
    text = _LINES.sub("\n", text).replace("\u2029", "\n\n")
    return unicodedata.normalize("NFC", _CONTROL.sub(" ", _INVISIBLE.sub("", text)))


def speakable(text: str) -> bool:
    """Whether the text has a letter or a digit; blanks, punctuation and emoji alone can't be spoken."""
    return _SPEAKABLE.search(text) is not None
