"""What a fresh install brings."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from typing import Any

from ttsai_server.settings import CHECKOUT

PROJECT: dict[str, Any] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]

ABSENT = {"whisper": ["openai-whisper"]}
"""Module that only an extra brings → its package, where their names differ."""


def name_of(requirement: str) -> str:
    """`SQLAlchemy[asyncio]>=2` → `sqlalchemy`"""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement)[0]).lower()


def imported() -> set[str]:
    """Top-level modules that the package imports and Python does not bring."""
    trees = [ast.parse(file.read_text()) for file in (CHECKOUT / "src").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    whole = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    parts = [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return {name.split(".")[0] for name in [*whole, *parts]} - sys.stdlib_module_names - {"ttsai_server"}


def test_every_package_that_is_imported_is_asked_for() -> None:
    extras = PROJECT["optional-dependencies"]
    lines = [*PROJECT["dependencies"], *(line for name in extras if name != "dev" for line in extras[name])]
    asked, bringers = {name_of(line) for line in lines}, ABSENT | dict(packages_distributions())
    # what an extra brings need not be installed here: it goes by the module's name then
    missing = {name for name in imported() if not asked & {name_of(d) for d in bringers.get(name, [name])}}
    assert not missing


def test_every_package_that_is_asked_for_is_pinned() -> None:
    pinned = {name_of(line) for line in (CHECKOUT / "constraints.txt").read_text().splitlines()}
    asked = [*PROJECT["dependencies"], *(line for lines in PROJECT["optional-dependencies"].values() for line in lines)]
    assert {name_of(line) for line in asked} - pinned - {"ttsai-server"} == set()
