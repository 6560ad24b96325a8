"""Environments that real uv makes, of packages in a folder."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.engines.weights.sources import make_card, write_wheel
from typer.testing import CliRunner

from ttsai_server.cli import app
from ttsai_server.domain import Environment, ModelCard
from ttsai_server.engines import environments
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.catalog import Catalog
from ttsai_server.engines.environments import interpreter, is_whole, make
from ttsai_server.engines.installation import install_command, require_installed
from ttsai_server.errors import BadCard, InstallFailed, PackagesMissing
from ttsai_server.services.availability import availability
from ttsai_server.settings import CHECKOUT, Models, Settings

ELSEWHERE = [card for card in Catalog.read(Settings().models.cards).models.values() if card.environment]
VERSION = "print(__import__('tiny_engine').VERSION)"
CARD = """
id = "m"
name = "M"
tasks = ["tts"]
tier = "free"
engine = "ttsai_server.engines.base:Engine"
licence = "MIT"
languages = ["en"]
rate = 24000
[environment]
"""


@pytest.fixture(autouse=True)
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The only place where uv finds packages: a folder with two releases of tiny-engine. No Python is fetched."""
    (tmp_path / "wheels").mkdir()
    for version in ("1.0", "2.0"):
        write_wheel(tmp_path / "wheels", "tiny-engine", {"tiny_engine.py": f"VERSION = {version!r}".encode()}, version)
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(environments, "OUR_PACKAGES", ())


def card_with(*packages: str, python: str = ">=3.11") -> ModelCard:
    return replace(make_card(), environment=Environment(python, packages))


def said(python: Path, code: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([python, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_an_environment_has_the_packages_that_the_card_pins(version: str, tmp_path: Path) -> None:
    card = card_with(f"tiny-engine=={version}")
    make(card, tmp_path)
    assert said(interpreter(card, tmp_path), VERSION) == version


def test_what_a_package_requires_may_be_left_out(tmp_path: Path) -> None:
    files, needs = {"greedy.py": b""}, "Requires-Dist: not-to-be-had>=3"
    write_wheel(tmp_path / "wheels", "greedy", files, requires=needs)
    with pytest.raises(InstallFailed, match="not-to-be-had"):
        make(card_with("greedy==1.0"), tmp_path)
    card = replace(make_card(), environment=Environment(">=3.11", ("greedy==1.0",), ("not-to-be-had",)))
    make(card, tmp_path)
    assert said(interpreter(card, tmp_path), "import greedy; print('there')") == "there"


def test_packages_are_looked_forwhere_pip_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "index").mkdir()
    monkeypatch.delenv("UV_NO_INDEX")
    monkeypatch.delenv("UV_FIND_LINKS")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    (tmp_path / "pip.conf").write_text(f"[global]\nfind-links = /nowhere\nindex-url = file://{tmp_path}/index\n")
    card = card_with("tiny-engine==1.0")
    make(card, tmp_path)
    assert said(interpreter(card, tmp_path), VERSION) == "1.0"


def test_an_environment_runs_the_code_of_this_server_and_has_none_of_its_packages(tmp_path: Path) -> None:
    card = card_with("tiny-engine==1.0")
    make(card, tmp_path)
    python = interpreter(card, tmp_path)
    where = said(python, "import ttsai_server.errors; print(ttsai_server.errors.__file__)")
    assert Path(where).resolve() == CHECKOUT / "src/ttsai_server/errors.py"
    assert said(python, "from importlib.util import find_spec; print(find_spec('fastapi'))") == "None"


def test_a_model_is_not_installed_until_its_environment_is_made(tmp_path: Path) -> None:
    card = card_with("tiny-engine==1.0")
    with pytest.raises(PackagesMissing, match="ttsai-server models install m"):
        require_installed(card, tmp_path)
    make(card, tmp_path)
    require_installed(card, tmp_path)


def test_its_state_names_the_command_that_makes_it(tmp_path: Path) -> None:
    found = availability(card_with("tiny-engine==1.0"), Models(dir=tmp_path))
    assert (found.status, found.command) == ("needs_install", "ttsai-server models install m")


@pytest.mark.parametrize("card", ELSEWHERE, ids=lambda card: card.id)
def test_a_model_of_the_project_names_the_command_that_makes_its_environment(card: ModelCard, tmp_path: Path) -> None:
    found = availability(card, Models(dir=tmp_path))
    assert found.status == "needs_install"
    assert f"ttsai-server models install {card.id}" in (found.command or "")
    with pytest.raises(PackagesMissing, match=f"ttsai-server models install {card.id}") as raised:
        require_installed(card, tmp_path)
    assert raised.value.status == 503


def test_other_requirements_need_another_install(tmp_path: Path) -> None:
    make(card_with("tiny-engine==1.0"), tmp_path)
    later = card_with("tiny-engine==2.0")
    assert install_command(later, tmp_path)
    make(later, tmp_path)
    assert said(interpreter(later, tmp_path), VERSION) == "2.0"


def test_one_that_is_whole_is_left_as_it_is(tmp_path: Path) -> None:
    card = card_with("tiny-engine==1.0")
    make(card, tmp_path)
    lines: list[str] = []
    make(card, tmp_path, lines.append)
    assert lines == []


@pytest.mark.parametrize("stage", ["Creating virtual environment", "Installed 1 package"])
def test_one_whose_making_was_killed_is_not_whole_and_is_made_again(stage: str, tmp_path: Path) -> None:
    card = card_with("tiny-engine==1.0")
    code = f"""
import os, sys
from pathlib import Path
from tests.engines.test_environments import card_with
from ttsai_server.engines import environments
environments.OUR_PACKAGES = ()
tell = lambda line: os._exit(9) if line.startswith({stage!r}) else None
environments.make(card_with("tiny-engine==1.0"), Path(sys.argv[1]), tell)
"""
    assert subprocess.run([sys.executable, "-c", code, tmp_path]).returncode == 9
    assert not is_whole(card, tmp_path)
    found = availability(card, Models(dir=tmp_path))
    assert (found.status, found.reason) == ("broken", "its environment is only half made")
    assert found.command == "ttsai-server models install m"
    make(card, tmp_path)
    assert said(interpreter(card, tmp_path), VERSION) == "1.0"


def _forget_python(folder: Path) -> None:
    (folder / "bin/python").unlink()


def _move_code(folder: Path) -> None:
    (link,) = folder.glob("lib/python*/site-packages/ttsai_server")
    link.unlink()
    link.symlink_to(folder)


@pytest.mark.parametrize("damage", [_forget_python, _move_code])
def test_one_whose_python_or_code_is_gone_is_not_whole(damage: Callable[[Path], None], tmp_path: Path) -> None:
    card = card_with("tiny-engine==1.0")
    make(card, tmp_path)
    damage(tmp_path / "m/.venv")
    assert not is_whole(card, tmp_path)


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        (card_with("tiny-engine==3.0"), "tiny-engine==3.0"),
        (card_with("tiny-engine==1.0", python=">=3.99"), "3.99"),
    ],
)
def test_what_can_not_be_had_is_told_in_uvs_words(card: ModelCard, reason: str, tmp_path: Path) -> None:
    with pytest.raises(InstallFailed) as raised:
        make(card, tmp_path)
    assert reason in raised.value.message
    assert not is_whole(card, tmp_path)


