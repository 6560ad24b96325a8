"""What a fresh install brings."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

from ttsai_server.engines.kokoro.adapter import INSTALL_MISAKI
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


def test_the_command_that_installs_misaki_installs_the_release_that_is_pinned() -> None:
    assert INSTALL_MISAKI.split()[-1] in (CHECKOUT / "constraints.txt").read_text().splitlines()


@pytest.mark.parametrize("version", ["3, 10", "3, 15"])
def test_a_python_that_is_too_old_or_too_new_is_named_before_anything_is_installed(
    version: str, tmp_path: Path
) -> None:
    python = tmp_path / "python"
    code = f"import sys; sys.version_info = ({version}); exec(sys.argv[2])"
    python.write_text(f"""#!/bin/sh\nexec {sys.executable} -c '{code}' "$@"\n""")
    python.chmod(0o755)
    done = subprocess.run(
        ["make", "--no-print-directory", "-f", CHECKOUT / "Makefile", "setup", f"PYTHON={python}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode
    assert done.stdout == ""
    assert done.stderr.startswith(f"Python 3.11 to 3.14 is needed, and this is {version.replace(', ', '.')}:")
