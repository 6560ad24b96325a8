import asyncio
import time
from collections.abc import Coroutine
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, insert, select, text
from tests.processes import python

from ttsai_server.errors import InsufficientCredits, NotFound
from ttsai_server.settings import Settings
from ttsai_server.store.accounts import Accounts
from ttsai_server.store.db import Database
from ttsai_server.store.ledger import _USAGE_BY_KEY, KeyUsage, Ledger, Reservation, UsageTotal, Used
from ttsai_server.store.tables import ledger, reservations, usage

MINUTE = 60.0


def today() -> date:
    return datetime.now(UTC).date()


def used(credits: int) -> Used:
    return Used("tts", "kokoro", 34, 2.5, credits)


@dataclass(frozen=True)
class Books:
    """The whole of what is kept of an account's money."""

    available: int
    reserved: int
    ledger: int
    """Sum of all its lines."""
    open: int
    """Sum of what is set aside and not yet closed."""
    spent: int
    lines: int


async def books(database: Database, account: str) -> Books:
    def total(connection: Connection) -> tuple[int, int, int, int]:
        lines = connection.execute(
            select(func.coalesce(func.sum(ledger.c.amount), 0), func.count()).where(ledger.c.account == account)
        ).one()
        mine = reservations.c.account == account
        still_open = connection.scalar(
            select(func.sum(reservations.c.amount)).where(mine, reservations.c.state == "open")
        )
        spent = connection.scalar(select(func.sum(reservations.c.used)).where(mine))
        return int(lines[0]), int(still_open or 0), int(spent or 0), lines[1]

    kept = await Accounts(database).get(account)
    entered, still_open, spent, lines = await database.read(total)
    return Books(kept.available, kept.reserved, entered, still_open, spent, lines)


@pytest.fixture
async def account(database: Database) -> str:
    return (await Accounts(database).create("test", "pro", 100)).id


async def test_a_reservation_grows(database: Database, account: str) -> None:
    credits = Ledger(database)
    reservation = await credits.reserve(account, 30, MINUTE)
    assert await credits.extend(reservation.id, 50) == 20
    with pytest.raises(InsufficientCredits):
        await credits.extend(reservation.id, 21)
    grown = await books(database, account)
    assert (grown.available, grown.reserved, grown.ledger, grown.open) == (20, 80, 20, 80)
    assert await credits.settle(reservation.id, used(60)) == 40
    assert await credits.extend(reservation.id, 10) == 40  # it is over
    ended = await books(database, account)
    assert (ended.available, ended.reserved, ended.ledger, ended.spent) == (40, 0, 40, 60)
    with pytest.raises(NotFound):
        await credits.extend("no such", 1)


async def test_a_reservation_takes_credits_out_of_reach(database: Database, account: str) -> None:
    reservation = await Ledger(database).reserve(account, 30, MINUTE)
    assert reservation.available == 70
    assert await books(database, account) == Books(available=70, reserved=30, ledger=70, open=30, spent=0, lines=2)


async def test_settling_spends_what_was_used_and_returns_the_rest(database: Database, account: str) -> None:
    reservation = await Ledger(database).reserve(account, 30, MINUTE)
    assert await Ledger(database).settle(reservation.id, used(10)) == 90
    assert await books(database, account) == Books(available=90, reserved=0, ledger=90, open=0, spent=10, lines=3)


async def test_settling_all_of_it_adds_no_line(database: Database, account: str) -> None:
    reservation = await Ledger(database).reserve(account, 30, MINUTE)
    assert await Ledger(database).settle(reservation.id, used(30)) == 70
    assert (await books(database, account)).lines == 2


async def test_releasing_returns_everything(database: Database, account: str) -> None:
    reservation = await Ledger(database).reserve(account, 30, MINUTE)
    assert await Ledger(database).release(reservation.id) == 100
    assert await books(database, account) == Books(available=100, reserved=0, ledger=100, open=0, spent=0, lines=3)


@pytest.mark.parametrize("first", ["settle", "release"])
@pytest.mark.parametrize("second", ["settle", "release"])
async def test_a_second_close_changes_nothing(database: Database, account: str, first: str, second: str) -> None:
    reservation = await Ledger(database).reserve(account, 30, MINUTE)

    def close(how: str) -> Coroutine[Any, Any, int]:
        keeper = Ledger(database)
        return keeper.settle(reservation.id, used(10)) if how == "settle" else keeper.release(reservation.id)

    await close(first)
    before = await books(database, account)
    assert await close(second) == before.available
    assert await books(database, account) == before
    assert len(await Ledger(database).usage(account, 0)) == (first == "settle")


