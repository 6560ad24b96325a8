"""SenseVoice, speech to text in Chinese, Cantonese, English, Japanese and Korean (An et al. 2024, FunAudioLLM).

By sherpa-onnx: its export of SenseVoiceSmall, a non-autoregressive CTC model.
"""

from collections.abc import Callable, Generator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import regex

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import ModelCard, PartialTranscript, Segment, TranscriptionRequest
from ttsai_server.engines.base import Cancellation, LoadContext, Transcriber
from ttsai_server.engines.shared.transcription.steps import transcribed
from ttsai_server.engines.shared.transcription.tokens import SPACE, Token, joined, numbered
from ttsai_server.engines.shared.transcription.windows import RATE, Chunk, Sound
from ttsai_server.engines.shared.transcription.words import Aligned, sentences
from ttsai_server.errors import EngineFailed, WeightsMissing

MODEL, TOKENS = "model.int8.onnx", "tokens.txt"
LANGUAGES = ("zh", "en", "yue", "ja", "ko")
NUMBERS = (
    "vocab_size", "lfr_window_size", "lfr_window_shift", "normalize_samples", "with_itn", "without_itn",
    "lang_auto", *(f"lang_{language}" for language in LANGUAGES),
)  # fmt: skip
"""Metadata that sherpa-onnx reads; if one is missing, it ends the process."""
VECTORS = ("neg_mean", "inv_stddev")
BINS = 80
"""Mel bins per frame."""
SHORTEST = RATE // 5
"""Shorter sound is padded to this many samples: sherpa-onnx would read beyond its end."""
LOADED = 2
"""Recognizers kept in memory, one per language: sherpa-onnx fixes the language when it loads the model."""
_TAG = regex.compile(r"<\|.*\|>")


class SenseVoice(Transcriber):
    """It gives no probabilities (a word's is always 1), and ignores prompt and temperature."""

    extra, packages = "sensevoice", ("faster_whisper", "onnx", "sherpa_onnx")
    gpu_packages = ()

    class Setup(Transcriber.Setup):
        written: bool = True
        """Whether to write numbers as digits and add punctuation (inverse text normalisation)."""

    def __init__(self, recognizer: Callable[[str], Any], vocabulary: dict[str, int]) -> None:
        self._recognizer: Callable[[str], Any] | None = recognizer
        self._vocabulary = vocabulary

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Self:
        if not all((place.weights / file).is_file() for file in (MODEL, TOKENS)):
            raise WeightsMissing(card.id)
        setup = cls.Setup.model_validate(dict(card.setup))
        vocabulary = _vocabulary(place.weights)
        recognizer = lru_cache(LOADED)(partial(_open, place, setup.written))
        recognizer("auto")
        return cls(recognizer, vocabulary)

    def transcribe(
        self, recording: Recording, request: TranscriptionRequest, cancellation: Cancellation
    ) -> Generator[PartialTranscript]:
        from ttsai_server.engines.shared.transcription.languages import ENGLISH

        spoken = request.language or ENGLISH

        def hear(chunks: Sequence[Chunk]) -> tuple[list[Segment], str]:
            nonlocal spoken
            segments: list[Segment] = []
            for chunk in chunks:
                result = self._recognize(chunk.sound, request.language)
                found = result.lang.strip("<|>")
                if found in LANGUAGES:
                    spoken = request.language or found
                    segments += sentences(self._parts(result, chunk), chunk, Segment("", 0, 0, language=found), found)
            return segments, spoken

        return transcribed(recording, request, cancellation, hear)

    def close(self) -> None:
        self._recognizer = None

    def _recognize(self, sound: Sound, language: str | None) -> Any:
        """sherpa-onnx's result: `tokens`, their `timestamps` in seconds, and `lang`, a tag."""
        if self._recognizer is None:
            raise EngineFailed("The engine is closed.")
        recognizer = self._recognizer(language or "auto")
        stream = recognizer.create_stream()
        stream.accept_waveform(RATE, np.pad(sound, (0, max(0, SHORTEST - len(sound)))))
        recognizer.decode_stream(stream)
        if not stream.result.lang:  # sherpa-onnx writes errors to stderr, and returns an empty result
            raise EngineFailed("SenseVoice failed; what sherpa-onnx says about it is on stderr.")
        return stream.result

    def _parts(self, result: Any, chunk: Chunk) -> list[Aligned]:
        """Words of an alphabet, and single Chinese or Japanese characters, each with its punctuation."""
        tokens = (Token(text, self._vocabulary[token], start) for text, token, start in _pieces(result))
        return joined(tokens, len(chunk.sound) / RATE)


def _pieces(result: Any) -> Generator[tuple[str, str, float]]:
    """(text, token, seconds) of the tokens that are text; a separate space is put before the next one."""
    space = ""
    for token, time in zip(result.tokens, result.timestamps, strict=True):
        if not token.strip():
            space = " "
        elif not _TAG.fullmatch(token):
            yield (space + token.lstrip() if space else token), token, time
            space = ""


def _vocabulary(weights: Path) -> dict[str, int]:
    """Piece → id. Raises EngineFailed for files that would make sherpa-onnx end the process."""
    metadata = _metadata(weights / MODEL)
    try:
        numbers = {key: int(metadata[key]) for key in NUMBERS}
        sizes = {len([float(number) for number in metadata[key].split(",")]) for key in VECTORS}
        vocabulary = {number: piece.replace(SPACE, " ") for piece, number in numbered(weights / TOKENS)}
    except (KeyError, ValueError) as error:
        raise EngineFailed(f"{MODEL} or {TOKENS} is not as sherpa-onnx exports SenseVoice: {error!r}") from error
    if sizes != {BINS * numbers["lfr_window_size"]} or vocabulary.keys() != set(range(numbers["vocab_size"])):
        raise EngineFailed(f"{MODEL} and {TOKENS} do not belong together.")
    return {piece: number for number, piece in vocabulary.items()}


def _metadata(model: Path) -> dict[str, str]:
    import onnx
    from google.protobuf.message import DecodeError

    try:
        entries = onnx.load(model, load_external_data=False).metadata_props
    except DecodeError as error:
        raise EngineFailed(f"{model.name} is no ONNX model: {error}") from error
    return {entry.key: entry.value for entry in entries}


def _open(place: LoadContext, written: bool, language: str) -> Any:
    from sherpa_onnx import OfflineRecognizer

    return OfflineRecognizer.from_sense_voice(
        model=str(place.weights / MODEL),
        tokens=str(place.weights / TOKENS),
        num_threads=place.threads,
        provider=place.device,
        language=language,
        use_itn=written,
    )
