"""What starts and stops with the application."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ttsai_server.app.lifespan import running
from ttsai_server.app.parts import assemble
from ttsai_server.jobs.node import Node
from ttsai_server.settings import Jobs, Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, jobs=Jobs(node="here"))


def broken(*_: object) -> None:
    raise OSError("it is broken")


async def fails(settings: Settings, announce: Callable[[str], None] | None, part: str = "") -> None:
    parts = assemble(settings)
    with pytest.MonkeyPatch.context() as patch:
        if part:
            patch.setattr(getattr(parts.services, part), "close", broken)
        with pytest.raises(OSError, match="it is broken"):
            async with running(parts, announce):
                pass


async def test_a_part_that_fails_as_it_stops_keeps_no_other_from_stopping(settings: Settings) -> None:
    await fails(settings, None, "webhooks")
    Node.of(settings).close()  # NodeNameTaken, if it still had its name


async def test_a_start_that_fails_gives_the_servers_name_back(settings: Settings) -> None:
    await fails(settings, broken)
    Node.of(settings).close()
