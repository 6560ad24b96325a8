"""The store: rows and files together, for each kind of both."""

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from tests.store.results.conftest import chunks

from ttsai_server.errors import NotFound, StoreFull
from ttsai_server.settings import Results as Bounds
from ttsai_server.store.accounts import Accounts
from ttsai_server.store.db import Database
from ttsai_server.store.results import Result, Results, Usage, new_id, results, rows
from ttsai_server.store.results.base import Files
from ttsai_server.store.results.directory import Directory
from ttsai_server.store.tables import loose_files
from ttsai_server.store.tables import results as table


async def keep(
    store: Results, account: str, source: AsyncIterable[bytes], id: str = "", ttl: float | None = None
) -> Result:
    more: Any = {"name": "speech.mp3", "content_type": "audio/mpeg"}
    return await store.put(id or new_id("task"), source, account=account, ttl=ttl, **more)


async def put(store: Results, account: str, *given: bytes, id: str = "", ttl: float | None = None) -> Result:
    return await keep(store, account, chunks(*given), id, ttl)


async def content(store: Results, result: Result) -> bytes:
    return b"".join([chunk async for chunk in store.read(result)])


async def loose(database: Database) -> list[str]:
    return await database.read(lambda connection: list(connection.scalars(select(loose_files.c.file))))


async def is_there(files: Files, file: str) -> bool:
    try:
        await anext(files.read(file, 0, 1))
    except FileNotFoundError:
        return False
    return True


async def test_what_is_put_is_got(store: Results, account: str) -> None:
    made = await put(store, account, b"la ", b"la")
    found = await store.get(made.id)
    assert found == made
    assert (found.account, found.name, found.content_type, found.size) == (account, "speech.mp3", "audio/mpeg", 5)
    assert found.sha256 == sha256(b"la la").hexdigest()
    assert found.expires_at - found.created_at == pytest.approx(24 * 3600)
    assert await content(store, found) == b"la la"


async def test_a_result_kept_leaves_no_loose_file(store: Results, account: str, database: Database) -> None:
    await put(store, account, b"la")
    assert await loose(database) == []


async def test_there_is_no_result_before_it_is_whole(store: Results, account: str) -> None:
    id, seen = new_id("task"), []

    async def watched() -> AsyncIterator[bytes]:
        yield bytes(2 * results.BLOCK)
        with pytest.raises(NotFound):
            await store.get(id)
        seen.append(True)

    await keep(store, account, watched(), id)
    assert seen
    assert (await store.get(id)).size == 2 * results.BLOCK


async def test_a_step_that_is_repeated_gets_the_first_result(store: Results, account: str) -> None:
    first = await put(store, account, b"la", id=(id := new_id("task")))
    assert await put(store, account, b"something else", id=id) == first
    assert await content(store, await store.get(id)) == b"la"


async def test_of_two_puts_at_once_one_is_the_result(
    store: Results, account: str, files: Files, database: Database
) -> None:
    id = new_id("task")
    made = await asyncio.gather(*(put(store, account, sound * 9, id=id) for sound in (b"a", b"b", b"c", b"d")))
    assert len(set(made)) == 1
    assert sha256(await content(store, made[0])).hexdigest() == made[0].sha256
    losers = await loose(database)
    assert len(losers) == 3
    await store.expire()
    assert [await is_there(files, file) for file in [*losers, made[0].file]] == [False] * 3 + [True]
    assert await loose(database) == []


async def test_a_put_that_fails_leaves_neither_result_nor_file(
    store: Results, account: str, files: Files, database: Database
) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield bytes(2 * results.BLOCK)
        raise RuntimeError("engine broke")

    id = new_id("task")
    with pytest.raises(RuntimeError, match="engine broke"):
        await keep(store, account, broken(), id)
    with pytest.raises(NotFound):
        await store.get(id)
    (file,) = await loose(database)
    await store.expire()
    assert not await is_there(files, file)
    assert await loose(database) == []


async def test_a_put_that_is_cancelled_leaves_neither(
    store: Results, account: str, files: Files, database: Database
) -> None:
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield bytes(2 * results.BLOCK)
        begun.set()
        await asyncio.sleep(3600)

    putting = asyncio.create_task(keep(store, account, endless()))
    await begun.wait()
    (file,) = await loose(database)
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    await store.expire()
    assert not await is_there(files, file)
    assert await loose(database) == []


