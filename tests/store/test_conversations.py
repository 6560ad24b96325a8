"""The store of conversations."""

import asyncio
from dataclasses import replace

import pytest

from ttsai_server.errors import NotFound
from ttsai_server.store import conversations
from ttsai_server.store.accounts import Accounts
from ttsai_server.store.conversations import Conversation, Turn
from ttsai_server.store.db import Database


@pytest.fixture
async def begun(database: Database) -> Conversation:
    account = await Accounts(database).create("Ann", "pro")
    return Conversation("conv_1", account.id, None, 1.0, 1.0)


async def test_turns_added_at_once_are_all_kept(database: Database, begun: Conversation) -> None:
    await database.write(conversations.add_turn, begun, Turn("0", "", 1.0), 100.0)
    stored = await database.read(conversations.get, begun.account, begun.id, 50.0)
    assert stored
    adding = (database.write(conversations.add_turn, stored, Turn(str(n), "", 2.0), 200.0) for n in range(1, 9))
    await asyncio.gather(*adding)
    kept = await database.read(conversations.turns, begun.id, 100)
    assert sorted(turn.user_text for turn in kept) == [str(n) for n in range(9)]
    assert [turn.user_text for turn in await database.read(conversations.turns, begun.id, 3)] == [
        turn.user_text for turn in kept[-3:]
    ]


async def test_an_expired_one_is_gone_and_purged_with_its_turns(database: Database, begun: Conversation) -> None:
    await database.write(conversations.add_turn, begun, Turn("a", "b", 1.0), 100.0)
    assert await database.read(conversations.get, begun.account, begun.id, 100.0) is None
    assert await database.read(conversations.of_account, begun.account, 100.0, 9) == ([], 0)
    assert await database.write(conversations.purge, 99.0) == 0
    assert await database.write(conversations.purge, 100.0) == 1
    assert await database.read(conversations.turns, begun.id, 9) == []


async def test_a_turn_is_not_added_to_one_that_has_been_deleted(database: Database, begun: Conversation) -> None:
    await database.write(conversations.add_turn, begun, Turn("a", "b", 1.0), 100.0)
    assert await database.write(conversations.remove, begun.account, begun.id, 2.0) == []
    assert await database.write(conversations.remove, begun.account, begun.id, 2.0) is None
    with pytest.raises(NotFound):
        await database.write(conversations.add_turn, replace(begun, turns=1), Turn("c", "d", 2.0), 100.0)
