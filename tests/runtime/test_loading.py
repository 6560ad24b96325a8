"""From a card to an engine: what is not installed or not fetched."""

import re
import sys
from pathlib import Path

import pytest

from ttsai_server.domain import ModelCard
from ttsai_server.engines.catalog import Catalog, load_class
from ttsai_server.errors import PackagesMissing, WeightsMissing
from ttsai_server.runtime.loading import loader
from ttsai_server.settings import Models, Settings

CARDS = [card for card in Catalog.read(Settings().models.cards).cards() if load_class(card).packages]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_without_its_packages_a_model_says_what_to_install(
    card: ModelCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = load_class(card)
    monkeypatch.setitem(sys.modules, kind.packages[0], None)
    with pytest.raises(PackagesMissing, match=re.escape(f"Run: {kind.install_command()}")):
        loader(Models(dir=tmp_path))(card)


def test_a_command_installs_the_extra_or_the_package() -> None:
    commands = {load_class(card).install_command() for card in CARDS}
    assert "pip install 'ttsai-server[demucs]'" in commands
    assert any(command.startswith("pip install --no-deps --ignore-requires-python misaki==") for command in commands)


def test_without_its_weights_a_model_says_what_to_pull(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="ttsai-server models pull kokoro"):
        loader(Models(dir=tmp_path))(Catalog.read(Settings().models.cards).models["kokoro"])
