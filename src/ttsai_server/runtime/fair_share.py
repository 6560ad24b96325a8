"""Blocking work in threads of this process, which takes turns, so that nobody's long work delays another's short one.

Work pauses every SLICE_SECONDS; then the account that has had the least of the processor goes on (start-time fair
queueing: Goyal, Vin and Cheng, 1996). Who comes anew starts from what the others have had, so waiting saves up nothing.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from time import monotonic
from typing import TypeVar

from ttsai_server.audio.recording import Stopped
from ttsai_server.engines.base import Cancellation
from ttsai_server.errors import ModelLoading
from ttsai_server.runtime.scheduler import DeadlineSemaphore, NoTurn
from ttsai_server.runtime.threads import in_thread

SLICE_SECONDS = 0.025
RETRY_SECONDS = 5
MOST_BEGUN = 8
"""Works that may be under way or paused: each holds memory."""

Stop = Callable[[], bool]
"""To be called before each block: waits for a turn if the last one is over. True: raise Stopped."""
T = TypeVar("T")


class FairShare:
    def __init__(self, threads: int, patience: float) -> None:
        """threads: that run at the same time. patience: longest wait for a turn, seconds."""
        self._threads = threads
        self._patience = patience
        begun = max(MOST_BEGUN, threads)
        self._rooms = DeadlineSemaphore(begun)
        self._executor = ThreadPoolExecutor(begun, thread_name_prefix="sound")
        self._turns = DeadlineSemaphore(threads)
        self._shares: dict[str, _Share] = {}
        """Of the accounts that have work here."""
        self._served = 0.0
        """What the account whose turn began last had had before, seconds."""

    async def run(self, account: str, work: Callable[[Stop], T], discard: Callable[[T], object] = lambda _: None) -> T:
        """Do the work in a thread. → its result, which `discard` gets if this coroutine is cancelled too late to stop.

        Raises what the work raises, or ModelLoading if it has waited too long for a turn. Cancelled, it stops the work
        before it raises.
        """
        share = self._shares.setdefault(account, _Share(self._threads, self._served))
        share.works += 1
        try:
            async with self._begun(share):
                return await self._do(share, work, discard)
        except NoTurn:
            message = f"The server is busy with other recordings: no turn came in {self._patience:g} s."
            raise ModelLoading(message, retry_after=RETRY_SECONDS) from None
        finally:
            share.works -= 1
            if not share.works:
                del self._shares[account]

    def close(self) -> None:
        """End the threads, once their work has ended."""
        self._executor.shutdown(wait=False)

    @asynccontextmanager
    async def _begun(self, share: "_Share") -> AsyncGenerator[None]:
        """An account has only as many works under way as can run: others get the rooms that it leaves."""
        async with share.begun.turn(0, self._patience), self._rooms.turn(share.used, self._patience):
            yield

    async def _do(self, share: "_Share", work: Callable[[Stop], T], discard: Callable[[T], object]) -> T:
        turns = _Turns(partial(self._turn, share))
        try:
            await turns.take()
            return await in_thread(self._executor, lambda: work(turns.stop), turns, discard)
        except Stopped:
            raise NoTurn from None
        finally:
            await turns.end()

    @asynccontextmanager
    async def _turn(self, share: "_Share") -> AsyncGenerator[None]:
        async with self._turns.turn(share.used, self._patience):
            self._served = max(self._served, share.used)
            began = monotonic()
            try:
                yield
            finally:
                share.used += monotonic() - began


class _Share:
    """What an account has had."""

    def __init__(self, threads: int, used: float) -> None:
        self.used = used
        """Seconds."""
        self.works = 0
        self.begun = DeadlineSemaphore(threads)


class _Turns(Cancellation):
    """The turns of one work, one after the other; `stop` is called in its thread, everything else in the event loop."""

    def __init__(self, turn: Callable[[], AbstractAsyncContextManager[None]]) -> None:
        super().__init__()
        self._turn = turn
        self._held = AsyncExitStack()
        self._loop = asyncio.get_running_loop()
        self._until = 0.0
        self._waiting: asyncio.Task[None] | None = None

    async def take(self) -> None:
        """Wait for a turn. Raises NoTurn."""
        await self._held.enter_async_context(self._turn())
        self._until = monotonic() + SLICE_SECONDS

    async def end(self) -> None:
        await self._held.aclose()

    def stop(self) -> bool:
        """See `Stop`."""
        if not self.cancelled and monotonic() >= self._until:
            try:
                asyncio.run_coroutine_threadsafe(self._next(), self._loop).result()
            except (NoTurn, CancelledError):
                return True
        return self.cancelled

    def cancel(self) -> None:
        super().cancel()
        if self._waiting:
            self._waiting.cancel()

    async def _next(self) -> None:
        if self.cancelled:
            return
        self._waiting = asyncio.current_task()
        try:
            await self.end()
            await self.take()
        finally:
            self._waiting = None
