"""What work costs, and how it is paid: credits are reserved before it, then settled or released."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import ceil
from typing import Literal

from ttsai_server.domain import Caller, Capability, Tier
from ttsai_server.settings import Prices, Settings
from ttsai_server.store.db import Database
from ttsai_server.store.ledger import Ledger, Reservation, Used
from ttsai_server.store.request_leases import RequestLeases

CHARACTERS = 1000
"""Characters of text in one unit of speech."""
MINUTE = 60
"""Seconds of a recording in one unit of work on it."""
TWO_STEMS = "two_stems"
"""Separation into vocals and the rest, which has a price of its own."""


@dataclass(frozen=True, slots=True)
class Price:
    """What each started unit of work costs."""

    credits: int
    """Credits for one unit."""
    unit: int
    """Characters, seconds or turns in one unit."""

    def of(self, amount: float) -> int:
        """Credits for so many characters, seconds or turns; a started unit counts whole."""
        return self.credits * ceil(round(amount, 3) / self.unit)  # to the millisecond, as lengths are shown


FREE = Price(0, MINUTE)


def price(prices: Prices, work: Capability | Literal["two_stems"], tier: Tier) -> Price:
    """The price of what a model of a tier does. Raises KeyError for work, or a tier, that has none."""
    return _table(prices)[work][tier]


def _table(prices: Prices) -> Mapping[str, Mapping[str, Price]]:
    """Work → tier → price."""
    return {
        Capability.TTS: {tier: Price(credits, CHARACTERS) for tier, credits in prices.tts_per_1k.items()},
        Capability.CLONE: dict.fromkeys(Tier, Price(prices.clone_per_1k, CHARACTERS)),
        Capability.VOICE_CONVERSION: _same_for_all(prices.conversion_per_minute),
        Capability.STT: _same_for_all(prices.stt_per_minute),
        Capability.ENHANCEMENT: _same_for_all(prices.enhancement_per_minute),
        Capability.DEREVERBERATION: _same_for_all(prices.enhancement_per_minute),
        Capability.SEPARATION: _same_for_all(prices.stems_per_minute),
        TWO_STEMS: _same_for_all(prices.two_stems_per_minute),
        Capability.TRANSLATION: _same_for_all(prices.speech_translation_per_minute),
        Capability.CHAT: dict.fromkeys(Tier, Price(prices.voice_chat_per_turn, 1)),
        Capability.ANALYSIS: dict.fromkeys(Tier, FREE),
    }


def _same_for_all(per_minute: int) -> Mapping[str, Price]:
    return dict.fromkeys(Tier, Price(per_minute, MINUTE))


class Hold(ABC):
    """Credits set aside for one request. Closed once, by `settle` or `release`; a second close does nothing."""

    def __init__(self, credits: int, remaining: int | None) -> None:
        self.credits = credits
        """Set aside; after `settle`, charged; after `release`, 0."""
        self.remaining = remaining
        """What the account can still spend; None where nobody pays."""
        self._closed = False

    async def settle(self, used: Used) -> None:
        """Charge `used.credits`, at most what was set aside, and return the rest. Raises ValueError for more."""
        if not self._closed:
            if used.credits > self.credits:
                raise ValueError(f"{used.credits} credits used of {self.credits} set aside")
            self._closed = True
            self.credits = used.credits
            self.remaining = await self._settle(used)

    async def extend(self, credits: int) -> None:
        """Set so many more aside; nothing if that is not over 0. Raises InsufficientCredits."""
        if credits > 0 and not self._closed:
            self.remaining = await self._extend(credits)
            self.credits += credits

    async def release(self) -> None:
        """Return all of it."""
        if not self._closed:
            self._closed = True
            self.credits = 0
            self.remaining = await self._release()

    @abstractmethod
    async def _extend(self, credits: int) -> int | None: ...

    @abstractmethod
    async def _settle(self, used: Used) -> int | None: ...

    @abstractmethod
    async def _release(self) -> int | None: ...


class Billing(ABC):
    @abstractmethod
    async def reserve(self, caller: Caller, credits: int) -> Hold:
        """Set credits aside, as long as this process lives or until they are settled. Raises InsufficientCredits."""

    @abstractmethod
    async def close(self) -> None:
        """Finish what is under way. Idempotent."""


@asynccontextmanager
async def charged(hold: Hold, used: Callable[[], Used], count: Callable[[Used], None]) -> AsyncGenerator[None]:
    """Work that `hold` pays for: what was `used` when it ends well, or is closed early because the client left.

    Nothing if it fails. `count` is called once it is paid.
    """
    try:
        yield
        await _charge(hold, used(), count)
    except (asyncio.CancelledError, GeneratorExit):
        await asyncio.shield(_charge(hold, used(), count))
        raise
    except BaseException:
        await hold.release()
        raise


async def _charge(hold: Hold, used: Used, count: Callable[[Used], None]) -> None:
    await hold.settle(used)
    count(used)


class LedgerHold(Hold):
    """If the database fails when it is closed, its credits return as soon as its lease has expired."""

    def __init__(self, ledger: Ledger, leases: RequestLeases, held: Reservation) -> None:
        super().__init__(held.amount, held.available)
        self._ledger = ledger
        self._leases = leases
        self._reservation = held.id

    async def _extend(self, credits: int) -> int:
        return await self._ledger.extend(self._reservation, credits)

    async def _settle(self, used: Used) -> int:
        try:
            return await self._ledger.settle(self._reservation, used)
        finally:
            self._leases.end(self._reservation)

    async def _release(self) -> int:
        try:
            return await self._ledger.release(self._reservation)
        finally:
            self._leases.end(self._reservation)


class LedgerBilling(Billing):
    """Callers pay from their account's balance."""

    def __init__(self, ledger: Ledger, leases: RequestLeases) -> None:
        self._ledger = ledger
        self._leases = leases
        self._abandoned: set[asyncio.Task[None]] = set()

    async def reserve(self, caller: Caller, credits: int) -> Hold:
        making = asyncio.ensure_future(self._make(caller, credits))
        try:
            return await asyncio.shield(making)
        except asyncio.CancelledError:
            undoing = asyncio.ensure_future(_undo(making))
            self._abandoned.add(undoing)
            undoing.add_done_callback(self._abandoned.discard)
            raise

    async def close(self) -> None:
        if self._abandoned:
            await asyncio.wait(self._abandoned)

    async def _make(self, caller: Caller, credits: int) -> Hold:
        lease = self._leases.take()
        try:
            held = await self._ledger.reserve(caller.account, credits, lease, caller.key)
        except BaseException:
            self._leases.end(lease.id)
            raise
        return LedgerHold(self._ledger, self._leases, held)


