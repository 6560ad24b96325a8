"""Speech to text: from a file and what a client asked for to what was said, paid for.

    Order ──check──▶ TranscriptionPlan ──listen──▶ TranscriptionRun ──decode, reserve──▶ partials ──▶ settled

Everything that can be wrong with an order is found by `check`; what can be wrong with the file, before a credit is
reserved or a model loaded.
"""

from dataclasses import dataclass, replace
from typing import BinaryIO, Literal

from ttsai_server.domain import Caller, Capability, DiarizationRequest, ModelCard, TranscriptionRequest
from ttsai_server.errors import BadRequest
from ttsai_server.services.availability import first_ready
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.transcription_run import TranscriptionPlan, TranscriptionRun
from ttsai_server.text.language import normalise_code

WIDER = {"nb": "no"}
"""Code → the code of the language that it is a form of."""

CHANNELS = 2
"""Of a recording in which each speaker has one."""


@dataclass(frozen=True, slots=True)
class Order:
    """How a client wants a recording transcribed; its types are right, its meaning not yet checked."""

    model: str
    language: str = "auto"
    """Any spelling of a language; auto or empty: detected."""
    words: bool = False
    """Each word with its times."""
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


class Transcription:
    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._settings = context.settings
        self._catalog = context.catalog

    def check(self, order: Order) -> TranscriptionPlan:
        """Raises UnknownModel, BadRequest, or NotReady if no model that tells speakers apart is there."""
        card = self._catalog.resolve(order.model, Capability.STT)
        if order.translate and not card.translates:
            raise BadRequest(f"{card.id!r} does not translate.", param="model")
        request = TranscriptionRequest(
            language=_language(order.language, card),
            translate=order.translate,
            words=order.words or order.diarize is True,
            prompt=order.prompt,
            temperature=order.temperature,
        )
        if not order.diarize:
            return TranscriptionPlan(card, request)
        speakers = _speakers(order)
        if order.diarize is True:
            return TranscriptionPlan(card, request, self._diarizer(), speakers)
        if not speakers.least <= CHANNELS <= speakers.most:
            raise BadRequest("'diarize=channel' tells two speakers apart, one a channel.", param="num_speakers")
        return TranscriptionPlan(card, request, by_channel=True)

    def listen(self, caller: Caller, plan: TranscriptionPlan, file: BinaryIO) -> TranscriptionRun:
        """What is said in an uploaded file; nothing is read, reserved or loaded until it is asked for."""
        return TranscriptionRun(plan, file, caller, self._context)

    def _diarizer(self) -> ModelCard:
        names = self._settings.transcription.diarizers
        cards = [self._catalog.resolve(name, Capability.DIARIZATION) for name in names]
        return first_ready(cards, cards[-1], self._settings.models)


def _language(asked: str, card: ModelCard) -> str | None:
    if asked.strip().lower() in ("", "auto"):
        return None
    code = normalise_code(asked).split("-")[0]
    code = WIDER.get(code, code) if code not in card.languages else code
    if code not in card.languages:
        raise BadRequest(f"{card.id!r} does not hear {asked[:40]!r}.", param="language")
    return code


def _speakers(order: Order) -> DiarizationRequest:
    if order.speakers:
        return DiarizationRequest(order.speakers, order.speakers, order.speakers)
    found = DiarizationRequest()
    least = order.min_speakers or found.least
    most = order.max_speakers or max(found.most, least)
    if least > most:
        raise BadRequest("'min_speakers' is more than 'max_speakers'.", param="min_speakers")
    return replace(found, least=least, most=most)
