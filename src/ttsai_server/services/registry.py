"""What the server can be asked for: each kind of order, and what checks it."""

from collections.abc import Mapping
from typing import Any

from ttsai_server.services.cloning import CloneOrder, plan_clone
from ttsai_server.services.conversion import ConversionOrder, plan_conversion
from ttsai_server.services.flow import Order, Planner
from ttsai_server.services.speech import SpeechOrder, plan_speech
from ttsai_server.services.speech_to_speech import SpeechToSpeechOrder, plan_speech_to_speech
from ttsai_server.services.speech_translation import SpeechTranslationOrder, plan_speech_translation
from ttsai_server.services.tools import Analyze, Dereverb, Enhance, Separate, Transcode, planners
from ttsai_server.services.transcription import TranscriptionOrder, plan_transcription
from ttsai_server.services.voice_chat import VoiceChatOrder, plan_voice_chat

PLANNERS: Mapping[type[Order[Any]], Planner] = {
    SpeechOrder: plan_speech,
    CloneOrder: plan_clone,
    ConversionOrder: plan_conversion,
    SpeechToSpeechOrder: plan_speech_to_speech,
    TranscriptionOrder: plan_transcription,
    Transcode: planners.plan_transcoding,
    Enhance: planners.plan_enhancement,
    Dereverb: planners.plan_dereverberation,
    Separate: planners.plan_separation,
    Analyze: planners.plan_analysis,
    VoiceChatOrder: plan_voice_chat,
    SpeechTranslationOrder: plan_speech_translation,
}
