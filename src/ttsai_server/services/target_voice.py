"""The voice that a recording is converted to: of a model, saved, or of another recording."""

from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Caller, ModelCard, Reference, Voice
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.references import ReferenceSound, open_reference
from ttsai_server.services.trials import Trials
from ttsai_server.store.saved_voices import SavedVoice


@dataclass(frozen=True, slots=True)
class TargetVoice:
    """One of the two."""

    reference: Reference | None = None
    """The voice, as the converting model has made it when it was saved."""
    voice: Voice | SavedVoice | None = None
    """A voice that is made from the recording that is kept with it, or else from its preview."""


def find_target(context: ServiceContext, caller: Caller, name: str, card: ModelCard) -> TargetVoice:
    """The voice of that name as a target for a model; for planners, blocking.

    Raises UnknownVoice, or NotReady if its preview can't be made because its model is not ready.
    """
    saved = context.voices.saved(caller, name)
    reference = context.saved_voices.blocking_reference(saved, card) if saved else None
    if reference:
        return TargetVoice(reference)
    if saved and saved.reference_bytes:
        return TargetVoice(voice=saved)
    voice = context.voices.find(caller, name)
    if saved or not context.previews.is_kept(voice):
        speaker = context.catalog.models[voice.model]
        Trials(context.settings).first_ready([speaker], speaker)
    return TargetVoice(voice=saved or voice)


async def open_target(context: ServiceContext, caller: Caller, target: TargetVoice, card: ModelCard) -> ReferenceSound:
    """What the voice is made from, or the voice; for the caller to close. Raises what making the preview raises."""
    if not target.voice:
        return ReferenceSound("", speech=Recording(card.rate), voice=target.reference)
    with await _recording(context, target.voice) as file:
        return await open_reference(context, caller, file, card, check=False)


async def _recording(context: ServiceContext, voice: Voice | SavedVoice) -> BinaryIO:
    if isinstance(voice, SavedVoice) and voice.reference_bytes:
        return BytesIO(await context.saved_voices.recording(voice))
    return await context.previews.open(context, voice)
