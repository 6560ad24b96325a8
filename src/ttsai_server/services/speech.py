"""Text to speech: what a client wants said, checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

from pydantic import ValidationError

from ttsai_server.audio.encode import CONTENT_TYPES
from ttsai_server.domain import Caller, Capability, ModelCard, SpeechRequest
from ttsai_server.engines.catalog import load_class
from ttsai_server.engines.installation import require_installed
from ttsai_server.errors import BadRequest, NotReady
from ttsai_server.services.billing import price
from ttsai_server.services.choice import AUTO, best_choice, native_voices, readable, who_speaks
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.flow import Order
from ttsai_server.services.reading import Reading, readings, transliterated
from ttsai_server.services.speech_run import SpeechPlan, SpeechRun
from ttsai_server.services.voices import Choice
from ttsai_server.services.word_alignment import choose_aligner
from ttsai_server.services.word_times import WrittenText
from ttsai_server.text.clean import clean, speakable
from ttsai_server.text.markup import unmarked
from ttsai_server.text.pronunciations import pronounce
from ttsai_server.text.source_map import SourceMap


@dataclass(frozen=True, slots=True)
class SpeechOrder(Order[SpeechRun]):
    kind: ClassVar[str] = "tts"

    model: str
    text: str
    voice: str
    format: str = "mp3"
    speed: float = 1.0
    language: str | None = None
    """Any spelling of a code; None: detected."""
    pronunciations: Mapping[str, str] = field(default_factory=dict[str, str])
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    """Fields beyond the contract's: options of the engine, or unknown."""
    timestamps: bool = False
    """Whether to report when each word is said."""
    wordless: bool = False
    """Whether text that is only punctuation is spoken as a pause; else it is refused."""
    sound_rate: int | None = None
    """Hertz, of the sound; None: the model's own."""
    bitrate: int | None = None
    """Bits a second; None: that of the format."""


def plan_speech(context: ServiceContext, caller: Caller, order: SpeechOrder) -> SpeechPlan:
    """Blocking: it may have to detect the language.

    Raises UnknownModel, UnknownVoice, BadRequest, or NotReady if the language can't be detected here.
    """
    if order.model == AUTO:
        choice = best_choice(context.settings, context.voices, caller, order.voice, clean(order.text), order.language)
    else:
        choice = context.voices.choose(caller, order.model, order.voice)
    return plan_with_voice(context, caller, order, choice)


def plan_with_voice(context: ServiceContext, caller: Caller, order: SpeechOrder, choice: Choice) -> SpeechPlan:
    """As `plan_speech`, with a voice that is already known; the order's model and voice are not looked at."""
    card = choice.card
    plain = _plain_text(order, context.settings.plans[caller.plan].max_characters)
    spoken = _spoken_text(order, plain)
    text = spoken.text
    parts = _readings(context, text, order, choice)
    options, ignored = _known_options(card, order.options)
    speed = min(max(order.speed, card.slowest), card.fastest)
    format = _format(order.format)
    return SpeechPlan(
        kind=order.kind,
        model=card.id,
        result_name=f"speech.{format}",
        price=price(context.settings.prices, Capability.TTS, card.tier),
        warnings=(*_ignored_warning(ignored), *transliterated(text, parts)),
        card=card,
        text=text,
        readings=tuple(parts),
        request=SpeechRequest(
            text="",
            voices=choice.parts,
            language=max(parts, key=lambda part: part.end - part.start).language,
            speed=speed,
            options=options,
            timestamps=order.timestamps and card.timestamps,
        ),
        format=format,
        characters=max(1, len(order.text) + len(text) - len(plain)),
        sound_rate=order.sound_rate,
        bitrate=order.bitrate,
        tempo=order.speed / speed,
        written=WrittenText.of(order.text, plain, spoken) if order.timestamps else None,
        aligner=choose_aligner(context, parts) if order.timestamps and not card.timestamps else None,
        unmade=choice.unmade,
        natives=native_voices(choice, {part.language for part in parts}),
    )


def _readings(context: ServiceContext, text: str, order: SpeechOrder, choice: Choice) -> list[Reading]:
    can, who = partial(readable, choice.card), partial(who_speaks, context.settings, context.catalog)
    try:
        return readings(text, order.language, choice.voices, can, who)
    except NotReady:  # one command shall install the detector and all that the model needs
        if not context.settings.models.workers:
            require_installed(choice.card, context.settings.models.dir)
        raise


def _plain_text(order: SpeechOrder, longest: int) -> str:
    """The text without its markup."""
    if len(order.text) > longest:
        raise BadRequest(f"'text' has {len(order.text)} characters; the plan allows {longest}.", param="text")
    return clean(unmarked(clean(order.text)))  # once more: an entity may stand for any character


def _spoken_text(order: SpeechOrder, plain: str) -> SourceMap:
    """What is spoken: with the client's pronunciations in it, which are billed."""
    spoken = pronounce(plain, order.pronunciations)
    if not speakable(spoken.text) and not (spoken.text and order.wordless):
        raise BadRequest("'text' has nothing in it that can be spoken.", param="text")
    return spoken


def _format(name: str) -> str:
    if name not in CONTENT_TYPES:
        raise BadRequest(f"'format' must be one of {', '.join(CONTENT_TYPES)}.", param="format")
    return name


def _ignored_warning(ignored: tuple[str, ...]) -> tuple[str, ...]:
    return (f"Ignored, unknown to the engine: {', '.join(ignored)}",) if ignored else ()


def _known_options(card: ModelCard, given: Mapping[str, object]) -> tuple[Mapping[str, object], tuple[str, ...]]:
    """What the engine takes of them, checked; and the names of those it does not know."""
    kind = load_class(card).Options
    known = {name: value for name, value in given.items() if name in kind.model_fields}
    try:
        checked = kind.model_validate(known)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadRequest(f"{first['loc'][0]!r}: {first['msg']}.", param=str(first["loc"][0])) from None
    return {name: getattr(checked, name) for name in known}, tuple(name for name in given if name not in known)
