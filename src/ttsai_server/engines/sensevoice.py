"""SenseVoice, speech to text in Chinese, Cantonese, English, Japanese and Korean (An et al. 2024, FunAudioLLM).

By sherpa-onnx: its export of SenseVoiceSmall, a CTC model that hears a whole utterance in one go.
"""

from collections.abc import Callable, Generator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import regex

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import ModelCard, Passage, Segment, TranscriptionRequest, Word
from ttsai_server.engines.base import Cancellation, Cancelled, Place, Transcriber
from ttsai_server.engines.listening.windows import RATE, Window, windows
from ttsai_server.errors import BadRequest, EngineFailed, WeightsMissing

MODEL, TOKENS = "model.int8.onnx", "tokens.txt"
LANGUAGES = ("zh", "en", "yue", "ja", "ko")
NUMBERS = (
    "vocab_size", "lfr_window_size", "lfr_window_shift", "normalize_samples", "with_itn", "without_itn",
    "lang_auto", *(f"lang_{language}" for language in LANGUAGES),
)  # fmt: skip
"""Metadata that sherpa-onnx reads; without one of them it ends the process."""
VECTORS = ("neg_mean", "inv_stddev")
BINS = 80
"""Mel bins of a frame."""
SHORTEST = RATE // 5
"""Samples of the shortest utterance: sherpa-onnx reads beyond the end of one that fills no window of frames."""
RINGING = 0.3
"""Seconds at most from a word's last token to its end; a CTC token has a time, but no length."""
LOADED = 2
"""Languages whose recognizers are kept: sherpa-onnx fixes the language when it loads the model."""
_TAG = regex.compile(r"<\|.*\|>")
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]")
_LETTER = regex.compile(r"[\p{L}\p{M}\p{N}]")


class SenseVoice(Transcriber):
    """It tells no probabilities (a word's is always 1), and takes neither prompt nor temperature."""

    class Setup(Transcriber.Setup):
        written: bool = True
        """Whether numbers are figures and sentences have punctuation; else plain words as they are said."""

    def __init__(self, recognizer: Callable[[str], Any]) -> None:
        self._recognizer: Callable[[str], Any] | None = recognizer

    @classmethod
    def load(cls, card: ModelCard, place: Place) -> Self:
        if not all((place.weights / file).is_file() for file in (MODEL, TOKENS)):
            raise WeightsMissing(card.id)
        setup = cls.Setup.model_validate(dict(card.options))
        _check(place.weights)
        recognizer = lru_cache(LOADED)(partial(_open, place, setup.written))
        recognizer("auto")
        return cls(recognizer)

    def transcribe(
        self, recording: Recording, request: TranscriptionRequest, cancellation: Cancellation
    ) -> Generator[Passage]:
        if request.translate:
            raise BadRequest("SenseVoice does not translate.", param="model")
        if request.language not in (None, *LANGUAGES):
            raise BadRequest(f"SenseVoice hears {', '.join(LANGUAGES)}.", param="language")
        language = request.language
        for window in windows(recording):
            heard = list(self._hear(window, request.language or "auto", cancellation))
            language = request.language or next((found for found, _ in heard), language)
            segments = tuple(_segment(words, words=request.words) for _, words in heard)
            yield Passage(segments, window.end / RATE, language or LANGUAGES[0])

    def close(self) -> None:
        self._recognizer = None

    def _hear(
        self, window: Window, language: str, cancellation: Cancellation
    ) -> Generator[tuple[str, tuple[Word, ...]]]:
        """The language and words of each stretch of speech that has some."""
        for first, end in window.speech:
            if cancellation.cancelled:
                raise Cancelled
            if self._recognizer is None:
                raise EngineFailed("The engine is closed.")
            result = _decode(self._recognizer(language), window.samples[first:end])
            found, start = result.lang.strip("<|>"), (window.start + first) / RATE
            if found in LANGUAGES and (words := _words(result, start, (window.start + end) / RATE)):
                yield found, words


def _check(weights: Path) -> None:
    """Raises EngineFailed for files that sherpa-onnx would end the process over."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(weights / MODEL, load_external_data=False)
    except DecodeError as error:
        raise EngineFailed(f"{MODEL} is no ONNX model: {error}") from error
    known = {entry.key: entry.value for entry in model.metadata_props}
    try:
        numbers = {key: int(known[key]) for key in NUMBERS}
        sizes = {len([float(number) for number in known[key].split(",")]) for key in VECTORS}
        lines = (weights / TOKENS).read_text("utf-8").splitlines()
        ids = {int(line.rsplit(" ", 1)[1]) for line in lines}
    except (KeyError, ValueError, IndexError) as error:
        raise EngineFailed(f"{MODEL} or {TOKENS} is not as sherpa-onnx exports SenseVoice: {error!r}") from error
    if sizes != {BINS * numbers["lfr_window_size"]} or ids != set(range(numbers["vocab_size"])):
        raise EngineFailed(f"{MODEL} and {TOKENS} do not belong together.")


def _open(place: Place, written: bool, language: str) -> Any:
    try:
        from sherpa_onnx import OfflineRecognizer
    except ImportError as error:
        raise EngineFailed("SenseVoice needs an extra: pip install 'ttsai-server[sensevoice]'") from error
    return OfflineRecognizer.from_sense_voice(
        model=str(place.weights / MODEL),
        tokens=str(place.weights / TOKENS),
        num_threads=place.threads,
        provider=place.device,
        language=language,
        use_itn=written,
    )


def _decode(recognizer: Any, samples: np.ndarray) -> Any:
    stream = recognizer.create_stream()
    stream.accept_waveform(RATE, np.pad(samples, (0, max(0, SHORTEST - len(samples)))))
    recognizer.decode_stream(stream)
    if not stream.result.lang:  # sherpa-onnx writes what went wrong to stderr, and answers with nothing
        raise EngineFailed("SenseVoice failed; what sherpa-onnx says about it is on stderr.")
    return stream.result


def _words(result: Any, start: float, end: float) -> tuple[Word, ...]:
    """Tokens put together: a word of an alphabet, or one Chinese or Japanese character, with its punctuation."""
    words: list[tuple[str, float, float]] = []
    for token, time in zip(result.tokens, result.timestamps, strict=True):
        if _TAG.fullmatch(token):
            continue
        if words and _clings(words[-1][0], token):
            words[-1] = (words[-1][0] + token, words[-1][1], start + time)
        else:
            words.append((token, start + time, start + time))
    before = ["", *(text for text, _, _ in words)]
    after = [*(first for _, first, _ in words[1:]), end]
    return tuple(
        Word(text.strip(), first, max(first, min(last + RINGING, stop, end)), 1.0, joined=_joined(previous, text))
        for (text, first, last), previous, stop in zip(words, before, after, strict=False)
        if text.strip()
    )


def _clings(word: str, token: str) -> bool:
    """Whether the token goes on with the word: punctuation, or letters after letters of an alphabet."""
    if not _LETTER.search(token):
        return True
    return _joined(word, token) and not (_UNSPACED.search(token) or _UNSPACED.search(word))


def _joined(word: str, token: str) -> bool:
    return bool(word) and not (word.endswith(" ") or token.startswith(" "))


def _segment(heard: tuple[Word, ...], *, words: bool) -> Segment:
    text = "".join(word.text if word.joined else f" {word.text}" for word in heard).strip()
    return Segment(text, heard[0].start, heard[-1].end, heard if words else ())
