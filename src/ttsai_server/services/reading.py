"""In which language a text is read, and whether a model can read it."""

from collections.abc import Collection, Sequence

from ttsai_server.domain import ModelCard, Voice
from ttsai_server.errors import BadRequest
from ttsai_server.text.language import NAMES, detect, foreign, normalise_code

MOST_FOREIGN = 0.5
"""Share of a text's letters that may be in scripts which its language is not written in."""


def language_of(text: str, asked: str | None, voices: Sequence[Voice], models: Sequence[ModelCard]) -> str:
    """The language to read a text in, BCP 47; the first voice's own region where the language is its own.

    Args:
        text: cleaned.
        asked: any spelling of a code, or a name; None: detected.
        voices: that speak, one or a blend: all of them must be able to.
        models: all that speak, to be named where this one can't.

    Raises BadRequest for a language that a voice lacks, or a text that is mostly in letters which it can't read.
    """
    of_voice, narrowest = voices[0].language, min(voices, key=lambda voice: len(voice.languages))
    spoken = [code for code in narrowest.languages if all(code in voice.languages for voice in voices)]
    code = detect(text, spoken, of_voice) if asked is None else normalise_code(asked)
    language = code.split("-")[0]
    if language not in spoken:
        known = f"The voice {narrowest.id!r} does not speak {asked or language!r}; it speaks {', '.join(spoken)}."
        raise BadRequest(f"{known} {_who_speaks([language], models)}", param="language")
    strange = foreign(text, language)
    if strange.share > MOST_FOREIGN:
        written = f"'text' is mostly in {strange.names[0]} letters, in which {NAMES[language]} is not written."
        raise BadRequest(f"{written} {_who_speaks(strange.languages, models)}", param="text")
    return of_voice if code == of_voice.split("-")[0] else code


def transliterated(text: str, language: str) -> tuple[str, ...]:
    """A warning if some words of the text are in letters which its language (BCP 47) is not written in."""
    code = language.split("-")[0]
    names = foreign(text, code).names
    return (f"Read as {NAMES[code]}, by their sounds or names: {', '.join(names)} letters",) if names else ()


def _who_speaks(languages: Collection[str], models: Sequence[ModelCard]) -> str:
    able = [(model.id, [code for code in model.languages if code in languages]) for model in models]
    listed = [f"{id!r} speaks {', '.join(codes)}" for id, codes in able if codes]
    return f"{'; '.join(listed)}." if listed else "No model of this server speaks it."
