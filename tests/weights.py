"""Real weights for tests, pulled once."""

from pathlib import Path

from filelock import FileLock

from ttsai_server.domain import ModelCard
from ttsai_server.engines.catalog import Catalog
from ttsai_server.engines.weights import missing_files, pull
from ttsai_server.settings import Settings


def card_of(model: str) -> ModelCard:
    """The card with this id."""
    return Catalog.read(Settings().models.cards, demo=True).models[model]


def pulled(model: str, models: Path) -> Path:
    """Folder of a model's weights in the folder `models`; fetched, checked and prepared if they are not there."""
    return pulled_card(card_of(model), models)


def pulled_card(card: ModelCard, models: Path) -> Path:
    """As `pulled`, of a card."""
    models.mkdir(parents=True, exist_ok=True)
    with FileLock(models / ".tests"):  # another worker of this run may be at it
        if missing_files(card, models):
            pull(card, models)
    return models / card.id
