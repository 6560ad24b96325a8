"""Translation models of CTranslate2, on tiny random ones of the same architecture: what they say has no sense.

The weights of the real ones are on their publishers' hub alone.
"""

import shutil
from pathlib import Path

import pytest
from tests.engines.tiny_marian import write_tiny_marian
from tests.engines.translator import TranslatorContract

from ttsai_server.domain import ModelCard
from ttsai_server.engines.base import LoadContext
from ttsai_server.engines.ctranslate import CTranslate
from ttsai_server.errors import EngineFailed, WeightsMissing

SENTENCES = ("the train leaves at nine", "how are you today my friend", "thank you very much")


class TestOpus(TranslatorContract):
    model_id = "opus-mt-zh-en"
    pair = ("zh", "en")
    sentences = SENTENCES

    @pytest.fixture(scope="class")
    @classmethod
    def weights(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        folder = tmp_path_factory.mktemp("opus")
        write_tiny_marian(folder)
        return folder

    def test_weights_that_are_not_there_are_said_to_be_missing(self, card: ModelCard, tmp_path: Path) -> None:
        with pytest.raises(WeightsMissing):
            CTranslate.load(card, LoadContext(tmp_path))

    @pytest.mark.parametrize("broken", ["model.bin", "source.spm", "config.json"])
    def test_a_damaged_file_is_a_fault_of_the_weights(
        self, card: ModelCard, weights: Path, broken: str, tmp_path: Path
    ) -> None:
        copy = shutil.copytree(weights, tmp_path / "copy")
        (copy / broken).write_bytes(b"nothing")
        with pytest.raises(EngineFailed):
            CTranslate.load(card, LoadContext(copy))


class TestNllb(TranslatorContract):
    model_id = "nllb-200-distilled-600m"
    pair = ("en", "pt")
    sentences = SENTENCES

    @pytest.fixture(scope="class")
    @classmethod
    def weights(cls, tmp_path_factory: pytest.TempPathFactory, card: ModelCard) -> Path:
        folder = tmp_path_factory.mktemp("nllb")
        tokens = CTranslate.Setup.model_validate(dict(card.setup)).tokens
        write_tiny_marian(folder, tuple(tokens.values()))
        return folder

    def test_every_language_of_its_card_has_a_name_for_the_model(self, card: ModelCard) -> None:
        tokens = CTranslate.Setup.model_validate(dict(card.setup)).tokens
        assert tokens.keys() == set(card.languages)
        assert len(set(tokens.values())) == len(tokens)

    def test_the_language_to_translate_to_decides_what_comes_out(self, engine: CTranslate) -> None:
        portuguese = self.done(engine, *SENTENCES)
        self.__class__.pair = ("en", "fr")
        try:
            assert self.done(engine, *SENTENCES) != portuguese
        finally:
            self.__class__.pair = ("en", "pt")
