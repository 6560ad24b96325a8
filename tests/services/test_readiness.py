"""Preloaded models that crash, or could not be loaded at first, are loaded again."""

import asyncio
from contextlib import suppress
from pathlib import Path

from tests.processes import model_processes
from tests.runtime import misbehaving

from ttsai_server.domain import ModelCard, Preset, SpeechRequest
from ttsai_server.engines.base import Synthesizer
from ttsai_server.engines.catalog import Catalog
from ttsai_server.errors import ModelCrashed, ModelLoading
from ttsai_server.runtime.base import LoadedModel
from ttsai_server.runtime.placement import starter
from ttsai_server.runtime.pool import Pool
from ttsai_server.services.readiness import Readiness
from ttsai_server.settings import Models, Settings
from ttsai_server.store.db import open_database

TONE = Catalog.read(Settings().models.cards, demo=True).models["tone"]


def is_loaded(pool: Pool, card: ModelCard) -> bool:
    return any(state.loaded for state in pool.states() if state.id == card.id)


async def until_loaded(pool: Pool, *cards: ModelCard) -> None:
    async with asyncio.timeout(120):
        while not all(is_loaded(pool, card) for card in cards):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def crash(pool: Pool, card: ModelCard) -> None:
    with suppress(ModelCrashed):
        async with pool.lease(card) as handle:
            async for _ in handle.run(Synthesizer.synthesize, SpeechRequest("kill", (Preset("tone_a"),), "en")):
                pass


async def test_a_model_that_cannot_be_loaded_again_delays_no_other(tmp_path: Path) -> None:
    others = set(model_processes())  # of servers that other tests share
    settings = Settings(data_dir=tmp_path, models=Models(restart_seconds=0.1))
    pool, database, flag = Pool(settings.models, starter(settings)), open_database(settings), tmp_path / "broken"
    lost = misbehaving.card("lost", setup={"fail_if_there": str(flag)})
    fine = misbehaving.card("fine")
    preloading = asyncio.create_task(Readiness(pool, database, tmp_path, (lost, fine)).preload())
    try:
        await until_loaded(pool, lost, fine)
        flag.touch()
        await crash(pool, lost)
        await asyncio.sleep(2)  # its reload has failed by now
        await crash(pool, fine)
        await until_loaded(pool, fine)
        assert not is_loaded(pool, lost)
    finally:
        preloading.cancel()
        await pool.close()
        await database.close()
    assert set(model_processes()) <= others


async def test_a_model_that_could_not_be_loaded_yet_is_loaded_later(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, models=Models(demo=True))
    refusals = iter([ModelLoading("No worker answers.", retry_after=0.1)])
    here = starter(settings)

    async def start(card: ModelCard) -> LoadedModel:
        for refusal in refusals:
            raise refusal
        return await here(card)

    pool, database = Pool(settings.models, start), open_database(settings)
    preloading = asyncio.create_task(Readiness(pool, database, tmp_path, (TONE,)).preload())
    try:
        await until_loaded(pool, TONE)
    finally:
        preloading.cancel()
        await pool.close()
        await database.close()
