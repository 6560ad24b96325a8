"""/v1/voice-chat/: spoken conversations with a chat model."""

import base64
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import orjson
from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.datastructures import UploadFile
from starlette.responses import Response

from ttsai_server.api.audio_response import warning_headers
from ttsai_server.api.bodies import VoiceChatBody
from ttsai_server.api.deps import AuthedServices, BaseUrl, CurrentCaller
from ttsai_server.api.disconnect import cancel_on_disconnect
from ttsai_server.api.errors import bad_request
from ttsai_server.api.schemas import BILLABLE, KEYED
from ttsai_server.api.streaming import EventStream, after_first_chunk, credit_headers, event
from ttsai_server.api.uploads import MOST_FIELDS, MOST_FILES, UploadRoute, content
from ttsai_server.api.voice_chat_schemas import (
    ConversationBody,
    ConversationInfo,
    ConversationList,
    TurnInfo,
    VoiceChatAnswer,
)
from ttsai_server.errors import BadRequest
from ttsai_server.services.conversations import Conversations, Dialogue
from ttsai_server.services.flow import Outcome, OutputFile
from ttsai_server.services.voice_chat import VoiceChatOrder
from ttsai_server.services.voice_chat_run import Heard, Spoken, VoiceChatRun, Written
from ttsai_server.store.conversations import Conversation

router = APIRouter(tags=["voice chat"], route_class=UploadRoute)

AUDIO = "audio"
"""The field of a form that has the recording."""


def _request_body() -> dict[str, Any]:
    """For OpenAPI: FastAPI itself has no route that takes both."""
    body = VoiceChatBody.model_json_schema()
    audio = {AUDIO: {"type": "string", "format": "binary", "description": "What the user says."}}
    form = {**body, "properties": {**body["properties"], **audio}}
    content = {"application/json": {"schema": body}, "multipart/form-data": {"schema": form}}
    return {"requestBody": {"required": True, "content": content}}


@router.post(
    "/v1/voice-chat",
    response_model=VoiceChatAnswer,
    responses={200: {"content": {"text/event-stream": {}}}, **BILLABLE},
    openapi_extra=_request_body(),
)
async def voice_chat(request: Request, services: AuthedServices, caller: CurrentCaller, base_url: BaseUrl) -> Response:
    """One turn of a spoken conversation: what the user says, as JSON or a form, is answered by a chat model."""
    async with _read(request) as (body, audio):
        if (body.text is None) == (audio is None):
            raise BadRequest("Either 'text' or 'audio' is required.", param="text")
        upload = content(audio, services.settings.transcription.max_file_bytes, AUDIO) if audio else None
        await services.conversations.check_room(caller)
        dialogue = await services.conversations.open(caller, body.conversation_id, body.system_prompt)
        request.scope["state"]["conversation"] = dialogue.conversation.id  # what is kept of the answer goes with it
        run = await services.flow.start(caller, _order(body, dialogue), upload)
        turn = Turn(run, dialogue.conversation, services.conversations, base_url)
        if body.stream:
            # with the first event the upload has been read
            events = await after_first_chunk(turn.events(), request.receive)
            return EventStream(events, _headers(run), request.scope["state"]["request_id"])
        with run:
            await cancel_on_disconnect(request.receive, run.finish(turn.keep))
        return Response(orjson.dumps(turn.answer()), headers=_headers(run), media_type="application/json")


@router.get("/v1/voice-chat", responses=KEYED)
async def list_conversations(services: AuthedServices, caller: CurrentCaller) -> ConversationList:
    """The account's conversations, the latest first."""
    found, total = await services.conversations.list(caller)
    return ConversationList(conversations=[ConversationInfo.model_validate(each) for each in found], total=total)


@router.get("/v1/voice-chat/{conversation_id}", response_model_exclude_none=True, responses=KEYED)
async def get_conversation(conversation_id: str, services: AuthedServices, caller: CurrentCaller) -> ConversationBody:
    """A conversation with its turns."""
    dialogue = await services.conversations.get(caller, conversation_id)
    return ConversationBody(
        conversation=ConversationInfo.model_validate(dialogue.conversation),
        system_prompt=dialogue.conversation.system_prompt,
        messages=[TurnInfo.model_validate(turn) for turn in dialogue.turns],
    )