async def test_a_file_that_is_being_written_is_not_swept(
    store: Results, new_store: Callable[..., Results], account: str
) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield bytes(2 * results.BLOCK)
        await new_store().expire()
        yield b"end"

    made = await keep(store, account, slow())
    assert await content(store, made) == bytes(2 * results.BLOCK) + b"end"


async def test_a_file_that_was_given_up_is_deleted_and_is_no_result(
    store: Results, new_store: Callable[..., Results], account: str, database: Database
) -> None:
    """As if a server hung for longer than WRITE_SECONDS."""

    async def hung() -> AsyncIterator[bytes]:
        yield bytes(2 * results.BLOCK)
        await database.write(lambda connection: connection.execute(update(loose_files).values(until=1.0)))
        await new_store().expire()

    id = new_id("task")
    with pytest.raises(TimeoutError):
        await keep(store, account, hung(), id)
    with pytest.raises(NotFound):
        await store.get(id)


async def test_a_file_stays_claimed_while_chunks_come(
    store: Results, account: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def steady() -> AsyncIterator[bytes]:
        for _ in range(6):
            await asyncio.sleep(0.1)
            yield bytes(results.BLOCK)
            assert await database.write(rows.claim, time.time()) == []

    monkeypatch.setattr(results, "WRITE_SECONDS", 0.5)
    assert (await keep(store, account, steady())).size == 6 * results.BLOCK


async def test_an_expired_result_is_not_found(store: Results, account: str) -> None:
    made = await put(store, account, b"la", ttl=0.001)
    await asyncio.sleep(0.01)
    with pytest.raises(NotFound):
        await store.get(made.id)


async def test_expiry_deletes_the_file_and_the_row(
    store: Results, account: str, files: Files, database: Database
) -> None:
    old, kept = await put(store, account, b"la", ttl=0.001), await put(store, account, b"lo")
    await asyncio.sleep(0.01)
    assert await store.expire() == 1
    assert [await is_there(files, result.file) for result in (old, kept)] == [False, True]
    assert await store.usage() == Usage(1, 2)
    assert await loose(database) == []


async def test_more_than_one_sweep_full_expires(store: Results, account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "_OLD", select(table.c.id).where(table.c.expires_at <= time.time() + 60).limit(2))
    for _ in range(5):
        await put(store, account, b"la", ttl=30)
    assert await store.expire() == 5
    assert await store.usage() == Usage(0, 0)


async def test_a_server_that_dies_while_it_deletes_is_taken_over(
    store: Results, account: str, files: Files, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await put(store, account, b"la")
    monkeypatch.setattr(rows, "RETRY_SECONDS", -1.0)
    await database.write(rows.release, table.c.id == made.id)  # and here it dies
    assert await is_there(files, made.file)
    monkeypatch.undo()
    await store.expire()
    assert not await is_there(files, made.file)
    assert await loose(database) == []


async def test_an_expired_id_can_be_put_anew(store: Results, account: str) -> None:
    old = await put(store, account, b"la", ttl=0.001)
    await asyncio.sleep(0.01)
    assert await content(store, await put(store, account, b"lo", id=old.id)) == b"lo"


async def test_a_deleted_result_and_its_file_are_gone(
    store: Results, account: str, files: Files, database: Database
) -> None:
    made = await put(store, account, b"la")
    await store.delete(made.id)
    await store.delete(made.id)
    with pytest.raises(NotFound):
        await store.get(made.id)
    assert not await is_there(files, made.file)
    assert await loose(database) == []


async def test_a_result_whose_file_is_gone_is_not_found(store: Results, account: str, files: Files) -> None:
    made = await put(store, account, b"la")
    await files.delete([made.file])
    with pytest.raises(NotFound):
        await content(store, made)


async def test_usage_is_told_by_account(store: Results, account: str, database: Database) -> None:
    other = (await Accounts(database).create("Bob", "pro")).id
    await put(store, account, b"la")
    await put(store, account, b"lala")
    await put(store, other, b"l")
    assert [await store.usage(who) for who in (account, other, None)] == [Usage(2, 6), Usage(1, 1), Usage(3, 7)]


async def test_there_is_room_below_the_quota(store: Results, account: str) -> None:
    await put(store, account, b"la")
    await store.check_room(account)


async def test_a_full_store_takes_on_no_work_and_says_until_when(
    new_store: Callable[..., Results], account: str
) -> None:
    store = new_store(quota_mb=1)
    await put(store, account, bytes(1_000_000), ttl=100)
    with pytest.raises(StoreFull) as full:
        await store.check_room(account)
    assert full.value.status == 503
    assert 95 < int(full.value.headers["Retry-After"]) <= 101


async def test_what_has_expired_makes_room(new_store: Callable[..., Results], account: str) -> None:
    store = new_store(quota_mb=1)
    await put(store, account, bytes(1_000_000), ttl=0.001)
    await asyncio.sleep(0.01)
    await store.check_room(account)
    assert await store.usage() == Usage(0, 0)


async def test_an_account_that_fills_its_share_keeps_no_more_and_others_do(
    new_store: Callable[..., Results], account: str, database: Database
) -> None:
    store, other = new_store(account_quota_mb=1), (await Accounts(database).create("Bob", "pro")).id
    await put(store, account, bytes(900_000), ttl=100)
    with pytest.raises(StoreFull, match="account's results") as full:
        await put(store, account, bytes(200_000), ttl=50)
    assert 95 < full.value.retry_after <= 100
    assert await store.usage(account) == Usage(1, 900_000)
    await put(store, account, bytes(100_000), ttl=100)
    with pytest.raises(StoreFull, match="account's results"):
        await store.check_room(account)
    await store.check_room(other)
    assert (await put(store, other, bytes(900_000))).size == 900_000


async def test_what_has_expired_makes_room_in_the_accounts_share(
    new_store: Callable[..., Results], account: str
) -> None:
    store = new_store(account_quota_mb=1)
    await put(store, account, bytes(1_000_000), ttl=0.001)
    await asyncio.sleep(0.01)
    await store.check_room(account)


async def test_work_that_was_taken_on_ends_in_a_full_store(new_store: Callable[..., Results], account: str) -> None:
    store = new_store(quota_mb=1)
    await put(store, account, bytes(1_000_000))
    assert (await put(store, account, b"la")).size == 2


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\sounds\\a.mp3", "a.mp3"),
        ("a\r\nSet-Cookie: x.mp3", "aSet-Cookie: x.mp3"),
        ("a\x00b.mp3", "ab.mp3"),
        ("Grüße \ud800.mp3", "Grüße ?.mp3"),
        ("", "result"),
        ("x" * 500 + ".mp3", "x" * 116 + ".mp3"),
    ],
)
def test_a_file_name_is_one_that_every_system_takes(given_name: str, kept: str) -> None:
    assert results._clean(given_name) == kept


