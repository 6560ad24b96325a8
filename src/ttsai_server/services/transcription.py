"""Speech to text: how a client wants a recording transcribed, checked."""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from ttsai_server.domain import Caller, Capability, DiarizationRequest, ModelCard, TranscriptionRequest
from ttsai_server.errors import BadRequest
from ttsai_server.services.billing import price
from ttsai_server.services.choice import AUTO
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.flow import Order
from ttsai_server.services.transcription_run import TranscriptionPlan, TranscriptionRun
from ttsai_server.services.trials import Trials
from ttsai_server.text.language import normalise_code

WIDER = {"nb": "no"}
"""Code → the code of the language that it is a form of."""

CHANNELS = 2
"""Of a recording in which each speaker has one."""

MANY = 50
"""Languages that a model at least hears to be chosen where the recording's language is not known."""


@dataclass(frozen=True, slots=True)
class TranscriptionOrder(Order[TranscriptionRun]):
    kind: ClassVar[str] = "stt"
    takes_upload: ClassVar[bool] = True

    model: str
    """A model's name; auto: the best that is ready for the language."""
    language: str = AUTO
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
    """Raises UnknownModel, BadRequest, or NotReady if there is no model for auto, or none for diarization."""
    card = _best(context, order) if order.model == AUTO else context.catalog.resolve(order.model, Capability.STT)
    if order.translate and not card.translates:
        raise BadRequest(f"{card.id!r} does not translate.", param="model")
    by_channel = order.diarize == "channel"
    speakers = _speakers(order) if order.diarize else DiarizationRequest()
    if by_channel and not speakers.least <= CHANNELS <= speakers.most:
        raise BadRequest("'diarize=channel' is for two speakers, one a channel.", param="num_speakers")
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
            language=_language(context, order.language, card),
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
    return Trials(context.settings).first_ready(cards, cards[-1])


def _best(context: ServiceContext, order: TranscriptionOrder) -> ModelCard:
    """The model of the highest rank that is ready and hears the language; if none is, the default one if it does.

    Raises BadRequest if there is no such model, or NotReady.
    """
    catalog, named = context.catalog, _named(order.language)
    cards = sorted(catalog.cards(Capability.STT), key=lambda card: -card.rank)
    able = [card for card in cards if card.rank and _hears(card, named) and (card.translates or not order.translate)]
    if not able:
        raise BadRequest(f"No model hears {order.language[:40]!r}.", param="language")
    trials = Trials(context.settings)
    if ready := next((card for card in able if trials.availability(card).status == "ready"), None):
        return ready
    default = catalog.resolve(context.settings.transcription.default_model, Capability.STT)
    otherwise = default if default in able else able[0]
    return trials.first_ready([otherwise], otherwise)


def _hears(card: ModelCard, named: str | None) -> bool:
    return _heard_as(named, card) is not None if named else len(card.languages) >= MANY


def _heard_as(named: str, card: ModelCard) -> str | None:
    """The model's code for a language; None if it does not hear it."""
    return next((code for code in (named, WIDER.get(named)) if code in card.languages), None)


def _named(asked: str) -> str | None:
    """The language that was asked for, ISO 639; None: it is to be detected. Raises BadRequest for an unknown one."""
    return None if asked.strip().lower() in ("", AUTO) else normalise_code(asked).split("-")[0]


def _language(context: ServiceContext, asked: str, card: ModelCard) -> str | None:
    """The language given to the model; None: it detects it."""
    named = _named(asked)
    if named is None:
        return card.languages[0] if len(card.languages) == 1 else None
    if code := _heard_as(named, card):
        return code
    others = [other.id for other in context.catalog.cards(Capability.STT) if _heard_as(named, other)]
    hint = f" These do: {', '.join(others)}." if others else ""
    raise BadRequest(f"{card.id!r} does not hear {asked[:40]!r}.{hint}", param="language")


def _speakers(order: TranscriptionOrder) -> DiarizationRequest:
    if order.speakers:
        return DiarizationRequest(order.speakers, order.speakers, order.speakers)
    found = DiarizationRequest()
    least = order.min_speakers or found.least
    most = order.max_speakers or max(found.most, least)
    if least > most:
        raise BadRequest("'min_speakers' is more than 'max_speakers'.", param="min_speakers")
    return replace(found, least=least, most=most)