class NullHold(Hold):
    async def _extend(self, credits: int) -> None:
        return None

    async def _settle(self, used: Used) -> None:
        return None

    async def _release(self) -> None:
        return None


class NullBilling(Billing):
    """Nobody pays: for a server without keys."""

    async def reserve(self, caller: Caller, credits: int) -> Hold:
        return NullHold(credits, None)

    async def close(self) -> None:
        pass


class UnbilledHold(NullHold):
    """Of no credits, whatever is used."""

    async def extend(self, credits: int) -> None:
        pass

    async def settle(self, used: Used) -> None:
        self._closed = True


class Unbilled(Billing):
    """For work that is paid elsewhere: by the job that it is done for, or by the run that it is a part of."""

    async def reserve(self, caller: Caller, credits: int) -> Hold:
        return UnbilledHold(0, None)

    async def close(self) -> None:
        pass


def open_billing(settings: Settings, database: Database, leases: RequestLeases) -> Billing:
    """The billing that the settings ask for."""
    if not settings.auth.enabled:
        return NullBilling()
    return LedgerBilling(Ledger(database), leases)


async def _undo(making: asyncio.Task[Hold]) -> None:
    """Return what was being set aside for a caller that has gone."""
    await asyncio.wait([making])
    if not making.exception():
        await making.result().release()
