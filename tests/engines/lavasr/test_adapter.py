"""LavaSR: real loading and inference, from a checkpoint of the publisher's form; its weights are tiny and random."""

from math import erf
from pathlib import Path

import numpy as np
import pytest
import soxr
from tests.engines.enhancer import EnhancerContract, joined, recorded, steps
from tests.engines.lavasr.tiny_lavasr import BINS, BLOCKS, PUBLISHED, PUBLISHED_BYTES, tensors, write_checkpoint

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import ModelCard
from ttsai_server.engines.base import Cancellation, Enhancer, LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.lavasr import adapter
from ttsai_server.engines.lavasr.adapter import GRAPH, SOURCE, LavaSR
from ttsai_server.engines.lavasr.band import band_end
from ttsai_server.engines.lavasr.graph import build
from ttsai_server.errors import EngineFailed, WeightsMissing
from ttsai_server.settings import Settings

RATE = 48_000
Tensors = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lavasr")
    write_checkpoint(folder / SOURCE, tensors())
    build(folder / SOURCE, folder / GRAPH)
    return folder


def test_the_tiny_checkpoint_has_the_published_names() -> None:
    blocks = [f"backbone.convnext.{number}." for number in range(BLOCKS, 8)]
    assert tensors().keys() == {name for name in PUBLISHED if not name.startswith(tuple(blocks))}


def test_a_checkpoint_of_the_published_sizes_is_loaded(card: ModelCard, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / SOURCE, {name: np.zeros(shape, np.float32) for name, shape in PUBLISHED.items()})
    assert (tmp_path / SOURCE).stat().st_size == pytest.approx(PUBLISHED_BYTES, abs=20_000)
    LavaSR.prepare(card, tmp_path)
    LavaSR.load(card, LoadContext(tmp_path)).close()


