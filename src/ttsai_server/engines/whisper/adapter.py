"""Whisper, speech to text (Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision"),
run by CTranslate2 with faster-whisper."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import ModelCard, PartialTranscript, Segment, TranscriptionRequest
from ttsai_server.engines.base import Cancellation, LoadContext, Transcriber
from ttsai_server.engines.shared.transcription.steps import transcribed
from ttsai_server.engines.shared.transcription.windows import Chunk
from ttsai_server.errors import EngineFailed, WeightsMissing
from ttsai_server.memory import keep_freed

if TYPE_CHECKING:
    from ttsai_server.engines.whisper.network import Network

ARITHMETIC = {"cpu": "int8", "cuda": "float16"}
CHUNKS = {"cpu": 2, "cuda": 16}
"""Device → chunks of 30 s per step: more take more memory, and gain nothing on a CPU."""
BATCH = {"cpu": 0, "cuda": 16}
"""Device → requests that are transcribed together. The second is a guess: not measured."""


class FasterWhisper(Transcriber):
    """Transcribes a recording window by window. Deterministic, unless the temperature is above 0."""

    extra, packages = "whisper", ("ctranslate2", "faster_whisper")
    gpu_packages = ()

    class Setup(Transcriber.Setup):
        arithmetic: Literal["auto", "int8", "int8_float16", "float16", "bfloat16", "float32"] = "auto"
        """CTranslate2's compute type; auto: int8 on a CPU, float16 on CUDA."""
        chunks: int = Field(default=0, ge=0)
        """Chunks of 30 s per step; 0: 2 on a CPU, 16 on CUDA."""
        batch: int = Field(default=0, ge=0, le=64)
        """Most requests that are transcribed together, `chunks` at once; 0: 16 on CUDA, on a CPU each by itself."""

        lead: float = Field(default=0, ge=-0.5, le=0.5)
        """Seconds by which the model puts words too early; negative: too late."""

    class Options(Transcriber.Options):
        beam_size: int = Field(default=5, ge=1, le=10)
        """Beam size of the beam search."""
        vad_threshold: float = Field(default=0.5, ge=0, le=1)
        """Probability of speech above which sound is transcribed; 0: everything is."""

    def __init__(self, network: Network, chunks: int, lead: float) -> None:
        self._network: Network | None = network
        self._chunks, self._lead = chunks, lead

    @classmethod
    def batch(cls, card: ModelCard, device: str) -> int:
        return cls.Setup.model_validate(dict(card.setup)).batch or BATCH[device]

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> FasterWhisper:
        from faster_whisper import WhisperModel

        from ttsai_server.engines.whisper.network import Network

        if not (place.weights / "model.bin").is_file():
            raise WeightsMissing(card.id)
        setup = cls.Setup.model_validate(dict(card.setup))
        together, chunks = cls.batch(card, place.device), setup.chunks or CHUNKS[place.device]
        arithmetic = ARITHMETIC[place.device] if setup.arithmetic == "auto" else setup.arithmetic
        if place.device == "cpu":
            keep_freed()
        try:
            model = WhisperModel(
                str(place.weights),
                device=place.device,
                compute_type=arithmetic,
                cpu_threads=place.threads,
                num_workers=1 if together else place.steps,
                local_files_only=True,
            )
        except (RuntimeError, ValueError) as error:
            raise EngineFailed(f"CTranslate2 could not load {card.id!r}: {error}") from error
        return cls(Network(model, chunks if together else 0), chunks, setup.lead)

    def transcribe(
        self, recording: Recording, request: TranscriptionRequest, cancellation: Cancellation
    ) -> Generator[PartialTranscript]:
        from ttsai_server.engines.whisper.transcription import ChunkTranscriber

        if not self._network:
            raise EngineFailed("The engine is closed.")
        options = self.Options.model_validate(dict(request.options))
        transcriber = ChunkTranscriber(self._network, request, options.beam_size, self._lead, cancellation)

        def hear(chunks: Sequence[Chunk]) -> tuple[list[Segment], str]:
            return transcriber.transcribe(chunks) if chunks else [], transcriber.language

        yield from transcribed(
            recording, request, cancellation, hear, chunks=self._chunks, threshold=options.vad_threshold
        )

    def close(self) -> None:
        network, self._network = self._network, None
        if network:
            network.close()
