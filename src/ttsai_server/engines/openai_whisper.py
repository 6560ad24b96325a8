"""Whisper as OpenAI published it (Radford et al. 2022), in PyTorch by their package `openai-whisper`.

A reference for comparisons; the engine `whisper` gives equal quality at a fraction of the cost.
"""

import warnings
from collections import defaultdict
from collections.abc import Generator, Sequence
from pathlib import Path
from pickle import UnpicklingError
from threading import Lock
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import Field

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import ModelCard, PartialTranscript, Segment, TranscriptionRequest, Word
from ttsai_server.engines.base import Cancellation, Cancelled, LoadContext, Transcriber
from ttsai_server.engines.shared.transcription.steps import transcribed
from ttsai_server.engines.shared.transcription.windows import Chunk, Sound
from ttsai_server.errors import EngineFailed, WeightsMissing

WARMER, SAMPLES = 0.2, 5
"""Increase of the temperature if a text is unlikely or repetitive; number of texts sampled then."""
UNSURE = 0.5
"""A text generated at a higher temperature is not used as context for the next one."""
CONTEXT = 1000
"""Characters of preceding text passed to the model, which uses their last 223 tokens."""


class OpenAIWhisper(Transcriber):
    """Deterministic. A step transcribes up to 30 s of speech."""

    extra, packages = "openai-whisper", ("faster_whisper", "torch", "whisper")
    gpu_packages = ()

    class Setup(Transcriber.Setup):
        size: str = "base"
        """The package's name of the model; the weights are <size>.pt."""

    class Options(Transcriber.Options):
        beam_size: int = Field(default=5, ge=1, le=10)
        """Beam size of the beam search."""

    _exclusive: ClassVar = Lock()
    """Held while transcribing: the package installs hooks in a model, and changes the attention of all models."""

    def __init__(self, model: Any) -> None:
        self._model: Any = model
        self._cancellation = Cancellation()
        for module in model.modules():
            module.register_forward_pre_hook(self._raise_if_cancelled)

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Self:
        size = cls.Setup.model_validate(dict(card.setup)).size
        if not (place.weights / f"{size}.pt").is_file():
            raise WeightsMissing(card.id)
        return cls(_load(place.weights / f"{size}.pt", size, place))

    def warm_up(self, card: ModelCard) -> None:
        import torch  # pyright: ignore[reportMissingImports]
        from whisper.timing import dtw  # pyright: ignore[reportMissingImports]

        dtw(torch.zeros(2, 2))  # compiled by numba at the first call: many seconds

    def transcribe(
        self, recording: Recording, request: TranscriptionRequest, cancellation: Cancellation
    ) -> Generator[PartialTranscript]:
        from ttsai_server.engines.shared.transcription.languages import ENGLISH, ISO

        before = request.prompt
        seconds: dict[str, float] = defaultdict(float)

        def hear(chunks: Sequence[Chunk]) -> tuple[list[Segment], str]:
            nonlocal before
            segments: list[Segment] = []
            for chunk in chunks:
                result = self._run(chunk.sound, request, before, cancellation)
                language = ISO.get(result["language"], str(result["language"]))
                seconds[language] += chunk.seconds
                before = _context(before, result["segments"])
                segments += [_segment(entry, chunk, language) for entry in result["segments"] if entry["text"].strip()]
            return segments, max(seconds, key=lambda code: seconds[code], default=request.language or ENGLISH)

        return transcribed(recording, request, cancellation, hear)

    def close(self) -> None:
        self._model = None

    def _run(
        self, sound: Sound, request: TranscriptionRequest, before: str, cancellation: Cancellation
    ) -> dict[str, Any]:
        """The result of `whisper.transcribe`. Raises Cancelled."""
        import torch  # pyright: ignore[reportMissingImports]

        from ttsai_server.engines.shared.transcription.languages import WHISPERS_OWN

        with self._exclusive:
            if not self._model:
                raise EngineFailed("The engine is closed.")
            self._cancellation = cancellation
            torch.manual_seed(0)  # deterministic sampling
            try:
                return self._model.transcribe(
                    sound,
                    task="translate" if request.translate else "transcribe",
                    language=WHISPERS_OWN.get(request.language or "", request.language),
                    temperature=tuple(float(degree) for degree in np.arange(request.temperature, 1.001, WARMER)),
                    beam_size=self.Options.model_validate(dict(request.options)).beam_size,
                    best_of=SAMPLES,
                    initial_prompt=before.replace("<|", "< |") or None,  # the package rejects special tokens
                    word_timestamps=request.words,
                    fp16=self._model.device.type == "cuda",
                )
            except RuntimeError as error:
                raise EngineFailed(f"PyTorch failed: {error}") from error
            except Cancelled:
                for block in self._model.decoder.blocks:
                    block.cross_attn._forward_hooks.clear()  # the package removes its hooks only if it succeeds
                raise

    def _raise_if_cancelled(self, *_: Any) -> None:
        """Called before each layer, so that a cancellation waits for at most one layer."""
        if self._cancellation.cancelled:
            raise Cancelled


def _load(file: Path, size: str, place: LoadContext) -> Any:
    import torch  # pyright: ignore[reportMissingImports]
    from whisper import _ALIGNMENT_HEADS, load_model  # pyright: ignore
    from whisper.tokenizer import get_tokenizer  # pyright: ignore[reportMissingImports]

    torch.set_num_threads(place.threads)
    try:
        model = load_model(str(file), place.device)  # uses weights_only, so no code in the file is run
        model.set_alignment_heads(_ALIGNMENT_HEADS[size])
    except (RuntimeError, UnpicklingError, EOFError, KeyError, TypeError) as error:
        raise EngineFailed(f"{file.name} is no Whisper {size!r}: {error}") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the package leaves its vocabulary's file open
        get_tokenizer(model.is_multilingual, num_languages=model.num_languages)
    return model.eval()


def _context(before: str, segments: list[dict[str, Any]]) -> str:
    """The text so far, as context for the next chunk, from after the last segment that the model was unsure of."""
    for entry in segments:
        before = "" if entry["temperature"] > UNSURE else f"{before} {entry['text'].strip()}"
    return before[-CONTEXT:].strip()


def _segment(entry: dict[str, Any], chunk: Chunk, language: str) -> Segment:
    words = tuple(_word(word, chunk) for word in entry.get("words", ()) if word["word"].strip())
    start, end = float(entry["start"]), float(entry["end"])
    return Segment(
        entry["text"].strip(),
        words[0].start if words else chunk.time(start, start),
        words[-1].end if words else chunk.time(end, start),
        words,
        tokens=tuple(entry["tokens"]),
        temperature=entry["temperature"],
        average_log_probability=entry["avg_logprob"],
        compression_ratio=entry["compression_ratio"],
        no_speech_probability=entry["no_speech_prob"],
        language=language,
    )


def _word(entry: dict[str, Any], chunk: Chunk) -> Word:
    start, end = float(entry["start"]), float(entry["end"])
    middle = (start + end) / 2
    return Word(
        entry["word"].strip(),
        chunk.time(start, middle),
        chunk.time(end, middle),
        float(entry["probability"]),
        joined=not entry["word"].startswith(" "),
    )
