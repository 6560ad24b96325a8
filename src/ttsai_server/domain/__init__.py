"""Data types that all layers share: frozen, and with no dependency but numpy."""

from ttsai_server.domain.callers import Caller
from ttsai_server.domain.chat import ChatDelta, ChatRequest, Message, ToolCall
from ttsai_server.domain.detection import DETECTION_FRAME, FrameSpeech, SoundFrames
from ttsai_server.domain.models import Capability, Environment, ModelCard, Preset, Reference, Source, Tier, Voice
from ttsai_server.domain.music import Analysis, Music, Tempo
from ttsai_server.domain.sound import EnhancementRequest, Stems
from ttsai_server.domain.speakers import Diarization, DiarizationRequest, Turn
from ttsai_server.domain.speech import SpeechRequest, SpokenWord
from ttsai_server.domain.steps import Audio, RecordingStep, Step
from ttsai_server.domain.transcripts import (
    UNSPACED,
    PartialTranscript,
    Segment,
    Transcript,
    TranscriptionRequest,
    Word,
    gap,
    text_of,
)
from ttsai_server.domain.translation import Translation, TranslationRequest
from ttsai_server.domain.voices import Embedding

__all__ = [
    "DETECTION_FRAME",
    "UNSPACED",
    "Analysis",
    "Audio",
    "Caller",
    "Capability",
    "ChatDelta",
    "ChatRequest",
    "Diarization",
    "DiarizationRequest",
    "Embedding",
    "EnhancementRequest",
    "Environment",
    "FrameSpeech",
    "Message",
    "ModelCard",
    "Music",
    "PartialTranscript",
    "Preset",
    "RecordingStep",
    "Reference",
    "Segment",
    "SoundFrames",
    "Source",
    "SpeechRequest",
    "SpokenWord",
    "Stems",
    "Step",
    "Tempo",
    "Tier",
    "ToolCall",
    "Transcript",
    "TranscriptionRequest",
    "Translation",
    "TranslationRequest",
    "Turn",
    "Voice",
    "Word",
    "gap",
    "text_of",
]
