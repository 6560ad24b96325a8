"""What every engine must do. An engine's test is a class that inherits the suite of its task and names its model."""

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import ClassVar

import pytest
from tests.weights import card_of, pulled

from ttsai_server.domain import ModelCard, RecordingStep
from ttsai_server.engines.base import Engine, LoadContext
from ttsai_server.engines.catalog import load_class


def assert_they_cover(steps: Sequence[RecordingStep], seconds: float) -> None:
    """Each step begins where the one before ended, and the last one ends with the recording and says so."""
    assert [step.start for step in steps] == [0, *(step.end for step in steps[:-1])]
    assert steps[-1].end == seconds
    assert steps[-1].last


class EngineContract:
    """What the suites share: a model's card, and its engine, loaded once for a class of tests."""

    model_id: ClassVar[str]
    kind: ClassVar[type[Engine]]

    @classmethod
    def place(cls, weights: Path) -> LoadContext:
        return LoadContext(weights)

    @classmethod
    def loaded(cls, card: ModelCard, weights: Path) -> Engine:
        """Its engine, loaded anew; the caller closes it."""
        return load_class(card).load(card, cls.place(weights))

    @pytest.fixture(scope="class")
    @classmethod
    def weights(cls, models_dir: Path) -> Path:
        """Folder of the real weights, pulled if they are not there. One of tiny random ones overrides it."""
        return pulled(cls.model_id, models_dir)

    @pytest.fixture(scope="class")
    @classmethod
    def card(cls) -> ModelCard:
        return card_of(cls.model_id)

    @pytest.fixture(scope="class")
    @classmethod
    def engine(cls, card: ModelCard, weights: Path) -> Generator[Engine]:
        engine = cls.loaded(card, weights)
        assert isinstance(engine, cls.kind)
        yield engine
        engine.close()

    def test_its_card_asks_for_a_setup_that_it_has(self, card: ModelCard) -> None:
        load_class(card).Setup.model_validate(dict(card.setup))
