import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest

from ttsai_server.services.webhooks.resolver import THREADS, SystemResolver


@pytest.fixture
def resolver() -> Iterator[SystemResolver]:
    resolver = SystemResolver()
    yield resolver
    resolver.close()


async def test_an_address_stands_for_itself(resolver: SystemResolver) -> None:
    assert await resolver.resolve("127.0.0.1", 80) == ["127.0.0.1"]
    assert await resolver.resolve("2606:4700::1111", 80) == ["2606:4700::1111"]


async def test_the_machines_own_names_are_known(resolver: SystemResolver) -> None:
    assert "127.0.0.1" in await resolver.resolve("localhost", 80)


async def test_an_unknown_name_is_an_oserror(resolver: SystemResolver) -> None:
    with pytest.raises(OSError):  # noqa: PT011 its numbers differ between machines
        await resolver.resolve("no-such-name.invalid", 80)


async def test_names_that_do_not_come_hold_up_nothing_else(
    resolver: SystemResolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    come = threading.Event()

    def wait(*_: object) -> list[object]:
        come.wait(20)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", wait)
    asked = [asyncio.create_task(resolver.resolve(f"{number}.example", 80)) for number in range(THREADS * 10)]
    await asyncio.sleep(0.05)
    assert await asyncio.wait_for(asyncio.to_thread(threading.get_ident), 5)
    assert not any(task.done() for task in asked)
    come.set()
    await asyncio.gather(*asked)
