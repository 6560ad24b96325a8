import asyncio
import sqlite3
import threading
import time
from pathlib import Path
from shutil import rmtree

import pytest
from sqlalchemy import Connection, insert, select, text

from ttsai_server.settings import Settings, Store
from ttsai_server.store.db import Database, DatabaseFull, DatabaseUnavailable, open_database
from ttsai_server.store.migrate import upgrade
from ttsai_server.store.tables import accounts


def add(connection: Connection, id: str, seconds: float = 0.0) -> str:
    row = {"id": id, "name": id, "plan": "pro", "available": 0, "reserved": 0, "created_at": 0.0}
    connection.execute(insert(accounts), row)
    time.sleep(seconds)
    return id


def add_and_fail(connection: Connection, id: str) -> None:
    add(connection, id)
    raise RuntimeError("half way")


def ids(connection: Connection) -> list[str]:
    return sorted(connection.scalars(select(accounts.c.id)))


async def test_what_is_written_is_there_to_read(database: Database) -> None:
    assert await database.write(add, "a") == "a"
    assert await database.read(ids) == ["a"]


async def test_work_that_fails_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError):
        await database.write(add_and_fail, "a")
    assert await database.read(ids) == []


async def test_a_write_goes_on_when_its_caller_is_cancelled(database: Database) -> None:
    writing = asyncio.create_task(database.write(add, "a", seconds=0.1))
    await asyncio.sleep(0.05)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await database.write(add, "b")
    await asyncio.sleep(0.2)
    assert await database.read(ids) == ["a", "b"]


async def test_closing_waits_for_the_writes_under_way(database: Database, store_settings: Settings) -> None:
    writing = asyncio.create_task(database.write(add, "a", seconds=0.1))
    await asyncio.sleep(0.05)
    writing.cancel()
    await database.close()
    reopened = open_database(store_settings)
    assert await reopened.read(ids) == ["a"]
    await reopened.close()


async def test_the_event_loop_runs_on_while_sqlite_works(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    await upgrade(settings)
    database = open_database(settings)
    begun, go_on = threading.Event(), threading.Event()

    def wait(_: Connection) -> bool:
        begun.set()
        return go_on.wait(60)

    writing = asyncio.create_task(database.write(wait))
    while not begun.is_set():  # noqa: ASYNC110 another thread sets it
        await asyncio.sleep(0.01)
    go_on.set()
    assert await writing, "the loop stood still until SQLite was done"
    await database.close()


async def test_an_sqlite_writer_waits_for_another_process(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    await upgrade(settings)
    database = open_database(settings)
    other = sqlite3.connect(tmp_path / "ttsai.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writing = asyncio.create_task(database.write(add, "a"))
    await asyncio.sleep(0.1)
    assert not writing.done()
    other.execute("COMMIT")
    other.close()
    assert await writing == "a"
    await database.close()


async def test_a_new_sqlite_file_that_another_process_writes_to_is_waited_for(tmp_path: Path) -> None:
    """As when several servers start together: SQLite's own timeout does not cover the switch to a write-ahead log."""
    other = sqlite3.connect(tmp_path / "ttsai.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    database = open_database(Settings(data_dir=tmp_path))
    reading = asyncio.create_task(database.read(lambda connection: connection.scalar(text("SELECT 1"))))
    await asyncio.sleep(0.1)
    assert not reading.done()
    other.execute("COMMIT")
    other.close()
    assert await reading == 1
    await database.close()


@pytest.mark.parametrize(("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 1), ("foreign_keys", 1)])
async def test_sqlite_is_set_up_for_a_server(tmp_path: Path, pragma: str, value: object) -> None:
    database = open_database(Settings(data_dir=tmp_path))
    assert await database.write(lambda connection: connection.scalar(text(f"PRAGMA {pragma}"))) == value
    await database.close()


async def test_postgres_takes_libpqs_name_for_tls(postgres_url: str) -> None:
    database = open_database(Settings(store=Store(url=f"{postgres_url}&sslmode=disable")))
    assert await database.read(lambda connection: connection.scalar(text("SELECT 1"))) == 1
    await database.close()


@pytest.mark.parametrize("url", ["mysql://host/name", "sqlite://", "sqlite:///:memory:"])
def test_a_database_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="sqlite:///"):
        open_database(Settings(store=Store(url=url)))


def fill(connection: Connection) -> None:
    connection.exec_driver_sql("PRAGMA max_page_count = 1")  # as many as there are, at least
    for number in range(10_000):
        add(connection, f"{number}")


async def test_a_full_disk_is_told_apart_from_a_fault_of_the_work(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    await upgrade(settings)
    database = open_database(settings)
    with pytest.raises(DatabaseFull):
        await database.write(fill)
    assert await database.read(ids) == []
    await database.close()


async def test_a_folder_that_is_gone_is_an_outage(tmp_path: Path) -> None:
    database = open_database(Settings(data_dir=tmp_path / "data"))
    rmtree(tmp_path / "data")
    with pytest.raises(DatabaseUnavailable):
        await database.read(ids)
    await database.close()
