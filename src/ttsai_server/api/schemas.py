"""The shapes of answers."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from ttsai_server.api.descriptions import describe
from ttsai_server.services.registry import PLANNERS

REFERENCE = "#/components/schemas/{model}"
"""OpenAPI's to a schema."""

TranscriptFormat = Literal["json", "text", "srt", "verbose_json", "vtt", "diarized_json"]
"""OpenAI's `response_format`."""


class Answer(BaseModel):
    """An answer; written without what is absent."""

    model_config = ConfigDict(json_schema_extra=describe)


class JobBody(Answer):
    """A job that has been accepted."""

    uuid: str
    """The job's id; who knows it may fetch the result, without a key."""
    job_id: str
    """The same."""
    task_id: str
    """The same."""
    status: Literal["queued", "completed"]
    credits_used: int
    """Set aside now, and charged when the job has completed."""
    credits_remaining: int | None = None
    result_url: str | None = None


class JobState(Answer):
    uuid: str
    status: Literal["queued", "processing", "completed", "failed"]
    progress: float
    """0 to 1."""
    result_url: str | None = None
    url: str | None = None
    cdn_url: str | None = None
    text: str | None = None
    """What was heard."""
    language: str | None = None
    duration: float | None = None
    """Of what was said or heard, seconds."""
    error: str | None = None
    """Why it failed."""
    message: str | None = None


class TaskError(Answer):
    code: str
    message: str


class TaskBody(Answer):
    task_id: str
    uuid: str
    """The same."""
    kind: Annotated[str, Field(json_schema_extra={"enum": [order.kind for order in PLANNERS]})]
    model: str
    status: Literal["queued", "processing", "completed", "failed", "cancelled"]
    progress: float
    """0 to 1."""
    credits_used: int
    """Set aside, or charged; 0 if it failed or was cancelled."""
    created_at: str
    """ISO 8601, UTC."""
    started_at: str | None = None
    completed_at: str | None = None
    """When it ended, however."""
    result_url: str | None = None
    error: TaskError | None = None


class BatchItem(Answer):
    index: int
    uuid: str
    status: Literal["queued", "processing", "completed", "failed", "cancelled"]
    error: str | None = None
    url: str | None = None
    credits: int


class BatchAnswer(Answer):
    batch_id: str
    status: Literal["processing", "completed"]
    """completed: every item has ended, however."""
    total: int
    completed: int
    """Items that have completed."""
    credits_charged: int
    """Of the items that have not failed."""
    items: list[BatchItem]


class SubtitlesBody(Answer):
    format: Literal["srt", "vtt"]
    content: str
    cached: bool
    """Always: nothing is transcribed for them."""
    segment_count: int
    language: str
    duration: float
    """Seconds."""


class WordInfo(Answer):
    word: str
    """With the punctuation that clings to it."""
    start: float
    """Seconds from the start of the recording."""
    end: float
    probability: float
    """How sure the model is, 0 to 1."""


class SegmentInfo(Answer):
    start: float
    """Seconds from the start of the recording."""
    end: float
    text: str
    language: str | None = None
    """ISO 639-1 code of what is spoken in it: the one asked for, or found."""
    speaker: str | None = None
    """SPEAKER_00, …, in order of first speech, or of the channels; with `diarize` only."""
    words: list[WordInfo] | None = None
    """With `timestamps` only."""


class TranscriptBody(Answer):
    text: str
    """All of it; empty where nobody speaks."""
    language: str
    """ISO 639-1 code of what is spoken most: the one asked for, or found."""
    duration: float
    """Length of the recording, seconds."""
    segments: list[SegmentInfo]


class Confidence(Answer):
    """Share of answers given with this confidence that were right in calibration, 0 to 1; 0: no answer."""

    key: float
    bpm: float
    time_signature: float


class TempoBody(Answer):
    bpm: float
    confidence: float


