"""Every card of the catalogue: its model loads, does its work, streams if it says so, and is gone when it is unloaded.

Of cards that differ in nothing that their engine can tell, one is tried; `make test-slow` tries them all, and those
with an environment of their own.
"""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soxr
from tests.engines.checkpoints import checkpoint, maker
from tests.engines.conftest import RATE

from ttsai_server.app import create_app
from ttsai_server.app.parts import LOCAL_CALLER
from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Capability, ModelCard, Step
from ttsai_server.engines.base import LoadContext
from ttsai_server.engines.catalog import Catalog, load_class
from ttsai_server.engines.environments import interpreter
from ttsai_server.runtime.base import EngineHandle, LoadedModel
from ttsai_server.runtime.children import Child
from ttsai_server.runtime.in_process import InProcess
from ttsai_server.runtime.pool import Pool
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.exercise import exercise
from ttsai_server.services.speech import SpeechOrder, plan_speech
from ttsai_server.settings import Models, Settings

LOAD_SECONDS = 300
CATALOG = Catalog.read(Settings().models.cards, demo=True)
CARDS = CATALOG.cards()
FIRST = {(card.engine, card.tasks, repr(sorted(card.setup))): card.id for card in reversed(CARDS)}
"""What an engine can tell of a card → the id of the first such card."""


def tried() -> list[object]:
    """The cards, those like another as slow tests. Of Firefox's, which get the same checkpoint, only the first.

    A second one of their native part can crash a process; the server has a process for each.
    """
    quick = {card.id for card in CARDS if card.id in FIRST.values() and not card.environment}
    slow = pytest.mark.slow
    cards = [card for card in CARDS if card.id in quick or "bergamot" not in card.engine]
    return [pytest.param(card, id=card.id, marks=() if card.id in quick else slow) for card in cards]


@pytest.fixture(scope="session")
def context(tmp_path_factory: pytest.TempPathFactory) -> ServiceContext:
    """As of a server whose runtime is not used."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"), models=Models(demo=True))
    return create_app(settings).state.services.flow.context.unbilled()


@pytest.fixture
async def pool(card: ModelCard, tmp_path: Path, models_dir: Path) -> AsyncIterator[Pool]:
    """Models in this process, or in the card's environment, with a checkpoint for the card."""
    if not card.environment and not load_class(card).installed():
        pytest.skip("its packages are not installed here")
    with checkpoint(card, tmp_path, models_dir) as folder:

        async def start(card: ModelCard) -> LoadedModel:
            if card.environment:
                settings = Settings(models=Models(dir=tmp_path, threads=1))
                return await Child.start(card, settings, str(interpreter(card, tmp_path)), LOAD_SECONDS)
            return await InProcess.start(card, 1, lambda _: load_class(card).load(card, LoadContext(folder, threads=1)))

        pool = Pool(Models(), start)
        yield pool
        await pool.close()


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_a_card_is_found_and_has_a_checkpoint_to_be_tried_with(card: ModelCard) -> None:
    assert all(CATALOG.find(name) is card for name in (card.id, *card.aliases))
    assert card in CATALOG.listed()[card.listed_as]
    assert maker(card)


@pytest.mark.parametrize("card", tried())
async def test_its_model_does_its_work_and_is_gone_when_it_is_unloaded(
    card: ModelCard, pool: Pool, context: ServiceContext, spoken: np.ndarray
) -> None:
    if Capability.TTS in card.tasks and card.voices:
        await assert_it_speaks(card, replace(context, runtime=pool))
    else:
        with Recording(card.rate or RATE) as speech:
            speech.append(soxr.resample(spoken, RATE, speech.rate).astype(np.float32))
            async with pool.lease(card) as handle:
                await assert_it_works(card, handle, speech)
    assert await pool.unload(card)
    assert not any(state.loaded for state in pool.states())


async def assert_it_works(card: ModelCard, handle: EngineHandle, speech: Recording) -> None:
    steps = list[Step]()
    async with aclosing(exercise(handle, card, speech)) as work:
        async for step in work:
            steps.append(step)
    assert steps
    if card.rate and Capability.CLONE not in card.tasks:
        assert sum(step.seconds for step in steps) == pytest.approx(speech.seconds, rel=0.05)


async def assert_it_speaks(card: ModelCard, context: ServiceContext) -> None:
    """A model that streams returns sound before it has spoken all of a text that is longer than one piece."""
    voice = card.voices[0]
    text = " ".join([voice.preview] * (2 * card.chunk_chars // len(voice.preview) + 1))
    order = SpeechOrder(card.listed_as, text, voice.id, "wav", language=voice.language)
    run = plan_speech(context, LOCAL_CALLER, order).run(LOCAL_CALLER, context)
    async with aclosing(run.chunks()) as chunks:
        async for _ in chunks:
            if run.seconds > 0.1 and card.streaming:
                break
    assert run.seconds > 0.1
    assert (run.progress < 1) is card.streaming
