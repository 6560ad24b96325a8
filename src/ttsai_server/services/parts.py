"""A file, a part at a time, off the event loop."""

import asyncio
from collections.abc import AsyncGenerator
from typing import BinaryIO

READ_BYTES = 1 << 18


async def parts(file: BinaryIO) -> AsyncGenerator[bytes]:
    """All of it, from its start."""
    file.seek(0)
    while part := await asyncio.to_thread(file.read, READ_BYTES):
        yield part
