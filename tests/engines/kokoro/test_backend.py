"""Which library runs the model."""

import sys
from pathlib import Path

import pytest

from ttsai_server.domain import ModelCard
from ttsai_server.engines.base import LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.kokoro.adapter import Kokoro
from ttsai_server.engines.kokoro.backend import open_backend
from ttsai_server.engines.kokoro.onnx_backend import OnnxRuntime
from ttsai_server.engines.kokoro.openvino_backend import OpenVino
from ttsai_server.errors import EngineFailed
from ttsai_server.settings import Settings


@pytest.fixture
def card() -> ModelCard:
    return read_card(Settings().models.cards / "kokoro.toml")


@pytest.fixture(params=["torch", "kokoro"])
def absent(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package of the extra `torch`, which is not installed."""
    monkeypatch.setitem(sys.modules, request.param, None)
    return request.param


def test_the_extra_is_named_where_torch_is_asked_for_and_not_there(absent: str, tmp_path: Path) -> None:
    with pytest.raises(EngineFailed, match=rf"{absent}.*pip install 'ttsai-server\[torch\]'"):
        open_backend("torch", "auto", LoadContext(tmp_path, "cuda"), 1)


def test_auto_on_a_gpu_without_torch_is_openvino_and_a_warning(
    absent: str, card: ModelCard, kokoro_weights: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Kokoro.prepare(card, kokoro_weights)
    runtime = open_backend("auto", "auto", LoadContext(kokoro_weights, "cuda"), 1)
    runtime.close()
    assert isinstance(runtime, OpenVino)
    assert absent in caplog.text


def test_auto_is_onnx_runtime_where_openvino_can_not_run_the_graph(
    card: ModelCard, kokoro_weights: Path, tmp_path: Path
) -> None:
    Kokoro.prepare(card, kokoro_weights)
    (tmp_path / "graph").mkdir()
    for part in (kokoro_weights / "graph").glob("*.onnx"):
        (tmp_path / "graph" / part.name).symlink_to(part)
        (tmp_path / "graph" / part.name).with_suffix(".xml").write_text("no graph")
    runtime = open_backend("auto", "auto", LoadContext(tmp_path), 1)
    runtime.close()
    assert isinstance(runtime, OnnxRuntime)
