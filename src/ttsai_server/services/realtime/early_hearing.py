"""Transcribes a turn before it is over: in the pause that may be its end.

    speech ── PAUSE ──▶ heard early ──┬── silence goes on, the turn is over ──▶ its text is there, or soon
                                      └── speech goes on ──▶ in vain: broken off

The silence that ends a turn takes about as long as hearing a short one. Nobody pays for what is heard in vain, so that
it is kept to a share of what is heard anyway.
"""

import asyncio
from collections.abc import Awaitable, Callable

from ttsai_server.services.realtime.config import Listening
from ttsai_server.services.realtime.input_audio import Turn

MOST_IN_VAIN = 0.25
"""How long hearing in vain may have taken, in times of all other hearing, where a turn is heard early."""

Transcribe = Callable[[Turn, Listening | None], Awaitable[str]]
"""What is said in a turn. Raises ApiError."""


class EarlyHearing:
    """Hears the turns of one session."""

    def __init__(self, transcribe: Transcribe) -> None:
        self._transcribe = transcribe
        self._useful = self._vain = 0.0
        """Seconds that hearings have taken."""
        self._early: _Hearing | None = None
        """Of the turn that goes on."""
        self._kept: dict[str, _Hearing] = {}
        """Of turns that are over, by the item's id."""

    def follow(self, pause: int | None, so_far: Callable[[int], Turn], listening: Listening | None) -> None:
        """More sound has come: hear the turn that goes on, if its speaker pauses; see `InputAudio`."""
        if self._early and (self._early.pause, self._early.listening) != (pause, listening):
            self.drop()
        if pause is not None and not self._early and self._vain <= MOST_IN_VAIN * self._useful:
            self._early = early = _Hearing(self._transcribe, so_far(pause), listening)
            early.task.add_done_callback(lambda task: self._count_vain(early))

    def keep(self, turn: Turn) -> None:
        """A turn is over: what has been heard of it is all of it, or in vain."""
        if self._early and self._early.pause == turn.spoken:
            self._kept[turn.item_id], self._early = self._early, None
        self.drop()

    def drop(self) -> None:
        """Nobody wants the turn that goes on, as far as it has been heard. Idempotent."""
        if self._early:
            self._early.task.cancel()
            self._early = None

    async def text(self, turn: Turn, listening: Listening | None) -> str:
        """What is said in a turn. Raises as `Transcribe`."""
        kept = self._kept.pop(turn.item_id, None)
        if kept and (kept.listening != listening or kept.failed):
            kept.task.cancel()
            kept = None
        hearing = kept or _Hearing(self._transcribe, turn, listening)
        text = await hearing.task
        self._useful += hearing.seconds
        self._vain -= kept.seconds if kept else 0.0
        return text

    def forget(self, item_id: str) -> None:
        """Nobody wants that turn any more. Idempotent."""
        if early := self._kept.pop(item_id, None):
            early.task.cancel()

    def close(self) -> None:
        """Break off what is under way."""
        self.drop()
        for item_id in list(self._kept):
            self.forget(item_id)

    def _count_vain(self, early: "_Hearing") -> None:
        """Until it is asked for, it is."""
        self._vain += early.seconds
        _ = early.task.cancelled() or early.task.exception()  # seen here, if nobody asks for it


class _Hearing:
    """A hearing under way."""

    def __init__(self, transcribe: Transcribe, turn: Turn, listening: Listening | None) -> None:
        self.pause = turn.spoken
        self.listening = listening
        self.seconds = 0.0
        """How long it took, once it is over."""
        self.task = asyncio.create_task(self._run(transcribe, turn))

    @property
    def failed(self) -> bool:
        """Whether it is over, and raised an error: all models may have been busy then, and not be now."""
        return self.task.done() and (self.task.cancelled() or self.task.exception() is not None)

    async def _run(self, transcribe: Transcribe, turn: Turn) -> str:
        now = asyncio.get_running_loop().time
        began = now()
        try:
            return await transcribe(turn, self.listening)
        finally:
            self.seconds = now() - began
