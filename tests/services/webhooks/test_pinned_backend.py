"""It connects to the address that was checked, even if DNS changes in between."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpcore
import pytest
from tests.receivers import Receiver, receiver, says
from tests.services.webhooks.names import Names

from ttsai_server.services.webhooks.pinned_backend import PinnedBackend

PUBLIC, OTHER_PUBLIC = "8.8.8.8", "2606:4700::1111"


class Detour(httpcore.AsyncNetworkBackend):
    """Directs every connection to a receiver on this machine, and records the address that was requested."""

    def __init__(self, port: int) -> None:
        self.dialled: list[str] = []
        self._port = port

    async def connect_tcp(self, host: str, *_: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        self.dialled.append(host)
        return await PinnedBackend(Names(["127.0.0.1"]), allow_private=True).connect_tcp("here", self._port)


@pytest.fixture
async def inside() -> AsyncIterator[Receiver]:
    """A private service on this machine."""
    async with receiver(says("200 OK")) as running:
        yield running


async def dial(dialler: PinnedBackend, port: int, timeout: float = 5) -> None:  # noqa: ASYNC109 handed on
    stream = await dialler.connect_tcp("hooks.example", port, timeout=timeout)
    await stream.aclose()


async def test_a_public_name_is_dialled_by_its_address(inside: Receiver) -> None:
    detour = Detour(inside.port)
    await dial(PinnedBackend(Names([PUBLIC]), allow_private=False, network=detour), 80)
    assert detour.dialled == [PUBLIC]


async def test_a_name_is_asked_once_a_connection(inside: Receiver) -> None:
    names, detour = Names([PUBLIC], ["127.0.0.1"]), Detour(inside.port)
    await dial(PinnedBackend(names, allow_private=False, network=detour), 80)
    assert (names.asked, detour.dialled) == (["hooks.example"], [PUBLIC])


async def test_a_name_that_turns_inside_is_refused_at_the_next_connection(inside: Receiver) -> None:
    detour = Detour(inside.port)
    dialler = PinnedBackend(Names([PUBLIC], ["127.0.0.1"]), allow_private=False, network=detour)
    await dial(dialler, 80)
    with pytest.raises(httpcore.ConnectError, match="not public"):
        await dial(dialler, inside.port)
    assert detour.dialled == [PUBLIC]


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], [PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC], [PUBLIC, "::ffff:127.0.0.1"], ["::1"], ["fe80::1%1"]],
)
async def test_one_address_inside_is_enough_to_refuse(inside: Receiver, addresses: list[str]) -> None:
    dialler = PinnedBackend(Names(addresses), allow_private=False)
    with pytest.raises(httpcore.ConnectError, match="not public"):
        await dial(dialler, inside.port)
    assert inside.connections == 0


async def test_a_refusal_does_not_tell_the_address(inside: Receiver) -> None:
    with pytest.raises(httpcore.ConnectError) as caught:
        await dial(PinnedBackend(Names(["10.1.2.3"]), allow_private=False), inside.port)
    assert "10.1" not in str(caught.value)


async def test_a_trusted_network_is_dialled(inside: Receiver) -> None:
    await dial(PinnedBackend(Names(["127.0.0.1"]), allow_private=True), inside.port)
    assert inside.connections == 1


async def test_the_next_address_is_tried_when_one_does_not_answer(inside: Receiver) -> None:
    await dial(PinnedBackend(Names(["127.0.0.2", "127.0.0.1"]), allow_private=True), inside.port)
    assert inside.connections == 1


@pytest.mark.parametrize("addresses", [[], ["127.0.0.2", "127.0.0.3"]])
async def test_none_that_answers_is_a_connect_error(inside: Receiver, addresses: list[str]) -> None:
    with pytest.raises(httpcore.ConnectError):
        await dial(PinnedBackend(Names(addresses), allow_private=True), inside.port)


async def test_an_unknown_name_is_a_connect_error() -> None:
    with pytest.raises(httpcore.ConnectError, match="not known"):
        await dial(PinnedBackend(Names(), allow_private=False), 80)


class Slow(httpcore.AsyncNetworkBackend):
    async def connect_tcp(self, *_: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        await asyncio.sleep(60)
        raise AssertionError


async def test_many_addresses_that_do_not_answer_share_one_time() -> None:
    dialler = PinnedBackend(Names([PUBLIC, OTHER_PUBLIC] * 50), allow_private=False, network=Slow())
    with pytest.raises(httpcore.ConnectTimeout):
        await dial(dialler, 80, timeout=0.05)
