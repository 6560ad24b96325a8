"""Files that clients send → recordings, as many at a time as the machine has cores."""

import asyncio
import os
from typing import BinaryIO

from ttsai_server.audio.decode import Bounds, decode
from ttsai_server.audio.recording import Recording
from ttsai_server.engines.base import Cancellation
from ttsai_server.runtime.threads import in_thread


class Decoders:
    """One for the whole server: a hostile file can take some hundred megabytes while it is decoded."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(os.cpu_count() or 1)

    async def decode(
        self, file: BinaryIO, longest: float, *, rate: int | None = None, channels: int | None = None
    ) -> Recording:
        """As `audio.decode.decode`, off the event loop; for the caller to close. longest: seconds.

        Cancelled, it stops decoding before it raises.
        """
        stop = Cancellation()

        def work() -> Recording:
            return decode(file, Bounds(longest), rate=rate, channels=channels, stop=lambda: stop.cancelled)

        async with self._turns:
            return await in_thread(None, work, stop, Recording.close)