class MusicBody(Answer):
    """What is null can't be told; `reasons` says why."""

    key: str | None
    """C, Db, D, …, B."""
    scale: Literal["Major", "Minor"] | None
    bpm: float | None
    """Beats a minute: quarter notes, in 6/8 dotted ones."""
    candidates: list[TempoBody]
    """`bpm`, and what it may be instead, as its double or half; likeliest first."""
    time_signature: Literal["2/4", "3/4", "4/4", "6/8"] | None
    camelot: str | None
    """As `8B`: the key's place on the wheel that DJs mix by."""
    compatible_keys: list[str]
    """The key itself, a fifth up, a fifth down, the relative key."""
    confidence: Confidence
    reasons: dict[str, str]
    """key, bpm or time_signature → why it is null."""
    tuning_cents: float | None
    """How far the music is from A4 = 440 Hz, -50 to 50."""
    duration: float
    """Seconds."""


class StemsBody(Answer):
    task_id: str
    status: Literal["completed"]
    model: str
    duration: float
    """Seconds."""
    stems: dict[str, str]
    """vocals, … → its address."""
    credits_used: int


class OpenAIUsage(Answer):
    type: Literal["duration"]
    seconds: float


class OpenAITranscript(Answer):
    """`response_format` json."""

    text: str
    usage: OpenAIUsage


class OpenAIWord(Answer):
    word: str
    start: float
    end: float


class OpenAISegment(Answer):
    id: int
    seek: int
    """Where it begins, 1/100 s."""
    start: float
    end: float
    text: str
    tokens: list[int]
    temperature: float
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float
    language: str | None = None
    """Not OpenAI's: English name, in lower case, of what is spoken in it."""


class OpenAIVerboseTranscript(Answer):
    """`response_format` verbose_json."""

    task: Literal["transcribe", "translate"]
    language: str
    """English name in lower case."""
    duration: float
    text: str
    usage: OpenAIUsage
    words: list[OpenAIWord] | None = None
    segments: list[OpenAISegment] | None = None


class OpenAISpokenSegment(Answer):
    type: Literal["transcript.text.segment"]
    id: str
    start: float
    end: float
    text: str
    speaker: str
    """A, B, …, in order of first speech."""


class OpenAIDiarizedTranscript(Answer):
    """`response_format` diarized_json."""

    task: Literal["transcribe"]
    duration: float
    text: str
    segments: list[OpenAISpokenSegment]
    usage: OpenAIUsage


class ErrorDetail(BaseModel):
    model_config = ConfigDict(extra="allow")

    code: str
    message: str
    type: str
    param: str | None = None
    credits_required: int | None = None
    credits_available: int | None = None


class Error(BaseModel):
    model_config = ConfigDict(extra="allow")

    error: ErrorDetail
    message: str


class ModelInfo(BaseModel):
    """A model in the published shape and in OpenAI's, side by side."""

    id: str
    name: str
    type: str
    tier: str
    languages: list[str]
    supports_cloning: bool
    supports_streaming: bool
    credits_per_1k_chars: int
    credits_per_1k: int | None = None
    status: Literal["ready", "needs_pull", "needs_install"]
    """Whether requests for it can be done now."""
    command: str | None = None
    """What the operator has to run before, if it is not ready."""
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


class Languages(BaseModel):
    languages: list[Language]


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error answers of a path, for OpenAPI.

    They refer to `error_schemas`, for a route that is given a model builds it anew for each status: that was a tenth of
    what importing the server costs.
    """
    content = {"application/json": {"schema": {"$ref": REFERENCE.format(model="Error")}}}
    return {status: {"content": content} for status in statuses}


def error_schemas() -> dict[str, Any]:
    """What OpenAPI's `components.schemas` must hold for `errors`."""
    return models_json_schema([(Error, "serialization")], ref_template=REFERENCE)[1]["$defs"]


BILLABLE = errors(400, 401, 402, 403, 404, 413, 429, 500, 503)
KEYED = errors(400, 401, 403, 404, 429, 500)