@pytest.mark.parametrize("name", ["a\x00b.mp3", "Grüße \ud800.mp3"])
async def test_any_file_name_can_be_kept(store: Results, account: str, name: str) -> None:
    made = await store.put(new_id("task"), chunks(b"la"), account=account, name=name, content_type="audio/mpeg")
    assert (await store.get(made.id)).name == results._clean(name)


def test_an_id_has_128_random_bits() -> None:
    ids = {new_id("task") for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(bytes.fromhex(id.removeprefix("task_"))) == 16 for id in ids)


@pytest.mark.parametrize("id", ["{}", "task_{}", "task_{}-vocals", "translate_{}"])
def test_ids_that_the_store_takes(id: str) -> None:
    assert results.ID.fullmatch(id.format(token_hex(16)))


GOOD = "a" * 32
HOSTILE = st.one_of(
    st.text(),
    st.sampled_from(["..", "../../etc/passwd", "/etc/passwd", "\x00", "%2e%2e%2f", "task_", ".", "", "ttsai.db"]),
    st.sampled_from([f"{start}{GOOD}" for start in ("../", "/", "\x00", "./", "TASK_", "_", "%2F", "a/")]),
    st.sampled_from([f"{GOOD}{end}" for end in ("/..", "\n", "\x00", ".mp3", "-", "-A", "%00", " ", "a")]),
)


@settings(max_examples=300)
@given(HOSTILE)
def test_no_other_name_gets_as_far_as_the_database(id: str) -> None:
    untouched = Results(None, None, Bounds())  # pyright: ignore[reportArgumentType]
    for ask in (untouched.get, untouched.delete):
        with pytest.raises(NotFound):
            asyncio.run(ask(id))


async def test_a_file_planted_in_the_folder_is_no_result(tmp_path: Path, database: Database) -> None:
    (tmp_path / (name := token_hex(16))).write_bytes(b"planted")
    with pytest.raises(NotFound):
        await Results(database, Directory(tmp_path), Bounds()).get(name)
