"""Accounts: each has a plan and a balance of credits."""

import time
from dataclasses import asdict, dataclass
from secrets import token_hex
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from ttsai_server import errors
from ttsai_server.store import audit, keys, ledger
from ttsai_server.store.db import Database, insert_new
from ttsai_server.store.tables import accounts

MOST_CREDITS = 10**15
"""The largest balance: a number that both databases, and every client's JSON, hold exactly."""
FIRST = "local"
"""Id and name of the account that the server creates on its first start."""


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    name: str
    plan: str
    available: int
    """Credits that can still be spent."""
    reserved: int
    """Credits set aside for requests under way."""
    created_at: float
    """Unix seconds."""


class Accounts:
    def __init__(self, database: Database, by: str = audit.SERVER) -> None:
        """by: who makes the changes, for the audit log."""
        self._database = database
        self._by = by

    async def create(self, name: str, plan: str, credits: int = 0) -> Account:
        """Create an account with an opening balance of `credits` >= 0."""
        return await self._database.write(_create, self._by, name, plan, credits)

    async def create_first(self, plan: str, credits: int, *, beside_others: bool = False) -> str | None:
        """Create the account `local` and return its key. Safe to call concurrently.

        None if it exists, or any other and not `beside_others`.
        """
        return await self._database.write(_create_first, self._by, plan, credits, beside_others=beside_others)

    async def get(self, account: str) -> Account:
        """The account with this id. Raises NotFound."""
        return await self._database.read(_get, account)

    async def list(self) -> list[Account]:
        """All accounts, oldest first."""
        return await self._database.read(_list)

    async def set_plan(self, account: str, plan: str) -> Account:
        """Move the account to another plan. Raises NotFound."""
        return await self._database.write(_set_plan, self._by, account, plan)

    async def grant(self, account: str, credits: int, note: str = "") -> Account:
        """Add credits; a negative number removes them. Raises NotFound, or BadRequest if the balance would be < 0."""
        return await self._database.write(_grant, self._by, account, credits, note)


_ANY = select(accounts.c.id).limit(1)
_BY_ID = select(accounts).where(accounts.c.id == bindparam("account"))
_LOCKED = _BY_ID.with_for_update()
_ALL = select(accounts).order_by(accounts.c.created_at, accounts.c.id)
_SET_PLAN = (
    update(accounts).where(accounts.c.id == bindparam("account")).values(plan=bindparam("new")).returning(accounts)
)
_GRANT = (
    update(accounts)
    .where(accounts.c.id == bindparam("account"), accounts.c.available + bindparam("credits") >= 0)
    .values(available=accounts.c.available + bindparam("credits"))
    .returning(accounts)
)


def _create(connection: Connection, by: str, name: str, plan: str, credits: int) -> Account:
    _check(credits)
    account = Account(f"acct_{token_hex(8)}", name, plan, credits, 0, time.time())
    connection.execute(insert(accounts), asdict(account))
    _open(connection, by, account)
    return account


def _open(connection: Connection, by: str, account: Account) -> None:
    """Enter a new account's balance into the ledger, and the account into the audit log."""
    ledger.enter(connection, account.id, "grant", account.available, None, "opening balance")
    audit.enter(connection, by, "account.create", account.id, None, asdict(account))


def _create_first(connection: Connection, by: str, plan: str, credits: int, *, beside_others: bool) -> str | None:
    if not beside_others and connection.scalar(_ANY):
        return None
    account = Account(FIRST, FIRST, plan, credits, 0, time.time())
    new = insert_new(connection, accounts).values(asdict(account)).on_conflict_do_nothing().returning(accounts.c.id)
    if connection.scalar(new) is None:
        return None
    _open(connection, by, account)
    return keys.create(connection, by, FIRST, keys.SECRET, "first start", (), None)[1]


def _get(connection: Connection, account: str) -> Account:
    return _account(connection.execute(_BY_ID, {"account": account}).one_or_none(), account)


def _list(connection: Connection) -> list[Account]:
    return [Account(*row) for row in connection.execute(_ALL)]


def _set_plan(connection: Connection, by: str, account: str, plan: str) -> Account:
    before = _account(connection.execute(_LOCKED, {"account": account}).one_or_none(), account)
    after = Account(*connection.execute(_SET_PLAN, {"account": account, "new": plan}).one())
    audit.enter(connection, by, "account.set_plan", account, asdict(before), asdict(after))
    return after


def _grant(connection: Connection, by: str, account: str, credits: int, note: str) -> Account:
    _check(credits)
    _check(_get(connection, account).available + credits)
    row = connection.execute(_GRANT, {"account": account, "credits": credits}).one_or_none()
    if row is None:
        raise errors.BadRequest(f"{account} has only {_get(connection, account).available} credits.")
    ledger.enter(connection, account, "grant", credits, None, note)
    after = Account(*row)
    before = {"available": after.available - credits}
    audit.enter(connection, by, "account.grant", account, before, {"available": after.available, "note": note})
    return after


def _check(credits: int) -> None:
    if abs(credits) > MOST_CREDITS:
        raise errors.BadRequest(f"An account has at most {MOST_CREDITS} credits.")


def _account(row: Row[Any] | None, id: str) -> Account:
    if row is None:
        raise errors.NotFound(f"No account {id!r}.")
    return Account(*row)
