"""Work of PyTorch's modules is stopped by its own cancellation, and by no other."""

import pytest

pytest.importorskip("torch")

import torch  # pyright: ignore[reportMissingImports]

from ttsai_server.engines.base import Cancellation
from ttsai_server.engines.shared.pytorch import Interruptible


def test_a_layer_that_models_share_is_stopped_only_by_the_work_that_runs_it() -> None:
    layer, cancelled = torch.nn.ReLU(), Cancellation()
    one, other = Interruptible(layer), Interruptible(layer)
    with one.running(cancelled):
        layer(torch.ones(1))
    cancelled.cancel()
    with other.running(Cancellation()):
        assert layer(torch.ones(1)) == 1
