"""Chatterbox by its real package, with real loading and inference; its weights are tiny, random (tiny_chatterbox)."""

import shutil
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from tests.engines.chatterbox.tiny_chatterbox import write_tiny_chatterbox
from tests.engines.cloner import ClonerContract
from tests.engines.converter import ConverterContract
from tests.engines.voice_encoder import recorded, syllables

from ttsai_server.domain import ModelCard, Preset, Reference, SpeechRequest
from ttsai_server.engines.base import Cancellation, LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.chatterbox import adapter
from ttsai_server.engines.chatterbox.adapter import RATE, TOKEN, Chatterbox, _trimmed
from ttsai_server.errors import BadRequest, EngineFailed, WeightsMissing
from ttsai_server.settings import Settings

VERSIONS = ("multilingual", "mtl-v2")


def read(model: str) -> ModelCard:
    return read_card(Settings().models.cards / f"{model}.toml")


def write(folder: Path, card: ModelCard, watermark: Path) -> Path:
    setup = Chatterbox.Setup.model_validate(dict(card.setup))
    write_tiny_chatterbox(folder, setup.variant, setup.checkpoint)
    shutil.copy(watermark, folder / "watermark.pth.tar")
    return folder


def place(weights: Path) -> LoadContext:
    return LoadContext(weights, threads=1)  # more only wait for each other on such small networks


@pytest.fixture(scope="module")
def english(watermark: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("chatterbox"), read("chatterbox"), watermark)


@pytest.fixture(scope="module")
def loaded(english: Path) -> Generator[Chatterbox]:
    """For both suites: it speaks, clones and converts with one set of weights."""
    with closing(Chatterbox.load(read("chatterbox"), place(english))) as engine:
        yield engine


class TestChatterbox(ClonerContract):
    model_id = "chatterbox"
    short, long = "It rains now.", "It rains now, and the children have come into the house."
    seconds = 5

    @classmethod
    def place(cls, weights: Path) -> LoadContext:
        return place(weights)

    @pytest.fixture(scope="class")
    @classmethod
    def weights(cls, english: Path) -> Path:
        return english

    @pytest.fixture(scope="class")
    @classmethod
    def engine(cls, loaded: Chatterbox) -> Chatterbox:
        return loaded

    # the tiny one has one layer, whose input is normalised: it tells exaggeration from none, not how much
    @pytest.mark.parametrize("options", [{"exaggeration": 0}, {"cfg_weight": 0}, {"temperature": 0.2}, {"seed": 7}])
    def test_each_option_changes_the_sound(self, engine: Chatterbox, voice: Any, options: dict[str, float]) -> None:
        plain, changed = (self.said(engine, voice, self.short, options=each) for each in ({}, options))
        assert plain.shape != changed.shape or np.max(np.abs(plain - changed)) > 1e-3

    def test_another_voice_sounds_different(self, engine: Chatterbox, voice: Any, reference: Reference) -> None:
        preset, cloned = self.said(engine, voice, "It."), self.cloned(engine, reference, "It.")
        assert preset.shape != cloned.shape or np.max(np.abs(preset - cloned)) > 1e-3

    def test_no_voice_is_made_of_silence(self, engine: Chatterbox) -> None:
        silence = np.zeros((5 * RATE, 1), np.float32)
        with recorded(silence, RATE) as recording, pytest.raises(BadRequest, match="no speech"):
            list(engine.embed(recording, Cancellation()))


class TestConversion(ConverterContract):
    model_id = "chatterbox"
    source_seconds, seconds = 12, 5

    @classmethod
    def place(cls, weights: Path) -> LoadContext:
        return place(weights)

    @pytest.fixture(scope="class")
    @classmethod
    def weights(cls, english: Path) -> Path:
        return english

    @pytest.fixture(scope="class")
    @classmethod
    def engine(cls, loaded: Chatterbox) -> Chatterbox:
        return loaded


@pytest.fixture(scope="module")
def others(watermark: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Callable[[str], Chatterbox]]:
    """The other models by their cards' ids, each loaded once."""
    with ExitStack() as stack:

        @cache
        def other(model: str) -> Chatterbox:
            weights = write(tmp_path_factory.mktemp(model), read(model), watermark)
            return stack.enter_context(closing(Chatterbox.load(read(model), place(weights))))

        yield other


