import asyncio
from collections.abc import AsyncIterator
from secrets import token_hex
from urllib.parse import urlsplit

import httpx
import pytest
from tests.store.results.conftest import chunks

from ttsai_server.errors import StorageDown
from ttsai_server.store.results.s3 import PART, S3


@pytest.mark.parametrize(
    "url", ["gs://bucket", "s3://", "s3://bucket?colour=red", "/some/folder", "https://host/bucket"]
)
def test_another_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="s3://bucket/prefix"):
        S3(url)


async def test_files_lie_under_the_prefix(s3_url: str, s3_server: str) -> None:
    name = token_hex(16)
    await S3(s3_url).write(name, chunks(b"la"))
    assert f"<Key>some/folder/{name}</Key>" in bucket(s3_url, s3_server, "list-type=2")


async def test_an_upload_that_breaks_off_leaves_no_parts(s3_url: str, s3_server: str) -> None:
    async def broken() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield bytes(PART)
        raise RuntimeError("engine broke")

    with pytest.raises(RuntimeError):
        await S3(s3_url).write(token_hex(16), broken())
    assert "<Upload>" not in bucket(s3_url, s3_server, "uploads")


async def test_keys_may_be_in_the_url(s3_url: str, s3_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    name = token_hex(16)
    await S3(f"{s3_url}&access_key_id=id&secret_access_key=secret").write(name, chunks(b"la"))
    assert name in bucket(s3_url, s3_server, "list-type=2")


async def test_a_plus_in_a_key_is_one() -> None:
    heads = list[str]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(b'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        keys = "access_key_id=a+b&secret_access_key=c+d/e"
        await S3(f"s3://bucket?endpoint={endpoint}&region=us-east-1&{keys}").write("name", chunks(b"la"))
    assert "Credential=a+b/" in heads[0]


async def test_a_bucket_that_does_not_answer_is_an_outage() -> None:
    nobody = S3("s3://bucket?endpoint=http://127.0.0.1:9&region=us-east-1&access_key_id=id&secret_access_key=secret")
    with pytest.raises(StorageDown):
        await nobody.write("name", chunks(b"la"))


def bucket(s3_url: str, s3_server: str, query: str) -> str:
    return httpx.get(f"{s3_server}/{urlsplit(s3_url).netloc}?{query}").text
