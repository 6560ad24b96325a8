"""One response: a turn being carried out, sent to the client event by event."""

from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any, Literal

from ttsai_server.domain import ChatDelta, ToolCall
from ttsai_server.services.realtime.config import ConversationSession
from ttsai_server.services.realtime.conversation import CallItem, Item, MessageItem, Part
from ttsai_server.services.realtime.events import event, new_id
from ttsai_server.services.realtime.sound import OutputSound
from ttsai_server.services.realtime.turn_run import TurnRun
from ttsai_server.services.voice_chat_run import BYTES_PER_TOKEN, tokens

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Reason = Literal["turn_detected", "client_cancelled"]

DELTA_BYTES = 24_000
"""Most sound of one event: half a second of PCM; some clients take no message over 1 MB."""


class Response:
    """Its output is one message, or one message and calls, or calls."""

    def __init__(
        self,
        config: ConversationSession,
        run: TurnRun,
        send: Send,
        add: Callable[[Item], str | None],
        *,
        conversation: str | None,
        metadata: Mapping[str, str] | None,
    ) -> None:
        """config: the session's, as it is for this response.

        add: puts an item into the conversation → id of the one before it. conversation: its id; None: out of it.
        """
        self.id = new_id("resp")
        self.output: list[Item] = []
        self.reason: Reason = "client_cancelled"
        """Why it is stopped, if it is."""
        self.begun = False
        """Whether it has been announced to the client."""
        self._config = config
        self._run = run
        self._send = send
        self._add = add
        self._conversation = conversation
        self._metadata = metadata
        self._spoken = config.output_modalities == ["audio"]
        self._sound: OutputSound | None = None
        self._message: MessageItem | None = None
        self._calls: dict[int, CallItem] = {}
        self._before: dict[str, str | None] = {}
        """Id of an item → that of the one before it."""
        self._cut = False
        """Whether the answer is as long as it may be."""

    def shown(self, status: str, details: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """As clients see it."""
        output = self._config.audio.output
        return {
            "id": self.id,
            "object": "realtime.response",
            "status": status,
            "status_details": details,
            "output": [item.shown() for item in self.output],
            "conversation_id": self._conversation,
            "output_modalities": self._config.output_modalities,
            "max_output_tokens": self._config.max_output_tokens,
            "audio": {"output": {"format": output.format.shown(), "voice": output.voice}},
            "metadata": self._metadata,
            "usage": None if status == "in_progress" else self._usage(),
        }

    def _usage(self) -> dict[str, Any]:
        """About so many tokens: all are text, since sound is heard and spoken by other models."""
        messages = self._run.request.messages if self._run.request else ()
        read, written = sum(map(tokens, messages)), len(self._run.text.encode()) // BYTES_PER_TOKEN
        return {
            "total_tokens": read + written,
            "input_tokens": read,
            "output_tokens": written,
            "input_token_details": {"text_tokens": read, "audio_tokens": 0, "cached_tokens": 0},
            "output_token_details": {"text_tokens": written, "audio_tokens": 0},
        }

    async def begin(self) -> None:
        """Announce it to the client."""
        self.begun = True
        await self._send(event("response.created", response=self.shown("in_progress")))

    async def work(self) -> None:
        """Carry out the turn, and send the client all that it makes; `end` must be called however it ends."""
        async with aclosing(self._run.steps()) as steps:
            async for step in steps:
                if isinstance(step, bytes):
                    await self._speak(step)
                elif step.call:
                    await self._call(step.call)
                elif step.text:
                    await self._write(step.text)
                self._cut = self._cut or (isinstance(step, ChatDelta) and step.cut)
        if self._sound:
            await self._send_sound(self._sound.add(b"", last=True))

    async def end(
        self, status: Literal["completed", "cancelled", "failed"], error: Mapping[str, Any] | None = None
    ) -> None:
        """Finish what has begun, and the response. error: `error` of a failed one's `status_details`."""
        whole = status == "completed" and not self._cut
        if self._message:
            await self._end_message(self._message, whole)
        for call in self._calls.values():
            await self._end_call(call, whole)
        if status == "completed" and self._cut:
            details: dict[str, Any] = {"type": "incomplete", "reason": "max_output_tokens"}
        elif status == "cancelled":
            details = {"type": status, "reason": self.reason}
        else:
            details = {"type": status, **({"error": error} if error else {})}
        await self._send(event("response.done", response=self.shown(details["type"], details)))

    async def _write(self, text: str) -> None:
        message = self._message or await self._begin_message()
        message.parts[0].text += text
        kind = "response.output_audio_transcript.delta" if self._spoken else "response.output_text.delta"
        await self._send(event(kind, **self._place(message), content_index=0, delta=text))

    async def _speak(self, pcm: bytes) -> None:
        message = self._message or await self._begin_message()
        assert self._run.answer
        narration = self._run.answer.narration
        self._sound = self._sound or OutputSound(narration.plan.card.rate, self._config.audio.output.format)
        await self._send_sound(self._sound.add(pcm))
        message.spoken, message.seconds = narration.segments, self._sound.seconds

    async def _send_sound(self, sound: bytes) -> None:
        assert self._message
        for start in range(0, len(sound), DELTA_BYTES):
            delta = b64encode(sound[start : start + DELTA_BYTES]).decode()
            place = self._place(self._message)
            await self._send(event("response.output_audio.delta", **place, content_index=0, delta=delta))

    async def _call(self, part: ToolCall) -> None:
        item = self._calls.get(part.index)
        if item is None:
            call = ToolCall(part.id or new_id("call"), part.name, "", part.index)
            item = self._calls[part.index] = CallItem(new_id("item"), call, status="in_progress")
            await self._begin_item(item)
        item.call = ToolCall(item.call.id, item.call.name or part.name, item.call.arguments + part.arguments)
        if part.arguments:
            fields = {"call_id": item.call.id, "delta": part.arguments}
            await self._send(event("response.function_call_arguments.delta", **self._place(item), **fields))

    async def _begin_message(self) -> MessageItem:
        part = Part("output_audio" if self._spoken else "output_text")
        self._message = message = MessageItem(new_id("item"), "assistant", [], status="in_progress")
        await self._begin_item(message)
        message.parts.append(part)
        await self._send(
            event("response.content_part.added", **self._place(message), content_index=0, part=_content(part))
        )
        return message

    async def _begin_item(self, item: Item) -> None:
        self.output.append(item)
        self._before[item.id] = before = self._add(item)
        place = {"response_id": self.id, "output_index": len(self.output) - 1}
        await self._send(event("response.output_item.added", **place, item=item.shown()))
        if self._conversation:
            await self._send(event("conversation.item.added", item=item.shown(), previous_item_id=before))

    async def _end_message(self, message: MessageItem, whole: bool) -> None:
        place, part = {**self._place(message), "content_index": 0}, message.parts[0]
        if self._spoken:
            if self._sound:
                message.seconds = self._sound.seconds
            await self._send(event("response.output_audio.done", **place))
            await self._send(event("response.output_audio_transcript.done", **place, transcript=part.text))
        else:
            await self._send(event("response.output_text.done", **place, text=part.text))
        await self._send(event("response.content_part.done", **place, part=_content(part)))
        await self._end_item(message, whole)

    async def _end_call(self, item: CallItem, whole: bool) -> None:
        call = item.call
        fields = {"call_id": call.id, "name": call.name, "arguments": call.arguments}
        await self._send(event("response.function_call_arguments.done", **self._place(item), **fields))
        await self._end_item(item, whole)

    async def _end_item(self, item: Item, whole: bool) -> None:
        item.status = "completed" if whole else "incomplete"
        if self._conversation:
            before = self._before[item.id]
            await self._send(event("conversation.item.done", item=item.shown(), previous_item_id=before))
        place = {"response_id": self.id, "output_index": self.output.index(item)}
        await self._send(event("response.output_item.done", **place, item=item.shown()))

    def _place(self, item: Item) -> dict[str, Any]:
        return {"response_id": self.id, "item_id": item.id, "output_index": self.output.index(item)}


def _content(part: Part) -> dict[str, Any]:
    """As in the events of content parts, whose types have other names than in items."""
    return (
        {"type": "audio", "transcript": part.text}
        if part.type == "output_audio"
        else {"type": "text", "text": part.text}
    )
