"""The GPUs of this machine, and which model is placed on which."""

import asyncio
import os
import subprocess
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TypeVar

from ttsai_server.domain import ModelCard
from ttsai_server.runtime.base import LoadedModel

COMMAND = ("nvidia-smi", "--query-gpu=index,uuid,name,memory.total,memory.free", "--format=csv,noheader,nounits")
COMMAND_SECONDS = 10
FIELDS = 5
"""Of a line of its answer."""
M = TypeVar("M", bound=LoadedModel)


@dataclass(frozen=True, slots=True)
class Gpu:
    index: int
    """As nvidia-smi counts."""
    uuid: str
    """What CUDA_VISIBLE_DEVICES names it by: CUDA may count otherwise than nvidia-smi."""
    name: str
    total_mb: int
    free_mb: int
    """Of its memory, megabytes; other programs may take some."""


class NoRoom(Exception):
    """No GPU has memory for the model, beside those that are placed on them; the pool unloads some, or gives up."""

    def __init__(self, placed: frozenset[str]) -> None:
        super().__init__("no GPU has room")
        self.placed = placed
        """Ids of the models on the GPUs."""


def gpus(environment: Mapping[str, str] = os.environ) -> list[Gpu]:
    """The NVIDIA GPUs that this process may use, by nvidia-smi; none if there is no such command. Blocking.

    CUDA_VISIBLE_DEVICES of the environment, if it is set, says which: indices or UUIDs, which may be cut short.
    """
    try:
        listed = subprocess.run(COMMAND, capture_output=True, text=True, check=True, timeout=COMMAND_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return []
    return visible(parsed(listed.stdout), environment.get("CUDA_VISIBLE_DEVICES"))


def parsed(lines: str) -> list[Gpu]:
    """The GPUs that nvidia-smi lists. One whose memory it does not know, `[N/A]`, is left out."""
    rows = [[field.strip() for field in line.split(",")] for line in lines.splitlines()]
    return [
        Gpu(int(index), uuid, name, int(total), int(free))
        for index, uuid, name, total, free in (row for row in rows if len(row) == FIELDS)
        if total.isdigit() and free.isdigit()
    ]


def visible(found: Sequence[Gpu], wanted: str | None) -> list[Gpu]:
    """Those that CUDA_VISIBLE_DEVICES lets be used, in its order; None: all. As in CUDA, it ends at an unknown name."""
    if wanted is None:
        return list(found)
    seen: list[Gpu] = []
    for name in map(str.strip, wanted.split(",")):
        match = [gpu for gpu in found if name == str(gpu.index) or (name and gpu.uuid.startswith(name))]
        if not match:
            break
        seen += match[:1]
    return seen


@dataclass(slots=True, eq=False)
class _Claim:
    """Memory of a GPU that a model takes, or is about to."""

    card: ModelCard
    gpu: Gpu
    model: LoadedModel | None = None
    """None: it is being loaded."""


class Placement:
    """Places models on GPUs by the memory that their cards state and that is free there."""

    def __init__(self, budget_mb: int, read: Callable[[], Sequence[Gpu]] = gpus) -> None:
        """budget_mb: memory for models on each GPU, megabytes; 0: all that it has. read: lists the GPUs; blocking."""
        self._budget, self._read = budget_mb, read
        self._claims: list[_Claim] = []

    async def place(self, card: ModelCard, start: Callable[[str], Awaitable[M]]) -> M:
        """Load the model by `start`, which is given the UUID of a GPU; or "" where the GPUs are not known.

        Raises NoRoom, and what `start` raises.
        """
        unseen = self._loading()
        found = await asyncio.to_thread(self._read)
        if not found:
            return await start("")
        claim = _Claim(card, self._choose(card, found, {*unseen, *self._loading()}))
        self._claims.append(claim)
        try:
            claim.model = model = await start(claim.gpu.uuid)
        except BaseException:
            self._claims.remove(claim)
            raise
        return model

    def _loading(self) -> list[_Claim]:
        return [claim for claim in self._claims if claim.model is None]

    def _choose(self, card: ModelCard, found: Sequence[Gpu], unseen: Set[_Claim]) -> Gpu:
        """The GPU with the most room; one with no model of ours takes any, as what cards state is only an estimate.

        unseen: claims on memory that `found` may still show as free.
        """
        self._claims = [claim for claim in self._claims if claim.model is None or claim.model.alive]
        used = {claim.gpu.uuid for claim in self._claims}
        rooms = {gpu: self._room(gpu, unseen) for gpu in found}
        able = [gpu for gpu in found if rooms[gpu] >= _need(card) or gpu.uuid not in used]
        if not able:
            raise NoRoom(frozenset(claim.card.id for claim in self._claims))
        return max(able, key=rooms.__getitem__)

    def _room(self, gpu: Gpu, unseen: Set[_Claim]) -> int:
        """Megabytes: what the budget leaves, and no more than is free and not about to be taken."""
        here = [claim for claim in self._claims if claim.gpu.uuid == gpu.uuid]
        placed = sum(_need(claim.card) for claim in here)
        taken = sum(_need(claim.card) for claim in here if claim in unseen)
        return min((self._budget or gpu.total_mb) - placed, gpu.free_mb - taken)


def _need(card: ModelCard) -> int:
    return card.gpu_memory or card.memory
