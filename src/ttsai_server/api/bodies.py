"""JSON request bodies: the contract's fields and their limits."""

from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from ttsai_server.api.descriptions import describe

NULL = {"type": "null"}
Speed = Annotated[float, Field(ge=0.5, le=2.0, allow_inf_nan=False)]
STORABLE = r"^[^\x00]*$"
"""Pattern of a text that goes to the database: Postgres can't store NUL."""
OpenAISpeed = Annotated[float, Field(ge=0.25, le=4.0, allow_inf_nan=False)]


def _id_of(voice: object) -> object:
    """OpenAI's `{"id": "nova"}` → `nova`; anything else unchanged."""
    return cast("dict[str, object]", voice).get("id", voice) if isinstance(voice, dict) else voice


VoiceId = Annotated[
    str,
    BeforeValidator(_id_of),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
            ]
        }
    ),
]


def _described(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Add to the JSON schema each field's description, and that optional fields accept null."""
    describe(schema, model)
    for name in schema["properties"].keys() - set(schema.get("required", ())):
        field: dict[str, Any] = schema["properties"][name]
        shape = {key: field.pop(key) for key in list(field) if key not in ("title", "description", "default")}
        field["anyOf"] = [*(entry for entry in shape.get("anyOf", [shape]) if entry != NULL), NULL]


class Body(BaseModel):
    """A request body: wrong types are errors, null counts as absent, unknown fields are kept for the engine."""

    model_config = ConfigDict(strict=True, extra="allow", json_schema_extra=_described)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, body: Any) -> Any:
        if not isinstance(body, dict):
            return body
        return {name: value for name, value in cast("dict[str, object]", body).items() if value is not None}


class SpeechBody(Body):
    model: str
    """A model's id, from /v1/models/."""
    text: str
    """The text to speak: from 1 character to the plan's limit."""
    voice: VoiceId
    """A voice's id, from /v1/voices/, or a blend such as `af_bella(2)+af_sky(1)`."""
    format: Literal["mp3", "wav", "flac", "ogg"] = "mp3"
    speed: Speed = 1.0
    """1.0 is the voice's own pace."""
    language: str | None = None
    """ISO 639-1 code; detected from the text when absent."""
    stream: bool = False
    """Send the audio while it is generated."""
    pronunciations: dict[str, str] | None = None
    """Whole words → how to pronounce them, such as `{"GIF": "jiff"}`."""
    instructions: str | None = None
    """How to speak; kept for models that follow instructions."""
    timestamps: bool = False
    """Report when each word is said. The answer is JSON then, or, with `stream`, server-sent events."""
    asynchronous: bool = Field(default=False, alias="async")
    """Answer at once with a job."""
    webhook_url: str | None = None
    """URL to notify when the job has ended; with it the answer is always a job."""


class BatchBody(Body):
    texts: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=50)]
    """Requests, each like the body of /v1/tts/."""
    webhook_url: str | None = None
    """URL to notify when all jobs of the batch have ended."""


class VoiceChatBody(Body):
    text: str | None = None
    """What the user says; or a form has it as the file `audio`."""
    voice: VoiceId = "af_bella"
    """The voice of the answer: an id, from /v1/voices/, or a blend."""
    tts_model: str = "kokoro"
    stt_model: str = "whisper"
    """The model that hears `audio`."""
    system_prompt: Annotated[str, Field(max_length=20_000, pattern=STORABLE)] | None = None
    """Instructions for the chat model, from this turn on; absent: as before."""
    conversation_id: str | None = None
    """The conversation to go on with; absent: a new one."""
    language: str | None = None
    """Code of the language of both; absent: the one heard, and the voice's own."""
    speed: Speed = 1.0
    stream: bool = False
    """Send what was heard, the words and the sound of the answer as server-sent events while they are made."""


class OpenAISpeechBody(Body):
    model: str
    """tts-1, tts-1-hd, gpt-4o-mini-tts, or a model's id."""
    input: str
    """The text to speak."""
    voice: VoiceId
    """alloy, nova, …, a voice's id, or a blend."""
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"
    """pcm is 24 kHz, signed, 16 bits, little-endian."""
    speed: OpenAISpeed = 1.0
    stream_format: Literal["audio", "sse"] = "audio"
    instructions: str | None = None
    """How to speak; kept for models that follow instructions."""
    timestamps: bool = False
    """Report when each word is said: as JSON, or, with `stream_format` sse, as events."""
