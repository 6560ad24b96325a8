"""A session: the client's events are carried out one by one, and the results sent back as events.

client ──▶ `InputAudio` ──▶ `Conversation` ◀──▶ `Response` ──▶ client
             turns            items, heard        a turn, answered
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import orjson
from anyio import to_thread

from ttsai_server.domain import Caller, ChatRequest
from ttsai_server.errors import ApiError, InternalError
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.limits import Admission
from ttsai_server.services.realtime import config, events, planning
from ttsai_server.services.realtime.config import ConversationSession, ResponseConfig, Session, TranscriptionSession
from ttsai_server.services.realtime.conversation import (
    Conversation,
    Item,
    MessageItem,
    Part,
    fitted,
    messages,
)
from ttsai_server.services.realtime.events import event, new_id
from ttsai_server.services.realtime.hearing import Hearing
from ttsai_server.services.realtime.input_audio import InputAudio, SpeechStarted, Turn
from ttsai_server.services.realtime.items import made
from ttsai_server.services.realtime.problems import Refused, of_api
from ttsai_server.services.realtime.response import Reason, Response
from ttsai_server.services.realtime.transcribing import Transcribing
from ttsai_server.services.voice_chat_run import BYTES_PER_TOKEN

logger = logging.getLogger(__name__)

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Admit = Callable[[], Awaitable[Admission | None]]


class RealtimeSession:
    def __init__(self, context: ServiceContext, caller: Caller, session: Session, send: Send, admit: Admit) -> None:
        """session: how it begins; send: an event to the client, which may have gone.

        admit: counts one more turn among the account's requests, or raises RateLimited; None: nothing is counted.
        """
        self._context = context
        self._caller = caller
        self._session = session
        self._send = send
        self._admit = admit
        self._id = new_id("sess")
        self._conversation_id = new_id("conv")
        self._expires_at = int(time.time() + context.settings.realtime.max_seconds)
        self._conversation = Conversation(context.settings.realtime.max_conversation_bytes)
        self._input = InputAudio(context, session.audio.input)
        self._transcribing = (
            Transcribing(context, caller, session, send, self._add_committed)
            if isinstance(session, TranscriptionSession)
            else None
        )
        """The input, of a transcription session."""
        self._hearing = Hearing(context, caller, send)
        self._to_hear: list[tuple[MessageItem, Turn]] = []
        """Messages that the next turn hears."""
        self._hears = asyncio.Lock()
        """Held by who takes from them: the turn under way, or the client's next event."""
        self._event_id: str | None = None
        """Of the client's event that is being followed."""
        self._response: Response | None = None
        self._carrying: asyncio.Task[None] | None = None
        """Carries out the response; done between two of them."""
        self._working: asyncio.Task[None] | None = None
        """The response's work, which may be stopped."""

    async def run(self, received: AsyncIterator[str]) -> None:
        """Follow the client's messages until they end."""
        try:
            await self._send(event("session.created", session=self._shown()))
            async for message in received:
                await self._follow(message)
        finally:
            await asyncio.shield(self._end())

    async def _end(self) -> None:
        """Stop all that is under way, and pay for it."""
        hearing = [item.hearing for item in self._conversation.items if isinstance(item, MessageItem) and item.hearing]
        tasks = [task for task in (self._working, self._carrying, *hearing) if task and not task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._hearing.early.close()
        await self._hearing.settle()
        if self._transcribing:
            await self._transcribing.close()

    async def _follow(self, message: str) -> None:
        """Do what an event asks for; an error is sent to the client."""
        self._event_id = None
        try:
            given = events.decoded(message)
            self._event_id = id if isinstance(id := given.get("event_id"), str) else None
            await self._do(events.parsed(given))
        except Exception as error:
            await self._report(self._known(error), self._event_id)

    def _known(self, error: BaseException) -> Refused:
        """Send an error to the client; an internal one is logged."""
        if isinstance(error, Refused):
            return error
        if not isinstance(error, ApiError) or isinstance(error, InternalError):
            logger.error("session %s: %s", self._id, error, exc_info=error)
        return of_api(error if isinstance(error, ApiError) else InternalError(""))

    async def _report(self, error: Refused, event_id: str | None) -> None:
        await self._send(event("error", error={**error.shown(), "event_id": event_id}))

    async def _do(self, asked: events.ClientEvent) -> None:
        match asked:
            case events.AppendAudio(audio=audio) if self._transcribing:
                await self._transcribing.append(audio)
            case events.CommitAudio() if self._transcribing:
                await self._transcribing.commit()
            case events.ClearAudio() if self._transcribing:
                await self._transcribing.clear()
                await self._send(event("input_audio_buffer.cleared"))
            case events.SessionUpdate(session=given):
                await self._update(given)
            case _ if self._transcribing:
                raise Refused("invalid_value", "A transcription session is not a conversation.", "type")
            case events.AppendAudio(audio=audio):
                for found in await self._input.append(audio):
                    try:
                        await self._detected(found)
                    except (ApiError, Refused) as error:  # the next one counts all the same
                        await self._report(self._known(error), self._event_id)
                self._hearing.early.follow(self._input.pause, self._input.so_far, self._listening)
            case events.CommitAudio():
                await self._commit(self._input.commit())
            case events.ClearAudio():
                self._input.clear()
                self._hearing.early.drop()
                await self._send(event("input_audio_buffer.cleared"))
            case events.CreateItem(item=given, previous_item_id=after):
                await self._create_item(given, after)
            case events.RetrieveItem(item_id=id):
                await self._send(event("conversation.item.retrieved", item=self._conversation.get(id).shown()))
            case events.DeleteItem(item_id=id):
                await self._delete(id)
            case events.TruncateItem():
                await self._truncate(asked)
            case events.CreateResponse(response=given):
                await self._respond(given or ResponseConfig())
            case events.CancelResponse(response_id=id):
                await self._cancel(id)

    async def _update(self, given: Mapping[str, Any]) -> None:
        session = config.updated(self._session, given)
        await to_thread.run_sync(planning.check, self._context, self._caller, session)
        if self._transcribing and isinstance(session, TranscriptionSession):
            await self._transcribing.configure(session)
        else:
            self._input.configure(session.audio.input)
        self._session = session
        await self._send(event("session.updated", session=self._shown()))

    def _shown(self) -> dict[str, Any]:
        return {"id": self._id, **self._session.shown(), "expires_at": self._expires_at}

    async def _detected(self, found: SpeechStarted | Turn) -> None:
        detection = self._session.audio.input.turn_detection
        assert detection
        if isinstance(found, SpeechStarted):
            fields = {"item_id": found.item_id, "audio_start_ms": found.milliseconds}
            await self._send(event("input_audio_buffer.speech_started", **fields))
            if detection.interrupt_response:
                await self._stop("turn_detected")
            return
        fields = {"item_id": found.item_id, "audio_end_ms": found.milliseconds}
        await self._send(event("input_audio_buffer.speech_stopped", **fields))
        await self._commit(found, answers=detection.create_response)
        if detection.create_response:
            try:
                await self._respond(ResponseConfig())
            except (ApiError, Refused):
                await self._begin_hearing(answered=False)
                raise

    async def _commit(self, turn: Turn, *, answers: bool = False) -> None:
        """Make a message of what was said."""
        self._hearing.early.keep(turn)
        item = MessageItem(turn.item_id, "user", [Part("input_audio")])
        await self._add_committed(item)
        await self._hear(item, turn, answers=answers)

    async def _add_committed(self, item: MessageItem) -> None:
        if self._transcribing:
            del self._conversation.items[:-1]  # nobody asks for the earlier ones
        before = self._conversation.add(item)
        fields = {"item_id": item.id, "previous_item_id": before}
        await self._send(event("input_audio_buffer.committed", **fields))
        await self._added(item, before)

    async def _create_item(self, given: Mapping[str, Any], after: str | None) -> None:
        format, longest = self._session.audio.input.format, self._context.settings.chat.max_seconds
        new = made(events.new_item(given), format, longest)
        await self._added(new.item, self._conversation.add(new.item, after))
        if isinstance(new.item, MessageItem) and new.turn:
            await self._hear(new.item, new.turn)

    async def _added(self, item: Item, before: str | None) -> None:
        for kind in ("conversation.item.added", "conversation.item.done"):
            await self._send(event(kind, item=item.shown(), previous_item_id=before))

    async def _hear(self, item: MessageItem, turn: Turn, *, answers: bool = False) -> None:
        """answers: whether the turn that answers it follows at once, and hears it."""
        self._to_hear.append((item, turn))
        if not answers:
            await self._begin_hearing(answered=False)

    async def _begin_hearing(self, *, answered: bool) -> None:
        """Hear the messages that wait. answered: whether the turn under way pays for it.

        One whose hearing has not begun when this is cancelled goes on waiting.
        """
        async with self._hears:
            while self._to_hear:
                item, turn = self._to_hear[0]
                await self._hearing.begin(item, turn, self._listening, answered=answered)
                self._to_hear = [each for each in self._to_hear if each[0] is not item]

    @property
    def _listening(self) -> config.Listening | None:
        return self._session.audio.input.transcription

    async def _delete(self, id: str) -> None:
        item = self._conversation.remove(id)
        self._to_hear = [each for each in self._to_hear if each[0] is not item]
        self._hearing.early.forget(id)
        if isinstance(item, MessageItem) and item.hearing:
            item.hearing.cancel()
            await self._hearing.settle(item)
        await self._send(event("conversation.item.deleted", item_id=id))

    async def _truncate(self, asked: events.TruncateItem) -> None:
        item = self._conversation.get(asked.item_id)
        if not isinstance(item, MessageItem):
            raise Refused("invalid_value", "Only messages can be truncated.", "item_id")
        item.truncate(asked.content_index, asked.audio_end_ms)
        fields = asked.model_dump(include={"item_id", "content_index", "audio_end_ms"})
        await self._send(event("conversation.item.truncated", **fields))

    async def _respond(self, asked: ResponseConfig) -> None:
        """Begin a response."""
        assert isinstance(self._session, ConversationSession)
        if self._carrying and not self._carrying.done():
            raise Refused(
                "conversation_already_has_active_response",
                f"Conversation already has an active response in progress: {self._response and self._response.id}. "
                "Wait until the response is finished before creating a new one.",
            )
        session = asked.applied(self._session)
        within = None if asked.input is None else [self._referred(item, session) for item in asked.input]
        admission = await self._admit()
        listen = self._listener(session, within, admission)
        plan = await to_thread.run_sync(
            planning.plan_turn, self._context, self._caller, session, listen, lambda: self._hearing.credits
        )
        run = plan.run(self._caller, self._context)
        inside = asked.conversation == "auto"
        self._response = Response(
            session,
            run,
            self._send,
            self._conversation.add if inside else lambda item: None,
            conversation=self._conversation_id if inside else None,
            metadata=asked.metadata,
        )
        await self._hearing.hand_over()
        self._working = asyncio.create_task(self._response.work())
        self._carrying = asyncio.create_task(self._carry_out(self._response, self._working, self._event_id))

    def _referred(self, given: Mapping[str, Any], session: ConversationSession) -> Item:
        """An item of a response's own input: a new one, or one of the conversation. Raises Refused."""
        if given.get("type") == "item_reference":
            return self._conversation.get(str(given.get("id")))
        new = made(events.new_item(given), session.audio.input.format)
        if new.turn:
            raise Refused("invalid_value", "The input of a response has no sound: add it as an item.", "response.input")
        return new.item

    def _listener(
        self, session: ConversationSession, within: list[Item] | None, admission: Admission | None
    ) -> Callable[[], Awaitable[ChatRequest | None]]:
        """What a turn begins with, once its credits are reserved; see `TurnPlan.listen`."""

        async def listen() -> ChatRequest | None:
            assert self._response
            await self._response.begin()
            if admission:
                await self._send(event("rate_limits.updated", rate_limits=[_limit(admission)]))
            items = self._conversation.items if within is None else within
            if within is None and not await self._heard():
                return None
            return await self._request(session, items)

        return listen

    async def _heard(self) -> bool:
        """Wait until all messages are heard. → False if the last thing is a message in which nothing is said.

        Raises why it could not be heard.
        """
        await self._begin_hearing(answered=True)
        heard = [item for item in self._conversation.items if isinstance(item, MessageItem) and item.hearing]
        if tasks := [item.hearing for item in heard if item.hearing]:
            await asyncio.wait(tasks)
        last = self._conversation.items[-1] if self._conversation.items else None
        if not isinstance(last, MessageItem) or last.role != "user":
            return True
        if last.failure:
            raise last.failure
        return last.message() is not None

    async def _request(self, session: ConversationSession, items: list[Item]) -> ChatRequest:
        chat = self._context.settings.chat
        longest = session.max_output_tokens
        answer = chat.max_tokens if longest == "inf" else min(longest, chat.max_tokens)
        tools = () if session.tool_choice == "none" else tuple(tool.for_chat() for tool in session.tools)
        most = chat.context_tokens - answer - len(orjson.dumps(tools)) // BYTES_PER_TOKEN
        system = await to_thread.run_sync(planning.system_message, self._context, self._caller, session)
        said = fitted(system, messages(items), most, shorten=session.truncation == "auto")
        choice = session.tool_choice if isinstance(session.tool_choice, str) else session.tool_choice.for_chat()
        return ChatRequest(said, answer, tools, choice)

    async def _carry_out(self, response: Response, working: asyncio.Task[None], event_id: str | None) -> None:
        """Follow a response to its end, whatever that is. event_id: of the client's event that asked for it."""
        await asyncio.wait([working])
        if working.cancelled():
            if not response.begun:
                await response.begin()
            await response.end("cancelled")
        elif error := working.exception():
            await self._failed(response, error, event_id)
        else:
            await response.end("completed")
        with suppress(ApiError):
            await self._hearing.take_back(paid=response.begun)
        await self._begin_hearing(answered=False)

    async def _failed(self, response: Response, error: BaseException, event_id: str | None) -> None:
        known = self._known(error)
        if response.begun:
            await response.end("failed", {name: known.shown()[name] for name in ("type", "code", "message")})
        else:
            await self._report(known, event_id)

    async def _cancel(self, id: str | None) -> None:
        known = id is None or (self._response and self._response.id == id)
        if not known or not await self._stop("client_cancelled"):
            raise Refused("response_cancel_not_active", "Cancellation failed: no active response found.")

    async def _stop(self, reason: Reason) -> bool:
        """Stop the response, and wait for its end. → whether there was one."""
        if not (self._response and self._working and self._carrying and not self._carrying.done()):
            return False
        self._response.reason = reason
        self._working.cancel()
        await asyncio.wait([self._carrying])
        return True


def _limit(admission: Admission) -> dict[str, Any]:
    seconds = max(0.0, admission.reset - time.time())
    return {"name": "requests", "limit": admission.limit, "remaining": admission.remaining, "reset_seconds": seconds}
