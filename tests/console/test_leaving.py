"""A browser that leaves before it has its answer."""

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope, Send

from ttsai_server.console.door import until_left

UPLOAD = {"type": "http", "method": "POST", "path": "/console/files", "headers": []}


async def reads(scope: Scope, receive: Receive, send: Send) -> None:
    await Request(scope, receive).body()


async def fails(scope: Scope, receive: Receive, send: Send) -> None:
    raise ClientDisconnect


async def disconnected() -> Message:
    return {"type": "http.disconnect"}


async def nowhere(message: Message) -> None: ...


async def test_an_upload_that_is_left_half_way_is_no_error() -> None:
    with pytest.raises(ClientDisconnect):
        await reads(UPLOAD, disconnected, nowhere)
    await until_left(reads, UPLOAD, disconnected, nowhere)


async def test_a_fault_is_an_error_while_the_browser_is_there() -> None:
    with pytest.raises(ClientDisconnect):
        await until_left(fails, UPLOAD, disconnected, nowhere)
