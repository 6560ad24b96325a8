import asyncio
from collections.abc import AsyncIterator

import pytest
from dbos import DBOS

from ttsai_server.jobs.queue import DbosQueue
from ttsai_server.settings import Settings
from ttsai_server.store.db import Database, blocking_engine


@pytest.fixture
async def queue(database: Database, store_settings: Settings) -> AsyncIterator[DbosQueue]:
    engine = blocking_engine(store_settings)
    await asyncio.to_thread(DBOS.migrate, engine.url.render_as_string(hide_password=False))
    queue = DbosQueue()
    queue.open(engine)
    yield queue
    engine.dispose()
