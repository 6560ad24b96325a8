"""Spleeter with real loading and inference; its weights are tiny and random (tiny_spleeter)."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.engines.separator import SeparatorContract, joined, steps
from tests.engines.spleeter.tiny_spleeter import write_tiny_spleeter

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import ModelCard
from ttsai_server.engines.base import LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.spleeter.adapter import GRAPH, Spleeter
from ttsai_server.errors import EngineFailed, WeightsMissing
from ttsai_server.settings import Settings

Sound = np.ndarray


def card_of(stems: int, **setup: object) -> ModelCard:
    card = read_card(Settings().models.cards / f"spleeter-{stems}stems.toml")
    return replace(card, setup={**card.setup, **setup})


def prepared(card: ModelCard, folder: Path) -> Path:
    write_tiny_spleeter(folder, len(card.stems))
    Spleeter.prepare(card, folder)
    return folder


def decibels(part: Sound, whole: Sound) -> float:
    return 20 * float(np.log10(np.std(part) / np.std(whole) + 1e-12))


class TestSpleeter(SeparatorContract):
    model_id = "spleeter-2stems"

    @pytest.fixture(scope="class")
    @classmethod
    def weights(cls, card: ModelCard, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return prepared(card, tmp_path_factory.mktemp("spleeter"))

    def test_the_stems_sum_to_the_mix(self, engine: Spleeter, card: ModelCard, sound: Sound) -> None:
        stems = self.apart(engine, card, sound)
        assert decibels(sum(stems.values()) - sound, sound) < -100

    def test_no_stem_is_the_mix(self, engine: Spleeter, card: ModelCard, sound: Sound) -> None:
        vocals = self.apart(engine, card, sound[: 3 * card.rate])["vocals"]
        assert decibels(vocals - sound[: len(vocals)], sound) > -20

    def test_sound_above_11_kilohertz_is_in_no_stem_where_that_is_set(self, weights: Path) -> None:
        engine = Spleeter.load(card_of(2, above="silent"), LoadContext(weights))
        tone = np.sin(2 * np.pi * 14_000 * np.arange(88_200) / 44_100).astype(np.float32)
        sounds = apart(engine, np.stack([tone, tone], axis=1))
        assert max(float(np.abs(sound[4096:-4096]).max()) for sound in sounds.values()) < 1e-4

    def test_it_is_prepared_once(self, card: ModelCard, weights: Path) -> None:
        before = (weights / GRAPH).stat().st_mtime_ns
        Spleeter.prepare(card, weights)
        assert (weights / GRAPH).stat().st_mtime_ns == before


def apart(engine: Spleeter, sound: Sound) -> dict[str, Sound]:
    with Recording(44_100, 2) as recording:
        recording.append(sound)
        return joined(steps(engine, recording))


@pytest.mark.parametrize("stems", [2, 4, 5])
def test_without_its_graph_it_is_not_loaded(stems: int, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing):
        Spleeter.load(card_of(stems), LoadContext(tmp_path))


def test_a_graph_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / GRAPH).write_bytes(b"not a graph")
    with pytest.raises(EngineFailed, match=GRAPH):
        Spleeter.load(card_of(2), LoadContext(tmp_path))


def test_a_checkpoint_of_fewer_stems_makes_no_graph(tmp_path: Path) -> None:
    write_tiny_spleeter(tmp_path, 2)
    with pytest.raises(EngineFailed, match="conv2d_14/kernel"):
        Spleeter.prepare(card_of(4), tmp_path)
    assert not (tmp_path / GRAPH).exists()
