"""A turn of a spoken conversation: what a client wants answered, checked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from ttsai_server.domain import Caller, Capability, Message, Tier
from ttsai_server.errors import BadRequest
from ttsai_server.services.billing import price
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.flow import Order
from ttsai_server.services.speech import SpeechOrder, plan_speech
from ttsai_server.services.transcription import TranscriptionOrder, plan_transcription
from ttsai_server.services.transcription_run import TranscriptionPlan
from ttsai_server.services.voice_chat_run import VoiceChatPlan, VoiceChatRun
from ttsai_server.text.clean import clean
from ttsai_server.text.language import NAMES


@dataclass(frozen=True, slots=True)
class VoiceChatOrder(Order[VoiceChatRun]):
    """What the user says is a text, or the upload."""

    kind: ClassVar[str] = "voice_chat"
    takes_upload: ClassVar[bool] = True

    text: str | None = None
    """None: it is in the upload."""
    history: Sequence[Sequence[str]] = ()
    """The earlier turns, each what the user said and what was answered."""
    system_prompt: str | None = None
    """None: that of the settings."""
    voice: str = "af_bella"
    tts_model: str = "kokoro"
    stt_model: str = "whisper"
    language: str | None = None
    """Any spelling of a code, of what the user says and of the answer; None: detected, and the voice's own."""
    speed: float = 1.0


def plan_voice_chat(context: ServiceContext, caller: Caller, order: VoiceChatOrder) -> VoiceChatPlan:
    """Raises NoChatModel, UnknownModel, UnknownVoice, BadRequest, and NotReady for a chat model that is not."""
    chat = context.chat.chosen()
    sample = SpeechOrder(order.tts_model, ".", order.voice, speed=order.speed, language=order.language, wordless=True)
    speech = plan_speech(context, caller, sample)
    return VoiceChatPlan(
        kind=order.kind,
        model=chat.name,
        result_name="resp.mp3",
        price=price(context.settings.prices, Capability.CHAT, Tier.STANDARD),
        warnings=speech.warnings,
        chat=chat,
        system=Message("system", _system_prompt(context, order, speech.language)),
        history=tuple(Message(role, text) for turn in order.history for role, text in zip(ROLES, turn, strict=True)),
        text=None if order.text is None else _checked(order.text, context.settings.plans[caller.plan].max_characters),
        listening=_listening(context, caller, order) if order.text is None else None,
        speech=speech,
        speak=lambda text: plan_speech(context, caller, replace(sample, text=text)),
    )


ROLES = ("user", "assistant")


def _system_prompt(context: ServiceContext, order: VoiceChatOrder, language: str) -> str:
    prompt = context.settings.chat.system_prompt if order.system_prompt is None else order.system_prompt
    return prompt.replace("{language}", NAMES[language])


def _checked(text: str, longest: int) -> str:
    if len(text) > longest:
        raise BadRequest(f"'text' has {len(text)} characters; the plan allows {longest}.", param="text")
    text = clean(text).strip()
    if not text:
        raise BadRequest("'text' is empty.", param="text")
    return text


def _listening(context: ServiceContext, caller: Caller, order: VoiceChatOrder) -> TranscriptionPlan:
    asked = TranscriptionOrder(order.stt_model, language=order.language or "auto")
    plan = plan_transcription(context, caller, asked)
    return replace(plan, max_seconds=context.settings.chat.max_seconds)
