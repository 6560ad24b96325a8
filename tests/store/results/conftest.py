"""A results store of each kind, over a database of each kind."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from ttsai_server.settings import Results as Bounds
from ttsai_server.store.accounts import Accounts
from ttsai_server.store.db import Database
from ttsai_server.store.results import Results
from ttsai_server.store.results.base import Files
from ttsai_server.store.results.directory import Directory
from ttsai_server.store.results.s3 import S3


async def chunks(*given: bytes) -> AsyncIterator[bytes]:
    for chunk in given:
        yield chunk


@pytest.fixture(params=["directory", "s3"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    if request.param == "s3":
        return S3(request.getfixturevalue("s3_url"))
    return Directory(tmp_path / "results")


@pytest.fixture
async def account(database: Database) -> str:
    return (await Accounts(database).create("Ann", "pro")).id


@pytest.fixture
def new_store(database: Database, files: Files) -> Callable[..., Results]:
    """Makes a store like `store`, as another server would have, or with other bounds."""
    return lambda **bounds: Results(database, files, Bounds(**bounds))


@pytest.fixture
def store(new_store: Callable[..., Results]) -> Results:
    return new_store()
