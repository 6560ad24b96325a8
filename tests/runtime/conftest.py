"""What models in processes of their own need of the tests."""

import os
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _tests_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]
    """In a model's process too, where the misbehaving engine is loaded."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TOP), *filter(None, [os.environ.get("PYTHONPATH")])]))
