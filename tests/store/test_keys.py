import re
import time

import pytest
from sqlalchemy import Connection, select

from ttsai_server.errors import BadRequest, NotFound
from ttsai_server.store.accounts import Accounts
from ttsai_server.store.db import Database
from ttsai_server.store.keys import PUBLISHABLE, KeyChanges, Keys
from ttsai_server.store.tables import keys


@pytest.fixture
async def account(database: Database) -> str:
    return (await Accounts(database).create("Ann", "pro")).id


async def test_a_secret_key_has_its_shape(database: Database, account: str) -> None:
    key, plain = await Keys(database).create(account)
    assert re.fullmatch(r"sk-tts-[0-9A-Za-z]{32}", plain)
    assert key.prefix == plain[:11]


async def test_a_publishable_key_has_its_shape_and_its_origins(database: Database, account: str) -> None:
    key, plain = await Keys(database).create(account, PUBLISHABLE, origins=("https://a.example", "https://b.example"))
    assert re.fullmatch(r"pk-tts-[0-9A-Za-z]{32}", plain)
    assert key.origins == ("https://a.example", "https://b.example")


async def test_a_key_is_found_with_its_plan(database: Database, account: str) -> None:
    key, plain = await Keys(database).create(account, label="laptop", expires_at=4e9)
    assert await Keys(database).find(plain) == (key, "pro")


async def test_an_unknown_key_is_not_found(database: Database, account: str) -> None:
    await Keys(database).create(account)
    assert await Keys(database).find("sk-tts-" + "0" * 32) is None


async def test_the_plain_key_is_kept_nowhere(database: Database, account: str) -> None:
    _, plain = await Keys(database).create(account)

    def everything(connection: Connection) -> str:
        return repr(connection.execute(select(keys)).all())

    assert plain[11:] not in await database.read(everything)


async def test_a_revoked_key_says_when_first_it_was(database: Database, account: str) -> None:
    key, plain = await Keys(database).create(account)
    revoked = await Keys(database).revoke(key.id)
    assert revoked.revoked_at
    assert await Keys(database).revoke(key.id) == revoked
    assert await Keys(database).find(plain) == (revoked, "pro")


async def test_keys_are_listed_by_account_or_all(database: Database, account: str) -> None:
    other = (await Accounts(database).create("Bob", "free")).id
    ours, theirs = (await Keys(database).create(account))[0], (await Keys(database).create(other))[0]
    assert await Keys(database).list(account) == [ours]
    assert await Keys(database).list() == [ours, theirs]


async def test_use_is_noted(database: Database, account: str) -> None:
    key, _ = await Keys(database).create(account)
    assert key.used_at is None
    await Keys(database).touch(key.id)
    assert (await Keys(database).list())[0].used_at


async def test_a_key_needs_an_account(database: Database) -> None:
    with pytest.raises(NotFound):
        await Keys(database).create("nobody")


async def test_an_unknown_key_can_not_be_revoked(database: Database) -> None:
    with pytest.raises(NotFound):
        await Keys(database).revoke("key_0")


async def test_another_accounts_key_can_not_be_revoked(database: Database, account: str) -> None:
    other = (await Accounts(database).create("Bob", "pro")).id
    key, plain = await Keys(database).create(account)
    with pytest.raises(NotFound):
        await Keys(database).revoke(key.id, other)
    assert await Keys(database).find(plain) == (key, "pro")
    assert (await Keys(database).revoke(key.id, account)).revoked_at


async def test_pages_are_the_origins_of_publishable_keys_that_work(database: Database, account: str) -> None:
    keeper = Keys(database)
    await keeper.create(account)
    await keeper.create(account, PUBLISHABLE, origins=("https://a.example", "https://b.example"))
    await keeper.create(account, PUBLISHABLE, origins=("https://b.example",), expires_at=time.time() + 60)
    await keeper.create(account, PUBLISHABLE, origins=("https://over.example",), expires_at=time.time() - 1)
    gone, _ = await keeper.create(account, PUBLISHABLE, origins=("https://gone.example",))
    await keeper.revoke(gone.id)
    assert await keeper.origins() == {"https://a.example", "https://b.example"}


async def test_a_key_may_get_less_time_and_never_more(database: Database, account: str) -> None:
    key, _ = await Keys(database).create(account)
    assert (await Keys(database).restrict(key.id, KeyChanges(expires_at=4e9))).expires_at == 4e9
    assert (await Keys(database).restrict(key.id, KeyChanges(expires_at=3e9), account)).expires_at == 3e9
    with pytest.raises(BadRequest, match="expires before that"):
        await Keys(database).restrict(key.id, KeyChanges(expires_at=4e9))


@pytest.mark.parametrize("over", ["revoked", "expired"])
async def test_a_key_that_works_no_more_stays_as_it_is(database: Database, account: str, over: str) -> None:
    key, _ = await Keys(database).create(account, expires_at=time.time() - 1 if over == "expired" else None)
    if over == "revoked":
        await Keys(database).revoke(key.id)
    with pytest.raises(BadRequest):
        await Keys(database).restrict(key.id, KeyChanges(label="new"))


async def test_another_accounts_key_can_not_be_restricted(database: Database, account: str) -> None:
    other = (await Accounts(database).create("Bob", "pro")).id
    key, _ = await Keys(database).create(account)
    with pytest.raises(NotFound):
        await Keys(database).restrict(key.id, KeyChanges(label="mine"), other)
    assert await Keys(database).list(account) == [key]


async def test_a_key_is_for_administrators_only_if_it_was_made_so(database: Database, account: str) -> None:
    for admin in (False, True):
        key, plain = await Keys(database).create(account, admin=admin)
        found = await Keys(database).find(plain)
        assert found
        assert found[0].admin is key.admin is admin
