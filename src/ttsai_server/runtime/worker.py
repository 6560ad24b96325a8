"""The process of one model: python -m ttsai_server.runtime.worker MESSAGES DESCRIPTORS.

The arguments are the file descriptors of two inherited sockets. The worker answers the messages of `wire` until the
socket is closed; then it exits at once, whatever its threads are doing.
"""

import ctypes
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from ttsai_server.audio.recording import Recording
from ttsai_server.engines.base import Cancellation, Engine
from ttsai_server.errors import DiskFull, EngineFailed, InternalError
from ttsai_server.logs import configure
from ttsai_server.memory import spare_collector, use_one_arena
from ttsai_server.runtime.loading import load, steps
from ttsai_server.runtime.wire import LENGTH_BYTES, Begin, Cancel, End, Load, Next, Reply, crosses, decode, encode
from ttsai_server.settings import Log, Models

logger = logging.getLogger(__name__)

LOADING = 0
"""Number of the stream in the reply to Load."""


@dataclass
class Stream:
    """One call of a generator method of the engine."""

    begin: Begin
    cancellation: Cancellation = field(default_factory=Cancellation)
    steps: Generator[Any] | None = None

    def next(self, engine: Engine) -> Any:
        steps = self.steps = self.steps or getattr(engine, self.begin.method)(*self.begin.arguments, self.cancellation)
        return next(steps, None)

    def close(self) -> None:
        if self.steps:
            self.steps.close()
        for argument in self.begin.arguments:
            if isinstance(argument, Recording):
                argument.close()


class Worker:
    def __init__(self, messages: socket.socket, descriptors: socket.socket) -> None:
        self._messages = messages
        self._descriptors = descriptors
        self._sending = Lock()
        self._streams: dict[int, Stream] = {}
        self._engine: Engine
        self._threads: ThreadPoolExecutor

    def serve(self) -> None:
        """Handle the messages, each step in a thread; returns when the socket is closed."""
        with self._messages.makefile("rb") as frames:
            while length := frames.read(LENGTH_BYTES):
                self._handle(decode(frames.read(int.from_bytes(length, "big")), self._receive))

    def _handle(self, message: object) -> None:
        match message:
            case Load():
                models, log = Models.model_validate_json(message.models), Log.model_validate_json(message.log)
                configure(log.level, log.format)
                self._threads = ThreadPoolExecutor(steps(message.card, models), thread_name_prefix=message.card.id)
                self._threads.submit(self._answer, LOADING, lambda: self._load(message, models))
            case Begin():
                self._streams[message.stream] = Stream(message)
            case Next():
                stream = self._streams[message.stream]
                self._threads.submit(self._answer, message.stream, lambda: stream.next(self._engine))
            case Cancel():
                self._streams[message.stream].cancellation.cancel()
            case End():
                self._threads.submit(_or_die, self._streams.pop(message.stream).close)
            case _:
                raise ValueError(f"unknown message {message!r}")

    def _load(self, message: Load, models: Models) -> None:
        self._engine = load(message.card, models)
        spare_collector()

    def _answer(self, stream: int, work: Callable[[], Any]) -> None:
        def answer() -> None:
            try:
                frame, _ = encode(Reply(stream, work()))
            except BaseException as error:
                frame, _ = encode(Reply(stream, error=crossing(error)))
            with self._sending:
                self._messages.sendall(frame)

        _or_die(answer)

    def _receive(self) -> int:
        return socket.recv_fds(self._descriptors, 1, 1)[1][0]


def crossing(error: BaseException) -> Exception:
    """The error that is sent to the server for this one."""
    if DiskFull.is_cause(error):
        return DiskFull()
    if isinstance(error, Exception) and crosses(error):
        if isinstance(error, InternalError):  # only its message is sent, so log the traceback here
            logger.error("%s", error, exc_info=error)
        return error
    logger.error("the engine failed", exc_info=error)
    return EngineFailed(f"The engine raised {type(error).__name__}: {error}")


def _or_die(work: Callable[[], object]) -> None:
    """Run `work`; if it raises, end the process, since the server would wait for a reply forever."""
    try:
        work()
    except BaseException:
        logger.critical("the model's process has a fault, and ends", exc_info=True)
        os._exit(70)


def _die_with_parent() -> None:
    """Have the kernel kill this process when the server dies, even while native code holds the GIL. Linux only; on
    other systems the closed socket has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def main(messages: int, descriptors: int) -> None:
    _die_with_parent()
    for number in (signal.SIGINT, signal.SIGTERM):  # the whole process group gets them; the server ends its workers
        signal.signal(number, signal.SIG_IGN)
    use_one_arena()
    _or_die(Worker(socket.socket(fileno=messages), socket.socket(fileno=descriptors)).serve)
    os._exit(0)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
