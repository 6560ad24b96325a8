"""Bodies of the answers that list models, voices and languages."""

from typing import Literal

from pydantic import BaseModel


class ModelInfo(BaseModel):
    """A model, with the published API's fields and OpenAI's."""

    id: str
    name: str
    type: str
    tier: str
    languages: list[str]
    supports_cloning: bool
    approximate: bool | None = None
    """True for a model whose voices from recordings are near to the speaker's, but can't be taken for it."""
    supports_streaming: bool
    credits_per_1k_chars: int
    credits_per_1k: int | None = None
    status: Literal["ready", "needs_pull", "needs_install"]
    """Whether the model can be used now, or what is missing."""
    command: str | None = None
    """The command that the operator must run first, if it is not ready."""
    object: Literal["model"] = "model"
    created: int
    owned_by: str


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[ModelInfo]
    models: list[ModelInfo]


class VoiceInfo(BaseModel):
    id: str
    name: str
    model: str
    language: str
    gender: Literal["male", "female", "neutral"]
    preview_url: str
    voice_id: str | None = None
    model_name: str | None = None
    is_premium: bool | None = None
    tags: str | None = None
    """Its language and gender."""


class Consent(BaseModel):
    statement: str
    """What the client has said of the speaker's consent; empty: nothing."""
    at: str
    """When: ISO 8601, UTC."""
    key: str
    """Id of the key that it was said with."""


class SavedVoiceInfo(VoiceInfo):
    """A voice that the account has made from a recording."""

    similarity: float | None
    """Cosine similarity of speaker embeddings between the recording and the voice; null: not measured."""
    consent: Consent
    created_at: str
    """ISO 8601, UTC."""


class DeletedVoice(BaseModel):
    id: str
    deleted: Literal[True] = True


class VoiceList(BaseModel):
    voices: list[VoiceInfo]
    total: int


class SpeechModels(BaseModel):
    tts_models: list[str]
    clone_models: list[str]
    enhance_models: list[str]
    instructions_supported_models: list[str]


class Language(BaseModel):
    code: str
    name: str
    speak: bool
    """Whether a model that is ready speaks it."""
    listen: bool
    """Whether a model that is ready writes it down."""
    translate_to: list[str]
    """Codes of the languages in which a recording of it can be said now, see /v1/speech-translate/."""


class Languages(BaseModel):
    languages: list[Language]
