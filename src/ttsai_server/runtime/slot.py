"""One model's place in the pool: its engine while loaded, who holds it, and whose turn it is."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing
from time import monotonic
from typing import TypeVar, cast

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
from ttsai_server.engines.base import (
    Analyzer,
    Cancellation,
    Diarizer,
    Engine,
    Enhancer,
    Separator,
    Synthesizer,
    Transcriber,
)
from ttsai_server.errors import ModelLoading
from ttsai_server.runtime.base import ModelState, Playback
from ttsai_server.runtime.scheduler import DeadlineSemaphore, NoTurn
from ttsai_server.runtime.threads import in_thread

T = TypeVar("T")

SATURATED_RETRY_SECONDS = 5


class Slot:
    """Also the handle that a lease gives: see `base.EngineHandle`."""

    def __init__(self, card: ModelCard, steps: int, queue_wait_seconds: float) -> None:
        """steps: how many run at the same time."""
        self.card = card
        self.engine: Engine | None = None
        self.loading: asyncio.Task[None] | None = None
        self.leases = 0
        self.last_used = monotonic()
        self._turns = DeadlineSemaphore(steps)
        self._threads = ThreadPoolExecutor(steps, thread_name_prefix=card.id)
        self._queue_wait_seconds = queue_wait_seconds

    async def synthesize(self, request: SpeechRequest, playback: Playback) -> AsyncGenerator[Audio]:
        engine = cast(Synthesizer, self.engine)
        async with aclosing(self._run(lambda c: engine.synthesize(request, c), playback, _long)) as steps:
            async for audio in steps:
                yield audio
                if audio.last:  # a turn to hear that there is no more would come when the sound has run out
                    return

    def transcribe(self, recording: Recording, request: TranscriptionRequest) -> AsyncGenerator[PartialTranscript]:
        engine = cast(Transcriber, self.engine)
        return self._run(lambda c: engine.transcribe(recording, request, c), Playback(), _further())

    def diarize(self, recording: Recording, request: DiarizationRequest) -> AsyncGenerator[Diarization]:
        engine = cast(Diarizer, self.engine)
        return self._run(lambda c: engine.diarize(recording, request, c), Playback(), _further())

    def enhance(self, recording: Recording, request: EnhancementRequest) -> AsyncGenerator[Audio]:
        engine = cast(Enhancer, self.engine)
        return self._run(lambda c: engine.enhance(recording, request, c), Playback(), _long)

    def separate(self, recording: Recording) -> AsyncGenerator[Stems]:
        engine = cast(Separator, self.engine)
        return self._run(lambda c: engine.separate(recording, c), Playback(), _long)

    def analyze(self, recording: Recording) -> AsyncGenerator[Analysis]:
        engine = cast(Analyzer, self.engine)
        return self._run(lambda c: engine.analyze(recording, c), Playback(), _further())

    async def _run(
        self, start: Callable[[Cancellation], Generator[T]], playback: Playback, seconds: Callable[[T], float]
    ) -> AsyncGenerator[T]:
        cancellation = Cancellation()
        with closing(start(cancellation)) as steps:
            while (made := await self._step(steps, playback.due, cancellation)) is not None:
                playback.add(seconds(made))
                yield made

    async def _step(self, steps: Generator[T], due: float, cancellation: Cancellation) -> T | None:
        try:
            async with self._turns.turn(due, self._queue_wait_seconds):
                return await self.run(lambda: next(steps, None), cancellation)
        except NoTurn:
            raise self.saturated(f"no turn came in {self._queue_wait_seconds:g} s") from None

    async def run(self, work: Callable[[], T], cancellation: Cancellation | None = None) -> T:
        """Run in one of the model's threads, as `threads.in_thread`."""
        return await in_thread(self._threads, work, cancellation)

    def saturated(self, why: str) -> ModelLoading:
        return ModelLoading(f"{self.card.id!r} is busy: {why}.", retry_after=SATURATED_RETRY_SECONDS)

    def state(self) -> ModelState:
        return ModelState(
            id=self.card.id,
            loaded=self.engine is not None,
            loading=self.loading is not None,
            memory_mb=self.card.memory if self.engine else 0,
            leases=self.leases,
            waiting=self._turns.waiting,
            idle_seconds=0 if self.leases else monotonic() - self.last_used,
        )

    def close(self) -> None:
        """End the threads, once what they run has ended."""
        self._threads.shutdown(wait=True, cancel_futures=True)


def _long(made: Audio | Stems) -> float:
    return made.seconds


def _further() -> Callable[[PartialTranscript | Diarization | Analysis], float]:
    """How many seconds of a recording each step has done."""
    done = 0.0

    def further(step: PartialTranscript | Diarization | Analysis) -> float:
        nonlocal done
        before, done = done, step.end
        return done - before

    return further
