"""Translation models that CTranslate2 runs: Opus-MT (Tiedemann and Thottingal 2020) and NLLB-200 (Costa-jussà et al.
2022), transformers with a vocabulary of SentencePiece."""

import json
from collections.abc import Generator, Mapping
from typing import Any, Self

from pydantic import Field

from ttsai_server.domain import ModelCard, Translation, TranslationRequest
from ttsai_server.engines.base import Cancellation, Cancelled, LoadContext, Translator
from ttsai_server.errors import EngineFailed, WeightsMissing

MODEL, CONFIG, SOURCE, TARGET = "model.bin", "config.json", "source.spm", "target.spm"
END = "</s>"
BEAMS = 4
LONGEST_FACTOR, LONGEST_EXTRA = 3, 32
"""A translation has at most so many times the tokens of its sentence, and so many more."""


class CTranslate(Translator):
    extra = "translation"
    packages = ("ctranslate2", "sentencepiece")
    gpu_packages = ()

    class Setup(Translator.Setup):
        tokens: dict[str, str] = Field(default_factory=dict[str, str])
        """ISO 639-1 code → the token that names the language to the model, as `eng_Latn`; empty: it has one pair."""

    def __init__(
        self, card: ModelCard, model: Any, source: Any, target: Any, tokens: Mapping[str, str], *, ends: bool
    ) -> None:
        """source, target: SentencePiece processors. ends: whether the model is to be given the end of a sentence."""
        self._model: Any = model
        self._card, self._source, self._target = card, source, target
        self._tokens, self._ends = tokens, ends

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Self:
        if not all((place.weights / name).is_file() for name in (MODEL, CONFIG, SOURCE, TARGET)):
            raise WeightsMissing(card.id)
        import ctranslate2
        from sentencepiece import SentencePieceProcessor

        setup = cls.Setup.model_validate(dict(card.setup))
        try:
            model = ctranslate2.Translator(
                str(place.weights),
                device=place.device,
                compute_type="auto",
                inter_threads=place.steps,
                intra_threads=place.threads,
            )
            source, target = (SentencePieceProcessor(str(place.weights / name)) for name in (SOURCE, TARGET))
            config = json.loads((place.weights / CONFIG).read_text("utf-8"))
        except (RuntimeError, OSError, ValueError) as error:
            raise EngineFailed(f"The model can't be loaded: {error}") from error
        return cls(card, model, source, target, setup.tokens, ends=not config.get("add_source_eos", False))

    def translate(self, request: TranslationRequest, cancellation: Cancellation) -> Generator[Translation]:
        if self._model is None:
            raise EngineFailed("The model is closed.")
        pair = (request.source, request.target)
        if pair not in self._card.pairs if self._card.pairs else not set(pair) <= self._tokens.keys():
            raise EngineFailed(f"The model does not translate {request.source}-{request.target}.")
        for number, sentence in enumerate(request.sentences, start=1):
            if cancellation.cancelled:
                raise Cancelled
            yield Translation(self._translated(sentence, request), last=number == len(request.sentences))

    def close(self) -> None:
        self._model = None

    def _translated(self, sentence: str, request: TranslationRequest) -> str:
        language = [self._tokens[request.target]] if self._tokens else None
        tokens = [
            *([self._tokens[request.source]] if self._tokens else []),
            *self._source.encode(sentence, out_type=str),
            *([END] if self._ends else []),
        ]
        found = self._model.translate_batch(
            [tokens],
            target_prefix=[language] if language else None,
            beam_size=BEAMS,
            max_input_length=0,
            max_decoding_length=LONGEST_FACTOR * len(tokens) + LONGEST_EXTRA,
        )
        said: list[str] = found[0].hypotheses[0][len(language or ()) :]
        return self._target.decode([token for token in said if token != END])
