"""The contract of `Files`, for each kind."""

import asyncio
from collections.abc import AsyncIterator
from secrets import token_hex

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store.results.conftest import chunks

from ttsai_server.store.results.base import CHUNK, Files
from ttsai_server.store.results.s3 import PART

SOUND = bytes(range(256)) * 5000


async def whole(files: Files, name: str, start: int, stop: int) -> bytes:
    return b"".join([chunk async for chunk in files.read(name, start, stop)])


async def written(files: Files, *given: bytes) -> str:
    name = token_hex(16)
    await files.write(name, chunks(*given))
    return name


async def test_what_is_written_is_read(files: Files) -> None:
    name = await written(files, SOUND[:7], SOUND[7:])
    assert await whole(files, name, 0, len(SOUND)) == SOUND


async def test_a_file_may_be_empty(files: Files) -> None:
    assert await whole(files, await written(files), 0, 0) == b""


@pytest.mark.parametrize("size", [PART - 1, PART, PART + 1, 2 * PART + 1])
async def test_a_file_of_many_parts_is_whole(files: Files, size: int) -> None:
    sound = bytes(range(251)) * (size // 251 + 1)
    name = await written(files, *(sound[at : min(at + 999_999, size)] for at in range(0, size, 999_999)))
    assert await whole(files, name, 0, size) == sound[:size]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_span_is_the_slice(files: Files, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(SOUND)))
    stop = data.draw(st.integers(start, len(SOUND)))

    async def write_and_read() -> bytes:
        return await whole(files, await written(files, SOUND), start, stop)

    assert asyncio.run(write_and_read()) == SOUND[start:stop]


async def test_reading_hands_out_no_more_than_a_chunk_at_once(files: Files) -> None:
    name = await written(files, SOUND)
    sizes = [len(chunk) async for chunk in files.read(name, 0, len(SOUND))]
    assert len(sizes) > 1
    assert max(sizes) <= CHUNK


async def test_reading_what_is_not_there_is_told_before_the_first_byte(files: Files) -> None:
    with pytest.raises(FileNotFoundError):
        await anext(files.read(token_hex(16), 0, 1))


async def test_a_deleted_file_is_gone(files: Files) -> None:
    kept, name = await written(files, b"kept"), await written(files, b"la")
    await files.delete([name, token_hex(16)])
    with pytest.raises(FileNotFoundError):
        await whole(files, name, 0, 2)
    assert await whole(files, kept, 0, 4) == b"kept"


@pytest.mark.parametrize("size", [1000, PART + 1000])
async def test_the_chunks_own_error_comes_through(files: Files, size: int) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield bytes(size)
        raise RuntimeError("engine broke")

    with pytest.raises(RuntimeError, match="engine broke"):
        await files.write(token_hex(16), broken())
