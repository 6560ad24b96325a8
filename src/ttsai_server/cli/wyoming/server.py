"""Wyoming over TCP: connections, and what is done with their events."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, Eventable, async_read_event, async_write_event
from wyoming.info import Describe
from wyoming.ping import Ping, Pong
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeStopped, SynthesizeVoice

from ttsai_server.audio.temp_disk import TempDisk
from ttsai_server.cli.wyoming.backend import Backend, Refused, Voice
from ttsai_server.cli.wyoming.info import info
from ttsai_server.cli.wyoming.recording import Recording
from ttsai_server.errors import DiskFull
from ttsai_server.settings import Settings

logger = logging.getLogger(__name__)

MOST_CONNECTIONS = 100
MOST_EVENT_BYTES = 1 << 20
"""Of the data of an event, and of the sound in it."""
MALFORMED = (ValueError, TypeError, AttributeError, LookupError, EOFError)
"""What reading an event raises that is not one: the package checks nothing."""
MB = 1_000_000

T = TypeVar("T")


class WyomingServer:
    def __init__(self, backend: Backend, settings: Settings) -> None:
        self._backend = backend
        self._settings = settings
        self._disk = TempDisk(settings.recordings.account_temp_mb * MB)
        """Of all recordings: they belong to one account."""
        self._open: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncGenerator[str]:
        """Serve until the block ends. → its address, host:port. Raises OSError if it is taken."""
        server = await asyncio.start_server(self._accept, host, port)
        try:
            found = server.sockets[0].getsockname()
            yield f"{found[0]}:{found[1]}"
        finally:
            server.close()
            for task in self._open:
                task.cancel()
            await asyncio.gather(*self._open, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= MOST_CONNECTIONS:
            writer.close()
            return
        task = asyncio.create_task(self._serve(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await Conversation(BoundedReader(reader), writer, self._backend, self._settings, self._disk).run()
        except (ConnectionError, TimeoutError):  # the client has gone, or reads nothing
            pass
        except Exception:
            logger.exception("unexpected")
        finally:
            writer.close()


class BoundedReader:
    """Reads events of a limited size: the package would read one of any."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def readline(self) -> bytes:
        """Raises ValueError for more than 64 KiB."""
        return await self._reader.readline()

    async def readexactly(self, count: int) -> bytes:
        if count > MOST_EVENT_BYTES:
            raise ValueError(f"an event may have {MOST_EVENT_BYTES} bytes")
        return await self._reader.readexactly(count)


