"""Gives up clients that do not read what is sent to them: they hold a model, a place in the queue, a file."""

from asyncio import AbstractEventLoop, Protocol, TimerHandle, Transport
from typing import ClassVar

from ttsai_server.settings import Server


class WatchedProtocol(Protocol):
    """Base class, before one of uvicorn's, of a protocol that aborts its connection once the client has read nothing
    for `bounds.unread_seconds` while the transport can't take more."""

    bounds: ClassVar[Server]

    loop: AbstractEventLoop
    transport: Transport
    _unread: TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_watch()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._start_watch()

    def resume_writing(self) -> None:
        self._end_watch()
        super().resume_writing()

    def _start_watch(self) -> None:
        size = self.transport.get_write_buffer_size()
        self._unread = self.loop.call_later(self.bounds.unread_seconds, self._look, size)

    def _end_watch(self) -> None:
        if self._unread:
            self._unread.cancel()
            self._unread = None

    def _look(self, before: int) -> None:
        if self.transport.get_write_buffer_size() < before:
            self._start_watch()
        else:
            self.transport.abort()
