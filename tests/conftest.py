"""What many tests need: databases and counters of both kinds, real ones."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from redis.asyncio import Redis
from tests import servers

from ttsai_server.settings import Settings, Store
from ttsai_server.store.db import Database, open_database
from ttsai_server.store.migrate import upgrade


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    with servers.postgres() as url:
        yield url


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[str]:
    with servers.valkey() as url:
        yield url


@pytest.fixture
async def postgres_url(postgres_server: str) -> AsyncIterator[str]:
    """URL of an empty database."""
    name = f"test_{uuid4().hex}"
    admin = await asyncpg.connect(postgres_server)
    await admin.execute(f"CREATE DATABASE {name}")
    yield postgres_server.replace("/postgres?", f"/{name}?")
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest.fixture
async def valkey_url(valkey_server: str) -> str:
    """URL of an empty Valkey."""
    async with Redis.from_url(valkey_server) as redis:
        await redis.flushall()
    return valkey_server


@pytest.fixture(params=["sqlite", "postgres"])
def store_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings with an empty database, once of each kind."""
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    return Settings(data_dir=tmp_path, store=Store(url=url))


@pytest.fixture
async def database(store_settings: Settings) -> AsyncIterator[Database]:
    """An open database with empty tables, once of each kind."""
    await upgrade(store_settings)
    database = open_database(store_settings)
    yield database
    await database.close()
