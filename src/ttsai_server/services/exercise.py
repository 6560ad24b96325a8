"""A short standard piece of work for a model of any kind: to measure its speed, and to see that it works at all."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import (
    DETECTION_FRAME,
    Capability,
    ChatRequest,
    DiarizationRequest,
    EnhancementRequest,
    Message,
    ModelCard,
    Preset,
    Reference,
    SoundFrames,
    SpeechRequest,
    Step,
    TranscriptionRequest,
    TranslationRequest,
)
from ttsai_server.engines.base import (
    Analyzer,
    Chatter,
    Converter,
    Diarizer,
    Enhancer,
    Separator,
    SpeechDetector,
    Synthesizer,
    Transcriber,
    Translator,
    VoiceEncoder,
)
from ttsai_server.errors import EngineFailed
from ttsai_server.runtime.base import EngineHandle

SPEECH = (
    "The rain has stopped, and the children are playing in the garden behind the old house again. "
    "Tomorrow we shall walk along the river to the mill, and come back by the last train in the evening."
)
"""What is said in the recording that is worked on: some ten seconds."""
SENTENCES = {"en": "The children are playing in the garden.", "zh": "孩子们在花园里玩。"}
"""Language → a sentence to translate."""
QUESTION = Message("user", "Tell me in one sentence why the sky is blue.")
MOST_TOKENS = 32
TEXT_ONLY = {Capability.TRANSLATION, Capability.CHAT}


def needs_speech(card: ModelCard) -> bool:
    """Whether `exercise` works on a recording of speech."""
    return not TEXT_ONLY & {*card.tasks} and not card.voices


def exercise(handle: EngineHandle, card: ModelCard, speech: Recording) -> AsyncGenerator[Step]:
    """The steps of what the model does first, according to its card: speak, write down, convert and so on.

    speech: of one person, mono, at the card's rate; empty if `needs_speech` is false. Raises what the engine raises.
    """
    match card.tasks[0]:
        case Capability.TTS | Capability.CLONE:
            return _speak(handle, card, speech)
        case Capability.VOICE_CONVERSION:
            return _convert(handle, speech)
        case Capability.STT:
            language = "en" if "en" in card.languages else card.languages[0]
            return handle.run(Transcriber.transcribe, speech, TranscriptionRequest(language))
        case Capability.DIARIZATION:
            return handle.run(Diarizer.diarize, speech, DiarizationRequest())
        case Capability.SPEECH_DETECTION:
            return handle.run(SpeechDetector.detect_speech, _frames(speech))
        case Capability.SEPARATION:
            return handle.run(Separator.separate, speech)
        case Capability.ANALYSIS:
            return handle.run(Analyzer.analyze, speech)
        case Capability.TRANSLATION:
            return handle.run(Translator.translate, _translation(card))
        case Capability.CHAT:
            return handle.run(Chatter.chat, ChatRequest((QUESTION,), MOST_TOKENS))
        case _:
            return handle.run(Enhancer.enhance, speech, EnhancementRequest())


async def _speak(handle: EngineHandle, card: ModelCard, speech: Recording) -> AsyncGenerator[Step]:
    if card.voices:
        voice = card.voices[0]
        request = SpeechRequest(voice.preview, (Preset(voice.id),), voice.language)
    else:
        language = "en" if "en" in card.languages else card.languages[0]
        request = SpeechRequest(SPEECH, (await _embedded(handle, speech),), language)
    async with aclosing(handle.run(Synthesizer.synthesize, request)) as steps:
        async for step in steps:
            yield step


async def _convert(handle: EngineHandle, speech: Recording) -> AsyncGenerator[Step]:
    target = await _embedded(handle, speech)
    async with aclosing(handle.run(Converter.convert, speech, target)) as steps:
        async for step in steps:
            yield step


async def _embedded(handle: EngineHandle, speech: Recording) -> Reference:
    """The voice of the speech."""
    voice = None
    async with aclosing(handle.run(VoiceEncoder.embed, speech)) as steps:
        async for step in steps:
            voice = step.reference
    if voice is None:
        raise EngineFailed("No voice was made of the recording.")
    return voice


def _frames(speech: Recording) -> SoundFrames:
    samples = speech.read(0, speech.frames)[:, 0]
    return SoundFrames(samples[: len(samples) // DETECTION_FRAME * DETECTION_FRAME])


def _translation(card: ModelCard) -> TranslationRequest:
    pairs = card.pairs or [(source, target) for source in SENTENCES for target in card.languages if source != target]
    source, target = next(pair for pair in pairs if pair[0] in SENTENCES)
    return TranslationRequest((SENTENCES[source],), source, target)
