"""Saved voices in both databases."""

import pytest

from ttsai_server.store import saved_voices
from ttsai_server.store.accounts import Accounts
from ttsai_server.store.db import Database
from ttsai_server.store.saved_voices import SavedVoice


@pytest.fixture
async def account(database: Database) -> str:
    return (await Accounts(database).create("Ann", "pro", 0)).id


def voice(account: str, number: int = 1, **fields: object) -> SavedVoice:
    return SavedVoice(
        **{  # pyright: ignore[reportArgumentType]
            "id": f"voice_{number}",
            "account": account,
            "name": "Me",
            "model": "tone",
            "language": "en",
            "gender": "neutral",
            "preview": f"preview_{number}",
            "similarity": 0.9,
            "digest": "d",
            "consent": "Yes.",
            "consent_key": "key_1",
            "consented_at": 1.0,
            **fields,
        }
    )


async def test_a_voice_is_kept_with_its_data(database: Database, account: str) -> None:
    added = await database.write(saved_voices.add, voice(account), {"a": b"1", "b": b"2"})
    assert await database.read(saved_voices.get, account, "voice_1") == added
    assert await database.read(saved_voices.by_preview, "preview_1") == added
    assert await database.read(saved_voices.data, "voice_1", "b") == b"2"
    assert await database.read(saved_voices.data, "voice_1", "c") is None


async def test_adding_it_again_changes_nothing(database: Database, account: str) -> None:
    first = await database.write(saved_voices.add, voice(account), {"a": b"1"})
    again = await database.write(saved_voices.add, voice(account, name="Other"), {"a": b"2"})
    assert again == first
    assert await database.read(saved_voices.data, "voice_1", "a") == b"1"


async def test_it_is_another_accounts_for_nobody(database: Database, account: str) -> None:
    other = (await Accounts(database).create("Bob", "pro", 0)).id
    await database.write(saved_voices.add, voice(account), {"a": b"1"})
    assert await database.read(saved_voices.get, other, "voice_1") is None
    assert await database.read(saved_voices.of_account, other) == []
    assert await database.write(saved_voices.change, other, "voice_1", {"name": "Mine"}) is None
    assert await database.write(saved_voices.remove, other, "voice_1") is None
    assert await database.read(saved_voices.count, account) == 1


async def test_they_are_listed_in_the_order_in_which_they_were_saved(database: Database, account: str) -> None:
    for number in (2, 1, 3):
        await database.write(saved_voices.add, voice(account, number), {"a": b"1"})
    listed = await database.read(saved_voices.of_account, account)
    assert [each.id for each in listed] == ["voice_2", "voice_1", "voice_3"]


async def test_its_data_is_deleted_with_it(database: Database, account: str) -> None:
    await database.write(saved_voices.add, voice(account), {"a": b"1"})
    removed = await database.write(saved_voices.remove, account, "voice_1")
    assert removed
    assert removed.id == "voice_1"
    assert await database.read(saved_voices.data, "voice_1", "a") is None
    await database.write(saved_voices.keep_data, "voice_1", "late", b"1")
    assert await database.read(saved_voices.data, "voice_1", "late") is None


async def test_data_is_added_once(database: Database, account: str) -> None:
    await database.write(saved_voices.add, voice(account), {"a": b"1"})
    for content in (b"2", b"3"):
        await database.write(saved_voices.keep_data, "voice_1", "b", content)
    assert await database.read(saved_voices.data, "voice_1", "b") == b"2"