def test_without_uv_it_is_said_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uv", None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InstallFailed, match=r"pip install 'ttsai-server\[environments\]'"):
        make(card_with("tiny-engine==1.0"), tmp_path)


def test_the_command_makes_it_and_the_list_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards/m.toml").write_text(f'{CARD}packages = ["tiny-engine==1.0"]')
    monkeypatch.setenv("TTSAI_SERVER__MODELS__CARDS", str(tmp_path / "cards"))
    monkeypatch.setenv("TTSAI_SERVER__MODELS__DIR", str(tmp_path / "models"))
    before, made, after = (
        json.loads(CliRunner().invoke(app, ["models", *words.split(), "--json"]).stdout)["models"][0]
        for words in ("list", "install m", "list")
    )
    assert (before["status"], before["command"]) == ("needs_install", "ttsai-server models install m")
    assert made == {"id": "m", "packages": "ready", "error": None}
    assert (after["status"], after["command"]) == ("ready", None)


@pytest.mark.parametrize(
    "environment",
    ['packages = ["tiny-engine"]', 'packages = ["tiny-engine>=1"]', 'packages = ["--index-url=x==1"]', "packages = []",
     'python = "3.11"\npackages = ["tiny-engine==1.0"]', 'python = ">=3.11 -x"\npackages = ["tiny-engine==1.0"]'],
)  # fmt: skip
def test_an_environment_that_is_not_pinned_is_refused(environment: str, tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(CARD + environment)
    with pytest.raises(BadCard, match="environment"):
        read_card(tmp_path / "m.toml")


def test_a_model_with_an_environment_has_no_derived_files(tmp_path: Path) -> None:
    card = CARD.replace("[environment]", 'derived = ["graph.onnx"]\n[environment]')
    (tmp_path / "m.toml").write_text(f'{card}packages = ["tiny-engine==1.0"]')
    with pytest.raises(BadCard, match="derived"):
        read_card(tmp_path / "m.toml")
