"""Both kinds of results store and of database. They do not depend on each other, so two pairs cover all four."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

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


@pytest.fixture(params=["directory, sqlite", pytest.param("s3, postgres", marks=pytest.mark.service)])
def kinds(request: pytest.FixtureRequest) -> list[str]:
    return request.param.split(", ")


@pytest.fixture
def files(request: pytest.FixtureRequest, kinds: list[str], tmp_path: Path) -> Files:
    if kinds[0] == "s3":
        return S3(request.getfixturevalue("s3_url"))
    return Directory(tmp_path / "results")


@pytest.fixture
def database_kind(kinds: list[str]) -> str:
    return kinds[1]


@pytest.fixture
async def account(database: Database) -> str:
    return (await Accounts(database).create("Ann", "pro")).id


@pytest.fixture
def new_store(database: Database, files: Files) -> Callable[..., Results]:
    """Creates stores on the same files as `store`, as another server would have, or with other bounds."""

    def made(**bounds: Any) -> Results:
        return Results(database, files, Bounds(**bounds))

    return made


@pytest.fixture
def store(new_store: Callable[..., Results]) -> Results:
    return new_store()
