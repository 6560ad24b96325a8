"""SenseVoice, speech to text in Chinese, Cantonese, English, Japanese and Korean (An et al. 2024, FunAudioLLM).

By sherpa-onnx: its export of SenseVoiceSmall, a non-autoregressive CTC model.
"""

from collections.abc import Callable, Generator
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import regex

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import ModelCard, PartialTranscript, Segment, TranscriptionRequest
from ttsai_server.engines.base import Cancellation, Cancelled, LoadContext, Transcriber
from ttsai_server.engines.shared.transcription.windows import RATE, Chunk, Sound, read_window
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
SPACE = "▁"
"""SentencePiece's symbol for a space."""
BINS = 80
"""Mel bins per frame."""
SHORTEST = RATE // 5
"""Shorter sound is padded to this many samples: sherpa-onnx would read beyond its end."""
RINGING = 0.3
"""Most seconds from a word's last token to its end: a CTC token has a time but no duration."""
SPEECH = 0.5
"""Probability of speech above which sound is transcribed."""
LOADED = 2
"""Recognizers kept in memory, one per language: sherpa-onnx fixes the language when it loads the model."""
_TAG = regex.compile(r"<\|.*\|>")
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]")
_LETTER = regex.compile(r"[\p{L}\p{M}\p{N}]")


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
        from ttsai_server.engines.shared.transcription.speech import detect

        position, language = 0, request.language
        while position < recording.frames:
            if cancellation.cancelled:
                raise Cancelled
            window = read_window(recording, position, 1, partial(detect, threshold=SPEECH))
            segments: list[Segment] = []
            for chunk in window.chunks:
                result = self._recognize(chunk.sound, request.language)
                found = result.lang.strip("<|>")
                if found in LANGUAGES:
                    language = request.language or found
                    segments += sentences(self._parts(result, chunk), chunk, Segment("", 0, 0, language=found), found)
            start, position = position, window.end
            kept = (segment if request.words else replace(segment, words=()) for segment in segments)
            yield PartialTranscript(
                start / recording.rate,
                position / recording.rate,
                tuple(kept),
                language or ENGLISH,
                last=position >= recording.frames,
            )

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
        parts: list[Aligned] = []
        for text, token, start in _pieces(result):
            ids = (self._vocabulary[token],)
            if parts and _continues(parts[-1].text, text):
                last = parts.pop()
                parts.append(Aligned(last.text + text, last.tokens + ids, last.start, start, 1.0))
            else:
                parts.append(Aligned(text, ids, start, start, 1.0))
        stops = [*(part.start for part in parts[1:]), len(chunk.sound) / RATE]
        return [replace(part, end=min(part.end + RINGING, stop)) for part, stop in zip(parts, stops, strict=False)]


def _pieces(result: Any) -> Generator[tuple[str, str, float]]:
    """(text, token, seconds) of the tokens that are text; a separate space is put before the next one."""
    space = ""
    for token, time in zip(result.tokens, result.timestamps, strict=True):
        if not token.strip():
            space = " "
        elif not _TAG.fullmatch(token):
            yield (space + token.lstrip() if space else token), token, time
            space = ""


def _continues(word: str, text: str) -> bool:
    """Whether the text continues the word: punctuation, or letters of an alphabet after such letters."""
    if text.startswith(" "):
        return False
    return not _LETTER.search(text) or not (_UNSPACED.search(text) or _UNSPACED.search(word))


def _vocabulary(weights: Path) -> dict[str, int]:
    """Piece → id. Raises EngineFailed for files that would make sherpa-onnx end the process."""
    metadata = _metadata(weights / MODEL)
    try:
        numbers = {key: int(metadata[key]) for key in NUMBERS}
        sizes = {len([float(number) for number in metadata[key].split(",")]) for key in VECTORS}
        lines = [line.rsplit(" ", 1) for line in (weights / TOKENS).read_text("utf-8").splitlines()]
        vocabulary = {int(number): piece.replace(SPACE, " ") for piece, number in lines}
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
