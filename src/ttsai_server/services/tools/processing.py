"""A recording being worked on: a file to sound, a plan carried out, and the bill."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from time import monotonic
from typing import BinaryIO, Self

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Caller
from ttsai_server.services.billing import Hold, charged, minutes_price
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.tools.plan import OutputFile, Plan
from ttsai_server.store.ledger import Used

logger = logging.getLogger(__name__)

SLOWEST = 30
"""Times its own length that work on a recording may take before its credits count as forgotten by a crash."""
PROGRESS_SECONDS = 30
"""How often the log tells how far long work is."""


class Processing:
    """Owns the recording, the leases and the reservation while its steps run, and what was made until it is closed.

    Ends well: all is charged. Fails: nothing is. Closed early, because the client left: the minutes that were done are.
    """

    def __init__(self, plan: Plan, file: BinaryIO, caller: Caller, context: ServiceContext) -> None:
        self.plan = plan
        self.seconds = 0.0
        """Length of the recording, once it is decoded."""
        self.made: list[OutputFile] = []
        self._file = file
        self._caller = caller
        self._context = context
        self._hold: Hold | None = None
        self._done = 0.0
        """Share of the work."""

    @property
    def hold(self) -> Hold:
        """The credits; there from the first step on."""
        assert self._hold
        return self._hold

    async def price(self) -> int:
        """Credits for all of it; the file is decoded for its length. Raises BadRequest or FileTooLarge for the file."""
        with await self._decode() as recording:
            return self._price(recording.seconds)

    async def steps(self, deliver: Callable[[], Awaitable[None]] | None = None) -> AsyncGenerator[float]:
        """Do it. Yields how much is done, 0 to 1; then calls `deliver`, if it is given, before it is paid.

        Raises BadRequest or FileTooLarge for the file, InsufficientCredits, ModelLoading, what the engines raise, or
        what `deliver` raises. Must be closed (`aclosing`).
        """
        with await self._decode() as recording:
            self.seconds = recording.seconds
            price = self._price(self.seconds)
            self._hold = await self._context.billing.reserve(self._caller, price, SLOWEST * self.seconds)
            async with (
                charged(self._hold, self._used, self._context.metrics),
                aclosing(self.plan.work(recording, self._context.runtime, self.made)) as shares,
            ):
                told = monotonic()
                async for share in shares:
                    self._done = share
                    if monotonic() - told >= PROGRESS_SECONDS:
                        told = monotonic()
                        logger.info("%s has done %.0f %% of %.0f s", self.plan.model, 100 * share, self.seconds)
                    yield share
                self._done = 1.0
                if deliver:
                    await deliver()

    def close(self) -> None:
        """Let go of what was made. Idempotent."""
        for each in self.made:
            each.file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _decode(self) -> Recording:
        longest = self._context.settings.tools.max_seconds
        return await self._context.decoders.decode(
            self._file, longest, rate=self.plan.rate, channels=self.plan.channels
        )

    def _price(self, seconds: float) -> int:
        return minutes_price(seconds, self.plan.per_minute)

    def _used(self) -> Used:
        seconds = self.seconds * self._done
        return Used(self.plan.kind, self.plan.model, 0, seconds, self._price(seconds))
