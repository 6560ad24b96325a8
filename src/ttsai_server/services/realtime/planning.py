"""What a session's configuration means here: its voice, its models, and how its turns are planned. Blocking."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from fnmatch import fnmatchcase

from ttsai_server.domain import Caller, Capability, ChatRequest, Message, Tier, Voice
from ttsai_server.errors import ApiError, UnknownModel
from ttsai_server.services.billing import price
from ttsai_server.services.blends import parse_blend
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.realtime.config import ConversationSession, Session, TranscriptionSession
from ttsai_server.services.realtime.hearing import plan_listening
from ttsai_server.services.realtime.problems import Refused
from ttsai_server.services.realtime.transcribing import live_plan
from ttsai_server.services.realtime.turn_run import TurnPlan
from ttsai_server.services.speech import SpeechOrder, plan_speech
from ttsai_server.services.speech_run import SpeechPlan
from ttsai_server.services.voice_chat import VoiceChatOrder
from ttsai_server.text.language import NAMES


def check(context: ServiceContext, caller: Caller, session: Session) -> None:
    """Raises Refused for a voice, a model or a language that this server does not have."""
    listening = session.audio.input.transcription
    try:
        if isinstance(session, TranscriptionSession):
            live_plan(context, caller, session)
        elif listening:
            plan_listening(context, caller, listening)
    except ApiError as error:
        raise _refused(error, f"session.audio.input.transcription.{error.param}") from None
    if isinstance(session, ConversationSession):
        try:
            speech_plan(context, caller, session)
        except ApiError as error:
            raise _refused(error, "session.audio.output.voice") from None


def check_model(context: ServiceContext, model: str | None) -> None:
    """Raises UnknownModel for a name that stands for no chat model here."""
    settings = context.settings
    known = (settings.chat.model, *settings.realtime.openai_models)
    if model and not any(fnmatchcase(model, name) for name in known if name):
        raise UnknownModel(model)


def speech_plan(context: ServiceContext, caller: Caller, session: ConversationSession) -> SpeechPlan:
    """How a session speaks, of any text. Raises as `plan_speech`."""
    return plan_speech(context, caller, _speech_order(context, caller, session, "."))


def plan_turn(
    context: ServiceContext,
    caller: Caller,
    session: ConversationSession,
    listen: Callable[[], Awaitable[ChatRequest | None]],
    heard: Callable[[], int],
) -> TurnPlan:
    """A turn of a session; see `TurnPlan`. Raises NoChatModel, NotReady, and as `plan_speech`."""
    chat = context.chat.chosen()
    return TurnPlan(
        kind=VoiceChatOrder.kind,
        model=chat.name,
        result_name="",
        price=price(context.settings.prices, Capability.CHAT, Tier.STANDARD),
        chat=chat,
        listen=listen,
        heard=heard,
        speech=speech_plan(context, caller, session) if session.output_modalities == ["audio"] else None,
        speak=lambda text: plan_speech(context, caller, _speech_order(context, caller, session, text)),
    )


def system_message(context: ServiceContext, caller: Caller, session: ConversationSession) -> Message:
    """The instructions for the chat model."""
    prompt = session.instructions or context.settings.chat.system_prompt
    language = _voice(context, caller, session)[1].language.split("-")[0]
    return Message("system", prompt.replace("{language}", NAMES[language]))


def _speech_order(context: ServiceContext, caller: Caller, session: ConversationSession, text: str) -> SpeechOrder:
    name, voice = _voice(context, caller, session)
    model = context.catalog.models[voice.model].listed_as
    order = SpeechOrder(model, text, name, format="pcm", speed=session.audio.output.speed)
    return replace(order, wordless=text == ".")


def _voice(context: ServiceContext, caller: Caller, session: ConversationSession) -> tuple[str, Voice]:
    """→ the name on this server, and what is known of it, or of the first of a blend. Raises UnknownVoice."""
    asked = session.audio.output.voice
    name = context.settings.speech.openai_voices.get(asked, asked)
    return name, context.voices.find(caller, parse_blend(name)[0][0])


def _refused(error: ApiError, param: str) -> Refused:
    return Refused("invalid_value", error.message, param, error.type)
