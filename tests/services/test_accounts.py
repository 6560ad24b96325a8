import time
from dataclasses import replace

import pytest

from ttsai_server.domain import Caller
from ttsai_server.errors import BadRequest, Unauthorized
from ttsai_server.services.accounts import Accounts, check_origins
from ttsai_server.settings import Auth, Settings
from ttsai_server.store.accounts import Accounts as StoredAccounts
from ttsai_server.store.db import Database
from ttsai_server.store.keys import PUBLISHABLE, SECRET, Keys
from ttsai_server.store.ledger import Ledger, Used


def accounts(database: Database, cache_seconds: float = 0) -> Accounts:
    return Accounts(Settings(auth=Auth(cache_seconds=cache_seconds)), database)


@pytest.fixture
async def account(database: Database) -> str:
    return (await StoredAccounts(database).create("Ann", "pro")).id


async def test_a_key_tells_who_calls(database: Database, account: str) -> None:
    key, plain = await Keys(database).create(account)
    assert await accounts(database).authenticate(plain) == Caller(account, "pro", key.id)


async def test_a_publishable_key_tells_where_it_may_be_used(database: Database, account: str) -> None:
    key, plain = await Keys(database).create(account, PUBLISHABLE, origins=("https://a.example",))
    caller = await accounts(database).authenticate(plain)
    assert caller == Caller(account, "pro", key.id, publishable=True, origins=("https://a.example",))


@pytest.mark.parametrize(
    ("plain", "reason"),
    [
        ("", "No API key"),
        ("hello", "malformed"),
        ("sk-tts-" + "0" * 31, "malformed"),
        ("sk-tts-" + "0" * 33, "malformed"),
        ("xk-tts-" + "0" * 32, "malformed"),
        ("sk-tts-" + "é" * 32, "malformed"),
        ("sk-tts-" + "0" * 31 + "\n", "malformed"),
        ("sk-tts-" + "0" * 32, "unknown"),
    ],
)
async def test_a_wrong_key_is_told_why(database: Database, plain: str, reason: str) -> None:
    with pytest.raises(Unauthorized, match=reason) as caught:
        await accounts(database).authenticate(plain)
    assert not plain or plain not in caught.value.message


async def test_a_caller_who_is_checked_again_has_the_plan_of_now(database: Database, account: str) -> None:
    _, plain = await Keys(database).create(account)
    known = await accounts(database).authenticate(plain)
    await StoredAccounts(database).set_plan(account, "free")
    assert await accounts(database).check_key(known) == replace(known, plan="free")


async def test_a_server_without_keys_has_the_account_of_all_who_call(database: Database, account: str) -> None:
    assert await accounts(database).first_start() is None
    assert await Accounts(Settings(auth=Auth(enabled=False)), database).first_start()
    assert [each.id for each in await StoredAccounts(database).list()] == [account, "local"]


async def test_a_revoked_key_is_refused(database: Database, account: str) -> None:
    key, plain = await Keys(database).create(account)
    await Keys(database).revoke(key.id)
    with pytest.raises(Unauthorized, match="revoked"):
        await accounts(database).authenticate(plain)


async def test_an_expired_key_is_refused(database: Database, account: str) -> None:
    _, plain = await Keys(database).create(account, expires_at=time.time() - 1)
    with pytest.raises(Unauthorized, match="expired"):
        await accounts(database).authenticate(plain)


async def test_a_key_is_believed_for_the_cache_time_and_no_longer(
    database: Database, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, plain = await Keys(database).create(account)
    desk = accounts(database, cache_seconds=10)
    await desk.authenticate(plain)
    await Keys(database).revoke(key.id)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 9)
    await desk.authenticate(plain)
    monkeypatch.setattr(time, "time", lambda: now + 11)
    with pytest.raises(Unauthorized, match="revoked"):
        await desk.authenticate(plain)


