"""Rules of the house that no linter knows."""

import subprocess
import sys
from pathlib import Path

import pytest

from ttsai_server.domain import ModelCard
from ttsai_server.engines.base import Engine
from ttsai_server.engines.catalog import Catalog, load_class
from ttsai_server.settings import CHECKOUT, Settings

HEAVY = {
    "torch", "onnxruntime", "openvino", "ctranslate2", "sherpa_onnx", "whisper", "librosa", "spacy", "misaki", "av",
    "lingua", "alembic",
}  # fmt: skip
LATER = {
    "asyncpg",
    "faster_whisper",
    "filelock",
    "httpx",
    "huggingface_hub",
    "jinja2",
    "onnx",
    "redis",
    "rich",
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.ext.asyncio",
    "typer",
    "uvicorn",
}
"""What the server has no need of until a request, a setting or a command asks for it: each is a part of a second."""
CARDS = Catalog.read(Settings().models.cards, demo=True).cards()


def modules_after(statement: str) -> set[str]:
    """What a fresh interpreter has imported after the statement."""
    code = f"{statement}\nimport sys; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_the_app_imports_no_heavy_package() -> None:
    assert not modules_after("import ttsai_server.app") & (HEAVY | LATER)


@pytest.mark.parametrize("module", sorted({card.engine.split(":")[0] for card in CARDS}))
def test_an_engine_imports_no_heavy_package(module: str) -> None:
    assert not modules_after(f"import {module}") & HEAVY


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_every_card_has_an_engine_that_is_tested_with_one_of_its_models(card: ModelCard) -> None:
    assert issubclass(load_class(card), Engine)
    tests = "".join(test.read_text() for test in (CHECKOUT / "tests" / "engines").rglob("test_*.py"))
    assert any(f'model_id = "{other.id}"' in tests for other in CARDS if other.engine == card.engine)


def test_no_file_names_this_machine() -> None:
    files = subprocess.run(["git", "ls-files"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout.split()
    homes = [f"{Path.home()}/", f"{CHECKOUT}/"]
    guilty = [f for f in files if any(h in (CHECKOUT / f).read_text(errors="ignore") for h in homes)]
    assert not guilty