@router.delete("/v1/voice-chat/{conversation_id}", status_code=204, responses=KEYED)
async def delete_conversation(conversation_id: str, services: AuthedServices, caller: CurrentCaller) -> None:
    """Forget a conversation, with all its turns."""
    await services.conversations.delete(caller, conversation_id)


class Turn:
    """A run, and where what it makes is kept."""

    def __init__(
        self, run: VoiceChatRun, conversation: Conversation, conversations: Conversations, base_url: str
    ) -> None:
        self._run = run
        self._conversation = conversation
        self._conversations = conversations
        self._base_url = base_url
        self._audio_url = ""

    async def keep(self, outcome: Outcome) -> None:
        """Add it to the conversation."""
        sound, run = outcome.result, self._run
        assert isinstance(sound, OutputFile)
        id = await self._conversations.keep(self._conversation, run.user_text, run.ai_text, sound)
        self._audio_url = f"{self._base_url}/v1/audio/tmp/{id}.mp3"

    def answer(self) -> dict[str, object]:
        """schemas.VoiceChatAnswer; once it is kept."""
        return {
            "conversation_id": self._conversation.id,
            "user_text": self._run.user_text,
            "ai_text": self._run.ai_text,
            "audio_url": self._audio_url,
            "credits_used": self._run.hold.credits,
        }

    async def events(self) -> AsyncGenerator[bytes]:
        """Server-sent events: user_text, then text.delta and audio.delta as they are made, then done.

        What is warned of on the way, too late for a header, is in the last one.
        """
        with self._run as run:
            async with aclosing(run.steps(self.keep)) as steps:
                async for step in steps:
                    yield self._event(step)
        warnings = {"warnings": run.warnings} if run.warnings else {}
        yield event({"type": "done", **self.answer(), **warnings})

    def _event(self, step: Heard | Written | Spoken) -> bytes:
        match step:
            case Heard(text):
                return event({"type": "user_text", "conversation_id": self._conversation.id, "text": text})
            case Written(text):
                return event({"type": "text.delta", "delta": text})
            case Spoken(sound):
                return event({"type": "audio.delta", "delta": base64.b64encode(sound).decode()})


def _order(body: VoiceChatBody, dialogue: Dialogue) -> VoiceChatOrder:
    return VoiceChatOrder(
        text=body.text,
        history=[(turn.user_text, turn.ai_text) for turn in dialogue.turns],
        system_prompt=dialogue.conversation.system_prompt,
        voice=body.voice,
        tts_model=body.tts_model,
        stt_model=body.stt_model,
        language=body.language,
        speed=body.speed,
    )


def _headers(run: VoiceChatRun) -> dict[str, str]:
    return {**credit_headers(run.hold), **warning_headers(run.warnings)}


@asynccontextmanager
async def _read(request: Request) -> AsyncGenerator[tuple[VoiceChatBody, UploadFile | None]]:
    """The fields, and the recording, of a JSON body or a form; afterwards its file is closed. Raises BadRequest."""
    if request.headers.get("content-type", "").lower().startswith(("multipart/", "application/x-www-form-urlencoded")):
        async with request.form(max_files=MOST_FILES, max_fields=MOST_FIELDS) as form:
            audio = form.get(AUDIO)
            if audio is not None and not isinstance(audio, UploadFile):
                raise BadRequest(f"{AUDIO!r} must be a file.", param=AUDIO)
            # as in all forms, an empty field counts as absent
            texts = {name: value for name, value in form.items() if isinstance(value, str) and value}
            yield _body(texts, strict=False), audio
        return
    try:
        fields = orjson.loads(await request.body())
    except ValueError as error:
        raise BadRequest(f"The body is not valid JSON: {error}.") from None
    yield _body(fields, strict=True), None


def _body(fields: object, *, strict: bool) -> VoiceChatBody:
    try:
        return VoiceChatBody.model_validate(fields, strict=strict)
    except ValidationError as error:
        raise bad_request([{**problem, "loc": ("body", *problem["loc"])} for problem in error.errors()]) from None
