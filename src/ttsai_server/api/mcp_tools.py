"""The tools of /mcp: speak, transcribe and list_voices, with the caller's key and credits.

Imported at the first request to /mcp: the SDK is an extra, and takes half a second.
"""

import asyncio
import base64
import binascii
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from io import SEEK_END, BytesIO
from typing import Annotated, Any, Literal

import orjson
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.types import (
    AudioContent,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)
from pydantic import Field, ValidationError

from ttsai_server import __version__
from ttsai_server.api.bodies import Body, Speed
from ttsai_server.api.deps import Services
from ttsai_server.api.errors import bad_request, outage, unexpected_error
from ttsai_server.domain import Caller
from ttsai_server.errors import ApiError, BadRequest, InternalError
from ttsai_server.services.choice import AUTO
from ttsai_server.services.flow import Outcome, OutputFile
from ttsai_server.services.result_json import published_transcript, to_milliseconds
from ttsai_server.services.speech import SpeechOrder
from ttsai_server.services.transcription import TranscriptionOrder

logger = logging.getLogger(__name__)

Context = ServerRequestContext[Any, Any]

MOST_SOUND_BYTES = 64_000_000
"""Of one answer, which is in memory as a whole, several times over."""


class SpeakArguments(Body):
    text: str
    """The text to speak."""
    voice: str = AUTO
    """A voice's id, from list_voices; auto: one of the text's language."""
    language: str | None = None
    """Code of the text's language, such as en; detected when absent."""
    format: Literal["mp3", "wav", "flac", "ogg"] = "mp3"
    """Of the sound."""
    speed: Speed = 1.0
    """1.0 is the voice's own pace."""


class TranscribeArguments(Body):
    audio: Annotated[str, Field(json_schema_extra={"contentEncoding": "base64"})]
    """The recording, any usual format, in base64."""
    language: str = AUTO
    """Code of the language spoken, such as en; auto: detected."""
    timestamps: bool = False
    """Also report when each word is said."""


class ListVoicesArguments(Body):
    language: str | None = None
    """Only voices of this language, such as en or en-gb."""
    gender: Literal["male", "female", "neutral"] | None = None
    """Only voices that sound so."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool being called."""

    services: Services
    caller: Caller


async def speak(call: Call, asked: SpeakArguments) -> CallToolResult:
    """Turn text into speech. Returns the sound, and how long it is."""
    order = SpeechOrder(AUTO, asked.text, asked.voice, format=asked.format, speed=asked.speed, language=asked.language)
    with await call.services.flow.start(call.caller, order) as run:
        await run.finish(_check_size)
        file = (await run.outcome()).result
        assert isinstance(file, OutputFile)
        sound = await asyncio.to_thread(_encoded, file)
    facts = {"seconds": to_milliseconds(run.seconds), "language": run.plan.language, "credits_used": run.hold.credits}
    return CallToolResult(
        content=[AudioContent(data=sound, mime_type=file.content_type), _json(facts)], structured_content=facts
    )


async def transcribe(call: Call, asked: TranscribeArguments) -> CallToolResult:
    """Write down what is said in a recording. Returns the text, its language and its sentences with their times."""
    try:
        recording = base64.b64decode(asked.audio, validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest("'audio' is not valid base64.", param="audio") from None
    settings = call.services.settings.transcription
    order = TranscriptionOrder(settings.default_model, language=asked.language, words=asked.timestamps)
    run = await call.services.flow.start(call.caller, order, BytesIO(recording))
    await run.finish()
    body = await asyncio.to_thread(published_transcript, run.transcript, words=asked.timestamps)
    heard = orjson.loads(body)
    return CallToolResult(content=[TextContent(text=heard["text"])], structured_content=heard)


async def list_voices(call: Call, asked: ListVoicesArguments) -> CallToolResult:
    """List the voices that can speak now, the account's own first."""
    listed = await call.services.voices.listed(call.caller, None, asked.language, asked.gender)
    shown = [await call.services.listings.voice(each, "", for_sdk=False) for each in listed]
    fields = {"id", "name", "model", "language", "gender"}
    voices = {"voices": [voice.model_dump(include=fields) for voice in shown if voice.status == "ready"]}
    return CallToolResult(content=[_json(voices)], structured_content=voices)


TOOLS: dict[str, tuple[type[Body], Callable[[Call, Any], Awaitable[CallToolResult]], ToolAnnotations]] = {
    "speak": (SpeakArguments, speak, ToolAnnotations(title="Text to speech", open_world_hint=False)),
    "transcribe": (TranscribeArguments, transcribe, ToolAnnotations(title="Speech to text", open_world_hint=False)),
    "list_voices": (
        ListVoicesArguments,
        list_voices,
        ToolAnnotations(title="Voices", read_only_hint=True, open_world_hint=False),
    ),
}
"""Name → its arguments, what it does, and what clients may show their users."""


def tool_server(services: Services) -> Server[Any]:
    """The SDK's server with these tools."""

    async def list_tools(context: Context, params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(
            tools=[
                Tool(
                    name=name, description=work.__doc__, input_schema=kind.model_json_schema(), annotations=annotations
                )
                for name, (kind, work, annotations) in TOOLS.items()
            ]
        )

    async def call_tool(context: Context, params: CallToolRequestParams) -> CallToolResult:
        assert context.request
        state = context.request.scope["state"]  # as the middleware has left it
        try:
            if params.name not in TOOLS:
                raise BadRequest(f"There is no tool {params.name[:80]!r}; there are {', '.join(TOOLS)}.")
            kind, work, _ = TOOLS[params.name]
            return await work(Call(services, state["caller"]), _checked(kind, params.arguments or {}))
        except Exception as error:  # the SDK would send the client any exception's text
            shown = _shown(error, state["request_id"])
            return CallToolResult(content=[TextContent(text=shown.message)], is_error=True)

    return Server("ttsai-server", version=__version__, on_list_tools=list_tools, on_call_tool=call_tool)


def _checked(kind: type[Body], arguments: dict[str, Any]) -> Body:
    try:
        return kind.model_validate(arguments)
    except ValidationError as error:
        raise bad_request([{**problem, "loc": ("arguments", *problem["loc"])} for problem in error.errors()]) from None


async def _check_size(outcome: Outcome) -> None:
    """Raises BadRequest, before it is paid, for speech that is too long for one answer."""
    assert isinstance(outcome.result, OutputFile)
    if outcome.result.file.seek(0, SEEK_END) > MOST_SOUND_BYTES:
        most = f"{MOST_SOUND_BYTES / 1e6:g} MB"
        raise BadRequest(f"The sound is larger than {most}: ask for mp3, or for less text.", param="text")


def _shown(error: Exception, request_id: str) -> ApiError:
    """The error that the client sees; what it can't help is logged."""
    known = error if isinstance(error, ApiError) else outage(error)
    if known is None or isinstance(known, InternalError):
        logger.error("in a tool of /mcp: %s", error, exc_info=error)
        return unexpected_error(request_id)
    return known


def _encoded(file: OutputFile) -> str:
    file.file.seek(0)
    return base64.b64encode(file.file.read()).decode()


def _json(facts: object) -> TextContent:
    return TextContent(text=orjson.dumps(facts).decode())
