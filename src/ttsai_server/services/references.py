"""Voices made from recordings: the recording is checked, and each is embedded once."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO, cast

from ttsai_server.audio.recording import Recording
from ttsai_server.audio.voice_sample import VoiceSample, measure, speech_of
from ttsai_server.domain import Caller, Embedding, ModelCard, Reference
from ttsai_server.engines.base import VoiceEncoder
from ttsai_server.errors import BadRequest, EngineFailed, FileTooLarge
from ttsai_server.runtime.threads import in_thread
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.several_speakers import speaker_shares
from ttsai_server.store.saved_voices import SavedVoice

FIELD = "reference_audio"
"""Form field of a recording that a voice is made from."""
ADVICE = "10 to 30 seconds of one person speaking, close to the microphone in a quiet room, are best."
QUIETEST = -45.0
"""Lowest level of speech, dBFS."""
MOST_CLIPPED = 0.005
"""Highest share of clipped samples."""
LEAST_ABOVE_NOISE = 15.0
"""Least distance of loud speech to the noise, dB."""
MOST_OF_OTHERS = 0.15
"""Highest share of the speech that may be of other speakers: diarization errs by less."""


@dataclass(frozen=True, slots=True)
class ReferenceSound:
    """A recording that a voice is to be made from."""

    digest: str
    """SHA-256 of its file."""
    speech: Recording
    """Its speech, mono, at the model's rate; empty if there is a voice."""
    voice: Reference | None = None
    """The voice, if it was made of an equal file before."""

    def __enter__(self) -> "ReferenceSound":
        return self

    def __exit__(self, *_: object) -> None:
        self.speech.close()


async def open_reference(
    context: ServiceContext, caller: Caller, file: BinaryIO, card: ModelCard, *, check: bool = True
) -> ReferenceSound:
    """Read a recording that a model is to make a voice of; for the caller to close.

    check: whether a recording that is too short, quiet, clipped, noisy, or of several speakers is refused.

    Raises BadRequest that says what is wrong and what would be right, or FileTooLarge.
    """
    digest = await asyncio.to_thread(_digest, file)
    if voice := context.references.get(card, digest):
        return ReferenceSound(digest, Recording(card.rate), voice)
    with await _decoded(context, caller, file, card) as recording:
        sample = await in_thread(None, lambda: measure(recording))
        if check:
            _check(sample, card)
        speech = await in_thread(
            None, lambda: speech_of(recording, sample.speech, card.reference_seconds[1]), discard=Recording.close
        )
    try:
        if check:
            await _check_speakers(context, caller, speech)
    except BaseException:
        speech.close()
        raise
    return ReferenceSound(digest, speech)


async def embed(context: ServiceContext, card: ModelCard, sound: ReferenceSound) -> AsyncGenerator[Embedding]:
    """Make the voice, or take the one that was made before; the last step has it.

    Raises BadRequest if no voice can be made of it, ModelLoading, or what the engine raises.
    """
    if sound.voice:  # kept where it comes from, and deleted there
        yield Embedding(0, 0, sound.voice, last=True)
        return
    async with context.references.lock(card, sound.digest):
        reference = context.references.get(card, sound.digest)
        if not reference:
            async with (
                context.runtime.lease(card) as handle,
                aclosing(handle.run(VoiceEncoder.embed, sound.speech)) as steps,
            ):
                async for step in steps:
                    reference = step.reference
                    if not reference:
                        yield step
        if not reference:
            raise EngineFailed(f"{card.id!r} made no voice.")
        context.references.put(card, sound.digest, reference)
    yield Embedding(0, sound.speech.seconds, reference, last=True)


async def make_again(context: ServiceContext, caller: Caller, voice: SavedVoice, card: ModelCard) -> Reference:
    """A saved voice as another model needs it: made of the recording that is kept with it, and kept too.

    Raises UnknownVoice if it has been deleted, BadRequest if the model can't make it, or as `embed`.
    """
    with BytesIO(await context.saved_voices.recording(voice)) as file:
        try:
            with await open_reference(context, caller, file, card, check=False) as sound:
                async with aclosing(embed(context, card, sound)) as steps:
                    *_, last = [step async for step in steps]
        except BadRequest as error:
            error.param = "voice"
            raise
    assert last.reference, "the last step has it"
    await context.saved_voices.keep_reference(voice, last.reference)
    return last.reference


async def _decoded(context: ServiceContext, caller: Caller, file: BinaryIO, card: ModelCard) -> Recording:
    longest = context.settings.cloning.max_reference_seconds
    try:
        return await context.sound.decode(caller, file, longest, rate=card.rate, channels=1)
    except (BadRequest, FileTooLarge) as error:
        error.param = FIELD
        raise


def _check(sample: VoiceSample, card: ModelCard) -> None:
    least = card.reference_seconds[0]
    if sample.above_noise < LEAST_ABOVE_NOISE and sample.level > QUIETEST:
        raise _refused(
            f"is too noisy, or has no speech: its loud parts are only {max(0, sample.above_noise):.0f} dB louder than "
            f"its soft ones; at least {LEAST_ABOVE_NOISE:.0f} dB are needed"
        )
    if sample.seconds < least:
        raise _refused(f"has only {sample.seconds:.1f} s of speech; at least {least:g} s are needed")
    if sample.level < QUIETEST:
        raise _refused(
            f"is too quiet: its speech is at {sample.level:.0f} dBFS; it must be above {QUIETEST:.0f} dBFS, and -20 "
            "dBFS is right"
        )
    if sample.clipped > MOST_CLIPPED:
        raise _refused(
            f"is clipped: {sample.clipped:.1%} of its samples are at full scale; record it again at a lower level"
        )


async def _check_speakers(context: ServiceContext, caller: Caller, speech: Recording) -> None:
    shares = await speaker_shares(context, caller, speech)
    if len(shares) > 1 and (others := 1 - shares[0]) > MOST_OF_OTHERS:
        raise _refused(
            f"has {len(shares)} speakers: {others:.0%} of the speech is not by the main one; only one person must speak"
        )


def _refused(what: str) -> BadRequest:
    return BadRequest(f"'{FIELD}' {what}. {ADVICE}", param=FIELD)


def _digest(file: BinaryIO) -> str:
    file.seek(0)
    found = hashlib.file_digest(cast(Any, file), "sha256").hexdigest()
    file.seek(0)
    return found
