"""From a card to an engine: what is not installed or not fetched."""

import re
import sys
from pathlib import Path

import pytest

from ttsai_server.domain import ModelCard
from ttsai_server.engines.base import INSTALL_MISAKI, Engine
from ttsai_server.engines.catalog import Catalog, load_class
from ttsai_server.engines.kokoro.adapter import Kokoro
from ttsai_server.engines.piper.adapter import Piper
from ttsai_server.errors import PackagesMissing, WeightsMissing
from ttsai_server.runtime.loading import load, steps
from ttsai_server.settings import Models, Settings

CARDS = {card.engine: card for card in Catalog.read(Settings().models.cards).cards() if load_class(card).packages}
"""One for each engine."""


@pytest.mark.parametrize("card", CARDS.values(), ids=lambda card: card.id)
def test_without_its_packages_a_model_says_what_to_install(
    card: ModelCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = load_class(card)
    monkeypatch.setitem(sys.modules, kind.packages[0], None)
    with pytest.raises(PackagesMissing, match=re.escape(f"Run: {kind.install_command()}")):
        load(card, Models(dir=tmp_path))


@pytest.mark.parametrize("engine", [Kokoro, Piper])
@pytest.mark.parametrize("version", [(3, 12), (3, 13)])
def test_on_a_python_for_which_the_extra_leaves_misaki_out_the_command_installs_it_too(
    engine: type[Engine], version: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    extra, *more = engine.install_command().split(" && ")
    assert extra == f"pip install 'ttsai-server[{engine.extra}]'"
    assert more == ([INSTALL_MISAKI] if version == (3, 13) else [])


def test_without_its_weights_a_model_says_what_to_pull(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="ttsai-server models pull kokoro"):
        load(Catalog.read(Settings().models.cards).models["kokoro"], Models(dir=tmp_path))


@pytest.mark.parametrize(
    ("model", "settings", "count"),
    [
        ("kokoro", Models(device="cpu", threads=3), 1),
        ("kokoro", Models(device="cpu", options={"kokoro": {"runtime": "torch", "batch": 4}}), 4),
        ("whisper-base", Models(device="cpu", threads=3), 3),
        ("whisper-base", Models(device="cuda", threads=3), 16),
        ("whisper-base", Models(device="cuda", options={"whisper-base": {"batch": 5}}), 5),
        ("whisper-base", Models(device="cpu", threads=3, options={"whisper-base": {"batch": "no number"}}), 3),
    ],
)
def test_as_many_steps_run_at_the_same_time_as_are_done_together_or_else_as_its_card_says(
    model: str, settings: Models, count: int
) -> None:
    assert steps(Catalog.read(Settings().models.cards).models[model], settings) == count
