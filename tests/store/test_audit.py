import time

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from ttsai_server.store.accounts import Accounts
from ttsai_server.store.audit import AuditLog
from ttsai_server.store.db import Database
from ttsai_server.store.keys import PUBLISHABLE, KeyChanges, Keys


async def changes(database: Database) -> list[tuple[str, str, object, object]]:
    """Actor, action, before and after of each entry, oldest first."""
    entries = reversed(await AuditLog(database).list(100))
    return [(entry.actor, entry.action, entry.before, entry.after) for entry in entries]


async def test_each_change_of_an_account_is_kept_with_who_made_it(database: Database) -> None:
    account = await Accounts(database, "cli:ann").create("Ann", "free", 5)
    await Accounts(database, "key_1").set_plan(account.id, "pro")
    await Accounts(database, "key_2").grant(account.id, -2, "refund")
    (who, what, before, after), *later = await changes(database)
    assert (who, what, before) == ("cli:ann", "account.create", None)
    assert isinstance(after, dict)
    assert (after["id"], after["plan"], after["available"]) == (account.id, "free", 5)
    assert later == [
        ("key_1", "account.set_plan", {"plan": "free"}, {"plan": "pro"}),
        ("key_2", "account.grant", {"available": 5}, {"available": 3, "note": "refund"}),
    ]


async def test_each_change_of_a_key_is_kept_and_never_the_key(database: Database) -> None:
    account = (await Accounts(database).create("Ann", "pro")).id
    key, plain = await Keys(database, "key_0").create(account, PUBLISHABLE, origins=("https://a.example",))
    await Keys(database, "cli:ann").restrict(key.id, KeyChanges(label="blog", origins=("https://b.example",)))
    revoked = await Keys(database, "key_9").revoke(key.id)
    _, made, *later = await changes(database)
    assert made[:2] == ("key_0", "key.create")
    assert plain[11:] not in str(made)
    assert later == [
        (
            "cli:ann",
            "key.restrict",
            {"label": "", "origins": ["https://a.example"]},
            {"label": "blog", "origins": ["https://b.example"]},
        ),
        ("key_9", "key.revoke", {"revoked_at": None}, {"revoked_at": revoked.revoked_at}),
    ]


async def test_what_changes_nothing_is_no_entry(database: Database) -> None:
    account = (await Accounts(database).create("Ann", "pro")).id
    key, _ = await Keys(database).create(account)
    await Keys(database).revoke(key.id)
    before = await changes(database)
    await Keys(database).revoke(key.id)
    await Accounts(database).set_plan(account, "pro")
    assert await changes(database) == before


async def test_a_change_that_fails_is_no_entry(database: Database) -> None:
    account = (await Accounts(database).create("Ann", "pro", 5)).id
    before = await changes(database)
    with pytest.raises(Exception, match="only 5 credits"):
        await Accounts(database).grant(account, -6)
    assert await changes(database) == before


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'nobody'", "DELETE FROM audit"])
async def test_the_database_refuses_to_change_what_is_written(database: Database, statement: str) -> None:
    await AuditLog(database).record("ann", "model.load", "tone", {"loaded": False}, {"loaded": True})

    def tamper(connection: Connection) -> None:
        connection.execute(text(statement))

    with pytest.raises(DBAPIError, match="append-only"):
        await database.write(tamper)
    assert await changes(database) == [("ann", "model.load", {"loaded": False}, {"loaded": True})]


async def test_entries_come_newest_first_page_by_page_and_by_target(database: Database) -> None:
    log = AuditLog(database)
    for target in ("a", "b", "a"):
        await log.record("ann", "model.load", target, None, {"loaded": True})
    newest = await log.list(2)
    assert [entry.target for entry in newest] == ["a", "b"]
    assert [entry.target for entry in await log.list(2, newest[-1].id)] == ["a"]
    assert [entry.target for entry in await log.list(9, target="b")] == ["b"]
    assert newest[0].at <= time.time()
