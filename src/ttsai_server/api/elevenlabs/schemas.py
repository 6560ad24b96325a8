"""Bodies of ElevenLabs' requests and answers; what this server has nothing to say about is left out."""

from typing import Annotated, Literal

from pydantic import AliasChoices, Field

from ttsai_server.api.bodies import Body, OpenAISpeed
from ttsai_server.api.schemas import Answer, errors

ANY_MODEL = "eleven_multilingual_v2"
"""ElevenLabs' default."""


class VoiceSettings(Body):
    """Others than `speed` are for ElevenLabs' own models."""

    speed: OpenAISpeed = 1.0
    """1.0 is the voice's own pace."""


class SpeechBody(Body):
    text: str
    """The text to speak."""
    model_id: str = ANY_MODEL
    """A model's id; one of ElevenLabs' names stands for the model that has the voice."""
    language_code: str | None = None
    """Code of the text's language; detected when absent."""
    voice_settings: VoiceSettings = Field(default_factory=VoiceSettings)


class InputMessage(Body):
    """A client's message on the WebSocket `stream-input`."""

    text: str
    """The next part of the text; empty: there is no more."""
    flush: bool = False
    """Speak what there is, also of a sentence that has not ended."""
    voice_settings: VoiceSettings = Field(default_factory=VoiceSettings)
    """Of the first message."""


class ContextMessage(Body):
    """A client's message on the WebSocket `multi-stream-input`."""

    context_id: str = Field(default="default", validation_alias=AliasChoices("context_id", "contextId"))
    """Which of the texts it is about; an unknown one begins a new text."""
    text: str = ""
    """The next part of the text; empty: the text is still wanted."""
    flush: bool = False
    """Speak what there is, also of a sentence that has not ended."""
    close_context: bool = False
    """The text is complete if all of it has been flushed; else the rest is not spoken."""
    close_socket: bool = False
    """All texts are complete: speak them, then close."""
    voice_settings: VoiceSettings = Field(default_factory=VoiceSettings)
    """Of the first message of a text."""


class AlignmentInfo(Answer):
    """When each character of the text is said; those of a word share its time evenly."""

    characters: list[str]
    character_start_times_seconds: list[float]
    character_end_times_seconds: list[float]


class TimedSpeech(Answer):
    audio_base64: Annotated[str, Field(json_schema_extra={"contentEncoding": "base64"})]
    alignment: AlignmentInfo
    normalized_alignment: AlignmentInfo
    """The same."""


class VerifiedLanguage(Answer):
    language: str
    model_id: str


class VoiceInfo(Answer):
    voice_id: str
    name: str
    category: Literal["premade", "cloned"]
    """cloned: the account has saved it."""
    labels: dict[str, str]
    """language and gender."""
    preview_url: str
    high_quality_base_model_ids: list[str]
    """The model that has it."""
    verified_languages: list[VerifiedLanguage]
    """What it can read."""


class VoiceList(Answer):
    voices: list[VoiceInfo]


class VoicePage(VoiceList):
    has_more: bool
    total_count: int
    next_page_token: str | None = None


class LanguageInfo(Answer):
    language_id: str
    name: str


class ModelInfo(Answer):
    model_id: str
    name: str
    can_do_text_to_speech: bool
    can_do_voice_conversion: bool
    languages: list[LanguageInfo]
    maximum_text_length_per_request: int
    """Characters that the account's plan allows."""


class HeardCharacter(Answer):
    text: str
    start: float
    end: float


class HeardWord(Answer):
    text: str
    type: Literal["word", "spacing"]
    start: float | None = None
    """Seconds from the start of the recording."""
    end: float | None = None
    speaker_id: str | None = None
    """speaker_0, …; only with `diarize`."""
    logprob: float
    """Natural logarithm of the model's confidence."""
    characters: list[HeardCharacter] | None = None
    """Only with `timestamps_granularity` character; they share the word's time evenly."""


class TranscriptBody(Answer):
    language_code: str
    """ISO 639-3 code of the language spoken most: as requested, or detected."""
    language_probability: float
    """1: it was requested; 0: it was detected, and how surely is not known."""
    text: str
    words: list[HeardWord]
    audio_duration_secs: float


ERRORS = "ElevenLabsError"
BILLABLE = errors(400, 401, 402, 403, 404, 413, 429, 500, 503, schema=ERRORS)
KEYED = errors(400, 401, 403, 404, 429, 500, schema=ERRORS)
