"""Text to speech: from what a client asked for to encoded sound, paid for.

    Order ──check──▶ SpeechPlan ──say──▶ SpeechRun ──reserve, lease, first sound──▶ chunks ──▶ settled

Everything that can be wrong with an order is found by `check`, before a credit is reserved or a model loaded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from ttsai_server.audio.encode import CONTENT_TYPES
from ttsai_server.domain import Caller, Capability, ModelCard, SpeechRequest
from ttsai_server.engines.catalog import load_class
from ttsai_server.engines.installation import require_installed
from ttsai_server.errors import BadRequest, NotReady
from ttsai_server.services.billing import price
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.reading import language_of, transliterated
from ttsai_server.services.speech_run import SpeechPlan, SpeechRun
from ttsai_server.text.clean import clean, speakable
from ttsai_server.text.markup import unmarked
from ttsai_server.text.pronunciations import pronounce


@dataclass(frozen=True, slots=True)
class Order:
    """What a client wants said; its types are right, its meaning not yet checked."""

    model: str
    text: str
    voice: str
    format: str = "mp3"
    speed: float = 1.0
    language: str | None = None
    """Any spelling of a code; None: detected."""
    pronunciations: Mapping[str, str] = field(default_factory=dict[str, str])
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    """Fields beyond the contract's: knobs of the engine, or unknown."""
    wordless: bool = False
    """Whether punctuation alone is a pause; else it is refused."""


class Speech:
    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._settings = context.settings
        self._catalog = context.catalog

    def check(self, caller: Caller, order: Order) -> SpeechPlan:
        """Blocking: it may have to detect the language.

        Raises UnknownModel, UnknownVoice, BadRequest, or NotReady if the language can't be detected here.
        """
        card = self._catalog.resolve(order.model, Capability.TTS)
        voices = self._catalog.blend(card, order.voice)
        text = _spoken_text(order, self._settings.plans[caller.plan].max_characters)
        language = self._language(text, order, card, voices[0][0].language)
        options, ignored = _known_options(card, order.options)
        speed = min(max(order.speed, card.slowest), card.fastest)
        return SpeechPlan(
            card=card,
            text=text,
            request=SpeechRequest(
                text="",
                voices=tuple((voice.id, weight) for voice, weight in voices),
                language=language,
                speed=speed,
                options=options,
            ),
            format=_format(order.format),
            characters=len(order.text),
            warnings=(*_told(ignored), *transliterated(text, language)),
            credits=price(card, len(order.text), self._settings.prices),
            tempo=order.speed / speed,
        )

    def _language(self, text: str, order: Order, card: ModelCard, of_voice: str) -> str:
        try:
            return language_of(text, order.language, card, of_voice, self._catalog.cards(Capability.TTS))
        except NotReady:  # one command shall install the detector and all that the model needs
            require_installed(card, self._settings.models.dir)
            raise

    def say(self, caller: Caller, plan: SpeechPlan) -> SpeechRun:
        """The speech; nothing is reserved, loaded or made until its chunks are asked for."""
        return SpeechRun(plan, caller, self._context)


def _spoken_text(order: Order, longest: int) -> str:
    if len(order.text) > longest:
        raise BadRequest(f"'text' has {len(order.text)} characters; the plan allows {longest}.", param="text")
    text = clean(unmarked(clean(order.text)))  # once more: an entity may stand for any character
    text = pronounce(text, order.pronunciations)
    if not speakable(text) and not (text and order.wordless):
        raise BadRequest("'text' has nothing in it that can be spoken.", param="text")
    return text


def _format(name: str) -> str:
    if name not in CONTENT_TYPES:
        raise BadRequest(f"'format' must be one of {', '.join(CONTENT_TYPES)}.", param="format")
    return name


def _told(ignored: tuple[str, ...]) -> tuple[str, ...]:
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