class TestLavaSR(EnhancerContract):
    """Its network is a tiny random one: what it makes is noise, above the end of the band."""

    model_id = "lavasr"

    @pytest.fixture(scope="class")
    @classmethod
    def weights(cls, folder: Path) -> Path:
        return folder

    @pytest.fixture(scope="class")
    @classmethod
    def sound(cls, card: ModelCard) -> np.ndarray:
        """Noise up to 4 kHz, as of a telephone."""
        low = 0.1 * np.random.default_rng(0).standard_normal(round(cls.seconds * 8000))
        return soxr.resample(low, 8000, card.rate).astype(np.float32)[:, None]

    def test_sides_are_not_mixed_up(self, engine: Enhancer, card: ModelCard, sound: np.ndarray) -> None:
        """What a random network makes is as loud of a soft sound as of a loud one, so that the treble is left out."""
        left = sound[: 3 * card.rate]
        made = self.better(engine, card, np.concatenate([left, 0.01 * np.roll(left, card.rate // 4)], axis=1))
        assert level(made[:, :1], 0, 3000) > level(made[:, 1:], 0, 3000) + 20


@pytest.fixture(scope="module")
def card() -> ModelCard:
    return read_card(Settings().models.cards / "lavasr.toml")


@pytest.fixture(scope="module")
def engine(card: ModelCard, folder: Path) -> LavaSR:
    return LavaSR.load(card, LoadContext(folder))


@pytest.fixture(scope="module")
def narrow(spoken: np.ndarray) -> np.ndarray:
    """Speech up to 8 kHz at 48 kHz, longer than two stretches."""
    return np.tile(soxr.resample(spoken, 16_000, RATE).astype(np.float32), (5, 1))[: 22 * RATE]


@pytest.fixture(scope="module")
def wide(engine: LavaSR, narrow: np.ndarray) -> np.ndarray:
    return extended(engine, narrow)


def extended(engine: LavaSR, sound: np.ndarray, strength: float = 1.0) -> np.ndarray:
    with recorded(sound, RATE) as recording:
        return joined(steps(engine, recording, strength))


def level(sound: np.ndarray, low: float, high: float) -> float:
    """Of a band, decibels; faded in and out, for a sound that breaks off has something of every band."""
    power = np.abs(np.fft.rfft(np.hanning(len(sound)) * sound[:, 0])) ** 2
    hertz = np.fft.rfftfreq(len(sound), 1 / RATE)
    return float(10 * np.log10(np.sum(power[(hertz >= low) & (hertz < high)]) + 1e-20))


def test_weights_that_are_not_there_are_told(card: ModelCard, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing):
        LavaSR.load(card, LoadContext(tmp_path))


def test_preparing_makes_the_graph_of_the_checkpoint(card: ModelCard, folder: Path, tmp_path: Path) -> None:
    (tmp_path / SOURCE).write_bytes((folder / SOURCE).read_bytes())
    LavaSR.prepare(card, tmp_path)
    assert (tmp_path / GRAPH).read_bytes() == (folder / GRAPH).read_bytes()


@pytest.mark.parametrize("lacking", ["head.out.bias", "backbone.convnext.0.gamma", "convnext", "mel_scale"])
def test_a_checkpoint_that_lacks_weights_is_refused(tmp_path: Path, lacking: str) -> None:
    write_checkpoint(tmp_path / SOURCE, {name: value for name, value in tensors().items() if lacking not in name})
    with pytest.raises(EngineFailed, match="not LavaSR's"):
        build(tmp_path / SOURCE, tmp_path / GRAPH)


@pytest.mark.parametrize("name", ["head.out.weight", "backbone.extra"])
def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path, name: str) -> None:
    write_checkpoint(tmp_path / SOURCE, tensors() | {name: np.zeros((8, 16), np.float32)})
    with pytest.raises(EngineFailed, match="not LavaSR's"):
        build(tmp_path / SOURCE, tmp_path / GRAPH)


def test_a_checkpoint_that_is_cut_off_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / SOURCE).write_bytes((folder / SOURCE).read_bytes()[:100_000])
    with pytest.raises(EngineFailed, match="can't be read"):
        build(tmp_path / SOURCE, tmp_path / GRAPH)


def test_the_graph_is_the_network(engine: LavaSR) -> None:
    magnitude = np.abs(np.random.default_rng(1).standard_normal((1, 40, BINS))).astype(np.float32)
    made = engine._made(magnitude.transpose(2, 0, 1).astype(np.complex64), Cancellation())
    assert np.allclose(made[:, 0].T, vocos(tensors(), magnitude[0]), rtol=1e-3, atol=1e-4)


def test_the_band_that_is_there_stays_as_it_is(narrow: np.ndarray, wide: np.ndarray) -> None:
    assert level(wide - narrow, 0, 7000) < min(level(narrow, 0, 7000), level(wide, 9000, 20000)) - 45


def test_there_is_treble_where_there_was_none(narrow: np.ndarray, wide: np.ndarray) -> None:
    assert level(narrow, 9000, 20000) < level(narrow, 0, 7000) - 90
    assert level(wide, 9000, 20000) > level(narrow, 0, 7000) - 20


def test_half_the_strength_is_half_the_treble(engine: LavaSR, narrow: np.ndarray) -> None:
    one, half = (level(extended(engine, narrow[: 3 * RATE], strength), 9000, 20000) for strength in (1.0, 0.5))
    assert one - half == pytest.approx(6.02, abs=0.1)


def test_stretches_are_as_the_whole(
    engine: LavaSR, narrow: np.ndarray, wide: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "STEP", 3000 * adapter.HOP)
    assert np.max(np.abs(extended(engine, narrow) - wide)) < 1e-3 * np.max(np.abs(wide))


def test_the_networks_reach_is_that_of_the_published_model() -> None:
    assert BLOCKS <= adapter.BLOCKS


def test_a_recording_of_all_frequencies_comes_back_unchanged(engine: LavaSR) -> None:
    full = (0.1 * np.random.default_rng(0).standard_normal((3 * RATE, 2))).astype(np.float32)
    assert np.array_equal(extended(engine, full), full)


@pytest.mark.parametrize("rate", [8000, 12000, 16000, 22050, 24000, 32000])
def test_a_bands_end_is_found(rate: int) -> None:
    noise = 0.01 * np.random.default_rng(0).standard_normal((rate * 6, 1))
    with recorded(soxr.resample(noise, rate, RATE).astype(np.float32), RATE) as recording:
        assert 0.85 * rate / 2 <= (band_end(recording) or 0) <= rate / 2


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_a_whole_band_has_no_end(rate: int) -> None:
    noise = 0.01 * np.random.default_rng(0).standard_normal((rate * 6, 1))
    with recorded(soxr.resample(noise, rate, RATE).astype(np.float32), RATE) as recording:
        assert band_end(recording) is None


def test_silence_has_no_end() -> None:
    with Recording(RATE) as recording:
        assert band_end(recording) is None


def vocos(state: Tensors, magnitude: np.ndarray) -> np.ndarray:
    """The network, (frames, bins) → complex (frames, bins), written down once more from Vocos' paper."""

    def normed(name: str, x: np.ndarray) -> np.ndarray:
        centred = x - x.mean(axis=-1, keepdims=True)
        spread = np.sqrt(centred.var(axis=-1, keepdims=True) + 1e-6)
        return centred / spread * state[f"{name}.weight"] + state[f"{name}.bias"]

    def shifted(x: np.ndarray) -> np.ndarray:
        return np.stack([np.pad(x, ((3, 3), (0, 0)))[k : k + len(x)] for k in range(7)])

    log = np.log(np.maximum(magnitude @ state["feature_extractor.mel_spec.mel_scale.fb"], 1e-5))
    embed = np.einsum("kfi,oik->fo", shifted(log), state["backbone.embed.weight"]) + state["backbone.embed.bias"]
    x = normed("backbone.norm", embed)
    for name in (f"backbone.convnext.{block}" for block in range(BLOCKS)):
        own = {part: state[f"{name}.{part}"] for part in ("dwconv.weight", "dwconv.bias", "gamma")}
        y = np.einsum("kfc,ck->fc", shifted(x), own["dwconv.weight"][:, 0]) + own["dwconv.bias"]
        y = normed(f"{name}.norm", y) @ state[f"{name}.pwconv1.weight"].T + state[f"{name}.pwconv1.bias"]
        y = y * 0.5 * (1 + np.vectorize(erf)(y / np.sqrt(2)))
        x = x + own["gamma"] * (y @ state[f"{name}.pwconv2.weight"].T + state[f"{name}.pwconv2.bias"])
    out = normed("backbone.final_layer_norm", x) @ state["head.out.weight"].T + state["head.out.bias"]
    size, phase = np.split(out, 2, axis=1)
    return np.minimum(np.exp(size), 1e3) * np.exp(1j * phase)
