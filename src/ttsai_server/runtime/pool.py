"""Models on this machine: loaded on first use, leased, unloaded when idle or when another model needs the memory.

A lease is counted before the first await, so a model in use, or about to be, is never unloaded. Engines run in
separate processes or threads; they never block the event loop.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import monotonic

from ttsai_server.domain import ModelCard
from ttsai_server.errors import ModelCrashed, ModelLoading, NotReady
from ttsai_server.runtime.base import EngineHandle, LoadedModel, ModelState
from ttsai_server.runtime.gpus import NoRoom
from ttsai_server.runtime.loading import steps
from ttsai_server.runtime.slot import Handle, Slot
from ttsai_server.settings import Models
from ttsai_server.tracing import span

logger = logging.getLogger(__name__)

LOADING_RETRY_SECONDS = 10


class Pool:
    """See `base.Runtime`."""

    def __init__(self, models: Models, start: Callable[[ModelCard], Awaitable[LoadedModel]]) -> None:
        """start: loads a card's model, see `placement.starter`."""
        self._models = models
        self._start = start
        self._slots: dict[str, Slot] = {}

    @asynccontextmanager
    async def lease(self, card: ModelCard) -> AsyncGenerator[EngineHandle]:
        slot = self._slot(card)
        if slot.leases >= card.queue:
            raise slot.saturated(f"{slot.leases} requests are under way")
        slot.leases += 1
        try:
            handle = Handle(slot, await self._ready(slot))
            slot.handles.add(handle)
            try:
                yield handle
            finally:
                slot.handles.remove(handle)
                await self._close_replaced(slot, handle.model)
        finally:
            slot.leases -= 1
            slot.last_used = monotonic()

    async def load(self, card: ModelCard) -> None:
        async with self.lease(card):
            pass

    async def unload(self, card: ModelCard) -> bool:
        slot = self._slot(card)
        if slot.model is None or slot.leases:
            return False
        await self._unload(slot)
        return True

    def states(self) -> list[ModelState]:
        return [slot.state() for slot in self._slots.values()]

    async def sweep(self) -> None:
        """Unload models that have been idle for `models.idle_seconds`; runs until cancelled."""
        while True:
            await asyncio.sleep(min(5, self._models.idle_seconds / 2))
            while overdue := [slot for slot in self._idle() if self._is_overdue(slot)]:
                await self._unload(overdue[0])

    async def close(self) -> None:
        """Cancel all loading and free every model."""
        await asyncio.gather(*(self._close(slot) for slot in self._slots.values()))

    async def _close(self, slot: Slot) -> None:
        if slot.loading:
            slot.loading.cancel()
            await asyncio.wait([slot.loading])
        await self._unload(slot)

    def _slot(self, card: ModelCard) -> Slot:
        if card.id not in self._slots:
            self._slots[card.id] = Slot(card, steps(card, self._models), self._models)
        return self._slots[card.id]

    async def _ready(self, slot: Slot) -> LoadedModel:
        slot.settle()
        if slot.model:
            return slot.model
        if not slot.loading and (wait := slot.restarts.wait):
            raise ModelLoading(f"{slot.card.id!r} has crashed, and is not loaded again yet.", retry_after=wait)
        slot.loading = slot.loading or asyncio.create_task(self._load(slot))
        try:
            async with asyncio.timeout(self._models.load_wait_seconds):
                return await asyncio.shield(slot.loading)
        except TimeoutError:
            raise ModelLoading(f"{slot.card.id!r} is being loaded.", retry_after=LOADING_RETRY_SECONDS) from None

    async def _load(self, slot: Slot) -> LoadedModel:
        try:
            await self._make_room(slot.card)
            began = monotonic()
            slot.restarts.started()
            with span("load", {"ttsai.model": slot.card.id}):
                slot.model = await self._started(slot.card)
            slot.restarts.loaded()
            slot.crashed = False
            logger.info("loaded %s in %.1f s", slot.card.id, monotonic() - began)
            return slot.model
        except ModelCrashed as error:
            slot.crash()
            logger.warning("%s crashed while it was being loaded", slot.card.id)
            message = f"{slot.card.id!r} crashed while it was being loaded."
            raise ModelLoading(message, retry_after=error.retry_after) from None  # no work on the model is to blame
        except (ModelLoading, NotReady) as error:
            logger.warning("could not load %s: %s", slot.card.id, error.message)
            raise
        except Exception:
            logger.exception("could not load %s", slot.card.id)
            raise
        finally:
            slot.loading = None
            slot.last_used = monotonic()

    async def _make_room(self, card: ModelCard) -> None:
        """Unload idle models, least recently used first, until the card fits into `models.memory_mb`."""
        while not self._fits(card) and (idle := self._idle()):
            await self._unload(min(idle, key=lambda slot: slot.last_used))
        if not self._fits(card):
            raise ModelLoading(
                f"There is no memory for {card.id!r} while other models are in use.", retry_after=LOADING_RETRY_SECONDS
            )

    async def _started(self, card: ModelCard) -> LoadedModel:
        """Start the model; while no GPU has room for it, unload idle ones from the GPUs, least recently used first.

        Raises ModelLoading if there are none.
        """
        while True:
            try:
                return await self._start(card)
            except NoRoom as full:
                idle = [slot for slot in self._idle() if slot.card.id in full.placed]
                if not idle:
                    message = f"There is no GPU memory for {card.id!r} while other models are in use."
                    raise ModelLoading(message, retry_after=LOADING_RETRY_SECONDS) from None
                await self._unload(min(idle, key=lambda slot: slot.last_used))

    def _idle(self) -> list[Slot]:
        """Now: while one of them is being unloaded, another may be leased."""
        return [slot for slot in self._slots.values() if slot.model and not slot.leases]

    def _is_overdue(self, slot: Slot) -> bool:
        return monotonic() - slot.last_used >= self._models.idle_seconds

    def _fits(self, card: ModelCard) -> bool:
        """Whether the card fits beside the models loaded or loading; the only model, or one elsewhere, always fits."""
        if self._models.workers:
            return True
        others = [slot.card for slot in self._slots.values() if (slot.model or slot.loading) and slot.card != card]
        return not others or sum(other.memory for other in others) + card.memory <= self._models.memory_mb

    async def _unload(self, slot: Slot) -> None:
        slot.settle()
        model, slot.model = slot.model, None
        if model:
            await model.close()
            logger.info("unloaded %s", slot.card.id)

    async def _close_replaced(self, slot: Slot, model: LoadedModel) -> None:
        """Free a model that has been replaced, once its last lease has ended."""
        slot.settle()
        if model is not slot.model and all(handle.model is not model for handle in slot.handles):
            await model.close()
