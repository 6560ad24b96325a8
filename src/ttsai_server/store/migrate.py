"""Brings the database's tables up to date."""

from pathlib import Path

from sqlalchemy import Connection, text

from ttsai_server.settings import CHECKOUT, Settings
from ttsai_server.store.db import open_database

LOCK = 0x7474_7361_6920_6462
"""Number of the Postgres lock that lets one process migrate at a time; SQLite's write lock needs no name."""
PACKAGED = Path(__file__).parents[1] / "migrations"
"""Where a wheel carries the migrations."""


async def upgrade(settings: Settings) -> None:
    """Make the tables, or bring old ones up to date, in one transaction. Does nothing if they are; safe to race."""
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
