"""Response bodies."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from ttsai_server.api.descriptions import describe
from ttsai_server.services.registry import PLANNERS

REFERENCE = "#/components/schemas/{model}"
"""An OpenAPI reference to a schema."""

TranscriptFormat = Literal["json", "text", "srt", "verbose_json", "vtt", "diarized_json"]
"""OpenAI's `response_format`."""


class Answer(BaseModel):
    """A response body; fields that are None are left out of the JSON."""

    model_config = ConfigDict(json_schema_extra=describe)


class JobBody(Answer):
    """A job that has been accepted."""

    uuid: str
    """The job's id; fetching the result takes no other key."""
    job_id: str
    """The same."""
    task_id: str
    """The same."""
    status: Literal["queued", "completed"]
    credits_used: int
    """Credits reserved now, and charged when the job completes."""
    credits_remaining: int | None = None
    result_url: str | None = None
    voice_id: str | None = None
    """Id that the voice will have once the job has completed, if it is saved."""


class SpokenWordInfo(Answer):
    word: str
    """As it is written, with adjacent punctuation."""
    start: float
    """Seconds from the start of the sound."""
    end: float
    start_char: int
    """Where it begins in the text that was sent, characters."""
    end_char: int
    """Where it ends: [start_char, end_char)."""


class TimestampsInfo(Answer):
    source: Literal["model", "aligned"]
    """Whence the times are: from the model that speaks, or from one that has listened to it."""
    words: list[SpokenWordInfo]
    """In order; neither their places nor their times overlap."""


class TimedSpeechBody(Answer):
    """Speech with `timestamps`."""

    audio: Annotated[str, Field(json_schema_extra={"contentEncoding": "base64"})]
    content_type: str
    """Of the audio."""
    duration: float
    """Seconds."""
    timestamps: TimestampsInfo


class JobState(Answer):
    uuid: str
    status: Literal["queued", "processing", "completed", "failed"]
    progress: float
    """0 to 1."""
    result_url: str | None = None
    url: str | None = None
    cdn_url: str | None = None
    text: str | None = None
    """The transcript."""
    language: str | None = None
    duration: float | None = None
    """Length of the audio generated or transcribed, seconds."""
    timestamps: TimestampsInfo | None = None
    """When each word is said, of speech that was asked for with `timestamps`."""
    error: str | None = None
    """Why the job failed."""
    message: str | None = None
    warnings: list[str] | None = None
    """What to know though the job is done: what in a request is the header Warning."""


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
    """Credits reserved or charged; 0 if the job failed or was cancelled."""
    created_at: str
    """ISO 8601, UTC."""
    started_at: str | None = None
    completed_at: str | None = None
    """When it ended: completed, failed or cancelled."""
    result_url: str | None = None
    error: TaskError | None = None
    warnings: list[str] | None = None
    """What to know though the job is done: what in a request is the header Warning."""


class TaskList(Answer):
    tasks: list[TaskBody]
    """Newest first; for the next page, pass the last one's id as `before`."""


class BatchItem(Answer):
    index: int
    uuid: str
    status: Literal["queued", "processing", "completed", "failed", "cancelled"]
    error: str | None = None
    url: str | None = None
    credits: int
    warnings: list[str] | None = None


class BatchAnswer(Answer):
    batch_id: str
    status: Literal["processing", "completed"]
    """completed: every item has completed, failed or been cancelled."""
    total: int
    completed: int
    """Items that have completed."""
    credits_charged: int
    """Total of the items that did not fail."""
    items: list[BatchItem]


class SubtitlesBody(Answer):
    format: Literal["srt", "vtt"]
    content: str
    cached: bool
    """Always true: subtitles need no new transcription."""
    segment_count: int
    language: str
    duration: float
    """Seconds."""


class WordInfo(Answer):
    word: str
    """The word, with adjacent punctuation."""
    start: float
    """Seconds from the start of the recording."""
    end: float
    probability: float
    """The model's confidence, 0 to 1."""


