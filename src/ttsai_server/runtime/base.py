"""What a service sees of a loaded model, wherever it runs."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import (
    Analysis,
    Audio,
    Diarization,
    DiarizationRequest,
    EnhancementRequest,
    ModelCard,
    PartialTranscript,
    SpeechRequest,
    Stems,
    TranscriptionRequest,
)


class Playback:
    """When the sound that a listener has runs out: the deadline of the next step. Made inside a running loop."""

    def __init__(self) -> None:
        self._now = asyncio.get_running_loop().time
        self.due = self._now()
        """Seconds of the loop's clock."""

    def add(self, seconds: float) -> None:
        """More sound is ready; it plays after what there was, or from now on if that has run out."""
        self.due = max(self.due, self._now()) + seconds


class EngineHandle(Protocol):
    """A leased model: it stays loaded until the lease ends.

    Each method runs the engine's of the same name off the event loop, one step a turn. Cancelling the task that
    iterates interrupts the engine, and returns when it has stopped. All raise what the engine raises, and ModelLoading
    if no turn comes within `models.queue_wait_seconds`.
    """

    def synthesize(self, request: SpeechRequest, playback: Playback) -> AsyncGenerator[Audio]:
        """What is made is added to the playback."""
        ...

    def transcribe(self, recording: Recording, request: TranscriptionRequest) -> AsyncGenerator[PartialTranscript]:
        """Of several recordings, the one that has been heard least goes on first."""
        ...

    def diarize(self, recording: Recording, request: DiarizationRequest) -> AsyncGenerator[Diarization]:
        """Its turns come as `transcribe`'s."""
        ...

    def enhance(self, recording: Recording, request: EnhancementRequest) -> AsyncGenerator[Audio]:
        """Its turns come as `transcribe`'s."""
        ...

    def separate(self, recording: Recording) -> AsyncGenerator[Stems]:
        """Its turns come as `transcribe`'s."""
        ...

    def analyze(self, recording: Recording) -> AsyncGenerator[Analysis]:
        """Its turns come as `transcribe`'s."""
        ...


@dataclass(frozen=True, slots=True)
class ModelState:
    """A model's place in the pool, for /metrics and /health/ready."""

    id: str
    loaded: bool
    loading: bool
    memory_mb: int
    """What its card says it takes, megabytes; 0 when not loaded."""
    leases: int
    """Requests that hold it."""
    waiting: int
    """Steps of work that wait for a turn."""
    idle_seconds: float


class Runtime(Protocol):
    """Where models run; `pool.Pool` is the one in this process."""

    def lease(self, card: ModelCard) -> AbstractAsyncContextManager[EngineHandle]:
        """Hold a model, loading it first if need be.

        Raises ModelLoading when it is still loading after `models.load_wait_seconds`, or too many requests hold it, and
        what the engine's `load` raises.
        """
        ...

    async def unload(self, card: ModelCard) -> bool:
        """Free a model that nobody holds; False if it is held or not loaded."""
        ...

    def states(self) -> list[ModelState]:
        """Every model that has been asked for."""
        ...
