"""How a session is configured: the `session` of OpenAI's events, checked, with everything that a client may leave out.

What a client reads in `session.created` and `session.updated` is what the server does: what it accepts and does not
do (noise reduction, traces) is shown as null.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from ttsai_server.audio import g711
from ttsai_server.services.realtime.problems import Refused, of_validation

PCM_RATE = 24_000
"""Hertz, of `audio/pcm`: 16 bits, mono, little-endian."""
LONGEST_TEXT = 100_000
"""Characters of instructions."""


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Format(Strict):
    type: Literal["audio/pcm", "audio/pcmu", "audio/pcma"] = "audio/pcm"
    rate: int | None = None

    @model_validator(mode="after")
    def _has_its_rate(self) -> "Format":
        if self.rate not in (None, self.hertz):
            raise ValueError(f"{self.type} has {self.hertz} Hz")
        return self

    @property
    def law(self) -> g711.Law | None:
        """None: it is PCM."""
        return {"audio/pcmu": "mu", "audio/pcma": "a"}.get(self.type)  # type: ignore[return-value]

    @property
    def hertz(self) -> int:
        return g711.RATE if self.law else PCM_RATE

    @property
    def width(self) -> int:
        """Bytes of a sample."""
        return 1 if self.law else 2

    def shown(self) -> dict[str, Any]:
        return {"type": self.type} if self.law else {"type": self.type, "rate": PCM_RATE}


class ServerVad(Strict):
    type: Literal["server_vad"]
    threshold: float = Field(default=0.5, ge=0, le=1)
    """Probability of speech from which on it counts as such."""
    prefix_padding_ms: int = Field(default=300, ge=0, le=5000)
    silence_duration_ms: int = Field(default=500, ge=100, le=10_000)
    create_response: bool = True
    interrupt_response: bool = True
    idle_timeout_ms: None = None
    """Not offered."""


class SemanticVad(Strict):
    """Here also by the length of the pause alone."""

    type: Literal["semantic_vad"]
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    create_response: bool = True
    interrupt_response: bool = True

    @property
    def threshold(self) -> float:
        return 0.5

    @property
    def prefix_padding_ms(self) -> int:
        return 300

    @property
    def silence_duration_ms(self) -> int:
        return {"low": 1500, "high": 400}.get(self.eagerness, 800)


TurnDetection = Annotated[ServerVad | SemanticVad, Field(discriminator="type")]


class NoiseReduction(Strict):
    type: Literal["near_field", "far_field"] | None = None
    strength: float | None = None


class Listening(Strict):
    """How what the user says is transcribed."""

    model: str | None = None
    """None: the server's own choice."""
    language: str | None = None
    prompt: str = Field(default="", max_length=LONGEST_TEXT)


class Input(Strict):
    format: Format = Format()
    transcription: Listening | None = None
    """None: in a conversation, the transcript is not sent to the client."""
    turn_detection: TurnDetection | None = ServerVad(type="server_vad")
    noise_reduction: NoiseReduction | None = None

    def shown(self) -> dict[str, Any]:
        fields = self.model_dump(include={"transcription", "turn_detection"})
        return {"format": self.format.shown(), **fields, "noise_reduction": None}


def _name(voice: object) -> object:
    return voice["id"] if isinstance(voice, dict) and set(voice) == {"id"} else voice  # type: ignore[arg-type]


class Output(Strict):
    format: Format = Format()
    voice: Annotated[str, BeforeValidator(_name)] = "alloy"
    """OpenAI's name of a voice, or an id of this server's; `{"id": …}` is the same."""
    speed: float = Field(default=1.0, ge=0.25, le=1.5)

    def shown(self) -> dict[str, Any]:
        return {"format": self.format.shown(), "voice": self.voice, "speed": self.speed}


class Function(Strict):
    """A function that the chat model may ask the client to call."""

    type: Literal["function"] = "function"
    name: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    description: str = Field(default="", max_length=LONGEST_TEXT)
    parameters: dict[str, Any] = Field(default_factory=dict[str, Any])
    """A JSON schema."""

    def for_chat(self) -> dict[str, Any]:
        """As OpenAI's chat API has it."""
        return {"type": "function", "function": self.model_dump(exclude={"type"})}


class Choice(Strict):
    type: Literal["function"]
    name: str

    def for_chat(self) -> dict[str, Any]:
        return {"type": "function", "function": {"name": self.name}}


ToolChoice = Literal["auto", "none", "required"] | Choice
Modality = Literal["text", "audio"]
Tokens = Annotated[int, Field(ge=1, le=4096)] | Literal["inf"]


def _one(modalities: list[Modality]) -> list[Modality]:
    """OpenAI allows one; `["audio", "text"]` of older clients means sound, which always comes with its text."""
    if not modalities:
        raise ValueError('["audio"] or ["text"]')
    return ["audio"] if "audio" in modalities else ["text"]


