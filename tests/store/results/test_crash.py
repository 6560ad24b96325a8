"""A server that is killed while it writes."""

from pathlib import Path

from sqlalchemy import select, update
from tests.processes import python

from ttsai_server.settings import Settings
from ttsai_server.store.db import Database
from ttsai_server.store.results import open_results
from ttsai_server.store.tables import loose_files

WRITER = """
import asyncio, sys
from ttsai_server.settings import Settings
from ttsai_server.store.accounts import Accounts
from ttsai_server.store.db import open_database
from ttsai_server.store.results import new_id, open_results

async def endless():
    while True:
        yield bytes(1 << 20)
        print("wrote", flush=True)
        await asyncio.sleep(0.01)

async def main():
    settings = Settings.model_validate_json(sys.argv[1])
    database = open_database(settings)
    account = (await Accounts(database).create("Ann", "pro")).id
    store = open_results(settings, database)
    await store.put(new_id("task"), endless(), account=account, name="a.mp3", content_type="audio/mpeg")

asyncio.run(main())
"""


async def test_no_file_is_left_that_nobody_knows(tmp_path: Path, database: Database, store_settings: Settings) -> None:
    settings = store_settings.model_copy(update={"data_dir": tmp_path})
    writer = await python(WRITER, settings.model_dump_json())
    assert writer.stdout
    for _ in range(3):
        assert await writer.stdout.readline() == b"wrote\n"
    writer.kill()
    await writer.communicate()
    (file,) = (tmp_path / "results").iterdir()
    assert await database.read(lambda connection: connection.scalars(select(loose_files.c.file)).all()) == [file.name]
    store = open_results(settings, database)
    await store.expire()
    assert file.exists()  # the writer might still be at it
    await database.write(lambda connection: connection.execute(update(loose_files).values(until=1.0)))
    await store.expire()
    assert not file.exists()
    assert (await store.usage()).count == 0
