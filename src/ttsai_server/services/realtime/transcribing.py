"""The input of a transcription session: what is said is reported while it is being said."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from anyio import to_thread

from ttsai_server.domain import Caller
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.live_transcription import (
    RATE,
    FinalText,
    HearingFailed,
    LiveEvent,
    LiveOrder,
    LivePlan,
    LiveTranscription,
    PartialText,
    SpeechStarted,
    SpeechStopped,
    plan_live_transcription,
)
from ttsai_server.services.realtime.config import Listening, TranscriptionSession
from ttsai_server.services.realtime.conversation import MessageItem, Part
from ttsai_server.services.realtime.events import event, new_id
from ttsai_server.services.realtime.hearing import TRANSCRIPTION
from ttsai_server.services.realtime.input_audio import LEAST_SECONDS, too_little
from ttsai_server.services.realtime.problems import Refused, of_api
from ttsai_server.services.realtime.sound import as_floats, received
from ttsai_server.services.realtime.turn_detection import speech_detection

Send = Callable[[Mapping[str, Any]], Awaitable[None]]


def live_plan(context: ServiceContext, caller: Caller, session: TranscriptionSession) -> LivePlan:
    """How the sound of a session is transcribed; blocking. Raises as `plan_live_transcription`."""
    listening, detection = session.audio.input.transcription or Listening(), session.audio.input.turn_detection
    order = LiveOrder(
        listening.model or context.settings.transcription.default_model,
        listening.language or "auto",
        listening.prompt,
        detection=detection and speech_detection(detection),
    )
    return plan_live_transcription(context, caller, order)


class Transcribing:
    """An utterance is a message of the user, in `committed` once it is over."""

    def __init__(
        self,
        context: ServiceContext,
        caller: Caller,
        session: TranscriptionSession,
        send: Send,
        committed: Callable[[MessageItem], Awaitable[None]],
    ) -> None:
        self._context = context
        self._caller = caller
        self._session = session
        self._send = send
        self._committed = committed
        self._live: LiveTranscription | None = None
        """Begun with the first sound."""
        self._telling: asyncio.Task[None] | None = None
        self._items: dict[int, MessageItem] = {}
        """By the utterance's number."""
        self._lengths: dict[int, float] = {}
        """Seconds that have been heard of an utterance."""
        self._pushed = 0
        """Samples since the last commit."""

    async def configure(self, session: TranscriptionSession) -> None:
        """From now on. Raises Refused if another format comes in the middle of the sound."""
        if self._live and session.audio.input.format != self._session.audio.input.format:
            raise Refused("invalid_value", "The sound has begun in another format.", "session.audio.input.format")
        if self._live:
            self._live.plan = await to_thread.run_sync(live_plan, self._context, self._caller, session)
        self._session = session

    async def append(self, audio: str) -> None:
        """Hear base64 of an event; waits while too much is still to be heard. Raises Refused, or ApiError."""
        format = self._session.audio.input.format
        samples = received(audio, format)
        live = self._live or await self._begin(format.hertz)
        self._pushed += len(samples)
        await live.push(as_floats(samples))

    async def commit(self) -> None:
        """End the utterance here. Raises Refused if there is none."""
        seconds = self._pushed / self._session.audio.input.format.hertz
        utterance = await self._live.commit() if self._live and seconds >= LEAST_SECONDS else None
        if utterance is None:
            raise too_little(seconds)
        self._pushed = 0
        await self._committed(self._item(utterance))

    async def clear(self) -> None:
        """Forget the utterance that goes on."""
        self._pushed = 0
        if self._live:
            await self._live.clear()

    async def close(self) -> None:
        """Break off. Idempotent."""
        if self._live and self._telling:
            await self._live.__aexit__(None, None, None)
            self._telling.cancel()
            await asyncio.wait([self._telling])
            self._live = None

    async def _begin(self, rate: int) -> LiveTranscription:
        plan = await to_thread.run_sync(live_plan, self._context, self._caller, self._session)
        self._live = await LiveTranscription(plan, self._caller, self._context, rate).__aenter__()
        self._telling = asyncio.create_task(self._tell_all(self._live))
        return self._live

    async def _tell_all(self, live: LiveTranscription) -> None:
        async for each in live.events():
            await self._report(each)

    async def _report(self, each: LiveEvent) -> None:
        item = self._item(each.utterance)
        place = {"item_id": item.id, "content_index": 0}
        match each:
            case SpeechStarted(position=position):
                started = {"item_id": item.id, "audio_start_ms": position * 1000 // RATE}
                await self._send(event("input_audio_buffer.speech_started", **started))
            case SpeechStopped(position=position):
                stopped = {"item_id": item.id, "audio_end_ms": position * 1000 // RATE}
                await self._send(event("input_audio_buffer.speech_stopped", **stopped))
                await self._committed(item)
            case PartialText(added=added) | FinalText(added=added):
                item.parts[0].text += added
                if added:
                    await self._send(event(f"{TRANSCRIPTION}.delta", **place, delta=added))
            case HearingFailed(error=error):
                await self._send(event(f"{TRANSCRIPTION}.failed", **place, error=of_api(error).shown()))
        if isinstance(each, FinalText):
            self._lengths[each.utterance] = self._lengths.get(each.utterance, 0.0) + each.end - each.start
        if isinstance(each, FinalText) and each.last:
            usage = {"type": "duration", "seconds": self._lengths[each.utterance]}
            text = item.parts[0].text
            await self._send(event(f"{TRANSCRIPTION}.completed", **place, transcript=text, usage=usage))
        if isinstance(each, FinalText | HearingFailed) and each.last:
            self._lengths.pop(each.utterance, None)
            del self._items[each.utterance]

    def _item(self, utterance: int) -> MessageItem:
        if utterance not in self._items:
            self._items[utterance] = MessageItem(new_id("item"), "user", [Part("input_audio")])
        return self._items[utterance]
