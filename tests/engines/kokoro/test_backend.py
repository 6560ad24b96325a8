"""Which library runs the model."""

import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import get_ident
from typing import Any

import numpy as np
import pytest

from ttsai_server.domain import ModelCard
from ttsai_server.engines.base import Cancellation, LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.kokoro.adapter import Kokoro
from ttsai_server.engines.kokoro.backend import PhonemeChunk, open_backend
from ttsai_server.engines.kokoro.onnx_backend import OnnxRuntime
from ttsai_server.engines.kokoro.openvino_backend import OpenVino
from ttsai_server.engines.shared.onnx import Session
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


def test_onnx_runtime_runs_no_more_at_a_time_than_it_was_loaded_for_however_many_threads_come(
    card: ModelCard, kokoro_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, at_once, plain = set[int](), list[int](), Session.run

    def counted(session: Session, inputs: Mapping[str, Any], cancellation: Cancellation) -> Mapping[str, Any]:
        running.add(get_ident())
        at_once.append(len(running))
        try:
            return plain(session, inputs, cancellation)
        finally:
            running.discard(get_ident())

    monkeypatch.setattr(Session, "run", counted)
    Kokoro.prepare(card, kokoro_weights)
    runtime = open_backend("onnxruntime", "auto", LoadContext(kokoro_weights, threads=1), 1)
    chunk = PhonemeChunk(np.zeros((1, 4), np.int64), np.zeros((1, 256), np.float32), 1.0)
    with ThreadPoolExecutor(4) as threads:
        speeches = [threads.submit(runtime.speak, chunk, Cancellation()) for _ in range(4)]
        spoken = [speech.result() for speech in speeches]
    runtime.close()
    assert len({len(output.waveform) for output in spoken}) == 1
    assert max(at_once) == 1
