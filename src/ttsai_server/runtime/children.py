"""The server's side of a model in a child process, which may crash, hang or leak; `worker` is the other side.

A step is one message and one reply, so the order of the steps is decided here, where all streams are known.
"""

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path
from resource import getpagesize
from time import monotonic
from typing import Any, Self

from ttsai_server.domain import ModelCard
from ttsai_server.errors import ModelCrashed
from ttsai_server.runtime.base import NextStep
from ttsai_server.runtime.threads import outwait
from ttsai_server.runtime.wire import LENGTH_BYTES, Begin, Cancel, End, Load, Next, Reply, decode, encode
from ttsai_server.settings import Settings

logger = logging.getLogger(__name__)

STOP_SECONDS = 5
"""How long a step may go on after it has been cancelled before its process is killed."""
EXIT_SECONDS = 3
"""How long a process may take to exit after its socket has been closed before it is killed."""


class Child:
    """See `base.LoadedModel`."""

    def __init__(
        self,
        card: ModelCard,
        settings: Settings,
        process: subprocess.Popen[bytes],
        streams: tuple[StreamReader, StreamWriter],
        descriptors: socket.socket,
    ) -> None:
        """streams: of the socket for messages. descriptors: the socket that open files are sent through."""
        self.alive = True
        self._card = card
        self._models = settings.models
        self._process = process
        self._reader, self._writer = streams
        self._descriptors = descriptors
        self._ids = count()
        self._replies: dict[int, asyncio.Future[Any]] = {}
        """Stream number → future of the reply that it waits for."""
        self._wanted: set[int] = set()
        """Numbers of the streams that have begun and are not cancelled."""
        self._closing = False
        """Whether it is ended on purpose."""
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(
        cls,
        card: ModelCard,
        settings: Settings,
        python: str = sys.executable,
        longest: float | None = None,
        gpu: str = "",
    ) -> Self:
        """Start a process with that Python interpreter and load the model in it. If cancelled, it kills the process.

        longest: seconds that loading may take. gpu: UUID of the only one that the process may use; empty: any. Raises
        ModelCrashed if it takes longer or the process dies, and whatever loading raises there.
        """
        # in the event loop's thread: the kernel kills the process when the thread that started it ends
        process, messages, descriptors = _spawn(python, {"CUDA_VISIBLE_DEVICES": gpu} if gpu else {})
        try:
            streams = await asyncio.open_unix_connection(sock=messages)
        except BaseException:
            process.kill()
            process.wait()
            messages.close()
            descriptors.close()
            raise
        child = cls(card, settings, process, streams, descriptors)
        load = Load(card, settings.models.model_dump_json(), settings.log.model_dump_json())
        try:
            async with asyncio.timeout(longest):
                await child._answer(next(child._ids), load)
        except TimeoutError:
            child._kill(f"loading took more than {longest:g} s")
            await child.close()
            raise child._crashed() from None
        except BaseException:
            await child.close()
            raise
        return child

    @property
    def crashed(self) -> bool:
        return not self.alive and not self._closing

    @property
    def memory_mb(self) -> int:
        """Resident memory of the process, megabytes; where there is no /proc, the card's figure."""
        try:
            pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        except OSError:
            return self._card.memory
        return int(pages) * getpagesize() >> 20

    @property
    def cpu_seconds(self) -> float | None:
        try:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")

    @asynccontextmanager
    async def steps(self, method: str, arguments: tuple[Any, ...], ahead: float = 0.0) -> AsyncGenerator[NextStep]:
        stream = next(self._ids)
        self._send(Begin(stream, method, arguments))
        self._wanted.add(stream)
        try:
            yield partial(self._step, stream)
        finally:
            self._wanted.discard(stream)
            with suppress(ModelCrashed):  # there is nothing left to end, and what the stream yielded is whole
                self._send(End(stream))

    async def close(self) -> None:
        """Close the sockets, so that the process exits, and kill it after EXIT_SECONDS. Idempotent."""
        self._closing, self.alive = True, False
        self._writer.close()
        self._descriptors.close()
        try:
            await asyncio.to_thread(self._process.wait, EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        await self._listening

    async def _step(self, stream: int) -> Any:
        seconds = self._models.step_seconds
        try:
            async with asyncio.timeout(seconds):
                return await self._answer(stream, Next(stream))
        except TimeoutError:
            self._kill(f"a step took more than {seconds:g} s")
            raise self._crashed() from None

    async def _answer(self, stream: int, message: Load | Next) -> Any:
        """Send the message and return its reply. If cancelled, it interrupts the step and waits until it stopped."""
        self._send(message)
        began = monotonic()
        reply = self._replies[stream] = asyncio.get_running_loop().create_future()
        try:
            return await asyncio.shield(reply)
        except asyncio.CancelledError:
            if isinstance(message, Next) and not reply.done():
                await self._stop(stream, reply, began)
            raise

    async def _stop(self, stream: int, reply: asyncio.Future[Any], began: float) -> None:
        """Interrupt a step; kill the process if it goes on, once it harms no other run or the step takes too long.

        began: when the step did, of the monotonic clock.
        """
        self._wanted.discard(stream)
        if self.alive:
            self._send(Cancel(stream))
        while not await outwait(reply, STOP_SECONDS):
            hangs = monotonic() - began >= self._models.step_seconds
            if hangs or not self._wanted:
                self._closing = not hangs
                self._kill(f"a step went on for over {STOP_SECONDS} s after it was cancelled")
                return

    def _send(self, message: object) -> None:
        """Raises ModelCrashed if the process has ended."""
        if not self.alive:
            raise self._crashed()
        frame, descriptors = encode(message)
        for descriptor in descriptors:
            try:
                socket.send_fds(self._descriptors, [b"\0"], [descriptor])
            except OSError as error:
                self._kill(f"it takes no files: {error}")
                raise self._crashed() from error
        try:
            self._writer.write(frame)
        except RuntimeError as error:  # uvloop's, once it has met the closed socket and before `_listen` is called
            self._kill(f"it takes no messages: {error}")
            raise self._crashed() from error

    async def _listen(self) -> None:
        """Pass each reply to the stream that waits for it; once the process has ended, fail all that still wait."""
        try:
            while True:
                length = int.from_bytes(await self._reader.readexactly(LENGTH_BYTES), "big")
                self._hand_over(decode(await self._reader.readexactly(length), _no_file))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except Exception:
            logger.exception("what the process of %s says is not understood", self._card.id)
        self.alive = False
        self._process.kill()  # it may have closed the socket without exiting
        code = await asyncio.to_thread(self._process.wait)
        if not self._closing:
            logger.error("the process of %s (%d) ended: %s", self._card.id, self._process.pid, _ending(code))
        self._writer.close()
        self._descriptors.close()
        for reply in self._replies.values():
            _settle(reply, None, self._crashed())

    def _hand_over(self, reply: Reply) -> None:
        _settle(self._replies.pop(reply.stream), reply.value, reply.error)

    def _kill(self, why: str) -> None:
        logger.error("killing the process of %s: %s", self._card.id, why)
        self.alive = False
        self._process.kill()

    def _crashed(self) -> ModelCrashed:
        return ModelCrashed(
            f"{self._card.id!r} crashed; it will be loaded again.", retry_after=self._models.restart_seconds
        )


def _spawn(python: str, environment: Mapping[str, str]) -> tuple[subprocess.Popen[bytes], socket.socket, socket.socket]:
    """A new worker process, and the server's ends of its two sockets: messages, descriptors."""
    messages, their_messages = socket.socketpair()
    descriptors, their_descriptors = socket.socketpair()
    descriptors.setblocking(False)
    with their_messages, their_descriptors:
        sockets = (their_messages.fileno(), their_descriptors.fileno())
        command = [python, "-P", "-m", "ttsai_server.runtime.worker", *map(str, sockets)]
        process = subprocess.Popen(
            command, pass_fds=sockets, stdin=subprocess.DEVNULL, env={**os.environ, **environment}
        )
    return process, messages, descriptors


def _settle(reply: asyncio.Future[Any], value: object, error: Exception | None) -> None:
    if reply.done():
        return
    if error:
        reply.set_exception(error)
        reply.exception()  # mark it as retrieved: nothing awaits the reply of a cancelled step
    else:
        reply.set_result(value)


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"


def _no_file() -> int:
    raise ValueError("a model's process sends no files")