class Conversation:
    """One connection. After an error it is closed, since clients wait for what they have asked for."""

    def __init__(
        self,
        reader: BoundedReader,
        writer: asyncio.StreamWriter,
        backend: Backend,
        settings: Settings,
        disk: TempDisk,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._backend = backend
        self._disk = disk
        self._unread_seconds = settings.server.unread_seconds
        self._idle_seconds = settings.realtime.idle_seconds
        self._most_bytes = settings.transcription.max_file_bytes
        self._wanted = Transcribe()
        """How the next recording is to be transcribed."""
        self._recording: Recording | None = None
        self._parts: asyncio.Queue[str | None] | None = None
        """Where the parts of a text go that is spoken while it comes; None: there is none."""
        self._written = 0
        """Characters of that text so far."""
        self._speaking: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[Event | None] | None = None
        """Of the next event, begun while the last one was being handled."""

    async def run(self) -> None:
        """Until the client goes, or is silent for too long."""
        try:
            while event := await self._next():
                await self._handle(event)
        except Refused as error:
            await self._send(Error(str(error), error.code))
        except DiskFull as error:
            await self._send(Error(error.message, error.code))
        except MALFORMED as error:
            await self._send(Error(f"Not understood: {error}", "bad_request"))
        finally:
            if self._recording:
                self._recording.__exit__(None, None, None)
            tasks = [task for task in (self._speaking, self._reading) if task]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _next(self) -> Event | None:
        """The next event; None: the client has gone. Raises what the speech of a text under way raises."""
        reading = self._ahead()
        awaited = {reading, self._speaking} if self._speaking else {reading}
        async with asyncio.timeout(self._idle_seconds):
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            if self._speaking and self._speaking.done():
                self._speaking.result()
            event = await reading
        self._reading = None
        return event

    def _ahead(self) -> asyncio.Task[Event | None]:
        """The next event, as it is being read; it is taken by `_next`."""
        if self._reading is None:
            self._reading = asyncio.ensure_future(async_read_event(self._reader))  # pyright: ignore[reportArgumentType]
        return self._reading

    async def _unless_gone(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it as long as the client is there. Raises ConnectionError if it goes, and what reading raises."""
        task, reading = asyncio.ensure_future(work), self._ahead()
        try:
            await asyncio.wait({task, reading}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done() and reading.result() is None:
                raise ConnectionAbortedError
            return await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _handle(self, event: Event) -> None:
        kind, streaming = event.type, self._parts is not None
        if Describe.is_type(kind):
            await self._send(info(await self._backend.lists()))
        elif Ping.is_type(kind):
            await self._send(Pong(Ping.from_event(event).text))
        elif Transcribe.is_type(kind):
            self._wanted = Transcribe.from_event(event)
        elif AudioStart.is_type(kind):
            self._record(AudioStart.from_event(event))
        elif AudioChunk.is_type(kind):
            self._hear(AudioChunk.from_event(event))
        elif AudioStop.is_type(kind):
            await self._transcribe()
        elif SynthesizeStart.is_type(kind):
            await self._begin(SynthesizeStart.from_event(event).voice)
        elif SynthesizeChunk.is_type(kind) and self._parts:
            self._add(self._parts, SynthesizeChunk.from_event(event).text)
        elif SynthesizeStop.is_type(kind):
            await self._end()
        elif Synthesize.is_type(kind) and not streaming:  # else it is the same text, for servers that do not stream
            whole = Synthesize.from_event(event)
            await self._play(self._backend.speak(whole.text, _voice(whole.voice)))

    def _record(self, format: AudioStart) -> None:
        if self._recording:
            raise ValueError("a recording is under way already")
        self._recording = Recording(format, self._most_bytes, self._disk)

    def _hear(self, chunk: AudioChunk) -> None:
        if self._recording:
            self._recording.add(chunk)

    async def _transcribe(self) -> None:
        if not self._recording:
            return
        with self._recording as recording:
            wanted, self._wanted, self._recording = self._wanted, Transcribe(), None
            heard = self._backend.transcribe(recording.finish(), wanted.language, wanted.name)
            text, language = await self._unless_gone(heard)
        await self._send(Transcript(text=text, language=language))

    async def _begin(self, voice: SynthesizeVoice | None) -> None:
        if self._parts:
            raise ValueError("a text is being spoken already")
        self._parts, self._written = asyncio.Queue(), 0
        sound = self._backend.speak_parts(_all(self._parts), _voice(voice))
        self._speaking = asyncio.create_task(self._play(sound))

    def _add(self, parts: asyncio.Queue[str | None], text: str) -> None:
        self._written += len(text)
        if self._written > MOST_EVENT_BYTES:
            raise ValueError("the text is too long")
        parts.put_nowait(text)

    async def _end(self) -> None:
        """The text is complete: wait until it is spoken."""
        if self._parts and self._speaking:
            self._parts.put_nowait(None)
            await self._speaking
            self._parts = self._speaking = None
            await self._send(SynthesizeStopped())

    async def _play(self, sound: AsyncGenerator[tuple[int, bytes]]) -> None:
        started = False
        async with aclosing(sound):
            async for rate, samples in sound:
                if not started:
                    await self._send(AudioStart(rate=rate, width=2, channels=1))
                    started = True
                await self._send(AudioChunk(rate=rate, width=2, channels=1, audio=samples))
        if started:
            await self._send(AudioStop())

    async def _send(self, event: Eventable) -> None:
        """Raises OSError if the client has gone, TimeoutError if it reads nothing."""
        async with asyncio.timeout(self._unread_seconds):
            await async_write_event(event.event(), self._writer)


def _voice(asked: SynthesizeVoice | None) -> Voice:
    return Voice(asked.name, asked.language, asked.speaker) if asked else Voice()


async def _all(parts: asyncio.Queue[str | None]) -> AsyncGenerator[str]:
    while (part := await parts.get()) is not None:
        yield part
