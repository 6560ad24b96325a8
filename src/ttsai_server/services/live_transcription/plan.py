"""How a client wants sound to be transcribed while it is coming in, checked."""

from dataclasses import dataclass, field

from ttsai_server.domain import Caller, Capability, ModelCard
from ttsai_server.runtime.loading import check
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.transcription import TranscriptionOrder, plan_transcription
from ttsai_server.services.transcription_run import TranscriptionPlan

RATE = 16_000
"""Samples per second in which positions are counted; what is pushed is resampled to it."""


@dataclass(frozen=True, slots=True)
class SpeechDetection:
    """When an utterance begins and ends."""

    threshold: float = 0.5
    """Probability of speech, 0 to 1, from which on somebody speaks."""
    padding_seconds: float = 0.3
    """Sound before the first speech that is transcribed with it."""
    silence_seconds: float = 0.5
    """How long nobody speaks before an utterance is over."""


@dataclass(frozen=True, slots=True)
class LiveOrder:
    """What a client asks for; not yet checked."""

    model: str = "whisper"
    language: str = "auto"
    """Any spelling of a language; auto or empty: detected."""
    prompt: str = ""
    """Text that could precede the sound: it shows the names and spellings to expect."""
    partials: bool = True
    """Whether partial texts are wanted."""
    detection: SpeechDetection | None = field(default_factory=SpeechDetection)
    """None: speech is not detected; all that is pushed is one utterance, up to `commit`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePlan:
    """A checked order."""

    listening: TranscriptionPlan
    """The model, what is asked of it, and its price."""
    detector: ModelCard
    detection: SpeechDetection | None
    partials: bool


def plan_live_transcription(context: ServiceContext, caller: Caller, order: LiveOrder) -> LivePlan:
    """Check an order; may block. Raises UnknownModel, BadRequest, or NotReady for a model that is not there."""
    heard = TranscriptionOrder(order.model, order.language, words=True, prompt=order.prompt)
    listening = plan_transcription(context, caller, heard)
    detector = context.catalog.resolve(context.settings.transcription.speech_detector, Capability.SPEECH_DETECTION)
    for card in (listening.card, *((detector,) if order.detection else ())):
        check(card, context.settings.models)
    return LivePlan(listening=listening, detector=detector, detection=order.detection, partials=order.partials)