async def test_using_more_than_was_reserved_changes_nothing(database: Database, account: str) -> None:
    reservation = await Ledger(database).reserve(account, 30, MINUTE)
    with pytest.raises(ValueError, match="31 credits used of 30 reserved"):
        await Ledger(database).settle(reservation.id, used(31))
    assert (await books(database, account)).open == 30


async def test_too_few_credits_are_told_with_both_numbers(database: Database, account: str) -> None:
    with pytest.raises(InsufficientCredits) as caught:
        await Ledger(database).reserve(account, 101, MINUTE)
    assert (caught.value.required, caught.value.available) == (101, 100)
    assert (await books(database, account)).lines == 1


async def test_a_free_service_enters_no_line_but_its_usage(database: Database, account: str) -> None:
    reservation = await Ledger(database).reserve(account, 0, MINUTE)
    assert await Ledger(database).settle(reservation.id, used(0)) == 100
    assert (await books(database, account)).lines == 1
    assert await Ledger(database).usage(account, 0) == [UsageTotal(today(), "tts", "kokoro", 1, 34, 2.5, 0)]


async def test_an_unknown_account_can_not_reserve(database: Database) -> None:
    with pytest.raises(NotFound):
        await Ledger(database).reserve("nobody", 0, MINUTE)


async def test_an_unknown_reservation_can_not_be_closed(database: Database) -> None:
    with pytest.raises(NotFound):
        await Ledger(database).release("nothing")


async def test_of_200_at_once_credits_for_50_admit_exactly_50(database: Database) -> None:
    account = (await Accounts(database).create("rush", "pro", 100)).id
    tries = (Ledger(database).reserve(account, 2, MINUTE) for _ in range(200))
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, Reservation) for result in results) == 50
    assert sum(isinstance(result, InsufficientCredits) for result in results) == 150
    assert await books(database, account) == Books(available=0, reserved=100, ledger=0, open=100, spent=0, lines=51)


async def test_usage_is_summed_by_service_and_model(database: Database, account: str) -> None:
    for credits in (2, 3):
        reservation = await Ledger(database).reserve(account, 5, MINUTE)
        await Ledger(database).settle(reservation.id, used(credits))
    assert await Ledger(database).usage(account, 0) == [UsageTotal(today(), "tts", "kokoro", 2, 68, 5.0, 5)]
    assert await Ledger(database).usage(account, time.time() + 1) == []


async def use(database: Database, account: str, at: datetime, model: str = "kokoro", credits: int = 2) -> None:
    """Record usage as if a request had ended at this moment."""
    row = {"account": account, "at": at.timestamp(), **asdict(used(credits)), "model": model}
    await database.write(lambda connection: connection.execute(insert(usage), row))


LAST = datetime(2026, 2, 28, 23, 59, 59, 999_000, UTC)


async def test_usage_is_told_by_day_the_newest_first(database: Database, account: str) -> None:
    for hours in (0, 30, 54):
        await use(database, account, LAST - timedelta(hours=hours))
    days = [total.date.isoformat() for total in await Ledger(database).usage(account, 0)]
    assert days == ["2026-02-28", "2026-02-27", "2026-02-26"]


async def test_a_day_has_a_line_for_each_service_and_model(database: Database, account: str) -> None:
    for model, credits in (("kokoro", 2), ("piper", 1), ("kokoro", 4)):
        await use(database, account, LAST, model, credits)
    assert await Ledger(database).usage(account, 0) == [
        UsageTotal(LAST.date(), "tts", "kokoro", 2, 68, 5.0, 6),
        UsageTotal(LAST.date(), "tts", "piper", 1, 34, 2.5, 1),
    ]


@pytest.mark.parametrize("seconds", [0, 0.001, 0.4, 0.6, 43_199, 43_200, 43_201, 86_399.4, 86_399.999])
async def test_a_day_is_from_midnight_to_midnight_in_utc(database: Database, account: str, seconds: float) -> None:
    midnight = datetime(2026, 3, 1, tzinfo=UTC)
    await use(database, account, midnight + timedelta(seconds=seconds))
    (total,) = await Ledger(database).usage(account, 0)
    assert total.date == midnight.date()


async def test_totals_are_whole_numbers(database: Database, account: str) -> None:
    await use(database, account, LAST)
    (total,) = await Ledger(database).usage(account, 0)
    assert [type(count) for count in (total.requests, total.characters, total.credits)] == [int, int, int]


