"""What every engine that translates texts must do."""

import threading
from pathlib import Path
from typing import ClassVar

import pytest
from tests.engines.contract import EngineContract

from ttsai_server.domain import ModelCard, TranslationRequest
from ttsai_server.engines.base import Cancellation, Cancelled, Translator
from ttsai_server.engines.catalog import load_class
from ttsai_server.errors import EngineFailed


class TranslatorContract(EngineContract):
    kind = Translator
    pair: ClassVar[tuple[str, str]]
    """Languages that it translates between."""
    sentences: ClassVar[tuple[str, ...]]
    """Different ones in the first of them."""

    def done(self, engine: Translator, *sentences: str) -> list[str]:
        request = TranslationRequest(sentences, *self.pair)
        return [step.text for step in engine.translate(request, Cancellation())]

    def test_each_sentence_has_one_translation_in_its_place(self, engine: Translator) -> None:
        together = self.done(engine, *self.sentences)
        assert together == [self.done(engine, sentence)[0] for sentence in self.sentences]
        assert len(set(together)) == len(self.sentences)

    def test_only_the_last_step_says_that_it_is_the_last(self, engine: Translator) -> None:
        steps = list(engine.translate(TranslationRequest(self.sentences, *self.pair), Cancellation()))
        assert [step.last for step in steps] == [*[False] * (len(self.sentences) - 1), True]

    def test_two_threads_at_once_get_what_each_gets_alone(self, engine: Translator) -> None:
        alone, together = self.done(engine, *self.sentences), dict[int, list[str]]()

        def work(number: int) -> None:
            together[number] = self.done(engine, *self.sentences)

        threads = [threading.Thread(target=work, args=(number,)) for number in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert together == {0: alone, 1: alone}

    def test_languages_that_it_does_not_have_are_an_error(self, engine: Translator) -> None:
        with pytest.raises(EngineFailed):
            next(engine.translate(TranslationRequest(self.sentences, "xx", "yy"), Cancellation()))

    def test_cancelled_it_ends_at_the_next_step(self, engine: Translator) -> None:
        cancellation = Cancellation()
        steps = engine.translate(TranslationRequest(self.sentences, *self.pair), cancellation)
        next(steps)
        cancellation.cancel()
        with pytest.raises(Cancelled):
            next(steps)

    def test_it_can_be_closed_twice(self, card: ModelCard, weights: Path) -> None:
        engine = load_class(card).load(card, self.place(weights))
        assert isinstance(engine, Translator)
        engine.close()
        engine.close()
        with pytest.raises(EngineFailed, match="closed"):
            self.done(engine, *self.sentences)
