"""Engines in the environments of their cards, made by uv and run by the worker as the server does, for the suites."""

import asyncio
import subprocess
from collections.abc import Coroutine, Generator
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest
from tests.engines.cloner import ClonerContract

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Audio, Embedding, ModelCard, SpeechRequest
from ttsai_server.engines.base import Cancellation, Cancelled, Cloner
from ttsai_server.engines.environments import interpreter, make
from ttsai_server.runtime.base import NextStep
from ttsai_server.runtime.children import Child
from ttsai_server.settings import Models, Settings

LONGEST_SECONDS = 3600
"""How long loading or a step may take: each is quick, but the machine may be busy."""


class ElsewhereCloner(Cloner):
    """A cloner that is loaded in a process of its own, by the interpreter of its card's environment."""

    def __init__(self, card: ModelCard, models: Path) -> None:
        """models: the folder of all weights."""
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        # more threads only wait for each other on such small networks
        settings = Settings(models=Models(dir=models, threads=1, device="cpu", step_seconds=LONGEST_SECONDS))
        start = Child.start(card, settings, str(interpreter(card, models)), LONGEST_SECONDS)
        self._child: Child | None = self._result(start)

    @classmethod
    def load(cls, card: ModelCard, place: Any) -> "ElsewhereCloner":
        return cls(card, place.weights.parent)

    def warm_up(self, card: ModelCard) -> None:
        """The worker has done so."""

    def embed(self, recording: Recording, cancellation: Cancellation) -> Generator[Embedding]:
        return self._steps(cancellation, "embed", recording)

    def synthesize(self, request: SpeechRequest, cancellation: Cancellation) -> Generator[Audio]:
        return self._steps(cancellation, "synthesize", request)

    def close(self) -> None:
        if self._child:
            self._result(self._child.close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
            self._child = None

    def _steps(self, cancellation: Cancellation, method: str, *arguments: Any) -> Generator[Any]:
        assert self._child
        context = self._child.steps(method, arguments)
        next_step = self._result(context.__aenter__())
        try:
            while (step := self._step(next_step, cancellation)) is not None:
                yield step
        finally:
            self._result(context.__aexit__(None, None, None))

    def _step(self, next_step: NextStep, cancellation: Cancellation) -> Any:
        stop = asyncio.Event()
        with cancellation.interrupting(lambda: self._loop.call_soon_threadsafe(stop.set)):
            return self._result(_unless_stopped(next_step, stop))

    def _result(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


async def _unless_stopped(next_step: NextStep, stop: asyncio.Event) -> Any:
    """Run the step; once `stop` is set, interrupt it, and raise Cancelled when it has stopped."""
    step, stopped = asyncio.ensure_future(next_step()), asyncio.ensure_future(stop.wait())
    await asyncio.wait({step, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if step.done():
        return step.result()
    step.cancel()
    await asyncio.wait({step})
    raise Cancelled


class OwnEnvironmentContract(ClonerContract):
    """The suite of cloners, for a model whose card has an environment: `make` makes it, the worker runs in it."""

    writer: ClassVar[str]
    """Module that writes a tiny, random checkpoint to the folder that it gets as its argument; run in the environment,
    since the model's package is only there."""

    @classmethod
    def loaded(cls, card: ModelCard, weights: Path) -> ElsewhereCloner:
        return ElsewhereCloner(card, weights.parent)

    @pytest.fixture(scope="class")
    @classmethod
    def weights(cls, card: ModelCard, tmp_path_factory: pytest.TempPathFactory) -> Path:
        models = tmp_path_factory.mktemp("models")
        make(card, models, print)
        folder = models / card.id
        subprocess.run([interpreter(card, models), "-m", cls.writer, folder], check=True)
        cls.complete(folder)
        return folder

    @classmethod
    def complete(cls, folder: Path) -> None:
        """Add to the checkpoint what is made by packages that the environment lacks."""
