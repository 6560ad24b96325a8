"""Our mel spectrum and our graph against librosa 0.11 and Resemblyzer 0.1.4 (torch 2.13), run once on this sound."""

import pickle
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from ttsai_server.engines.shared.checkpoint import read_tensors
from ttsai_server.engines.shared.speaker_mel import mel
from ttsai_server.engines.speakers.graph import build
from ttsai_server.errors import EngineFailed

MEL_50 = [0.03079714, 0.08751868, 0.02097479, 0.02008513, 0.00749229]
"""The first bands of frame 50."""
MEL_100 = [1.5134631e-02, 2.0835414e-03, 6.4645667e-04, 2.5000845e-04, 5.1688676e-05]
"""Every eighth band of frame 100."""
MEL_EDGE = [0.04749182, 0.02586396, 0.00732016, 0.00378543, 0.00310525]
"""The first bands of frame 0, half of which is before the sound."""
MEL_SUM = 59.793262
EMBEDDING = [
    0.016164254397153854, 0.0, 0.0, 0.0, 0.0, 0.03347011283040047, 0.0, 0.03954784944653511, 0.0, 0.06250828504562378,
    0.14687252044677734, 0.08718922734260559, 0.0, 0.0, 0.035848673433065414, 0.060529787093400955,
]  # fmt: skip
"""Its first values, of the first 160 frames."""
MOMENT = 1311.7776744114235
"""The sum of value times index."""


def sound() -> np.ndarray:
    """Two seconds of a buzz that rises from 120 Hz and swells three times a second."""
    t = np.arange(32000) / 16000
    phase = 2 * np.pi * (120 * t + 15 * t**2)
    buzz = sum(np.sin(k * phase) / k for k in range(1, 30))
    return (buzz * (0.5 + 0.5 * np.sin(2 * np.pi * 3 * t)) * 0.05).astype(np.float32)


def embed(weights: Path, spectrum: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(weights / "encoder.onnx")
    return np.asarray(session.run(None, {"mel": spectrum[None]})[0])[0]


def test_the_mel_spectrum_is_librosas() -> None:
    spectrum = mel(sound())
    assert (spectrum.shape, spectrum.dtype) == ((201, 40), np.float32)
    assert spectrum[50, :5] == pytest.approx(MEL_50, rel=1e-4)
    assert spectrum[100, ::8] == pytest.approx(MEL_100, rel=1e-3)
    assert spectrum[0, :5] == pytest.approx(MEL_EDGE, rel=1e-4)
    assert spectrum.sum() == pytest.approx(MEL_SUM, rel=1e-5)


def test_the_embedding_is_resemblyzers(speakers_weights: Path) -> None:
    embedding = embed(speakers_weights, mel(sound())[:160])
    assert embedding[:16] == pytest.approx(EMBEDDING, abs=1e-5)
    assert float(embedding @ np.arange(256)) == pytest.approx(MOMENT, rel=1e-5)


def test_building_again_gives_the_same_graph(speakers_weights: Path, tmp_path: Path) -> None:
    build(speakers_weights / "pretrained.pt", tmp_path / "encoder.onnx")
    assert (tmp_path / "encoder.onnx").read_bytes() == (speakers_weights / "encoder.onnx").read_bytes()


def test_a_silent_window_has_an_embedding_of_numbers(speakers_weights: Path) -> None:
    assert np.isfinite(embed(speakers_weights, np.zeros((40, 40), np.float32))).all()


@pytest.mark.parametrize("keep", [0, 100, 5000, 1_000_000])
def test_a_checkpoint_that_is_cut_off_is_refused(speakers_weights: Path, tmp_path: Path, keep: int) -> None:
    cut = tmp_path / "pretrained.pt"
    cut.write_bytes((speakers_weights / "pretrained.pt").read_bytes()[:keep])
    with pytest.raises(EngineFailed):
        build(cut, tmp_path / "encoder.onnx")
    assert not (tmp_path / "encoder.onnx").exists()


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit",)


@pytest.mark.parametrize("content", [Evil(), 7, b"PK"])
def test_a_file_of_anything_else_is_refused(tmp_path: Path, content: object) -> None:
    (tmp_path / "evil.pt").write_bytes(pickle.dumps(content))
    with pytest.raises(EngineFailed):
        read_tensors(tmp_path / "evil.pt", "model_state")


def test_a_checkpoint_of_another_model_is_refused(speakers_weights: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineFailed):
        read_tensors(speakers_weights / "pretrained.pt", "no_such_state")
