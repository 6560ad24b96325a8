import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.domain import Caller, Capability, Tier
from ttsai_server.errors import InsufficientCredits
from ttsai_server.services.billing import Billing, LedgerBilling, NullBilling, Price, Unbilled, open_billing, price
from ttsai_server.settings import Auth, Prices, Settings
from ttsai_server.store.accounts import Accounts
from ttsai_server.store.db import Database, open_database
from ttsai_server.store.leases import Holder
from ttsai_server.store.ledger import Ledger, Used
from ttsai_server.store.request_leases import RequestLeases


def speech(tier: Tier) -> Price:
    return price(Prices(), Capability.TTS, tier)


def used(credits: int) -> Used:
    return Used("tts", "kokoro", 34, 2.5, credits)


def leases(database: Database) -> RequestLeases:
    return RequestLeases(database, Holder.of("a", 30))


@pytest.fixture
async def caller(database: Database) -> Caller:
    account = await Accounts(database).create("Ann", "pro", 100)
    return Caller(account.id, account.plan, "key_1")


@pytest.fixture
def billing(database: Database) -> Billing:
    return open_billing(Settings(), database, leases(database))


@pytest.mark.parametrize(
    ("tier", "characters", "credits"),
    [
        (Tier.STANDARD, 34, 2),
        (Tier.FREE, 1000, 1),
        (Tier.FREE, 1001, 2),
        (Tier.PREMIUM, 5000, 20),
        (Tier.PREMIUM, 0, 0),
    ],
)
def test_a_started_thousand_counts_whole(tier: Tier, characters: int, credits: int) -> None:
    assert speech(tier).of(characters) == credits


@given(one=st.integers(0, 50_000), more=st.integers(0, 50_000))
def test_a_longer_text_never_costs_less(one: int, more: int) -> None:
    assert speech(Tier.STANDARD).of(one) <= speech(Tier.STANDARD).of(one + more)


@pytest.mark.parametrize(("seconds", "credits"), [(0.1, 2), (60, 2), (60 + 1 / 16_000, 2), (60.001, 4), (3600, 120)])
def test_a_started_minute_counts_whole_to_the_millisecond_that_is_shown(seconds: float, credits: int) -> None:
    assert price(Prices(), Capability.STT, Tier.FREE).of(seconds) == credits


async def test_work_that_lasts_longer_than_expected_is_paid_too(database: Database, caller: Caller) -> None:
    hold = await LedgerBilling(Ledger(database), leases(database)).reserve(caller, 30)
    await Ledger(database).release_expired()
    await hold.extend(10)
    await hold.settle(used(40))
    assert (await Accounts(database).get(caller.account)).available == 60


async def test_a_hold_tells_what_remains(billing: Billing, caller: Caller) -> None:
    hold = await billing.reserve(caller, 30)
    assert (hold.credits, hold.remaining) == (30, 70)


async def test_settling_charges_what_was_used(billing: Billing, caller: Caller) -> None:
    hold = await billing.reserve(caller, 30)
    await hold.settle(used(10))
    assert (hold.credits, hold.remaining) == (10, 90)


async def test_releasing_charges_nothing(billing: Billing, caller: Caller) -> None:
    hold = await billing.reserve(caller, 30)
    await hold.release()
    assert (hold.credits, hold.remaining) == (0, 100)


async def test_a_released_hold_can_not_be_settled(billing: Billing, caller: Caller) -> None:
    hold = await billing.reserve(caller, 30)
    await hold.release()
    await hold.settle(used(10))
    assert (hold.credits, hold.remaining) == (0, 100)


async def test_a_settled_hold_can_not_be_released(billing: Billing, caller: Caller) -> None:
    hold = await billing.reserve(caller, 30)
    await hold.settle(used(10))
    await hold.release()
    assert (hold.credits, hold.remaining) == (10, 90)


async def test_a_hold_that_failed_to_settle_can_be_released(billing: Billing, caller: Caller) -> None:
    hold = await billing.reserve(caller, 30)
    with pytest.raises(ValueError, match="31 credits used of 30"):
        await hold.settle(used(31))
    await hold.release()
    assert (hold.credits, hold.remaining) == (0, 100)


async def test_too_few_credits_are_told(billing: Billing, caller: Caller) -> None:
    with pytest.raises(InsufficientCredits):
        await billing.reserve(caller, 101)


@pytest.mark.parametrize("turns", range(6))
async def test_a_caller_that_leaves_while_reserving_gets_its_credits_back(
    billing: Billing, caller: Caller, database: Database, turns: int
) -> None:
    reserving = asyncio.create_task(billing.reserve(caller, 30))
    for _ in range(turns):
        await asyncio.sleep(0)
    reserving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reserving
    await billing.close()
    account = await Accounts(database).get(caller.account)
    assert (account.available, account.reserved) == (100, 0)


async def test_a_settlement_goes_on_when_its_caller_is_cancelled(
    billing: Billing, caller: Caller, database: Database, store_settings: Settings
) -> None:
    hold = await billing.reserve(caller, 30)
    settling = asyncio.create_task(hold.settle(used(10)))
    await asyncio.sleep(0)
    settling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await settling
    await database.close()
    reopened = open_database(store_settings)
    assert (await Accounts(reopened).get(caller.account)).available == 90
    await reopened.close()


def test_billing_follows_the_setting(database: Database) -> None:
    assert isinstance(open_billing(Settings(), database, leases(database)), LedgerBilling)
    assert isinstance(open_billing(Settings(auth=Auth(enabled=False)), database, leases(database)), NullBilling)


@pytest.mark.parametrize("close", ["settle", "release"])
async def test_nobody_pays_without_keys(close: str) -> None:
    hold = await NullBilling().reserve(Caller("local", "enterprise", ""), 10**9)
    await (hold.settle(used(2)) if close == "settle" else hold.release())
    assert hold.remaining is None


async def test_what_is_paid_elsewhere_takes_no_credits_and_tells_of_none() -> None:
    hold = await Unbilled().reserve(Caller("nobody", "enterprise", ""), 10)
    await hold.settle(used(2))
    assert (hold.credits, hold.remaining) == (0, None)
