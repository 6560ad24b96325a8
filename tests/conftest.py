"""Fixtures that more than one room of tests asks for."""

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.live import Live, live
from ttsai_server.settings import Models, Settings


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Live]:
    """The server with its demo engine and an empty database of its own; shared, so a test makes its own account."""
    with live(Settings(data_dir=tmp_path_factory.mktemp("server"), models=Models(demo=True))) as running:
        yield running
