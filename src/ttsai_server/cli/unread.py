"""Gives up clients that do not read what is sent to them: they hold a model, a place in the queue, a file."""

from asyncio import AbstractEventLoop, TimerHandle, Transport


class UnreadWatch:
    """Aborts a connection whose client has read nothing for so long; runs while the transport can't take more."""

    def __init__(self, loop: AbstractEventLoop, transport: Transport, seconds: float) -> None:
        self._loop = loop
        self._transport = transport
        self._seconds = seconds
        self._timer: TimerHandle | None = None

    def start(self) -> None:
        """The client has much to read now."""
        size = self._transport.get_write_buffer_size()
        self._timer = self._loop.call_later(self._seconds, self._look, size)

    def end(self) -> None:
        """It has read enough, or has gone. Idempotent."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _look(self, before: int) -> None:
        if self._transport.get_write_buffer_size() < before:
            self.start()
        else:
            self._transport.abort()
