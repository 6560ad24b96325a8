"""Demucs by its real package, with real loading and inference; its weights are tiny and random (tiny_demucs)."""

import time
import zipfile
from pathlib import Path
from threading import Timer
from typing import Any

import numpy as np
import pytest
import torch  # pyright: ignore[reportMissingImports]
from tests.engines.enhancer import Sound, recorded
from tests.engines.separator import SeparatorContract, joined, steps
from tests.engines.tiny_demucs import PUBLISHED, SEGMENT, write_pickle, write_safetensors

from ttsai_server.domain import ModelCard
from ttsai_server.engines.base import Cancellation, Cancelled, LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.demucs import Demucs
from ttsai_server.errors import EngineFailed, WeightsMissing
from ttsai_server.settings import Settings

STRIDE = int(0.75 * SEGMENT * 44_100)


def reference(engine: Demucs, sound: Sound) -> dict[str, Sound]:
    """What the package makes of the whole: `demucs.api.Separator.separate_tensor` on its own model."""
    from demucs.apply import apply_model  # pyright: ignore[reportMissingImports]

    mix = torch.from_numpy(sound.T.copy())
    mean, scale = mix.mean(0).mean(), mix.mean(0).std() + 1e-8
    for module in engine._model.modules():
        module._forward_pre_hooks.clear()
    made = apply_model(engine._model, ((mix - mean) / scale)[None], shifts=0, split=True, overlap=0.25)[0]
    stems = (made * scale + mean).numpy()
    return {name: stem.T for name, stem in zip(engine._model.sources, stems, strict=True)}


@pytest.mark.parametrize("model", PUBLISHED)
def test_a_checkpoint_of_the_published_sizes_is_loaded(model: str, tmp_path: Path) -> None:
    """Its length tells that the package makes as many tensors, as large, as the published file has."""
    sizes, length = PUBLISHED[model]
    card = read_card(Settings().models.cards / f"{model}.toml")
    write_pickle(tmp_path / "checkpoint", card.stems, sizes)
    assert (tmp_path / "checkpoint").stat().st_size == pytest.approx(length, abs=60_000)
    Demucs.load(card, LoadContext(tmp_path)).close()


class TestDemucs(SeparatorContract):
    model_id = "htdemucs"
    seconds = 4.0

    @pytest.fixture(scope="class")
    @classmethod
    def weights(cls, card: ModelCard, tmp_path_factory: pytest.TempPathFactory) -> Path:
        folder = tmp_path_factory.mktemp("demucs")
        write_safetensors(folder / "checkpoint", card.stems)
        return folder

    @pytest.mark.parametrize("frames", [4 * 44_100, 2 * STRIDE, STRIDE + 5001, 44_100, 2])
    def test_the_stems_are_the_packages(
        self, weights: Path, engine: Demucs, card: ModelCard, sound: Sound, frames: int
    ) -> None:
        part = 0.5 * sound[:frames] + 0.1  # neither zero mean nor as loud as the rest
        ours, theirs = self.apart(engine, card, part), reference(Demucs.load(card, LoadContext(weights)), part)
        for stem, samples in ours.items():
            np.testing.assert_allclose(samples, theirs[stem], atol=1e-5, err_msg=stem)

    def test_told_to_stop_within_a_step_it_ends_there(self, engine: Demucs, card: ModelCard, sound: Sound) -> None:
        cancellation, told = Cancellation(), list[float]()
        with recorded(sound, card.rate) as recording:
            made = engine.separate(recording, cancellation)
            begun = time.process_time()
            next(made)
            whole = time.process_time() - begun
            Timer(0.02, lambda: (told.append(time.process_time()), cancellation.cancel())).start()
            with pytest.raises(Cancelled):
                next(made)
        assert time.process_time() - told[0] < 0.8 * whole

    def test_an_empty_recording_takes_no_step(self, engine: Demucs, card: ModelCard) -> None:
        with recorded(np.zeros((0, 1), np.float32), card.rate) as recording:
            assert steps(engine, recording) == []

    def test_the_pickle_makes_the_same_stems(
        self, engine: Demucs, card: ModelCard, sound: Sound, tmp_path: Path
    ) -> None:
        write_pickle(tmp_path / "checkpoint", card.stems)
        other = Demucs.load(card, LoadContext(tmp_path))
        one, two = (self.apart(demucs, card, sound[:44_100]) for demucs in (engine, other))
        assert all(np.array_equal(one[stem], two[stem]) for stem in card.stems)


@pytest.fixture(scope="module")
def card() -> ModelCard:
    return read_card(Settings().models.cards / "htdemucs.toml")


def test_six_stems_come_of_the_model_of_six(tmp_path: Path) -> None:
    card = read_card(Settings().models.cards / "htdemucs_6s.toml")
    write_safetensors(tmp_path / "checkpoint", card.stems)
    with recorded(np.full((1000, 1), 0.1, np.float32), card.rate) as recording:
        assert tuple(joined(steps(Demucs.load(card, LoadContext(tmp_path)), recording))) == card.stems


def test_numbers_of_numpy_1_in_the_pickle_are_read(card: ModelCard, tmp_path: Path) -> None:
    write_pickle(tmp_path / "new", card.stems, training_args={"best": np.float64(1.5)})
    with zipfile.ZipFile(tmp_path / "new") as new, zipfile.ZipFile(tmp_path / "checkpoint", "w") as old:
        for name in new.namelist():
            old.writestr(name, new.read(name).replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n"))
    assert b"cnumpy.core.multiarray\n" in (tmp_path / "checkpoint").read_bytes()
    Demucs.load(card, LoadContext(tmp_path))


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit",)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint"])
def test_a_file_that_is_no_checkpoint_is_refused(card: ModelCard, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "checkpoint").write_bytes(content)
    with pytest.raises(EngineFailed, match="no Demucs"):
        Demucs.load(card, LoadContext(tmp_path))


@pytest.mark.parametrize(
    "changes", [{"more": Evil()}, {"klass": dict}, {"state": {}}], ids=["runs code", "another class", "no weights"]
)
def test_a_pickle_of_anything_else_is_refused(card: ModelCard, tmp_path: Path, changes: dict[str, Any]) -> None:
    write_pickle(tmp_path / "checkpoint", card.stems, **changes)
    with pytest.raises(EngineFailed, match="no Demucs"):
        Demucs.load(card, LoadContext(tmp_path))


def test_tensors_of_another_class_are_refused(card: ModelCard, tmp_path: Path) -> None:
    write_safetensors(tmp_path / "checkpoint", card.stems, "os.system")
    with pytest.raises(EngineFailed, match="no Demucs: it is of the class"):
        Demucs.load(card, LoadContext(tmp_path))


def test_a_model_of_other_stems_is_refused(card: ModelCard, tmp_path: Path) -> None:
    write_safetensors(tmp_path / "checkpoint", [*card.stems, "piano"])
    with pytest.raises(EngineFailed, match="another model"):
        Demucs.load(card, LoadContext(tmp_path))


def test_without_weights_it_is_not_loaded(card: ModelCard, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing):
        Demucs.load(card, LoadContext(tmp_path))


def test_no_gpu_is_an_error_that_says_so(card: ModelCard, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    write_safetensors(tmp_path / "checkpoint", card.stems)
    with pytest.raises(EngineFailed, match="CUDA"):
        Demucs.load(card, LoadContext(tmp_path, "cuda"))
