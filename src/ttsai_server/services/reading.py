"""In which language a text, or each part of it, is read, and whether a voice can read it."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from ttsai_server.domain import Voice
from ttsai_server.errors import BadRequest
from ttsai_server.text.language import NAMES, detect, detect_sentence, foreign, is_surely, normalise_code
from ttsai_server.text.split import sentences

MOST_FOREIGN = 0.5
"""Share of a text's letters that may be in scripts which its language is not written in."""
WhoSpeaks = Callable[[Collection[str]], str]
"""Languages, ISO 639-1 → a sentence that names the models and voices which speak one of them."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A part of a text that is read in one language."""

    start: int
    end: int
    """The part is [start, end) of the text; all parts together tile it."""
    language: str
    """BCP 47; the first voice's own region where the language is its own."""


def readings(
    text: str, asked: str | None, voices: Sequence[Voice], readable: Callable[[str], bool], who: WhoSpeaks
) -> list[Reading]:
    """How a text is read: in the language asked for, or in its own, and in another the sentences that are in another.

    Args:
        text: cleaned.
        asked: any spelling of a code, or a name; None: detected.
        voices: that speak, one or a blend: all of them must be able to.
        readable: whether what the model needs to read a language, ISO 639-1, is installed here.
        who: names those who speak a language where these voices don't.

    Raises BadRequest for a language that a voice lacks, or a text that is mostly in letters which it can't read.
    """
    spoken = _spoken(voices)
    main = _main_language(text, asked, voices, spoken, who)
    able = [code for code in spoken if code == main.split("-")[0] or readable(code)]
    found = [Reading(0, len(text), main)] if asked or len(able) < 2 else list(_parts(text, main, able, voices[0]))
    strange = [(foreign(text[part.start : part.end], _code(part.language)), part) for part in found]
    share = sum(each.share * (part.end - part.start) for each, part in strange) / max(1, len(text))
    if share > MOST_FOREIGN:
        worst, part = max(strange, key=lambda each: each[0].share)
        written = (
            f"'text' is mostly in {worst.names[0]} letters, in which {NAMES[_code(part.language)]} is not written."
        )
        raise BadRequest(f"{written} {who(worst.languages)}", param="text")
    return found


def transliterated(text: str, parts: Sequence[Reading]) -> tuple[str, ...]:
    """A warning for each language if some words of the text are in letters which it is not written in."""
    names: dict[str, dict[str, None]] = {}
    for part in parts:
        code = _code(part.language)
        names.setdefault(code, {}).update(dict.fromkeys(foreign(text[part.start : part.end], code).names))
    return tuple(
        f"Read as {NAMES[code]}, by their sounds or names: {', '.join(scripts)} letters"
        for code, scripts in names.items()
        if scripts
    )


def _code(language: str) -> str:
    return language.split("-")[0]


def _spoken(voices: Sequence[Voice]) -> list[str]:
    """Codes of the languages that all the voices speak."""
    first, *others = voices
    return [code for code in first.languages if all(code in voice.languages for voice in others)]


def _main_language(text: str, asked: str | None, voices: Sequence[Voice], spoken: Sequence[str], who: WhoSpeaks) -> str:
    code = detect(text, spoken, voices[0].language) if asked is None else normalise_code(asked)
    if _code(code) not in spoken:
        narrowest = min(voices, key=lambda voice: len(voice.languages))
        known = f"The voice {narrowest.id!r} does not speak {asked or code!r}; it speaks {', '.join(spoken)}."
        raise BadRequest(f"{known} {who([_code(code)])}", param="language")
    return _regional(code, voices[0])


def _regional(code: str, voice: Voice) -> str:
    return voice.language if code == _code(voice.language) else code


def _parts(text: str, main: str, able: Sequence[str], voice: Voice) -> Iterator[Reading]:
    """Sentences in one language after another, joined; one whose language is in doubt is read in the main one.

    That is the voice's own if any sentence surely is: the rest may outweigh it in the text as a whole.
    """
    whole, own = _code(main), _code(voice.language)
    bounds, found = list(sentences(text, whole)), list[Reading]()
    other = len(bounds) > 1 and whole != own and own in able
    mixed = other and any(is_surely(text[start:end], own, able) for start, end in bounds)
    before = usual = own if mixed else whole
    for start, end in bounds:
        before = detect_sentence(text[start:end], able, usual, before, whole) if len(bounds) > 1 else whole
        found.append(Reading(start, end, main if before == whole else _regional(before, voice)))
    for language, group in groupby(found, key=lambda one: one.language):
        joined = list(group)
        yield Reading(joined[0].start, joined[-1].end, language)
