"""Speech translation: in which language, and with which voice, a client wants to hear a recording, checked."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ttsai_server.domain import Caller, Capability, ModelCard, Voice
from ttsai_server.errors import BadRequest
from ttsai_server.runtime.loading import check
from ttsai_server.services.availability import availability
from ttsai_server.services.billing import price
from ttsai_server.services.cloning import approximate_warning, plan_with_new_voice
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.flow import Order
from ttsai_server.services.speech import SpeechOrder, plan_speech
from ttsai_server.services.speech_run import SpeechPlan
from ttsai_server.services.speech_translation_run import SpeechTranslationPlan, SpeechTranslationRun
from ttsai_server.services.transcription import TranscriptionOrder, plan_transcription
from ttsai_server.services.transcription_run import TranscriptionPlan
from ttsai_server.services.translation import Destination, Routes
from ttsai_server.text.language import NAMES, normalise_code

NOT_PRESERVED = "The speaker's own voice is not kept: no model that clones voices and speaks {language} is ready"
NOT_USED = "'voice' is not used: the speaker's own voice is kept"


@dataclass(frozen=True, slots=True)
class SpeechTranslationOrder(Order[SpeechTranslationRun]):
    kind: ClassVar[str] = "speech_translate"
    takes_upload: ClassVar[bool] = True

    target_language: str
    """Any spelling of a code."""
    source_language: str = "auto"
    voice: str = ""
    """Empty: chosen for the language, and for each speaker if they are distinguished."""
    preserve_voice: bool = False
    """Whether to try to keep the speaker's own voice."""
    keep_timing: bool = False
    """Whether each sentence is to be heard when it was said."""
    diarize: bool = False
    """Whether speakers are distinguished, and get a voice each."""
    stt_model: str = "whisper"
    format: str = "mp3"


def plan_speech_translation(
    context: ServiceContext, caller: Caller, order: SpeechTranslationOrder
) -> SpeechTranslationPlan:
    """Raises UnknownModel, UnknownVoice, BadRequest, or NotReady for a model that is needed and not there."""
    target = _code(order.target_language, "target_language")
    auto = order.source_language.strip().lower() in ("", "auto")
    source = None if auto else _code(order.source_language, "source_language")
    heard = TranscriptionOrder(order.stt_model, source or "auto", diarize=order.diarize)
    listening = plan_transcription(context, caller, heard)
    destination = _destination(context, target, listening)
    destination.check(source)
    for leg in (destination.route(source) if source else None) or ():
        check(leg.card, context.settings.models)
    cloner = _cloner(context, target) if order.preserve_voice else None
    speak = (
        _with_own_voice(context, caller, target, cloner)
        if cloner
        else _with_stock_voices(context, caller, order, target)
    )
    sample = speak(".", 0)
    return SpeechTranslationPlan(
        kind=order.kind,
        model=listening.model,
        result_name="translation.json",
        price=price(context.settings.prices, Capability.TRANSLATION, listening.card.tier),
        warnings=(*_voice_warning(order, cloner, target), *sample.warnings),
        max_seconds=context.settings.transcription.max_seconds,
        rate=listening.card.rate,
        channels=1,
        listening=listening,
        destination=destination,
        speech_rate=sample.card.rate,
        speak=speak,
        cloner=cloner,
        keep_timing=order.keep_timing,
        format=order.format,
    )


def _destination(context: ServiceContext, target: str, listening: TranscriptionPlan) -> Destination:
    ready, known = (Routes.of(context.settings, context.catalog, ready=ready) for ready in (True, False))
    return Destination(target, listening.card, ready, known)


def _code(language: str, field: str) -> str:
    try:
        return normalise_code(language).split("-")[0]
    except BadRequest as error:
        error.param = field
        raise


def _voice_warning(order: SpeechTranslationOrder, cloner: ModelCard | None, target: str) -> tuple[str, ...]:
    if not order.preserve_voice:
        return ()
    if not cloner:
        return (NOT_PRESERVED.format(language=NAMES[target]),)
    return (*approximate_warning(cloner), *((NOT_USED,) if order.voice else ()))


def _cloner(context: ServiceContext, target: str) -> ModelCard | None:
    """The first model that clones voices, speaks the language and is ready; None if there is none."""
    known = (context.catalog.models.get(name) for name in context.settings.cloning.models)
    able = (card for card in known if card and Capability.CLONE in card.tasks and target in card.languages)
    return next((card for card in able if availability(card, context.settings.models).status == "ready"), None)


Speak = Callable[[str, int], SpeechPlan]


def _with_own_voice(context: ServiceContext, caller: Caller, target: str, cloner: ModelCard) -> Speak:
    def speak(text: str, speaker: int) -> SpeechPlan:
        spoken = SpeechOrder(cloner.id, text, "", format="wav", language=target, wordless=True)
        return plan_with_new_voice(context, caller, spoken, cloner)

    return speak


def _with_stock_voices(context: ServiceContext, caller: Caller, order: SpeechTranslationOrder, target: str) -> Speak:
    model, voices = _voices(context, caller, order.voice, target)

    def speak(text: str, speaker: int) -> SpeechPlan:
        voice = voices[speaker % len(voices)]
        return plan_speech(context, caller, SpeechOrder(model, text, voice, "wav", language=target, wordless=True))

    return speak


def _voices(context: ServiceContext, caller: Caller, voice: str, target: str) -> tuple[str, Sequence[str]]:
    """The model that speaks, as it is listed, and the names of its voices, one for each speaker in turn."""
    catalog = context.catalog
    if voice:
        found = context.voices.find(caller, re.split(r"[(+]", voice)[0].strip())
        return catalog.models[found.model].listed_as, [voice]
    able = [one for one in catalog.speakers.values() if one.language.split("-")[0] == target]
    if not able:
        spoken = {one.language.split("-")[0] for one in catalog.speakers.values()}
        raise BadRequest(
            f"No voice of this server speaks {NAMES[target]}; they speak {', '.join(sorted(spoken))}.",
            param="target_language",
        )
    model = _preferred(context, able)
    return model, [one.id for one in able if catalog.models[one.model].listed_as == model]


def _preferred(context: ServiceContext, able: Sequence[Voice]) -> str:
    """The first of the models of these voices that is ready; that of the settings before others."""
    cards = {one.model: context.catalog.models[one.model] for one in able}
    default = context.settings.speech.default_model
    order = sorted(cards.values(), key=lambda card: (card.demo, card.listed_as != default))
    ready = (card for card in order if availability(card, context.settings.models).status == "ready")
    return next(ready, order[0]).listed_as
