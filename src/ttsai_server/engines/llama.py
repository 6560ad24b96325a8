"""Chat models in GGUF files, by llama.cpp through the package xllamacpp.

xllamacpp runs llama.cpp's HTTP server, beside the calls that are used here, and can't do without its listener. It is
made to listen on a Unix socket in a private folder, which is deleted as soon as it listens, and to ask for a key that
nobody knows: no port is opened, and nobody can connect.
"""

from collections.abc import Generator, Mapping
from pathlib import Path
from queue import SimpleQueue
from secrets import token_hex
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any, Self

from pydantic import Field

from ttsai_server.domain import ChatDelta, ChatRequest, ModelCard
from ttsai_server.engines.base import Cancellation, Cancelled, Chatter, LoadContext
from ttsai_server.errors import BadRequest, EngineFailed, WeightsMissing

MODEL = "model.gguf"


class Llama(Chatter):
    """Answers up to `LoadContext.steps` conversations at the same time, in one batch."""

    extra = "chat"
    packages = ("xllamacpp",)
    gpu_packages = ()

    class Setup(Chatter.Setup):
        context: int = Field(default=4096, ge=256)
        """Longest conversation, tokens, the answer included."""

    def __init__(self, server: Any) -> None:
        """server: an `xllamacpp.Server`."""
        self._server = server

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Self:
        if not (place.weights / MODEL).is_file():
            raise WeightsMissing(card.id)
        from xllamacpp import CommonParams, Server  # pyright: ignore[reportAttributeAccessIssue] compiled

        setup = cls.Setup.model_validate(dict(card.setup))
        with TemporaryDirectory() as private:  # made for its owner alone
            parameters = CommonParams()
            parameters.model.path = str(place.weights / MODEL)
            parameters.n_parallel, parameters.n_ctx = place.steps, setup.context * place.steps
            for processors in (parameters.cpuparams, parameters.cpuparams_batch):
                processors.n_threads = place.threads
            parameters.n_gpu_layers = -1 if place.device == "cuda" else 0
            parameters.hostnames, parameters.api_keys = [str(Path(private) / "s.sock")], [token_hex(32)]
            parameters.ui = parameters.endpoint_slots = False
            parameters.offline, parameters.verbosity = True, 0
            try:
                return cls(Server(parameters))
            except RuntimeError as error:
                raise EngineFailed(f"{MODEL} can't be loaded: {error}") from error

    def chat(self, request: ChatRequest, cancellation: Cancellation) -> Generator[ChatDelta]:
        if not self._server:
            raise EngineFailed("The model is closed.")
        answer = _Answer(self._server, request)
        try:
            while True:
                with cancellation.interrupting(answer.stop):
                    part = answer.next()
                if cancellation.cancelled:
                    raise Cancelled
                if part is None:
                    return
                yield part
        finally:
            answer.close()

    def close(self) -> None:
        self._server = None


class _Answer:
    """An answer being written, in a thread of its own: xllamacpp hands over its parts in a callback."""

    def __init__(self, server: Any, request: ChatRequest) -> None:
        self._stopped = Event()
        self._parts: SimpleQueue[ChatDelta | Exception | None] = SimpleQueue()
        self._thread = Thread(target=self._write, args=(server, request))
        self._thread.start()

    def next(self) -> ChatDelta | None:
        """The next part; None after the last one, and once it is stopped. Raises BadRequest or EngineFailed."""
        part = self._parts.get()
        if isinstance(part, Exception):
            raise part
        return part

    def stop(self) -> None:
        """Write no more; returns at once."""
        self._stopped.set()
        self._parts.put(None)

    def close(self) -> None:
        """Stop, and wait until it has."""
        self.stop()
        self._thread.join()

    def _write(self, server: Any, request: ChatRequest) -> None:
        try:
            server.handle_chat_completions(request.as_openai(), self._take)
        except Exception as error:
            self._parts.put(EngineFailed(f"llama.cpp failed: {error}"))
        self._parts.put(None)

    def _take(self, chunk: Mapping[str, Any]) -> bool:
        """→ whether to stop."""
        if error := chunk.get("error"):
            self._parts.put(_failure(error))
        for delta in ChatDelta.of_openai(chunk):
            self._parts.put(delta)
        return self._stopped.is_set()


def _failure(error: Mapping[str, Any]) -> Exception:
    if error.get("type") == "exceed_context_size_error":
        return BadRequest(f"The conversation is too long for the chat model: {error.get('message')}.", param="text")
    return EngineFailed(f"llama.cpp failed: {error.get('message')}")