class ConversationAudio(Strict):
    input: Input = Input()
    output: Output = Output()


class ConversationSession(Strict):
    """A session in which a chat model answers."""

    type: Literal["realtime"] = "realtime"
    model: str | None = None
    output_modalities: list[Modality] = ["audio"]
    instructions: str = Field(default="", max_length=LONGEST_TEXT)
    """Empty: as the server's settings say."""
    audio: ConversationAudio = ConversationAudio()
    tools: list[Function] = Field(default_factory=list[Function], max_length=128)
    tool_choice: ToolChoice = "auto"
    max_output_tokens: Tokens = "inf"
    truncation: Literal["auto", "disabled"] = "auto"
    """Whether the earliest items are left out of what the chat model is given, once it is too long for it."""
    include: list[Literal["item.input_audio_transcription.logprobs"]] | None = None
    tracing: Any = None
    reasoning: Any = None
    parallel_tool_calls: bool | None = None
    prompt: None = None
    """Not offered: there are no stored prompts here."""

    _single = field_validator("output_modalities")(_one)

    def shown(self) -> dict[str, Any]:
        """As clients see it."""
        fields = self.model_dump(exclude={"audio", "include", "tracing", "reasoning", "parallel_tool_calls"})
        audio = {"input": self.audio.input.shown(), "output": self.audio.output.shown()}
        return {"object": "realtime.session", **fields, "audio": audio, "include": None, "tracing": None}


class TranscriptionAudio(Strict):
    input: Input = Input(transcription=Listening())


class TranscriptionSession(Strict):
    """A session that only transcribes."""

    type: Literal["transcription"]
    audio: TranscriptionAudio = TranscriptionAudio()
    include: list[Literal["item.input_audio_transcription.logprobs"]] | None = None

    def shown(self) -> dict[str, Any]:
        """As clients see it."""
        audio = {"input": self.audio.input.shown()}
        return {"object": "realtime.transcription_session", "type": self.type, "audio": audio, "include": None}


Session = ConversationSession | TranscriptionSession


class ResponseOutput(Strict):
    format: Format | None = None
    voice: Annotated[str, BeforeValidator(_name)] | None = None


class ResponseAudio(Strict):
    output: ResponseOutput = ResponseOutput()


class ResponseConfig(Strict):
    """What one response does otherwise than the session says."""

    conversation: Literal["auto", "none"] = "auto"
    """none: what is answered does not become part of the conversation."""
    input: list[dict[str, Any]] | None = Field(default=None, max_length=1000)
    """Items that are answered instead of the conversation."""
    metadata: dict[str, str] | None = Field(default=None, max_length=16)
    instructions: str | None = Field(default=None, max_length=LONGEST_TEXT)
    output_modalities: list[Modality] | None = None
    audio: ResponseAudio = ResponseAudio()
    tools: list[Function] | None = Field(default=None, max_length=128)
    tool_choice: ToolChoice | None = None
    max_output_tokens: Tokens | None = None
    reasoning: Any = None
    parallel_tool_calls: bool | None = None

    def applied(self, session: ConversationSession) -> ConversationSession:
        """The session as it is for this response."""
        given = self.audio.output.model_dump(exclude_none=True)
        output = session.audio.output.model_copy(update={name: getattr(self.audio.output, name) for name in given})
        names = ("instructions", "output_modalities", "tools", "tool_choice", "max_output_tokens")
        own = {name: value for name in names if (value := getattr(self, name)) is not None}
        if "output_modalities" in own:
            own["output_modalities"] = _one(own["output_modalities"])
        return session.model_copy(update={"audio": session.audio.model_copy(update={"output": output}), **own})


def parsed(given: Mapping[str, Any]) -> Session:
    """A session from what a client configures of it. Raises Refused."""
    kind = TranscriptionSession if given.get("type") == "transcription" else ConversationSession
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        raise of_validation(error, "session") from None


def updated(session: Session, given: Mapping[str, Any]) -> Session:
    """The session with the fields that a client gives; the others stay. Raises Refused."""
    kind = given.get("type", session.type)
    if kind != session.type:
        raise Refused("invalid_value", f"This is a {session.type} session, and stays one.", "session.type")
    return parsed(_merged(session.model_dump(exclude_unset=True), {**given, "type": kind}))


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Objects are merged, unless their `type` changes; everything else is replaced."""
    result = dict(old)
    for name, value in new.items():
        before = result.get(name)
        both = isinstance(before, dict) and isinstance(value, dict)
        if both and name != "parameters" and value.get("type", before.get("type")) == before.get("type"):  # type: ignore[union-attr]
            value = _merged(before, value)  # type: ignore[arg-type]
        result[name] = value
    return result