async def test_a_key_is_not_believed_past_its_expiry(
    database: Database, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    _, plain = await Keys(database).create(account, expires_at=now + 5)
    desk = accounts(database, cache_seconds=3600)
    await desk.authenticate(plain)
    monkeypatch.setattr(time, "time", lambda: now + 6)
    with pytest.raises(Unauthorized, match="expired"):
        await desk.authenticate(plain)


async def test_a_remembered_key_costs_no_query(database: Database, account: str) -> None:
    _, plain = await Keys(database).create(account)
    desk = accounts(database, cache_seconds=3600)
    caller = await desk.authenticate(plain)
    await database.close()
    assert await desk.authenticate(plain) == caller


async def test_the_memory_of_keys_is_bounded(database: Database, account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ttsai_server.services.accounts.MOST_CACHED", 2)
    desk = accounts(database, cache_seconds=3600)
    for _ in range(5):
        _, plain = await Keys(database).create(account)
        await desk.authenticate(plain)
    assert len(desk._cache) == 2


async def test_a_new_key_works_at_once_after_it_was_tried(database: Database, account: str) -> None:
    desk = accounts(database, cache_seconds=3600)
    _, plain = await Keys(database).create(account)
    with pytest.raises(Unauthorized, match="unknown"):
        await desk.authenticate("sk-tts-" + "0" * 32)
    assert await desk.authenticate(plain)


async def test_use_of_a_key_is_noted(database: Database, account: str) -> None:
    _, plain = await Keys(database).create(account)
    await accounts(database).authenticate(plain)
    first = (await Keys(database).list())[0].used_at
    assert first
    await accounts(database).authenticate(plain)
    assert (await Keys(database).list())[0].used_at == first


async def test_the_first_start_gives_a_key_of_the_local_account(database: Database) -> None:
    plain = await accounts(database).first_start()
    assert plain
    caller = await accounts(database).authenticate(plain)
    assert (caller.account, caller.plan) == ("local", "enterprise")
    assert (await StoredAccounts(database).get("local")).available == 1_000_000


async def test_a_later_start_gives_no_key(database: Database) -> None:
    await accounts(database).first_start()
    assert await accounts(database).first_start() is None


async def test_a_key_that_its_account_revokes_is_believed_no_longer(database: Database, account: str) -> None:
    desk = accounts(database, cache_seconds=3600)
    key, plain = await Keys(database).create(account)
    await desk.revoke_key(await desk.authenticate(plain), key.id)
    with pytest.raises(Unauthorized, match="revoked"):
        await desk.authenticate(plain)


async def test_usage_of_one_day_is_todays(database: Database, account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper, desk, caller = Ledger(database), accounts(database), Caller(account, "pro", "key_0")
    noon = 20_833.5 * 86_400
    for hours in (-13, -12, 11.9):
        monkeypatch.setattr(time, "time", lambda at=noon + hours * 3600: at)
        reservation = await keeper.reserve(account, 0, 60)
        await keeper.settle(reservation.id, Used("tts", "tone", 1, 1.0, 0))
    (today,) = (await desk.standing(caller, 1)).usage
    assert today.requests == 2
    assert [day.requests for day in (await desk.standing(caller, 2)).usage] == [2, 1]


async def test_what_is_set_aside_is_told_apart(database: Database) -> None:
    account = (await StoredAccounts(database).create("Ann", "pro", 100)).id
    await Ledger(database).reserve(account, 30, 60)
    standing = await accounts(database).standing(Caller(account, "pro", "key_0"), 30)
    assert (standing.credits, standing.reserved) == (70, 30)


async def test_a_page_is_known_by_its_publishable_key(database: Database, account: str) -> None:
    desk = accounts(database)
    assert not await desk.allows_origin("https://a.example")
    caller = Caller(account, "pro", "key_0")
    await desk.create_key(caller, PUBLISHABLE, "", ("https://a.example",), None)
    assert await desk.allows_origin("https://a.example")
    assert not await desk.allows_origin("https://b.example")


async def test_a_secret_key_takes_no_origins(database: Database, account: str) -> None:
    with pytest.raises(BadRequest):
        await accounts(database).create_key(Caller(account, "pro", "key_0"), SECRET, "", ("https://a.example",), None)


ORIGINS = [
    "https://a.example",
    "http://localhost:3000",
    "https://xn--bcher-kva.example",
    "http://127.0.0.1",
    "http://[::1]:8080",
]


@pytest.mark.parametrize("origin", [*ORIGINS, "capacitor://localhost", "https://a.example:80"])
def test_an_origin_as_browsers_send_it_is_taken(origin: str) -> None:
    check_origins(True, [origin])


@pytest.mark.parametrize(
    "origin",
    ["", "*", "null", "a.example", "https://", "https://a.example/", "https://A.example", "https://bücher.example",
     "https://*.example", "https://a.example:443", "http://a.example:80", "https://me@a.example", "https://a.example?x",
     "https://a.example\n", "https://" + "a" * 300],
)  # fmt: skip
def test_what_no_browser_sends_as_an_origin_is_refused(origin: str) -> None:
    with pytest.raises(BadRequest):
        check_origins(True, [origin])
