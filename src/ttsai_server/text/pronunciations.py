"""Applies a client's pronunciations: `{"GIF": "jiff"}`."""

from collections.abc import Mapping

import regex

from ttsai_server.errors import BadRequest
from ttsai_server.text.clean import clean
from ttsai_server.text.source_map import SourceMap, identity, substituted

MOST_ENTRIES = 100
LONGEST_ENTRY = 100
"""Most characters of a word, and of its replacement."""
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
"""Scripts without spaces between words: there a match may begin and end anywhere."""
_BORDERED = regex.compile(rf"[\w--[{_UNSPACED}]]", regex.V1)


def pronounce(text: str, pronunciations: Mapping[str, str]) -> SourceMap:
    """Replace words by their pronunciations. → the text that is spoken, with where it comes from in `text`.

    Only whole words are replaced, the longest first, and replacements are not searched again. A word in lower case
    matches any case (`gif`: Gif, GIF), any other only itself (`US` is not `us`). text: cleaned. Raises BadRequest if
    there are too many words, one is empty or too long, or the text would more than double.
    """
    if not pronunciations:
        return identity(text)
    said = {clean(word).strip(): clean(sound).strip() for word, sound in pronunciations.items()}
    _check(said)
    words = regex.compile("|".join(_pattern(word) for word in sorted(said, key=len, reverse=True)))
    result = substituted(text, words, lambda match: _sound(said, match.group()))
    if len(result.text) > 2 * len(text) + 1000:
        raise _bad("make the text more than twice as long")
    return result


def _check(said: Mapping[str, str]) -> None:
    if len(said) > MOST_ENTRIES:
        raise _bad(f"are more than {MOST_ENTRIES}")
    if not all(said):
        raise _bad("have an empty word")
    if max(len(part) for entry in said.items() for part in entry) > LONGEST_ENTRY:
        raise _bad(f"have an entry of more than {LONGEST_ENTRY} characters")


def _bad(what: str) -> BadRequest:
    return BadRequest(f"'pronunciations' {what}.", param="pronunciations")


def _pattern(word: str) -> str:
    begin = r"(?<!\w)" if _BORDERED.match(word[0]) else ""
    end = r"(?!\w)" if _BORDERED.match(word[-1]) else ""
    any_case = "(?i:{})" if word == word.lower() else "{}"
    return begin + any_case.format(regex.escape(word)) + end


def _sound(said: Mapping[str, str], found: str) -> str:
    return said.get(found, said.get(found.lower(), found))
