"""Models are placed on GPUs by the memory that is free there. The GPUs here are what nvidia-smi would tell."""

import asyncio
import os
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runtime.misbehaving import Misbehaving

from ttsai_server.domain import Audio, ModelCard, Preset, SpeechRequest
from ttsai_server.engines.base import Cancellation, LoadContext, Synthesizer
from ttsai_server.engines.catalog import Catalog
from ttsai_server.errors import EngineFailed, ModelLoading
from ttsai_server.runtime.gpus import Gpu, NoRoom, Placement, gpus, parsed, visible
from ttsai_server.runtime.placement import starter
from ttsai_server.runtime.pool import Pool
from ttsai_server.settings import Models, Settings

TOLD = """0, GPU-aaaa1111, NVIDIA L4, 23034, 22000
1, GPU-bbbb2222, NVIDIA H100 80GB HBM3, 81559, 30000
2, GPU-aacc3333, NVIDIA Thing, [N/A], [N/A]
"""
TONE = Catalog.read(Settings().models.cards, demo=True).models["tone"]


def gpu(name: str, free: int, total: int = 10_000) -> Gpu:
    return Gpu(0, name, "NVIDIA", total, free)


def card(name: str, memory: int) -> ModelCard:
    return replace(TONE, id=name, gpu_memory=memory)


class Model:
    """A model that is loaded, or not any more."""

    def __init__(self, on: str) -> None:
        self.on, self.alive = on, True


async def started(on: str) -> Model:
    return Model(on)


async def placed(placement: Placement, name: str, memory: int) -> Model:
    return await placement.place(card(name, memory), started)  # pyright: ignore[reportArgumentType]


def test_what_nvidia_smi_tells_is_read_and_a_gpu_of_unknown_memory_left_out() -> None:
    assert parsed(TOLD) == [
        Gpu(0, "GPU-aaaa1111", "NVIDIA L4", 23034, 22000),
        Gpu(1, "GPU-bbbb2222", "NVIDIA H100 80GB HBM3", 81559, 30000),
    ]


def test_there_are_none_where_nvidia_smi_says_so() -> None:
    assert parsed("No devices were found\n") == []


@pytest.mark.parametrize(
    ("wanted", "indices"),
    [(None, [0, 1]), ("1", [1]), ("1,0", [1, 0]), ("GPU-bb", [1]), ("", []), ("-1", []), ("0,7,1", [0])],
)
def test_cuda_visible_devices_says_which_may_be_used(wanted: str | None, indices: list[int]) -> None:
    assert [gpu.index for gpu in visible(parsed(TOLD), wanted)] == indices


def test_there_are_none_where_nvidia_smi_is_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus() == []


async def test_where_no_gpu_can_be_told_a_model_is_given_none() -> None:
    assert (await placed(Placement(0, list), "a", 100)).on == ""


async def test_a_model_goes_where_most_memory_is_free() -> None:
    placement = Placement(0, lambda: [gpu("a", 3000), gpu("b", 7000), gpu("c", 5000)])
    assert (await placed(placement, "x", 1000)).on == "b"


async def test_what_is_being_loaded_counts_before_the_gpu_shows_it() -> None:
    placement = Placement(0, lambda: [gpu("a", 6000), gpu("b", 5000)])
    second: list[Model] = []

    async def meanwhile(on: str) -> Model:
        second.append(await placed(placement, "y", 2000))
        return Model(on)

    first = await placement.place(card("x", 2000), meanwhile)  # pyright: ignore[reportArgumentType]
    assert (first.on, second[0].on) == ("a", "b")


async def test_no_gpu_gets_more_than_its_budget() -> None:
    placement = Placement(3000, lambda: [gpu("a", 9000), gpu("b", 9000)])
    assert {(await placed(placement, name, 2000)).on for name in "xy"} == {"a", "b"}
    with pytest.raises(NoRoom) as told:
        await placed(placement, "z", 2000)
    assert told.value.placed == {"x", "y"}


async def test_a_gpu_without_our_models_takes_one_that_should_be_too_large() -> None:
    assert (await placed(Placement(3000, lambda: [gpu("a", 2000)]), "huge", 50_000)).on == "a"


async def test_a_closed_models_place_is_given_to_another() -> None:
    placement = Placement(3000, lambda: [gpu("a", 9000)])
    model = await placed(placement, "x", 2000)
    model.alive = False
    assert (await placed(placement, "y", 2000)).on == "a"


async def test_a_model_that_fails_to_load_takes_no_place() -> None:
    placement = Placement(3000, lambda: [gpu("a", 9000)])

    async def fails(on: str) -> Model:
        raise EngineFailed("broken")

    with pytest.raises(EngineFailed):
        await placement.place(card("x", 2000), fails)  # pyright: ignore[reportArgumentType]
    assert (await placed(placement, "y", 2000)).on == "a"


async def loads_of(sizes: list[int]) -> dict[str, list[int]]:
    """GPU → what has been placed there, of models of these sizes, one after the other."""
    placement = Placement(8000, lambda: [gpu("a", 10_000), gpu("b", 10_000)])
    loads: dict[str, list[int]] = {"a": [], "b": []}
    for number, size in enumerate(sizes):
        with suppress(NoRoom):
            loads[(await placed(placement, str(number), size)).on].append(size)
    return loads


@given(st.lists(st.integers(1, 12_000), max_size=20))
def test_placed_models_never_exceed_the_budget_but_for_one_alone(sizes: list[int]) -> None:
    for load in asyncio.run(loads_of(sizes)).values():
        assert len(load) <= 1 or sum(load) <= 8000


class Looking(Misbehaving):
    """Says which GPU its process sees: as many thousand samples as its UUID's number."""

    gpu_packages = ()

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Self:
        if place.device != "cuda":
            raise EngineFailed(place.device)
        return cls()

    def synthesize(self, request: SpeechRequest, cancellation: Cancellation) -> Generator[Audio]:
        which = int(os.environ["CUDA_VISIBLE_DEVICES"].removeprefix("GPU-"))
        yield Audio(np.full((1000 * which, 1), 0.1, np.float32), 24_000, last=True)


def looking(name: str, memory: int = 1000) -> ModelCard:
    return replace(card(name, memory), engine=f"{__name__}:Looking")


@asynccontextmanager
async def pool_on(*gpus: Gpu) -> AsyncGenerator[Pool]:
    settings = Settings(models=Models(device="cuda"))
    pool = Pool(settings.models, starter(settings, Placement(0, lambda: gpus)))
    try:
        yield pool
    finally:
        await pool.close()


async def seen(pool: Pool, model: ModelCard) -> int:
    """The number of the GPU that the model's process sees."""
    request = SpeechRequest("la", (Preset("tone_a"),), "en")
    async with pool.lease(model) as handle:
        return sum([len(audio.samples) async for audio in handle.run(Synthesizer.synthesize, request)]) // 1000


async def test_a_models_process_sees_its_own_gpu_only() -> None:
    async with pool_on(gpu("GPU-1", 6000), gpu("GPU-2", 9000)) as pool:
        assert await seen(pool, looking("a", 8000)) == 2
        assert await seen(pool, looking("b", 5000)) == 1


async def test_an_idle_model_makes_room_on_its_gpu_and_one_in_use_does_not() -> None:
    async with pool_on(gpu("GPU-1", 10_000)) as pool:
        async with pool.lease(looking("used", 8000)):
            with pytest.raises(ModelLoading, match="GPU memory"):
                await seen(pool, looking("wanted", 8000))
        assert await seen(pool, looking("wanted", 8000)) == 1
        assert {state.id for state in pool.states() if state.loaded} == {"wanted"}
