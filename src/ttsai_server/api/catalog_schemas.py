"""Bodies of the answers that list models, voices and languages."""

from typing import Literal

from pydantic import BaseModel

Status = Literal["ready", "needs_pull", "needs_install", "broken"]


class MeasuredSpeed(BaseModel):
    """How fast the model did a standard piece of work on this machine, see `ttsai-server models bench`."""

    cpu_seconds: float | None
    """Processor time of all threads; absent where the system does not report it."""
    seconds: float
    """Time on the clock."""
    sound_seconds: float
    """Length of the sound that was made, or worked on; 0 for work on text."""
    real_time_factor: float | None
    """Seconds of work for a second of sound; absent for work on text."""
    measured_at: str
    """ISO 8601, UTC."""


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
    capabilities: list[str]
    """All that it does; the first is its `type`."""
    status: Status
    """Whether the model can be used now, or what is missing."""
    command: str | None = None
    """The command that the operator must run first, if it is not ready."""
    reason: str | None = None
    """What is damaged, if it is broken."""
    licence: str
    """SPDX identifier of its weights' licence; of a model with several, all of them: each voice has its own."""
    commercial_use: bool
    """Whether the licence allows commercial use."""
    voice_count: int
    """How many voices it has of its own."""
    sample_rate: int | None = None
    """Hz; absent for work on text."""
    memory_mb: int | None = None
    """Memory that it takes when it is loaded, megabytes."""
    size_mb: int | None = None
    """Size of its files, megabytes."""
    device: str
    """cpu or cuda: where it runs, or would run, on this machine."""
    measured: MeasuredSpeed | None = None
    """Absent if it has not been measured."""
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
    languages: list[str]
    """Codes of the languages that it can read."""
    status: Status
    """Whether it can be used now, or what is missing: of its model, or for its own language."""
    command: str | None = None
    """The command that the operator must run first, if it is not ready."""
    licence: str
    """SPDX identifier of its weights' licence."""
    commercial_use: bool
    """Whether the licence allows commercial use."""
    speakers: int | None = None
    """How many speakers it has, if it has several; `speaker` of a request chooses one."""
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
    reference_kept: bool
    """Whether the recording is kept with it, so that other models can make the voice of it."""
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