@pytest.mark.parametrize("model", ["chatterbox-multilingual", "chatterbox-turbo"])
def test_the_other_models_speak_clone_and_convert(model: str, others: Callable[[str], Chatterbox]) -> None:
    other = others(model)
    with recorded(syllables(130, 6, RATE), RATE) as recording:
        (made,) = other.embed(recording, Cancellation())
        assert made.reference
        (converted,) = other.convert(recording, made.reference, Cancellation())
        assert len(converted.samples) == recording.frames
    for voice in (Preset("any"), made.reference):
        (said,) = other.synthesize(SpeechRequest("It rains.", (voice,), "en-us"), Cancellation())
        assert np.max(np.abs(said.samples)) > 0.01


def test_both_versions_of_the_multilingual_model_are_of_the_same_networks() -> None:
    new, old = (Chatterbox.Setup.model_validate(dict(read(f"chatterbox-{version}").setup)) for version in VERSIONS)
    assert (new.variant, old.variant) == ("multilingual", "multilingual")
    for version, setup in zip(VERSIONS, (new, old), strict=True):
        assert setup.checkpoint in {file for source in read(f"chatterbox-{version}").sources for file in source.files}


@pytest.mark.parametrize("language", ["de", "zh"])
def test_the_multilingual_model_tells_languages_apart(language: str, others: Callable[[str], Chatterbox]) -> None:
    tokens = cast("Any", others("chatterbox-multilingual")._networks).tokens
    assert tokens("日 a", language).tolist() != tokens("日 a", "en").tolist()


def test_the_turbo_model_says_that_it_does_not_exaggerate(others: Callable[[str], Chatterbox]) -> None:
    request = SpeechRequest("It rains.", (Preset("any"),), "en-us", options={"exaggeration": 1.0})
    with pytest.raises(BadRequest, match="exaggeration"):
        next(others("chatterbox-turbo").synthesize(request, Cancellation()))


@pytest.mark.parametrize("model", ["chatterbox-multilingual", "chatterbox-turbo"])
def test_a_text_whose_end_the_model_does_not_reach_is_not_spoken(
    model: str, others: Callable[[str], Chatterbox]
) -> None:
    other = others(model)
    row = cast("Any", other._networks).text.speech_head.weight.data[6562]  # of the stop token
    kept = row.clone()
    row[:] = 0
    try:
        with pytest.raises(EngineFailed, match="end of the text"):
            next(other.synthesize(SpeechRequest("It rains.", (Preset("any"),), "en-us"), Cancellation()))
    finally:
        row[:] = kept


@pytest.mark.parametrize("model", ["chatterbox-multilingual", "chatterbox-turbo"])
def test_a_text_that_was_cut_off_is_spoken_again(
    model: str, others: Callable[[str], Chatterbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    request = SpeechRequest("It rains.", (Preset("any"),), "en-us")
    most = iter([2, 2, 100])
    monkeypatch.setattr(adapter, "most_tokens", lambda *_: next(most))  # pyright: ignore[reportUnknownLambdaType]
    (said,) = others(model).synthesize(request, Cancellation())
    assert len(said.samples) > 3 * TOKEN


@pytest.mark.parametrize("file", ["t3_cfg.safetensors", "tokenizer.json", "conds.pt", "watermark.pth.tar"])
def test_without_one_of_its_files_it_is_not_loaded(file: str, english: Path, tmp_path: Path) -> None:
    for other in english.iterdir():
        if other.name != file:
            (tmp_path / other.name).symlink_to(other)
    with pytest.raises(WeightsMissing):
        Chatterbox.load(read("chatterbox"), place(tmp_path))


@pytest.mark.parametrize("file", ["t3_cfg.safetensors", "s3gen.safetensors", "tokenizer.json", "conds.pt"])
def test_a_file_of_something_else_is_refused(file: str, english: Path, tmp_path: Path) -> None:
    for other in english.iterdir():
        (tmp_path / other.name).symlink_to(english / "ve.safetensors" if other.name == file else other)
    with pytest.raises(EngineFailed):
        Chatterbox.load(read("chatterbox"), place(tmp_path))


def test_silence_at_the_end_is_cut_off() -> None:
    sound = np.concatenate([np.full(RATE, 0.5, np.float32), np.full(RATE, 1e-4, np.float32)])
    made = _trimmed(sound)
    assert len(made) == pytest.approx(1.1 * RATE, abs=2)
    assert made[-1] == 0


@pytest.mark.parametrize("sound", [np.full(RATE, 0.5, np.float32), np.zeros(RATE, np.float32)])
def test_sound_that_ends_loud_is_left_as_it_is(sound: np.ndarray) -> None:
    assert np.array_equal(_trimmed(sound), sound)
