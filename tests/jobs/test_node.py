"""The name that a server has among those on the same database."""

from pathlib import Path

import pytest

from ttsai_server.jobs.node import Node, NodeNameTaken
from ttsai_server.settings import Jobs, Settings


def named(settings: Settings) -> str:
    """The name that a server has which runs no longer."""
    node = Node.of(settings)
    node.close()
    return node.name


def test_a_servers_name_stays(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert named(settings) == named(settings)


def test_servers_have_different_names(tmp_path: Path) -> None:
    assert named(Settings(data_dir=tmp_path / "a")) != named(Settings(data_dir=tmp_path / "b"))


def test_a_name_can_be_given(tmp_path: Path) -> None:
    assert named(Settings(data_dir=tmp_path, jobs=Jobs(node="left"))) == "left"


def test_servers_that_run_on_one_folder_have_different_names(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    first, second = Node.of(settings), Node.of(settings)
    assert first.name != second.name
    first.close()
    assert named(settings) == first.name
    second.close()


def test_a_given_name_is_refused_while_another_server_on_the_folder_has_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, jobs=Jobs(node="left/right"))
    running = Node.of(settings)
    with pytest.raises(NodeNameTaken, match="left/right"):
        Node.of(settings)
    running.close()
    assert named(settings) == "left/right"