async def test_usage_before_the_given_time_is_not_told(database: Database, account: str) -> None:
    await use(database, account, LAST - timedelta(seconds=1))
    await use(database, account, LAST)
    (total,) = await Ledger(database).usage(account, LAST.timestamp())
    assert total.requests == 1


async def test_another_accounts_usage_is_not_told(database: Database, account: str) -> None:
    await use(database, account, LAST)
    assert await Ledger(database).usage((await Accounts(database).create("other", "pro")).id, 0) == []


async def test_only_expired_reservations_are_released(database: Database, account: str) -> None:
    await Ledger(database).reserve(account, 30, -1)
    await Ledger(database).reserve(account, 20, MINUTE)
    assert await Ledger(database).release_expired() == 1
    assert await books(database, account) == Books(available=80, reserved=20, ledger=80, open=20, spent=0, lines=4)


RESERVE_AND_WAIT = """
import asyncio, sys
from ttsai_server.settings import Settings
from ttsai_server.store.db import open_database
from ttsai_server.store.ledger import Ledger

async def main():
    ledger = Ledger(open_database(Settings.model_validate_json(sys.argv[1])))
    await ledger.reserve(sys.argv[2], 30, 0.0)
    print("reserved", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_what_a_killed_server_had_reserved_returns(
    database: Database, store_settings: Settings, account: str
) -> None:
    server = await python(RESERVE_AND_WAIT, store_settings.model_dump_json(), account)
    assert server.stdout
    assert await server.stdout.readline() == b"reserved\n"
    server.kill()
    await server.wait()
    assert (await books(database, account)).reserved == 30
    assert await Ledger(database).release_expired() == 1
    assert await books(database, account) == Books(available=100, reserved=0, ledger=100, open=0, spent=0, lines=3)


ENDINGS = st.sampled_from(["settle", "settle twice", "release", "release after settle", "expire", "run on"])
LIVES = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 40), ENDINGS, st.integers(0, 3), st.integers(0, 3)), max_size=12
)
"""Requests: (credits reserved, credits used, ending, turns before it reserves, turns before it ends)."""


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lives=LIVES, credits=st.integers(0, 120))
async def test_the_ledger_always_sums_to_the_balance(
    database: Database, lives: list[tuple[int, int, str, int, int]], credits: int
) -> None:
    account = (await Accounts(database).create("random", "pro", credits)).id
    keeper = Ledger(database)

    async def live(amount: int, spent: int, ending: str, before: int, during: int) -> None:
        await turns(before)
        try:
            held = await keeper.reserve(account, amount, -1 if ending == "expire" else MINUTE)
        except InsufficientCredits:
            return
        await turns(during)
        await end(keeper, held, min(spent, amount), ending)

    await asyncio.gather(*(live(*one) for one in lives))
    kept = await books(database, account)
    assert kept.ledger == kept.available
    assert kept.open == kept.reserved
    assert kept.available + kept.reserved + kept.spent == credits


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0.001)


async def end(keeper: Ledger, held: Reservation, spent: int, ending: str) -> None:
    match ending:
        case "settle":
            await keeper.settle(held.id, used(spent))
        case "settle twice":
            await asyncio.gather(keeper.settle(held.id, used(spent)), keeper.settle(held.id, used(spent)))
        case "release":
            await keeper.release(held.id)
        case "release after settle":
            await asyncio.gather(keeper.settle(held.id, used(spent)), keeper.release(held.id))
        case "expire":
            await keeper.release_expired()
        case _:
            pass


async def test_usage_is_told_apart_by_the_key_that_asked(database: Database, account: str) -> None:
    for key in ("key_b", "key_a", "key_b"):
        reservation = await Ledger(database).reserve(account, 30, MINUTE, key=key)
        await Ledger(database).settle(reservation.id, used(3))
    assert await Ledger(database).usage_by_key(account, 0) == [
        KeyUsage(today(), "tts", "kokoro", 1, 34, 2.5, 3, "key_a"),
        KeyUsage(today(), "tts", "kokoro", 2, 68, 5.0, 6, "key_b"),
    ]


async def test_usage_is_found_by_its_index(database: Database, account: str) -> None:
    await use(database, account, LAST)

    def plan(connection: Connection) -> str:
        sqlite = connection.dialect.name == "sqlite"
        if not sqlite:
            connection.execute(text("SET LOCAL enable_seqscan = off"))  # a table of one row is read without an index
        query = _USAGE_BY_KEY.params(account=account, since=0.0)
        explained = query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
        rows = connection.exec_driver_sql(f"EXPLAIN {'QUERY PLAN ' if sqlite else ''}{explained}")
        return str(rows.all())

    assert "ix_usage_account_at" in await database.write(plan)
