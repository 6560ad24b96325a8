"""Speech to speech: which voice is to say what a recording says, with which emotion and how fast, checked.

A model that converts keeps the recording's own timing and melody, which are then moved for the emotion. A model of
`conversion.respeaking` speaks the recording's transcript anew, as vividly as the emotion is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from ttsai_server.audio.prosody import EMOTIONS
from ttsai_server.domain import Caller, Capability, ModelCard
from ttsai_server.errors import BadRequest
from ttsai_server.services.billing import price
from ttsai_server.services.cloning import approximate_warning, choose_model
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.conversion import plan_with_target
from ttsai_server.services.conversion_run import ConversionPlan, ConversionRun
from ttsai_server.services.flow import Order
from ttsai_server.services.respeaking_run import RespeakingPlan, RespeakingRun
from ttsai_server.services.target_voice import find_target
from ttsai_server.services.transcription import TranscriptionOrder, plan_transcription

EXAGGERATION = "exaggeration"
EXAGGERATIONS: Mapping[str, float] = {"neutral": 0.5, "happy": 0.8, "sad": 0.4, "angry": 1.0, "excited": 1.2}
"""Emotion → how vividly a model with that option speaks; .5 is its usual manner."""


@dataclass(frozen=True, slots=True)
class SpeechToSpeechOrder(Order[ConversionRun | RespeakingRun]):
    kind: ClassVar[str] = "speech_to_speech"
    takes_upload: ClassVar[bool] = True

    voice: str
    """Of a model, or saved."""
    model: str | None = None
    """None: the first of `conversion.models` that is ready."""
    emotion: str = "neutral"
    """A key of `EMOTIONS`."""
    speed: float = 1.0
    format: str = "wav"


def plan_speech_to_speech(
    context: ServiceContext, caller: Caller, order: SpeechToSpeechOrder
) -> ConversionPlan | RespeakingPlan:
    """Raises UnknownModel, UnknownVoice, BadRequest, or NotReady."""
    if order.emotion not in EMOTIONS:
        raise BadRequest(f"'emotion' must be one of {', '.join(EMOTIONS)}.", param="emotion")
    if not order.voice:
        raise BadRequest("'voice' is required.", param="voice")
    named = context.catalog.find(order.model) if order.model else None
    if named and named.id in context.settings.conversion.respeaking:
        return _respeaking(context, caller, order, named)
    return _converting(context, caller, order)


def _converting(context: ServiceContext, caller: Caller, order: SpeechToSpeechOrder) -> ConversionPlan:
    emotion = EMOTIONS[order.emotion]
    card = choose_model(context, order.model, Capability.VOICE_CONVERSION, context.settings.conversion.models)
    target = find_target(context, caller, order.voice, card)
    plan = plan_with_target(context, card, order.kind, order.format, target)
    prosody = replace(emotion, tempo=emotion.tempo * order.speed)
    return replace(plan, result_name=f"speech.{order.format}", prosody=prosody)


def _respeaking(
    context: ServiceContext, caller: Caller, order: SpeechToSpeechOrder, named: ModelCard
) -> RespeakingPlan:
    settings = context.settings
    card = choose_model(context, named.id, Capability.CLONE, ())
    listening = TranscriptionOrder(settings.transcription.default_model)
    return RespeakingPlan(
        kind=order.kind,
        model=card.id,
        result_name=f"speech.{order.format}",
        price=price(settings.prices, Capability.VOICE_CONVERSION, card.tier),
        warnings=approximate_warning(card),
        max_seconds=settings.conversion.max_seconds,
        channels=1,
        card=card,
        target=find_target(context, caller, order.voice, card),
        listening=plan_transcription(context, caller, listening),
        speed=order.speed,
        options={EXAGGERATION: EXAGGERATIONS[order.emotion]},
        format=order.format,
    )
