"""Creates and migrates the database's tables, with Alembic."""

from pathlib import Path

from sqlalchemy import Connection, text

from ttsai_server.settings import CHECKOUT, Settings
from ttsai_server.store.db import open_database

LOCK = 0x7474_7361_6920_6462
"""Id of the Postgres advisory lock that lets one process migrate at a time; SQLite has its write lock."""
PACKAGED = Path(__file__).parents[1] / "migrations"
"""Folder of the migrations in a wheel."""


async def upgrade(settings: Settings) -> None:
    """Create or migrate the tables, in one transaction. Idempotent; several servers may call it at the same time."""
    database = open_database(settings)
    try:
        await database.write(_upgrade)
    finally:
        await database.close()


def _upgrade(connection: Connection, revision: str = "head") -> None:
    from alembic import command
    from alembic.config import Config

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    config = Config()
    config.set_main_option("script_location", str(PACKAGED if PACKAGED.is_dir() else CHECKOUT / "alembic"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
