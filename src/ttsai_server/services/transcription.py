"""Speech to text: how a client wants a recording transcribed, checked."""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from ttsai_server.domain import Caller, Capability, DiarizationRequest, ModelCard, TranscriptionRequest
from ttsai_server.errors import BadRequest
from ttsai_server.services.availability import first_ready
from ttsai_server.services.billing import price
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.flow import Order
from ttsai_server.services.transcription_run import TranscriptionPlan, TranscriptionRun
from ttsai_server.text.language import normalise_code

WIDER = {"nb": "no"}
"""Code → the code of the language that it is a form of."""

CHANNELS = 2
"""Of a recording in which each speaker has one."""


@dataclass(frozen=True, slots=True)
class TranscriptionOrder(Order[TranscriptionRun]):
    kind: ClassVar[str] = "stt"
    takes_upload: ClassVar[bool] = True

    model: str
    language: str = "auto"
    """Any spelling of a language; auto or empty: detected."""
    words: bool = False
    """Whether the result shows each word with its times."""
    subtitles: bool = False
    """Whether subtitles are made of it: its words are timed, though the result may not show them."""
    diarize: bool | Literal["channel"] = False
    """Who says what; channel: by the channel of a stereo recording in which it is said."""
    speakers: int | None = None
    """How many there are; None: found out."""
    min_speakers: int | None = None
    max_speakers: int | None = None
    translate: bool = False
    """Into English."""
    prompt: str = ""
    temperature: float = 0.0


def plan_transcription(context: ServiceContext, caller: Caller, order: TranscriptionOrder) -> TranscriptionPlan:
    """Raises UnknownModel, BadRequest, or NotReady if no model that tells speakers apart is there."""
    card = context.catalog.resolve(order.model, Capability.STT)
    if order.translate and not card.translates:
        raise BadRequest(f"{card.id!r} does not translate.", param="model")
    by_channel = order.diarize == "channel"
    speakers = _speakers(order) if order.diarize else DiarizationRequest()
    if by_channel and not speakers.least <= CHANNELS <= speakers.most:
        raise BadRequest("'diarize=channel' tells two speakers apart, one a channel.", param="num_speakers")
    return TranscriptionPlan(
        kind=order.kind,
        model=card.id,
        result_name="transcript.json",
        price=price(context.settings.prices, Capability.STT, card.tier),
        max_seconds=context.settings.transcription.max_seconds,
        rate=card.rate,
        channels=None if by_channel else 1,
        card=card,
        request=TranscriptionRequest(
            language=_language(order.language, card),
            translate=order.translate,
            words=order.words or order.subtitles or order.diarize is True,
            prompt=order.prompt,
            temperature=order.temperature,
        ),
        show_words=order.words,
        diarizer=_diarizer(context) if order.diarize is True else None,
        speakers=speakers,
        by_channel=by_channel,
    )


def _diarizer(context: ServiceContext) -> ModelCard:
    names = context.settings.transcription.diarizers
    cards = [context.catalog.resolve(name, Capability.DIARIZATION) for name in names]
    return first_ready(cards, cards[-1], context.settings.models)


def _language(asked: str, card: ModelCard) -> str | None:
    if asked.strip().lower() in ("", "auto"):
        return None
    code = normalise_code(asked).split("-")[0]
    code = WIDER.get(code, code) if code not in card.languages else code
    if code not in card.languages:
        raise BadRequest(f"{card.id!r} does not hear {asked[:40]!r}.", param="language")
    return code


def _speakers(order: TranscriptionOrder) -> DiarizationRequest:
    if order.speakers:
        return DiarizationRequest(order.speakers, order.speakers, order.speakers)
    found = DiarizationRequest()
    least = order.min_speakers or found.least
    most = order.max_speakers or max(found.most, least)
    if least > most:
        raise BadRequest("'min_speakers' is more than 'max_speakers'.", param="min_speakers")
    return replace(found, least=least, most=most)
