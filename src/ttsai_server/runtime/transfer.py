"""Messages of `wire` over a WebSocket: what a process on the same machine gets as an open file is sent whole.

A message is sent as several: the sizes of what follows, 8 bytes each, big-endian; the frame; the content of each
recording. Each comes in pieces of at most PIECE bytes, so that neither side holds a recording in memory.
"""

import asyncio
import os
import struct
from collections.abc import Awaitable, Callable
from tempfile import TemporaryFile
from typing import Any

from ttsai_server.runtime.wire import LENGTH_BYTES, decode, encode

PIECE = 1 << 20
NEXT = b""
"""The message by which the next step is asked for."""

Send = Callable[[bytes], Awaitable[None]]
Receive = Callable[[], Awaitable[bytes]]


async def send_message(send: Send, message: object) -> None:
    """Send a message of `wire`. Raises TypeError for a type that can't be sent, and what `send` raises."""
    frame, descriptors = encode(message)
    frame = frame[LENGTH_BYTES:]
    sizes = [len(frame), *(os.fstat(descriptor).st_size for descriptor in descriptors)]
    await send(struct.pack(f">{len(sizes)}Q", *sizes))
    for start in range(0, len(frame), PIECE):
        await send(frame[start : start + PIECE])
    for descriptor, size in zip(descriptors, sizes[1:], strict=True):
        for start in range(0, size, PIECE):
            await send(await asyncio.to_thread(os.pread, descriptor, min(PIECE, size - start), start))


async def receive_message(receive: Receive) -> Any:
    """The next message; its recordings, in temporary files, are for the caller to close. Raises what `receive` does."""
    sizes = await receive()
    frame_size, *file_sizes = struct.unpack(f">{len(sizes) // 8}Q", sizes)
    frame, files = bytearray(), list[int]()
    while len(frame) < frame_size:
        frame += await receive()
    try:
        for size in file_sizes:
            files.append(await _file(receive, size))
        return decode(bytes(frame), iter(files).__next__)
    except BaseException:
        for descriptor in files:
            os.close(descriptor)
        raise


async def _file(receive: Receive, size: int) -> int:
    """Descriptor of a temporary file with the next `size` bytes."""
    with TemporaryFile(buffering=0) as file:
        while size > 0:
            piece = await receive()
            await asyncio.to_thread(file.write, piece)
            size -= len(piece)
        return os.dup(file.fileno())
