"""Credits: reserved before the work, then charged or returned. Each step is one transaction.

An account can't be overdrawn: the UPDATE that lowers the balance also checks it, so of concurrent reservations only
those that the balance covers succeed. The ledger is append-only, and its sum is the balance.
"""

import time
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from uuid import uuid4

from sqlalchemy import (
    BigInteger,
    Connection,
    and_,
    bindparam,
    case,
    cast,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from ttsai_server import errors
from ttsai_server.store.db import Database
from ttsai_server.store.request_leases import RequestLease
from ttsai_server.store.tables import accounts, ledger, reservations, usage

DAY = 86_400
"""Seconds."""
SWEEP = 500
"""Expired reservations that one call of `release_expired` releases at most."""


@dataclass(frozen=True, slots=True)
class Reservation:
    id: str
    amount: int
    """Credits reserved."""
    available: int
    """Credits that the account can still spend after it."""


@dataclass(frozen=True, slots=True)
class Used:
    """One line of usage: the work done, and its price."""

    service: str
    """The service, such as `tts`."""
    model: str
    characters: int
    """Characters of text spoken; 0 for services that do not count characters."""
    seconds: float
    """Seconds of audio generated, transcribed or processed."""
    credits: int


@dataclass(frozen=True, slots=True)
class UsageTotal:
    date: date
    """Day in UTC."""
    service: str
    model: str
    requests: int
    characters: int
    seconds: float
    credits: int


@dataclass(frozen=True, slots=True)
class KeyUsage(UsageTotal):
    """What was used with one key."""

    key: str
    """Its id; empty: not known."""


class Ledger:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def reserve(self, account: str, amount: int, lifetime: float | RequestLease, key: str = "") -> Reservation:
        """Reserve `amount` >= 0 credits.

        lifetime: seconds until they return by themselves; or a lease, whose id the reservation gets: then they return
        once it is no longer renewed. key: id of the key with which the work is asked for; the usage is recorded as its.

        Raises InsufficientCredits if the balance does not cover them, NotFound if there is no such account.
        """
        until = lifetime if isinstance(lifetime, RequestLease) else time.time() + lifetime
        return await self._database.write(reserve, account, amount, until, key)

    async def extend(self, reservation: str, more: int) -> int:
        """Reserve `more` > 0 credits beside those of a reservation. → credits available.

        Changes nothing if it was settled, released or has expired. Raises InsufficientCredits, or NotFound if there is
        no such reservation.
        """
        return await self._database.write(extend, reservation, more)

    async def settle(self, reservation: str, used: Used) -> int:
        """Charge `used.credits` of the reserved credits, return the rest, record the usage. → credits available.

        Changes nothing if the reservation was settled, released or has expired. Raises ValueError if more is used
        than was reserved, NotFound for an unknown reservation.
        """
        return await self._database.write(settle, reservation, used)

    async def release(self, reservation: str) -> int:
        """Return all reserved credits. → credits available. Changes nothing, or raises, when `settle` would."""
        return await self._database.write(release, reservation)

    async def release_expired(self) -> int:
        """Return the credits of requests that never ended because their server crashed. → how many requests."""
        expired = await self._database.read(_expired, time.time())
        for reservation in expired:
            await self.release(reservation)
        return len(expired)

    async def usage(self, account: str, since: float) -> list[UsageTotal]:
        """The account's usage since a Unix time, summed by day, service and model; newest day first."""
        return await self._database.read(_usage, account, since)

    async def usage_by_key(self, account: str, since: float) -> list[KeyUsage]:
        """As `usage`, summed by key too."""
        return await self._database.read(_usage_by_key, account, since)


_TAKE = (
    update(accounts)
    .where(accounts.c.id == bindparam("account"), accounts.c.available >= bindparam("amount"))
    .values(
        available=accounts.c.available - bindparam("amount"),
        reserved=accounts.c.reserved + bindparam("amount"),
    )
    .returning(accounts.c.available)
)
_EXTEND = (
    update(reservations)
    .where(reservations.c.id == bindparam("reservation"), reservations.c.state == "open")
    .values(amount=reservations.c.amount + bindparam("more"))
    .returning(reservations.c.account)
)
_AVAILABLE = select(accounts.c.available).where(accounts.c.id == bindparam("account"))
_OPEN = insert(reservations)
_ENTER = insert(ledger)
_CLOSE = (
    update(reservations)
    .where(reservations.c.id == bindparam("reservation"), reservations.c.state == "open")
    .values(state=bindparam("closed"), used=bindparam("spent"))
    .returning(reservations.c.account, reservations.c.amount, reservations.c.key)
)
_GIVE = (
    update(accounts)
    .where(accounts.c.id == bindparam("account"))
    .values(
        available=accounts.c.available + bindparam("back"),
        reserved=accounts.c.reserved - bindparam("amount"),
    )
    .returning(accounts.c.available)
)
_AVAILABLE_TO = (
    select(accounts.c.available)
    .join(reservations, reservations.c.account == accounts.c.id)
    .where(reservations.c.id == bindparam("reservation"))
)
_RECORD = insert(usage)
_EXPIRED = (
    select(reservations.c.id)
    .where(
        reservations.c.state == literal_column("'open'"),  # a partial index is not used for a bound value
        # work whose process lives is still paid for, however long its client takes to read it
        or_(
            and_(reservations.c.lease_until.is_(None), reservations.c.expires_at <= bindparam("now")),
            reservations.c.lease_until < bindparam("now"),
        ),
    )
    .limit(SWEEP)
)
_DAYS = usage.c.at / literal_column("86400.0")
_NEAR = cast(_DAYS, BigInteger)
"""SQLite truncates, Postgres rounds: this is the right day or the next; `_DAY` corrects it."""
_DAY = case((_NEAR > _DAYS, _NEAR - literal_column("1")), else_=_NEAR).label("day")
_USAGE = (
    select(
        _DAY,
        usage.c.service,
        usage.c.model,
        func.count(),
        cast(func.sum(usage.c.characters), BigInteger),  # Postgres sums whole numbers to a Decimal
        func.sum(usage.c.seconds),
        cast(func.sum(usage.c.credits), BigInteger),
    )
    .where(usage.c.account == bindparam("account"), usage.c.at >= bindparam("since"))
    .group_by(_DAY, usage.c.service, usage.c.model)
    .order_by(_DAY.desc(), usage.c.service, usage.c.model)
)
_USAGE_BY_KEY = _USAGE.add_columns(usage.c.key).group_by(usage.c.key).order_by(usage.c.key)


def enter(connection: Connection, account: str, kind: str, amount: int, reservation: str | None, note: str) -> None:
    """Add a line to the ledger, for a change of `available` in the same transaction; does nothing for 0 credits."""
    if amount:
        line = {"account": account, "kind": kind, "amount": amount, "reservation": reservation, "note": note}
        connection.execute(_ENTER, {"at": time.time(), **line})


def reserve(
    connection: Connection,
    account: str,
    amount: int,
    until: float | RequestLease,
    key: str = "",
) -> Reservation:
    """`Ledger.reserve` inside a transaction of the caller. until: Unix seconds, or a lease."""
    available = _take(connection, account, amount)
    row = {"account": account, "amount": amount, "state": "open", "used": 0, "key": key}
    if isinstance(until, RequestLease):
        id, kept = until.id, {**asdict(until), "expires_at": until.lease_until}
    else:
        id, kept = uuid4().hex, {"expires_at": until}
    connection.execute(_OPEN, {**row, **kept, "id": id})
    reservation = Reservation(id, amount, available)
    enter(connection, account, "reserve", -amount, reservation.id, "")
    return reservation


def extend(connection: Connection, reservation: str, more: int) -> int:
    """`Ledger.extend` inside a transaction of the caller."""
    account = connection.scalar(_EXTEND, {"reservation": reservation, "more": more})
    if account is None:
        return _available_to(connection, reservation)
    available = _take(connection, account, more)
    enter(connection, account, "reserve", -more, reservation, "")
    return available


def settle(connection: Connection, reservation: str, used: Used) -> int:
    """`Ledger.settle` inside a transaction of the caller."""
    return _close(connection, reservation, "settled", used.credits, used)


def release(connection: Connection, reservation: str) -> int:
    """`Ledger.release` inside a transaction of the caller."""
    return _close(connection, reservation, "released", 0)


def _take(connection: Connection, account: str, amount: int) -> int:
    """Move credits from what the account can spend to what is reserved. → credits available."""
    available = connection.scalar(_TAKE, {"account": account, "amount": amount})
    if available is not None:
        return available
    available = connection.scalar(_AVAILABLE, {"account": account})
    if available is None:
        raise errors.NotFound(f"No account {account!r}.")
    raise errors.InsufficientCredits(amount, available)


def _close(connection: Connection, reservation: str, state: str, spent: int, used: Used | None = None) -> int:
    closing = {"reservation": reservation, "closed": state, "spent": spent}
    closed = connection.execute(_CLOSE, closing).one_or_none()
    if closed is None:
        return _available_to(connection, reservation)
    account, amount, key = closed
    if not 0 <= spent <= amount:
        raise ValueError(f"{spent} credits used of {amount} reserved")
    back = amount - spent
    enter(connection, account, state, back, reservation, "")
    if used:
        connection.execute(_RECORD, {"account": account, "at": time.time(), "key": key, **asdict(used)})
    return connection.execute(_GIVE, {"account": account, "amount": amount, "back": back}).scalar_one()


def _available_to(connection: Connection, reservation: str) -> int:
    available = connection.scalar(_AVAILABLE_TO, {"reservation": reservation})
    if available is None:
        raise errors.NotFound(f"No reservation {reservation!r}.")
    return available


def _expired(connection: Connection, now: float) -> list[str]:
    return list(connection.scalars(_EXPIRED, {"now": now}))


def _usage(connection: Connection, account: str, since: float) -> list[UsageTotal]:
    rows = connection.execute(_USAGE, {"account": account, "since": since})
    return [UsageTotal(_date(row[0]), *row[1:]) for row in rows]


def _usage_by_key(connection: Connection, account: str, since: float) -> list[KeyUsage]:
    rows = connection.execute(_USAGE_BY_KEY, {"account": account, "since": since})
    return [KeyUsage(_date(row[0]), *row[1:]) for row in rows]


def _date(day: int) -> date:
    """Days since 1970 → the date."""
    return datetime.fromtimestamp(day * DAY, UTC).date()
