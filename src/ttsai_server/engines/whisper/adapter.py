"""Whisper, speech to text (Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision"),
run by CTranslate2 with faster-whisper."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import ModelCard, PartialTranscript, Segment, TranscriptionRequest
from ttsai_server.engines.base import Cancellation, Cancelled, LoadContext, Transcriber
from ttsai_server.engines.shared.transcription.windows import read_window
from ttsai_server.errors import EngineFailed, WeightsMissing
from ttsai_server.memory import keep_freed

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

ARITHMETIC = {"cpu": "int8", "cuda": "float16"}
CHUNKS = {"cpu": 2, "cuda": 16}
"""Device → chunks of 30 s per step: more take more memory, and gain nothing on a CPU."""


class FasterWhisper(Transcriber):
    """Transcribes a recording window by window. Deterministic, unless the temperature is above 0."""

    extra, packages = "whisper", ("ctranslate2", "faster_whisper")
    gpu_packages = ()

    class Setup(Transcriber.Setup):
        arithmetic: Literal["auto", "int8", "int8_float16", "float16", "bfloat16", "float32"] = "auto"
        """CTranslate2's compute type; auto: int8 on a CPU, float16 on CUDA."""
        chunks: int = Field(default=0, ge=0)
        """Chunks of 30 s per step; 0: 2 on a CPU, 16 on CUDA."""

        lead: float = Field(default=0, ge=0, le=0.5)
        """Seconds by which the model puts words too early."""

    class Options(Transcriber.Options):
        beam_size: int = Field(default=5, ge=1, le=10)
        """Beam size of the beam search."""
        vad_threshold: float = Field(default=0.5, ge=0, le=1)
        """Probability of speech above which sound is transcribed; 0: everything is."""

    def __init__(self, model: WhisperModel, chunks: int, lead: float) -> None:
        self._model: WhisperModel | None = model
        self._chunks, self._lead = chunks, lead

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> FasterWhisper:
        from faster_whisper import WhisperModel

        if not (place.weights / "model.bin").is_file():
            raise WeightsMissing(card.id)
        setup = cls.Setup.model_validate(dict(card.setup))
        arithmetic = ARITHMETIC[place.device] if setup.arithmetic == "auto" else setup.arithmetic
        if place.device == "cpu":
            keep_freed()
        try:
            model = WhisperModel(
                str(place.weights),
                device=place.device,
                compute_type=arithmetic,
                cpu_threads=place.threads,
                num_workers=place.steps,
                local_files_only=True,
            )
        except (RuntimeError, ValueError) as error:
            raise EngineFailed(f"CTranslate2 could not load {card.id!r}: {error}") from error
        return cls(model, setup.chunks or CHUNKS[place.device], setup.lead)

    def transcribe(
        self, recording: Recording, request: TranscriptionRequest, cancellation: Cancellation
    ) -> Generator[PartialTranscript]:
        from ttsai_server.engines.shared.transcription.speech import detect
        from ttsai_server.engines.whisper.transcription import ChunkTranscriber

        if not self._model:
            raise EngineFailed("The engine is closed.")
        options = self.Options.model_validate(dict(request.options))
        transcriber = ChunkTranscriber(self._model, request, options.beam_size, self._lead, cancellation)
        position = 0
        while position < recording.frames:
            if cancellation.cancelled:
                raise Cancelled
            window = read_window(recording, position, self._chunks, partial(detect, threshold=options.vad_threshold))
            segments = transcriber.transcribe(window.chunks) if window.chunks else []
            start, position = position, window.end
            yield PartialTranscript(
                start / recording.rate,
                position / recording.rate,
                _with_words_if_requested(segments, request),
                transcriber.language,
                last=position >= recording.frames,
            )

    def close(self) -> None:
        self._model = None


def _with_words_if_requested(segments: Iterable[Segment], request: TranscriptionRequest) -> tuple[Segment, ...]:
    return tuple(segment if request.words else replace(segment, words=()) for segment in segments)