class SegmentInfo(Answer):
    start: float
    """Seconds from the start of the recording."""
    end: float
    text: str
    language: str | None = None
    """ISO 639-1 code of the language spoken: as requested, or detected."""
    speaker: str | None = None
    """SPEAKER_00, …, in order of first speech, or of the channels; only with `diarize`."""
    words: list[WordInfo] | None = None
    """Only with `timestamps`."""


class TranscriptBody(Answer):
    text: str
    """The whole text; empty if there is no speech."""
    language: str
    """ISO 639-1 code of the language spoken most: as requested, or detected."""
    duration: float
    """Length of the recording, seconds."""
    segments: list[SegmentInfo]


class Confidence(Answer):
    """For each value, how many answers of this confidence were right in calibration, 0 to 1; 0 if it is null."""

    key: float
    bpm: float
    time_signature: float


class TempoBody(Answer):
    bpm: float
    confidence: float


class MusicBody(Answer):
    """A value that can't be determined is null; `reasons` says why."""

    key: str | None
    """C, Db, D, …, B."""
    scale: Literal["Major", "Minor"] | None
    bpm: float | None
    """Beats per minute: quarter notes, or dotted quarter notes in 6/8."""
    candidates: list[TempoBody]
    """`bpm` and alternatives to it, such as its double or half; likeliest first."""
    time_signature: Literal["2/4", "3/4", "4/4", "6/8"] | None
    camelot: str | None
    """The key's position on the Camelot wheel, such as `8B`."""
    compatible_keys: list[str]
    """The key itself, the keys a fifth above and below, and the relative key."""
    confidence: Confidence
    reasons: dict[str, str]
    """key, bpm or time_signature → why it is null."""
    tuning_cents: float | None
    """Deviation of the tuning from A4 = 440 Hz, -50 to 50 cents."""
    duration: float
    """Seconds."""


class StemsBody(Answer):
    task_id: str
    status: Literal["completed"]
    model: str
    duration: float
    """Seconds."""
    stems: dict[str, str]
    """Name of the stem (vocals, …) → its URL."""
    credits_used: int


class TranslatedSegmentInfo(SegmentInfo):
    translation: str
    """In the target language."""
    audio_start: float
    """Where it is said in the new sound, seconds."""
    audio_end: float


class TranslationBody(Answer):
    original_text: str
    translated_text: str
    source_language: str
    """ISO 639-1 code of the language spoken most."""
    target_language: str
    audio_url: str
    credits_used: int
    duration: float
    """Length of the recording, seconds."""
    segments: list[TranslatedSegmentInfo]
    subtitles: dict[str, str]
    """original, translated → URL of the SubRip file, with the times of the recording and of the new sound."""


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
    """Start, in units of 10 ms."""
    start: float
    end: float
    text: str
    tokens: list[int]
    temperature: float
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float
    language: str | None = None
    """English name, in lower case, of the language spoken; an addition to OpenAI's fields."""


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


class ElevenLabsErrorDetail(BaseModel):
    model_config = ConfigDict(extra="allow")

    status: str
    """The kind of error: one of ElevenLabs, or our code."""
    message: str
    param: str | None = None


class ElevenLabsError(BaseModel):
    detail: ElevenLabsErrorDetail


class Error(BaseModel):
    model_config = ConfigDict(extra="allow")

    error: ErrorDetail
    message: str


def errors(*statuses: int, schema: str = "Error") -> dict[int | str, dict[str, Any]]:
    """A route's error responses, for OpenAPI.

    They refer to `error_schemas`: FastAPI would build a model once per status, a tenth of the server's import time.
    """
    content = {"application/json": {"schema": {"$ref": REFERENCE.format(model=schema)}}}
    return {status: {"content": content} for status in statuses}


def error_schemas() -> dict[str, Any]:
    """The schemas that `errors` refers to, for OpenAPI's `components.schemas`."""
    kinds: list[tuple[type[BaseModel], Literal["serialization"]]] = [
        (kind, "serialization") for kind in (Error, ElevenLabsError)
    ]
    return models_json_schema(kinds, ref_template=REFERENCE)[1]["$defs"]


BILLABLE = errors(400, 401, 402, 403, 404, 413, 429, 500, 503)
KEYED = errors(400, 401, 403, 404, 429, 500)
