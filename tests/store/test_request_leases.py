"""Reserved credits outlive their process by no more than a lease."""

import pytest
from sqlalchemy import Connection, Table, select

from ttsai_server.settings import Idempotency as Bounds
from ttsai_server.store.accounts import Accounts
from ttsai_server.store.db import Database
from ttsai_server.store.idempotency import Idempotency
from ttsai_server.store.leases import Holder
from ttsai_server.store.ledger import Ledger, Used
from ttsai_server.store.request_leases import RequestLease, RequestLeases
from ttsai_server.store.tables import idempotency, reservations

HOUR = 3600.0


@pytest.fixture
async def account(database: Database) -> str:
    return (await Accounts(database).create("Ann", "pro", 100)).id


def process(database: Database, node: str = "a", seconds: float = 30) -> RequestLeases:
    return RequestLeases(database, Holder.of(node, seconds))


async def swept(database: Database, account: str) -> int:
    """What is still reserved after a sweep."""
    await Ledger(database).release_expired()
    return (await Accounts(database).get(account)).reserved


async def test_credits_of_a_process_that_died_return_when_its_node_starts(database: Database, account: str) -> None:
    await Ledger(database).reserve(account, 30, process(database).take())
    assert await swept(database, account) == 30
    await process(database, "b").expire_earlier()
    assert await swept(database, account) == 30
    await process(database).expire_earlier()
    assert await swept(database, account) == 0


async def test_credits_stay_reserved_as_long_as_their_lease_is_renewed(database: Database, account: str) -> None:
    """However long the client takes: else what it has got by then would be free."""
    held = await Ledger(database).reserve(account, 30, process(database).take())
    assert await swept(database, account) == 30
    assert await Ledger(database).settle(held.id, Used("tts", "kokoro", 9, 1.0, 20)) == 80


async def test_credits_return_when_nobody_renews_their_lease(database: Database, account: str) -> None:
    await Ledger(database).reserve(account, 30, process(database, seconds=-1).take())
    assert await swept(database, account) == 0


def until(connection: Connection, table: Table) -> float:
    """Until when the one row of the table is leased."""
    return connection.execute(select(table.c.lease_until)).scalar_one()


@pytest.mark.parametrize("table", [reservations, idempotency], ids=str)
async def test_a_lease_is_renewed_until_it_ends(database: Database, account: str, table: Table) -> None:
    leases = process(database)
    if table is reservations:
        lease = leases.take()
        await Ledger(database).reserve(account, 30, lease)
    else:
        lease = await Idempotency(database, leases, Bounds()).begin(account, "k", HOUR)
        assert isinstance(lease, RequestLease)
    await leases.renew()
    renewed = await database.read(until, table)
    assert renewed > lease.lease_until
    leases.end(lease.id)
    await leases.renew()
    assert await database.read(until, table) == renewed


async def test_credits_of_a_job_stay_reserved_whatever_starts(database: Database, account: str) -> None:
    await Ledger(database).reserve(account, 30, HOUR)
    await process(database).expire_earlier()
    assert await swept(database, account) == 30
