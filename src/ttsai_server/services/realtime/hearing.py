"""What is said in the sound of a session's messages, and who pays for hearing it.

In a conversation the turn that answers a message pays for it. A message that no turn answers is paid like any other
transcription, once it is clear that none will.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from anyio import to_thread

from ttsai_server.domain import Caller
from ttsai_server.errors import ApiError, InternalError
from ttsai_server.metrics import Metrics
from ttsai_server.services.billing import Hold
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.realtime.config import Listening
from ttsai_server.services.realtime.conversation import MessageItem
from ttsai_server.services.realtime.early_hearing import EarlyHearing
from ttsai_server.services.realtime.events import event
from ttsai_server.services.realtime.input_audio import Turn
from ttsai_server.services.realtime.problems import of_api
from ttsai_server.services.realtime.sound import as_wav
from ttsai_server.services.transcription import TranscriptionOrder, plan_transcription
from ttsai_server.services.transcription_run import TranscriptionPlan
from ttsai_server.store.ledger import Used

logger = logging.getLogger(__name__)

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
TRANSCRIPTION = "conversation.item.input_audio_transcription"


@dataclass(slots=True)
class Unpaid:
    """A message that no turn has paid for yet."""

    plan: TranscriptionPlan
    seconds: float
    hold: Hold | None = None
    """None: the turn that is under way pays for it."""
    heard: bool = False

    @property
    def credits(self) -> int:
        return self.plan.price.of(self.seconds)

    async def settle(self, metrics: Metrics) -> None:
        """Pay for it by itself, if it has been heard."""
        if self.hold and self.heard:
            await self.hold.settle(Used(self.plan.kind, self.plan.model, 0, self.seconds, self.credits))
            metrics.credits.labels(self.plan.model).inc(self.hold.credits)
        elif self.hold:
            await self.hold.release()

    async def hand_over(self) -> None:
        """A turn pays for it."""
        if self.hold:
            await self.hold.release()
            self.hold = None


def plan_listening(context: ServiceContext, caller: Caller, listening: Listening | None) -> TranscriptionPlan:
    """How the messages of a session are heard; blocking. Raises as `plan_transcription`."""
    listening = listening or Listening()
    model = listening.model or context.settings.transcription.default_model
    order = TranscriptionOrder(model, language=listening.language or "auto", prompt=listening.prompt)
    return plan_transcription(context, caller, order)


class Hearing:
    """Hears the messages of one session, each in a task of its own."""

    def __init__(self, context: ServiceContext, caller: Caller, send: Send) -> None:
        self._context = context
        self._caller = caller
        self._send = send
        self._unpaid: dict[str, Unpaid] = {}
        """By the message's id."""
        self.early = EarlyHearing(self._transcribe)

    async def begin(self, item: MessageItem, turn: Turn, listening: Listening | None, *, answered: bool) -> None:
        """Hear a message. listening: how; None: by default, and the transcript is not sent to the client.

        answered: whether a turn that is under way pays for it. What goes wrong, now or later, is the `failure` of the
        message.
        """
        reported = listening is not None
        try:
            plan = await to_thread.run_sync(plan_listening, self._context, self._caller, listening)
            unpaid = Unpaid(plan, turn.seconds)
            if not answered:
                unpaid.hold = await self._context.billing.reserve(self._caller, unpaid.credits)
        except ApiError as error:
            self.early.forget(item.id)
            await self._fail(item, error, reported=reported)
            return
        self._unpaid[item.id] = unpaid
        item.hearing = asyncio.create_task(self._hear(item, turn, unpaid, listening))

    @property
    def credits(self) -> int:
        """What the messages that the turn under way pays for, and that have been heard, would cost by themselves."""
        return sum(each.credits for each in self._unpaid.values() if each.heard and not each.hold)

    async def hand_over(self) -> None:
        """A turn that is about to reserve its credits pays for all messages so far."""
        for unpaid in self._unpaid.values():
            await unpaid.hand_over()

    async def take_back(self, *, paid: bool) -> None:
        """That turn has ended: what it has not paid for waits for another. paid: for what it has heard.

        Raises InsufficientCredits.
        """
        for id, unpaid in list(self._unpaid.items()):
            if unpaid.hold:
                continue
            if paid and unpaid.heard:
                del self._unpaid[id]
                continue
            hold = await self._context.billing.reserve(self._caller, unpaid.credits)
            if id in self._unpaid:
                unpaid.hold = hold
            else:  # it has failed meanwhile
                await hold.release()

    async def settle(self, item: MessageItem | None = None) -> None:
        """No turn will pay for this message, or for any."""
        for id in [item.id] if item else list(self._unpaid):
            if unpaid := self._unpaid.pop(id, None):
                await unpaid.settle(self._context.metrics)

    async def _hear(self, item: MessageItem, turn: Turn, unpaid: Unpaid, listening: Listening | None) -> None:
        reported = listening is not None
        try:
            item.parts[0].text = text = await self.early.text(turn, listening)
            unpaid.heard = True
        except ApiError as error:
            await self._fail(item, error, reported=reported)
        except Exception as error:
            logger.exception("a message of a session could not be heard")
            await self._fail(item, InternalError(str(error)), reported=reported)
        else:
            if reported:
                place = {"item_id": item.id, "content_index": 0}
                usage = {"type": "duration", "seconds": turn.seconds}
                await self._send(event(f"{TRANSCRIPTION}.delta", **place, delta=text))
                await self._send(event(f"{TRANSCRIPTION}.completed", **place, transcript=text, usage=usage))
        if item.failure:
            await self.settle(item)

    async def _transcribe(self, turn: Turn, listening: Listening | None) -> str:
        """What is said in a turn, for which nobody is charged here."""
        plan = await to_thread.run_sync(plan_listening, self._context, self._caller, listening)
        with plan.run(self._caller, self._context.unbilled(), as_wav(turn.samples, turn.rate)) as run:
            await run.finish()
        return run.transcript.text

    async def _fail(self, item: MessageItem, error: ApiError, *, reported: bool) -> None:
        item.failure = error
        if reported:
            place = {"item_id": item.id, "content_index": 0}
            await self._send(event(f"{TRANSCRIPTION}.failed", **place, error=of_api(error).shown()))
