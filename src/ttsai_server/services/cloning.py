"""Voice cloning: what a client wants said with the voice of a recording, or kept of it, checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from ttsai_server.domain import Caller, Capability, ModelCard
from ttsai_server.errors import BadRequest
from ttsai_server.services.billing import price
from ttsai_server.services.choice import AUTO
from ttsai_server.services.cloning_run import ClonePlan, CloneRun
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.flow import Order
from ttsai_server.services.saved_voices import SUMMARY, check_name, own_language
from ttsai_server.services.speech import SpeechOrder, plan_with_voice
from ttsai_server.services.speech_run import SpeechPlan
from ttsai_server.services.trials import Trials
from ttsai_server.services.voices import Choice, unnamed_voice
from ttsai_server.store.results import new_id
from ttsai_server.store.saved_voices import SavedVoice

APPROXIMATE = "The voice is near to the speaker's, but can't be taken for it: {model} only approximates voices"


@dataclass(frozen=True, slots=True)
class CloneOrder(Order[CloneRun]):
    kind: ClassVar[str] = "clone"
    takes_upload: ClassVar[bool] = True

    text: str = ""
    """Empty: nothing is said, the voice is only saved."""
    model: str | None = None
    """None: the first of `cloning.models` that is ready."""
    format: str = "mp3"
    language: str | None = None
    """Any spelling of a code; None: detected from the text."""
    speed: float = 1.0
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    """Options of the engine, or unknown."""
    name: str = ""
    """Under which the voice is saved; empty: it is not."""
    gender: str = "neutral"
    consent: str = ""
    """What the client says of the speaker's consent."""
    consent_key: str = ""
    """Id of the key that it was said with."""
    consented_at: float = 0
    """Unix seconds."""
    keep_reference: bool = False
    """Whether the recording is kept with the voice, so that other models can make it too."""
    voice_id: str = field(default_factory=lambda: new_id("voice"))
    """Of the voice, if it is saved: fixed here, so that a repeated job saves it once."""
    preview_id: str = field(default_factory=lambda: new_id("preview"))


def plan_clone(context: ServiceContext, caller: Caller, order: CloneOrder) -> ClonePlan:
    """Raises UnknownModel, BadRequest, or NotReady."""
    if not order.text.strip() and not order.name:
        raise BadRequest("'text' or 'name' is required.", param="text")
    if order.name:
        check_name(order.name)
    elif order.keep_reference:
        raise BadRequest("'keep_reference' needs a 'name': a recording is kept with a saved voice.", param="name")
    card = choose_model(context, order.model, Capability.CLONE, context.settings.cloning.models)
    speech = _speech(context, caller, order, card) if order.text.strip() else None
    language = speech.request.language if speech else own_language(card, order.language)
    return ClonePlan(
        kind=order.kind,
        model=card.id,
        result_name=speech.result_name if speech else SUMMARY,
        price=price(context.settings.prices, Capability.CLONE, card.tier),
        warnings=(*approximate_warning(card), *(speech.warnings if speech else ())),
        card=card,
        speech=speech,
        voice=_voice(caller, order, card, language) if order.name else None,
        keep_reference=order.keep_reference,
    )


def choose_model(context: ServiceContext, asked: str | None, capability: Capability, names: Sequence[str]) -> ModelCard:
    """The model that a client has named, or the first of a setting's names that is ready.

    Raises UnknownModel, or NotReady if it is not ready.
    """
    if asked and asked != AUTO:
        cards = [context.catalog.resolve(asked, capability)]
    else:
        known = [name for name in names if name in context.catalog.models] or names[:1]
        cards = [context.catalog.resolve(name, capability) for name in known]
    return Trials(context.settings).first_ready(cards, cards[0])


def approximate_warning(card: ModelCard) -> tuple[str, ...]:
    """A warning if the model's voices from recordings are only near to the speakers'."""
    return (APPROXIMATE.format(model=card.listed_as),) if card.approximate else ()


def _speech(context: ServiceContext, caller: Caller, order: CloneOrder, card: ModelCard) -> SpeechPlan:
    spoken = SpeechOrder(
        model=card.id,
        text=order.text,
        voice="",
        format=order.format,
        speed=order.speed,
        language=order.language,
        options=order.options,
    )
    return plan_with_new_voice(context, caller, spoken, card)


def plan_with_new_voice(context: ServiceContext, caller: Caller, spoken: SpeechOrder, card: ModelCard) -> SpeechPlan:
    """As `plan_speech`, with a voice that the model is still to make: there is none in the plan's request."""
    return plan_with_voice(context, caller, spoken, Choice(card, (unnamed_voice(card),), ()))


def _voice(caller: Caller, order: CloneOrder, card: ModelCard, language: str) -> SavedVoice:
    return SavedVoice(
        id=order.voice_id,
        account=caller.account,
        name=order.name,
        model=card.id,
        language=language,
        gender=order.gender,
        preview=order.preview_id,
        similarity=None,
        digest="",
        consent=order.consent,
        consent_key=order.consent_key,
        consented_at=order.consented_at,
    )
