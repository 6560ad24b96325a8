"""Which model and voice speak a language: for clients that leave the choice, and for those that have chosen wrongly."""

from collections.abc import Collection
from dataclasses import replace
from functools import partial

from ttsai_server.domain import Caller, Capability, ModelCard, Voice
from ttsai_server.engines.base import Synthesizer
from ttsai_server.engines.catalog import Catalog, load_class
from ttsai_server.errors import BadRequest
from ttsai_server.services.availability import Availability
from ttsai_server.services.blends import parse_blend
from ttsai_server.services.trials import Trials
from ttsai_server.services.voices import Choice, Voices
from ttsai_server.settings import Settings
from ttsai_server.text.language import NAMES, detect, normalise_code

AUTO = "auto"
"""A client's model or voice: the best there is."""
MOST_MODELS, MOST_VOICES = 5, 3
"""How many are named in an error."""


def readable(card: ModelCard, language: str) -> bool:
    """Whether the packages that reading a language (BCP 47) takes are installed, beside those of the engine."""
    engine = load_class(card)
    return not (issubclass(engine, Synthesizer) and engine.missing_extra(language))


def who_speaks(settings: Settings, catalog: Catalog, languages: Collection[str]) -> str:
    """A sentence that names the models and voices that speak one of the languages, ISO 639-1, ready ones first."""
    models: dict[str, list[tuple[ModelCard, Availability]]] = {}
    trials = Trials(settings)
    for card in catalog.cards(Capability.TTS):
        if set(languages) & {*card.languages}:
            models.setdefault(card.listed_as, []).append((card, trials.availability(card)))
    described = sorted(map(partial(_described, languages=languages), models.values()), key=lambda each: each[0])
    if not described:
        return "No model of this server speaks it."
    more = f" and {len(described) - MOST_MODELS} more" if len(described) > MOST_MODELS else ""
    return f"Models that do: {'; '.join(text for _, text in described[:MOST_MODELS])}{more}."


def best_choice(
    settings: Settings, voices: Voices, caller: Caller, voice: str, text: str, language: str | None
) -> Choice:
    """The choice for the model `auto`: the model that has the voice; for the voice `auto`, the ready model of the
    highest rank that speaks the language, and its first voice of that language, beside `native_voices`.

    text: cleaned; its language is detected if `language` is None. Blocking. Raises UnknownVoice; BadRequest for a
    language that no model speaks, or NotReady if none of those that speak it is ready.
    """
    if voice and voice != AUTO:
        found = voices.find(caller, parse_blend(voice)[0][0])
        return voices.choose(caller, voices.catalog.models[found.model].listed_as, voice)
    ranked = sorted((card for card in voices.catalog.cards(Capability.TTS) if card.rank), key=lambda card: -card.rank)
    spoken = dict.fromkeys(code for card in ranked for code in _languages(card))
    code = detect(text, list(spoken), "en") if language is None else normalise_code(language)
    able = [card for card in ranked if code.split("-")[0] in _languages(card)]
    if not able:
        raise BadRequest(f"There is no voice for {NAMES[code.split('-')[0]]}.", param="language")
    trials = Trials(settings)
    ready = [card for card in able if trials.availability(card).status == "ready"]
    readers = [card for card in ready if readable(card, code)] or ready or able
    card = trials.first_ready(readers, readers[0])
    speaker = min(card.voices, key=lambda each: _distance(each, code))
    return replace(voices.choose(caller, card.listed_as, speaker.id), any_voice=True)


def native_voices(choice: Choice, languages: Collection[str]) -> dict[str, Voice]:
    """Language of `languages` (BCP 47) → the voice of the chosen model that has it as its own and reads it instead of
    the chosen one; for a client that has asked for no voice, else none."""
    own = choice.voices[0].language.split("-")[0]
    others = [code for code in languages if choice.any_voice and code.split("-")[0] != own]
    gender = choice.voices[0].gender
    found = {
        code: min(choice.card.voices, key=lambda voice: (_distance(voice, code), voice.gender != gender))
        for code in others
    }
    return {code: voice for code, voice in found.items() if _distance(voice, code) < 2}


def _languages(card: ModelCard) -> set[str]:
    """Codes that its own voices speak."""
    return {code for voice in card.voices for code in voice.languages}


def _distance(voice: Voice, language: str) -> int:
    """How far a voice is from speaking a language (BCP 47) as its own."""
    if voice.language == language:
        return 0
    code = language.split("-")[0]
    return 1 if voice.language.split("-")[0] == code else 2 if code in voice.languages else 3


def _described(cards: list[tuple[ModelCard, Availability]], languages: Collection[str]) -> tuple[bool, str]:
    """Whether none of them is ready, and what is said of them: a model, or a family of voices."""
    ready = [each for each in cards if each[1].status == "ready"]
    first, found = (ready or cards)[0]
    voices = [voice for card, _ in ready or cards for voice in card.voices if set(languages) & {*voice.languages}]
    voices.sort(key=lambda voice: voice.language.split("-")[0] not in languages)
    named = ", ".join(voice.id for voice in voices[:MOST_VOICES]) + (", …" if len(voices) > MOST_VOICES else "")
    codes = sorted({code for card, _ in cards for code in card.languages} & {*languages})
    text = f"{first.listed_as!r} speaks {', '.join(codes)}" + (f" ({named})" if named else "")
    return not ready, text if ready else f"{text}, after: {found.command}"
