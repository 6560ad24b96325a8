"""What the spelling of a word doesn't show: whether a full stop ends the sentence, and whether I is the pronoun."""

import re
from collections.abc import Callable, Mapping

Tagger = Callable[[str], Mapping[int, str]]
"""Where each word of a text begins → its part of speech (Penn Treebank: NNP is a name, VBD a verb in the past)."""

_OPENERS = (
    "A|An|The|This|That|These|Those|It|He|She|They|We|You|I|My|His|Her|Its|Our|Their|Your|There|Here|Then|But|And|So|Or"
    "|Yet|If|When|While|After|Before|Since|As|Because|Although|Though|In|On|At|By|For|From|With|To|Of|Not|No|Yes|Do"
    "|Did|Does|Is|Are|Was|Were|Has|Have|Had|Can|Could|Will|Would|Should|What|Who|Where|Why|How|Which|Once|Now|Later"
    "|However|Some|Many|Most|All|Both|Each|Every|Please|Let|Don['’]t|It['’]s|I['’]m|That['’]s|He['’]s|She['’]s|We['’]re"
    "|Mr|Mrs|Ms|Mister|Missus|Miz"
)
OPENER = rf"(?:{_OPENERS})\b"
"""Words with a capital because they begin a sentence, not because they are names."""
_END = re.compile(r"[\"”’')\]]*\s*$|\s*\n")
_NEXT = re.compile(rf"[\"”’')\]]*\s+[\"“‘(]?(?:(?P<opener>{OPENER})|(?P<word>[A-Z]))")

_NEAR = 80
"""Characters before an I in which the word before its noun is looked for."""
REIGN = "King|Queen|Pope|Emperor|Empress|Tsar|Czar|Kaiser|Sultan|Shah|Prince|Duke|Antipope"
"""Titles before the name of a ruler."""
_BEFORE_I = re.compile(rf"(?P<word>[\w'’]*)[ ,;:]*(?:\b(?:{REIGN}) )?(?P<noun>\b\w+) $")
_AFTER_I = re.compile(r" (?P<word>[\w'’]+)")
_NO_OBJECT = re.compile(r"(?i)when|after|before|since|until|till|while|because|as|that|if|once|under")
"""Between one of these and I said, a name is the subject: after Peter I died."""
_AUXILIARY = re.compile(r"(?i)\b(?:do|does|did|will|would|can|could|should|may|might|must|to|let|make|made)\b")


class Grammar:
    """Answers questions about a text; asks the tagger only where the words alone leave two ways to read it."""

    def __init__(self, tag: Tagger) -> None:
        self._tagger, self._text, self._tags = tag, "", {}

    def stop(self, text: str, end: int, names: bool = False) -> str:
        """A full stop if the sentence ends with the abbreviation that ends at `end`, else nothing.

        `names`: whether a name may well follow the abbreviation within a sentence, as after U.S. or Inc.
        """
        if _END.match(text, end):
            return "."
        following = _NEXT.match(text, end)
        if not following:
            return ""
        if following["opener"] or not names:
            return "."
        return "" if self._tag(text, following.start("word")).startswith("NNP") else "."

    def is_pronoun(self, text: str, at: int, person: bool) -> bool:
        """Whether the I at `at` is the pronoun, not the number of the noun or (if `person`) of the name before it."""
        if re.match(r"['’](?!s\b)", text[at + 1 : at + 3]):
            return True
        before = _BEFORE_I.search(text, max(0, at - _NEAR), at)
        after = _AFTER_I.match(text, at + 1)
        if not before or not after or (before["noun"].lower() == "war" and before["word"].lower() == "world"):
            return False
        return after["word"] == "am" or self._is_subject(text, before, after.start("word"), person)

    def _is_subject(self, text: str, before: re.Match[str], verb: int, person: bool) -> bool:
        """Whether I is the subject of the word at `verb`: only the pronoun takes "know", only the number "knows"."""
        tag = self._tag(text, verb)
        asked = _AUXILIARY.search(text, before.start(), before.start("noun")) is not None
        if tag == "VBP":
            return not asked
        if tag not in ("VBD", "MD", "RB", "VB", "VBN") or (tag in ("VB", "VBN") and asked):
            return False
        if not person:
            return before["noun"][0].islower()
        word = before["word"]
        if not word or _NO_OBJECT.fullmatch(word):
            return False
        return self._tag(text, before.start("word"))[:2] in ("VB", "IN", "TO")

    def _tag(self, text: str, at: int) -> str:
        if text is not self._text:
            self._text, self._tags = text, self._tagger(text)
        return self._tags.get(at, "")
