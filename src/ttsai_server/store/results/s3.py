"""Result files in an S3 bucket, or another service with its API (MinIO, Ceph, R2, …)."""

import logging
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Generator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from ttsai_server.errors import StorageDown
from ttsai_server.store.results.base import CHUNK, Files

if TYPE_CHECKING:
    from obstore.store import S3Store

logger = logging.getLogger(__name__)

PART = 8 * 1024 * 1024
"""Bytes per part of an upload. A smaller file is sent in one request, which leaves nothing behind if it fails."""
PARTS_AT_ONCE = 2
RETRY_TIME = timedelta(seconds=5)
"""How long a request is repeated that gets no answer; obstore's own 3 minutes are longer than clients wait."""
OPTIONS = {"endpoint", "region", "access_key_id", "secret_access_key"}


class S3(Files):
    """url: `s3://bucket/prefix?endpoint=https://…&region=…&access_key_id=…&secret_access_key=…`; only the bucket is
    needed.

    Without keys in it, they come from where AWS's tools look: `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, a web
    identity, or the role of the machine. Raises ValueError for any other URL. Its methods raise StorageDown, too.
    """

    def __init__(self, url: str) -> None:
        try:
            import obstore
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError("S3 needs the extra: pip install 'ttsai-server[s3]'") from error
        self._obstore = obstore
        self._store = _store(url)

    async def write(self, name: str, chunks: AsyncIterable[bytes]) -> None:
        rest = aiter(chunks)
        head = await _head(rest)
        file = head if len(head) < PART else _after(head, rest)
        with _answering():
            await self._obstore.put_async(self._store, name, file, chunk_size=PART, max_concurrency=PARTS_AT_ONCE)

    async def read(self, name: str, start: int, stop: int) -> AsyncGenerator[bytes]:
        # one request per chunk: otherwise the connection to S3 would time out while a slow client reads
        for at in range(start, stop, CHUNK):
            with _answering():
                part = await self._obstore.get_range_async(self._store, name, start=at, end=min(at + CHUNK, stop))
            yield bytes(part)

    async def delete(self, names: Sequence[str]) -> None:
        if names:
            with _answering():
                await self._obstore.delete_async(self._store, list(names))


@contextmanager
def _answering() -> Generator[None]:
    """Raises StorageDown where the bucket does not answer, or says that it can't."""
    from obstore.exceptions import GenericError

    try:
        yield
    except GenericError as error:
        logger.warning("the bucket of results does not answer: %s", error)
        raise StorageDown from error


async def _head(chunks: AsyncIterator[bytes]) -> bytes:
    """The first PART bytes, or up to one chunk more; fewer only if the file is shorter."""
    head = bytearray()
    while len(head) < PART and (chunk := await anext(chunks, b"")):
        head += chunk
    return bytes(head)


async def _after(head: bytes, chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    yield head
    async for chunk in chunks:
        yield chunk


def _store(url: str) -> "S3Store":
    from obstore.store import S3Store

    parts = urlsplit(url)
    options: dict[str, Any] = dict(parse_qsl(parts.query.replace("+", "%2B")))  # AWS's keys have some: it is no space
    if parts.scheme != "s3" or not parts.hostname or not options.keys() <= OPTIONS:
        raise ValueError("results.url: s3://bucket/prefix?endpoint=https://…&region=…")
    plain = str(options.get("endpoint", "")).startswith("http://")
    return S3Store(
        parts.netloc,
        prefix=parts.path.strip("/") or None,
        client_options={"allow_http": plain},
        retry_config={
            "max_retries": 10,
            "retry_timeout": RETRY_TIME,
            "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=1), "base": 2},
        },
        **options,
    )
