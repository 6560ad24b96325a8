"""A text that is still being written, as by a chat model: which part of it can be spoken already."""

import regex

from ttsai_server.text.clean import clean
from ttsai_server.text.markup import unmarked
from ttsai_server.text.split import sentence_ends

_PERHAPS_ENDED = regex.compile(r"""[.!?…:;।]['"”’»)\]*_]*\s+\S | [。！？] | \n""", regex.VERBOSE)
"""Only after this a sentence can have ended."""
_OVERLAP = 8
"""Characters of what has been looked at that are looked at again, for an end that comes in two parts."""
_SIGN = regex.compile(r"[*_~`\[\]<|\\]")
"""May be half of a mark-up whose other half is still to come, as in `**Now. Or`."""
_PARAGRAPH_END = regex.compile(r"\n\s*\n\s*")
_BLANK = regex.compile(r"\s+")


class GrowingText:
    """Takes Markdown in parts, and returns it as plain text, by whole sentences.

    All that it returns, joined, is what `unmarked` makes of the whole text, but for blanks. A sentence is returned as
    soon as the next one begins, and one that may contain an open mark-up when its line has ended.
    """

    def __init__(self, language: str) -> None:
        """language: ISO 639-1, for its abbreviations."""
        self._language = language
        self._written = ""
        """All of it, as it was written."""
        self._examined = 0
        """How much of it has been looked at for ends of sentences."""
        self._returned = ""
        """All that has been returned, without blanks."""

    def add(self, part: str) -> str:
        """The plain text of the sentences that have ended with this part; empty if none has."""
        self._written += part
        if not _PERHAPS_ENDED.search(self._written, max(0, self._examined - _OVERLAP)):
            return ""
        self._examined = len(self._written)
        rest = self._rest()
        return self._take(rest[: self._ended(rest)])

    def end(self) -> str:
        """The plain text of the rest."""
        return self._take(self._rest())

    def _rest(self) -> str:
        """The plain text that has not been returned."""
        plain, seen = clean(unmarked(clean(self._written))), 0
        for at, char in enumerate(plain):
            if char.isspace():
                continue
            if seen == len(self._returned) or char != self._returned[seen]:
                return plain[at:]  # a mark-up that began in what has been spoken: rather twice than not at all
            seen += 1
        return ""

    def _ended(self, rest: str) -> int:
        """The length of its sentences that have ended, up to the first that may still change."""
        ended = 0
        for end in _sentences(rest, self._language):
            following = rest[end:].lstrip()
            if not following:
                break
            if _SIGN.search(rest, ended, end) and "\n" not in rest[end - 1 :]:
                break
            ended = end
        return ended

    def _take(self, plain: str) -> str:
        self._returned += _BLANK.sub("", plain)
        return plain


def _sentences(text: str, language: str) -> list[int]:
    """Where the sentences of a text end, with the blanks after them."""
    starts = [0, *(gap.end() for gap in _PARAGRAPH_END.finditer(text))]
    ends = [*starts[1:], len(text)]
    found = {
        start + end
        for start, stop in zip(starts, ends, strict=True)
        for end in sentence_ends(text[start:stop], language)
    }
    return sorted(found | {end for end in ends if end})
