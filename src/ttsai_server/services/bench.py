"""Measures how fast a model is on this machine, by its standard exercise."""

from contextlib import aclosing
from datetime import UTC, datetime
from time import monotonic

from ttsai_server.audio.recording import Recording
from ttsai_server.audio.resampling import resample
from ttsai_server.domain import Capability, ModelCard, Preset, SpeechRequest
from ttsai_server.engines.base import Synthesizer
from ttsai_server.engines.catalog import Catalog
from ttsai_server.runtime.base import Runtime
from ttsai_server.runtime.placement import starter
from ttsai_server.runtime.pool import Pool
from ttsai_server.services.exercise import SPEECH, exercise, needs_speech
from ttsai_server.services.trials import Speed, Trials
from ttsai_server.settings import Settings
from ttsai_server.text.split import pieces


async def measure(settings: Settings, catalog: Catalog, card: ModelCard) -> Speed:
    """Load the model, once, let it do its exercise, and keep how long that took.

    What works on a recording gets one that `speech.default_model` has spoken before. Raises what loading or the work of
    either model raises.
    """
    patient = settings.models.model_copy(update={"load_wait_seconds": settings.models.load_seconds})
    trials = Trials(settings)
    pool = Pool(patient, trials.watching(starter(settings)))
    speaker = catalog.kin(settings.speech.default_model, Capability.TTS)[0]
    try:
        with await _speech(pool, speaker, card.rate) if needs_speech(card) else Recording(1) as speech:
            speed = await _timed(pool, card, speech)
    finally:
        await pool.close()
    trials.measured(card, speed)
    return speed


async def _timed(pool: Runtime, card: ModelCard, speech: Recording) -> Speed:
    async with pool.lease(card) as handle:
        cpu, began, sound = handle.cpu_seconds, monotonic(), 0.0
        async with aclosing(exercise(handle, card, speech)) as steps:
            async for step in steps:
                sound += step.seconds
        seconds, ended = monotonic() - began, handle.cpu_seconds
    taken = None if cpu is None or ended is None else round(ended - cpu, 3)
    return Speed(taken, round(seconds, 3), round(sound, 3), datetime.now(UTC).isoformat(timespec="seconds"))


async def _speech(pool: Runtime, speaker: ModelCard, rate: int) -> Recording:
    """SPEECH, said by the speaker's first voice, at `rate` Hertz; for the caller to close."""
    voice = speaker.voices[0]
    with Recording(speaker.rate) as spoken:
        async with pool.lease(speaker) as handle:
            for piece in pieces(SPEECH, speaker.chunk_chars):
                request = SpeechRequest(piece.text, (Preset(voice.id),), voice.language)
                async with aclosing(handle.run(Synthesizer.synthesize, request)) as steps:
                    async for audio in steps:
                        spoken.append(audio.samples)
        return resample(spoken, rate)
