import time

from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine.interfaces import ReflectedIndex
from tests.processes import BARRIER, at_once, python

from ttsai_server.settings import Settings
from ttsai_server.store import delivery_claims, job_claims, migrate
from ttsai_server.store.db import Database, open_database
from ttsai_server.store.leases import Holder
from ttsai_server.store.migrate import upgrade
from ttsai_server.store.tables import metadata


def shape(connection: Connection) -> dict[str, object]:
    """The tables' columns, keys, constraints and indexes, as the database reports them."""
    inspector = inspect(connection)
    return {
        table: {
            "columns": [{**column, "type": repr(column["type"])} for column in inspector.get_columns(table)],
            "primary key": inspector.get_pk_constraint(table),
            "foreign keys": inspector.get_foreign_keys(table),
            "unique": inspector.get_unique_constraints(table),
            "checks": sorted(inspector.get_check_constraints(table), key=str),
            "indexes": [str(index | {"dialect_options": _texts(index)}) for index in inspector.get_indexes(table)],
        }
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


def _texts(index: ReflectedIndex) -> dict[str, str]:
    return {name: str(value) for name, value in index.get("dialect_options", {}).items()}


async def shape_of(settings: Settings) -> dict[str, object]:
    database = open_database(settings)
    try:
        return await database.read(shape)
    finally:
        await database.close()


async def test_the_migrations_make_the_tables_of_the_code(empty_store: Settings) -> None:
    await upgrade(empty_store)
    migrated = await shape_of(empty_store)
    assert set(migrated) == set(metadata.tables)
    database = open_database(empty_store)
    await database.write(metadata.drop_all)
    await database.write(metadata.create_all)
    await database.close()
    assert migrated == await shape_of(empty_store)


async def test_upgrading_again_changes_nothing(database: Database, store_settings: Settings) -> None:
    before = await database.read(shape)
    await upgrade(store_settings)
    assert await database.read(shape) == before


UPGRADE = f"""
import alembic.command, asyncio
from ttsai_server.settings import Settings
from ttsai_server.store.migrate import upgrade
{BARRIER}
asyncio.run(upgrade(Settings.model_validate_json(sys.argv[1])))
"""


async def test_processes_that_start_at_once_all_find_the_tables(empty_store: Settings) -> None:
    await at_once(4, UPGRADE, empty_store.model_dump_json())
    assert set(await shape_of(empty_store)) == set(metadata.tables)


async def test_no_alembic_is_imported_before_it_is_needed() -> None:
    process = await python("import sys, ttsai_server.store.migrate; print('alembic' in sys.modules)")
    assert (await process.communicate())[0] == b"False\n"


BEFORE_LEASES = "0005"
ACCOUNT = "INSERT INTO accounts VALUES ('ann', 'Ann', 'pro', 0, 0, 0)"
TASK = """
INSERT INTO tasks (id, account, plan, kind, model, spec, name, base_url, number, credits, turn, created_at, state,
                   progress, node, attempts)
VALUES ('{id}', 'ann', 'pro', 'tts', 'tone', '{{}}', 'speech.mp3', 'http://a', 0, 0, 1, 0, '{state}',
        0, 'a', {attempts})
"""
DELIVERY = (
    "INSERT INTO webhook_deliveries VALUES ('msg', 'ann', 't', 'task.completed', 'http://a', '{}', 'pending', 0, 0)"
)


def left_by_dbos(connection: Connection) -> None:
    """A queued job, a running one, and a pending webhook, as rows looked before there were leases."""
    connection.execute(text(ACCOUNT))
    connection.execute(text(TASK.format(id="queued", state="queued", attempts=0)))
    connection.execute(text(TASK.format(id="begun", state="processing", attempts=1)))
    connection.execute(text(DELIVERY))


async def test_what_was_not_done_under_the_scheme_before_is_taken_up(empty_store: Settings) -> None:
    database, holder = open_database(empty_store), Holder.of("a", 30)
    await database.write(migrate._upgrade, BEFORE_LEASES)
    await database.write(left_by_dbos)
    await upgrade(empty_store)
    jobs = await database.write(job_claims.claim, holder, [], 4, time.time())
    assert {(job.id, job.attempts) for job in jobs} == {("queued", 1), ("begun", 2)}
    assert [one.id for one in await database.write(delivery_claims.claim, holder, [], 4, 4, time.time())] == ["msg"]
    await database.close()
