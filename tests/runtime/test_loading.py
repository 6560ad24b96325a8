"""From a card to an engine: what is not installed or not fetched."""

import sys
from pathlib import Path

import pytest

from ttsai_server.domain import ModelCard
from ttsai_server.engines.catalog import Catalog, load_class
from ttsai_server.errors import PackagesMissing, WeightsMissing
from ttsai_server.runtime.loading import loader
from ttsai_server.settings import Models, Settings

CARDS = [card for card in Catalog.read(Settings().models.cards).cards() if load_class(card).extra]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_without_its_extra_a_model_says_what_to_install(
    card: ModelCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = load_class(card)
    monkeypatch.setitem(sys.modules, kind.packages[0], None)
    with pytest.raises(PackagesMissing, match=rf"pip install 'ttsai-server\[{kind.extra}\]'"):
        loader(Models(dir=tmp_path))(card)


def test_without_its_weights_a_model_says_what_to_pull(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="ttsai-server models pull kokoro"):
        loader(Models(dir=tmp_path))(Catalog.read(Settings().models.cards).models["kokoro"])
