"""How many people speak in a recording, where a model for diarization is on this machine."""

from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import aclosing

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Caller, Capability, Diarization, DiarizationRequest, Turn
from ttsai_server.engines.base import Diarizer
from ttsai_server.services.availability import availability
from ttsai_server.services.context import ServiceContext

OTHERS = 0.1
"""Share of the speech that others than the main speaker must have to be mentioned: diarization errs by less."""


async def one_voice_warning(context: ServiceContext, caller: Caller, recording: Recording) -> tuple[str, ...]:
    """A warning if several people speak in a recording that is given one voice. Raises as `speaker_shares`."""
    shares = await speaker_shares(context, caller, recording)
    if not shares or 1 - shares[0] <= OTHERS:
        return ()
    return (f"The recording has {len(shares)} speakers; all of them were given the one voice",)


async def speaker_shares(context: ServiceContext, caller: Caller, recording: Recording) -> list[float]:
    """The share of the speech that each speaker has, the largest first; empty without a model or speech.

    Raises ModelLoading, or what the engine raises.
    """
    turns: tuple[Turn, ...] = ()
    async with aclosing(_diarized(context, caller, recording)) as steps:
        async for step in steps:
            turns = step.turns
    seconds = defaultdict[int, float](float)
    for turn in turns:
        seconds[turn.speaker] += turn.end - turn.start
    whole = sum(seconds.values())
    return sorted((each / whole for each in seconds.values()), reverse=True) if whole else []


async def _diarized(context: ServiceContext, caller: Caller, recording: Recording) -> AsyncGenerator[Diarization]:
    known = (name for name in context.settings.transcription.diarizers if name in context.catalog.models)
    cards = (context.catalog.resolve(name, Capability.DIARIZATION) for name in known)
    card = next((card for card in cards if availability(card, context.settings.models).status == "ready"), None)
    if not card:
        return
    sound = await context.sound.resample(caller, recording, card.rate)
    try:
        async with (
            context.runtime.lease(card) as handle,
            aclosing(handle.run(Diarizer.diarize, sound, DiarizationRequest())) as steps,
        ):
            async for step in steps:
                yield step
    finally:
        if sound is not recording:
            sound.close()
