"""A translator that has no words for what it is given."""

from collections.abc import Generator
from typing import Self

from ttsai_server.domain import ModelCard, Translation, TranslationRequest
from ttsai_server.engines.base import Cancellation, LoadContext, Translator


class Muttering(Translator):
    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Self:
        return cls()

    def translate(self, request: TranslationRequest, cancellation: Cancellation) -> Generator[Translation]:
        for _ in request.sentences:
            yield Translation("…")

    def close(self) -> None:
        pass
